#!/usr/bin/env bash
# Measures everything that docs/benchmarks.md has, and prints that page:
#
#	docs/bench.sh > /tmp/benchmarks.md && mv /tmp/benchmarks.md docs/benchmarks.md
#
# It takes about ten minutes, on a machine that does nothing else meanwhile. What is
# compared is measured in the same run; of three rounds the middle one counts.
set -euo pipefail
cd "$(dirname "$0")/.."
results=$(mktemp)
trap 'rm -f "$results"' EXIT

bench() { # package, benchmarks, how long each
	echo "$1 $2" >&2
	go test -run '^$' -bench "$2" -benchtime "$3" -count 3 "$1" >>"$results"
}

measure() { # package, test
	echo "$1 $2" >&2
	RESETBOT_MEASURE=1 go test -count 1 -v -run "$2" "$1" >>"$results"
}

# value is what a benchmark says in a unit.
value() { # benchmark, unit
	awk -v name="Benchmark$1" -v unit="$2" '
		{ sub(/-[0-9]+$/, "", $1) }
		$1 == name { for (i = 3; i < NF; i += 2) if ($(i + 1) == unit) print $i }
	' "$results" | sort -g | sed -n 2p
}

took() { # benchmark
	value "$1" ns/op | awk '{
		if ($1 < 1e3) printf "%.0f ns", $1
		else if ($1 < 1e5) printf "%.1f µs", $1 / 1e3
		else if ($1 < 1e6) printf "%.0f µs", $1 / 1e3
		else printf "%.1f ms", $1 / 1e6
	}'
}

commits() { # writers
	awk -v n="$1" -v group="$(value "Update/writers=$1/group" updates/s)" \
		-v update="$(value "Update/writers=$1/db.Update" updates/s)" \
		-v batch="$(value "Update/writers=$1/db.Batch" updates/s)" 'BEGIN {
			printf "| %d | %.0f | %.0f | %.0f | %.1f | %.1f |\n", n, group, update, batch, group / update, group / batch
		}'
}

said() { # what a test logged, by its words
	sed -n "s/^ *[a-z_]*\.go:[0-9]*: \(.*$1.*\)/\1/p" "$results" | paste -sd ';' | sed 's/;/; /g'
}

rows() { # of the table of a chat
	sed -n "s/^ *load_test.go:[0-9]*: row of $1 //p" "$results" | awk 'NR == 1 { print; gsub(/[^|]+/, "---"); print; next } { print }'
}

began=$(cut -d ' ' -f 1 /proc/loadavg)
bench ./conversation Step 1s
bench ./conversation/words 'Understand|Render' 1s
bench ./bot Receive 1s
bench ./adapters/store/bolt Update 1s
bench ./adapters/password Judge 1s
bench ./adapters/captcha 'Paint|Speak' 1s
bench ./adapters/chat/teams 'Token|Card|Send' 1s
bench ./adapters/chat/slack 'Blocks|Send' 1s
measure ./bot TestManyConversationsInProgress
measure ./cmd/resetbot 'TestMeasured|TestFiftyEmployeesAtOnce'

cat <<PAGE
# Benchmarks

One run of \`docs/bench.sh\`, which prints this page, on $(date +%F): $(nproc) cores of an
$(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1), $(go env GOVERSION), the store on $(findmnt -no FSTYPE -T "${TMPDIR:-/tmp}"). \
The load was $began when it began and $(cut -d ' ' -f 1 /proc/loadavg) at
its end; a program that measures alone makes about 2. Times depend on the machine, and disks most of all;
compare ratios.

## A message

| what | time |
|---|---|
| \`Step\`, a page that stays | $(took Step/help) |
| \`Step\`, a page that leads on | $(took Step/reset) |
| understanding typed words: a label of the page; nothing known | $(took Understand/label); $(took Understand/nothing) |
| rendering a page in words | $(took Render) |
| \`Receive\` on the memory store: understood, judged, stored | $(took Receive/memory/alone) (goal: 100 µs) |
| \`Receive\` on the bolt store: durable | $(took Receive/bolt/alone) |
| the same for each of 64 people at once | $(took Receive/bolt/64_people) |

## A message in Microsoft Teams

The service with everything on, over the platform's own protocol (\`TestMeasuredMessagesInTeams\`): so many people who each
say the next thing when the page has come that they asked for. Beside it, in turns, a bot that does next to nothing
(\`cmd/resetbot/bare_test.go\`): it verifies the signature, makes what was said durable, acknowledges, and sends one
line. Each in a process of its own on one core, who talks to it on the other; the platform's limits are lifted.

$(rows Teams)

* *p50, p99*: from sending a message to its page. *CPU each*: of the service's process, for each message.
* A message costs two requests to the platform: the new page, and the old one that loses its buttons. Nothing else is
  asked of it: keys and the service's own token once.
* The goal is 0.75 times the messages and 1.3 times the CPU of the bare bot. It is not met. A wizard of nine
  messages on Microsoft's own libraries took, measured the same way before, 2,880 µs (Teams SDK for TypeScript) and 3,950
  µs (Bot Framework SDK for JavaScript) of CPU a message.

| what | time |
|---|---|
| the token of a request, seen first | $(took Token/first) (goal: 60 µs) |
| the same token again | $(took Token/remembered) (goal: 5 µs) |
| drawing a card: five pages | $(for p in start step_1 text_message password_on_a_page_of_its_own done; do took "Card/card/$p"; echo; done | paste -sd ';' | sed 's/;/; /g') |
| sending one of 8 kB, and reading the answer | $(took Send/card_of_8_kB) |

## A message in Slack

The same in Slack, over HTTP (\`TestMeasuredMessagesInSlack\`); the bare bot verifies the signature of the request.

$(rows Slack)

* A message costs two requests to Slack: the new page, and the old one that loses its buttons. Who somebody is is asked
  once in ten minutes.

| what | time |
|---|---|
| drawing a page: five pages | $(for p in start step_1 text_message password_on_a_page_of_its_own done; do took "Blocks/blocks/$p"; echo; done | paste -sd ';' | sed 's/;/; /g') |
| drawing and sending a short page; one with choices; and reading the answer | $(took Send/wait.find); $(took Send/step.choose) |

## Commits

\`BenchmarkUpdate\` of \`adapters/store/bolt\`: the same puts (a sealed conversation, its deadline, a counter, an
audit line) by the store, by plain \`db.Update\` and by \`db.Batch\` of bbolt. Updates a second:

| writers | this store | \`db.Update\` | \`db.Batch\` | ratio to \`db.Update\` | to \`db.Batch\` |
|---|---|---|---|---|---|
$(for writers in 1 16 64 256; do commits "$writers"; done)

The goal is 5 times \`db.Update\` at 64 writers. A message is one commit; that its page was delivered is a second
one, which rides along with others ([why steps are taken beside the writer](decisions/0016-steps-beside-the-writer.md)).

## A full house

\`TestManyConversationsInProgress\` of \`bot\`: a store with many conversations in progress, of which a tenth is over
when the service starts; meanwhile eight people write twenty messages a second each.

$(grep -E '^ *\| ' "$results" | sed 's/^ *//' | awk 'NR == 1 { print; gsub(/[^|]+/, "---"); print; next } { print }')

* *came to*: at the captcha nothing is counted yet. Who named an account has it noted in that account's record and
  in counters; at the end what was not used is given back, and the audit has a line of it.
* *ready*: from opening the store to a bot that says it is.
* *ended*: from then until the last of those who are over is ended in the store, durably: their last page is
  written, counters are given back, the line is in the audit. *CPU* is what the whole process used until then.
* *told*: until the last of these pages was handed to the chat as well, and that is noted, durably.
* *p50, p99*: how long the eight waited until their message was durable.
* *heap* is what is in use in the end, *memory* the most that the process had of its own (not of files) at any moment.

## Passwords

| what | time |
|---|---|
| judging 23 characters | $(took Judge/23) |
| judging 256 characters, ordinary words | $(took Judge/256_words) |
| judging 256 letters that are no words | $(took Judge/256_letters) |
| judging 256 characters, the worst found | $(took Judge/256_signs_for_letters) (goal: 2 ms) |
| refusing 10 MB | $(took Judge/10_MB) |

[How good the rules are](security/passwords.md).

## The captcha

| what | time |
|---|---|
| drawing one | $(took Paint) |
| saying one | $(took Speak) |

[How good it is](security/captcha.md): who reads it, and what does.

## The web

The program as it is shipped, measured from outside (goals: 2 s for the first page of the demo, 100 MB with 200 open
chats, each with its stream of pages).

* From the start of the program to the first page of the demo: $(said 'the first page came').
* Resident memory: $(said 'open chats').
* Whole resets over HTTP, from the first page to the last, at the pace that nobody sees through (every outcome 1.5 s
  after its question), the players included: $(said 'resets at once').
PAGE
