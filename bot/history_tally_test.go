package bot_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"resetbot/conversation"
)

// tally counts what came about in all schedules: rules that are never put to the
// test prove nothing.
type tally struct {
	mu     sync.Mutex
	played int
	count  map[string]int
}

func newTally() *tally { return &tally{count: map[string]int{}} }

func (s *tally) add(history []happening, met map[string]int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.played++
	for name, n := range met {
		s.count[name] += n
	}
	versions := map[string]int{}
	for _, h := range history {
		s.count[strings.TrimPrefix(fmt.Sprintf("%T", h.What), "bot_test.")]++
		switch what := h.What.(type) {
		case judged:
			s.count["judged "+string(what.Judgement.Verdict)]++
		case died:
			s.count["died "+what.Point]++
		case late:
			s.count["late "+what.What]++
		case told:
			s.count["told "+string(what.Notice.Message)]++
		case committed:
			c := what.Change.Conversation
			for _, line := range what.Change.Audit {
				if line.Detail != "" {
					s.count["audit "+line.Detail]++
				}
			}
			if what.Change.Same || c.Page.Version == versions[c.ID] && c.User.Chat != "owner" {
				continue
			}
			versions[c.ID] = c.Page.Version
			s.page(c)
		}
	}
}

// page counts what a new page says, and where a conversation ended.
func (s *tally) page(c conversation.Conversation) {
	if c.State.Over() {
		s.count["ended "+string(c.State)]++
		if c.Page.ID != "" { // an owner's walk has no pages
			s.count[string(c.Page.ID)]++
		}
	}
	for _, n := range c.Page.Notes {
		s.count[string(n.ID)]++
	}
}

func (s *tally) String() string {
	var text strings.Builder
	for _, name := range sorted(s.count) {
		fmt.Fprintf(&text, "\n%8d %s", s.count[name], name)
	}
	return text.String()
}

// few is what a hundred schedules come by, many what thousands must.
var (
	few = []string{
		"wrote", "kept", "disowned", "died", "challenged", "told", "again", "again after a restart", "out of order",
		"judged right", "judged wrong", "judged none", "judged denied", "stale button", "late",
		"ended done", "ended enrolled", "ended locked", "ended displaced", "ended withdrawn", "ended expired",
		"ended cancelled", "ended secured", "ended denied",
		"bound", "recognised", "own chat by a binding",
	}
	many = []string{
		"died after a challenge", "died after a commit", "died after a judgement", "died after a page",
		"died after a write", "died after an app is kept", "died before a challenge", "died before a commit",
		"died before a mail", "died before a notice is settled", "died before a page", "died before a write",
		"died before an app is kept",
		"late app", "late challenge", "late check", "late find", "late sign in", "late unlock", "late write",
		"judged too late", "written while unknown", "sent away", "displaced by the owner", "a lock ran out",
		"unlocked with one proof", "a further app", "removed", "exposed password refused", "captchas used up",
		"note.cooldown", "note.challenges", "note.code_same", "note.code_used", "note.code_over", "note.code_late",
		"note.captcha_wrong", "note.captcha_old", "note.not_judged", "note.interrupted", "note.entry_word",
		"note.password_refused", "note.password_chat", "note.password_again", "note.method_down", "note.too_young",
		"note.family_used", "note.write_open", "note.found_changed", "note.not_changed", "note.not_yours",
		"note.number_wrong", "note.current_again", "note.scan_wrong",
		"end.refusals", "end.one_family", "end.no_methods", "end.not_own", "end.ineligible", "end.enrol_reset",
		"end.enrol_second", "end.enrol_password", "end.frozen", "end.still_locked", "end.withdrawn", "end.busy",
		"audit asker_many_accounts", "audit current_password", "audit account_changed", "audit denied_by_owner",
		"audit disowned_by_owner", "audit phone_lost",
		"told owner.removed", "told owner.secured", "told owner.other", "told owner.locked", "told owner.denied",
		"told owner.bound", "audit disowned", "audit unbound", "unbound",
	}
)

// reached fails where a part of the wizard was not played at all.
func (s *tally) reached(t *testing.T) {
	t.Helper()
	var names []string
	if s.played >= histories {
		names = few
	}
	if s.played >= 50*histories {
		names = append(names[:len(names):len(names)], many...)
	}
	for _, name := range names {
		if s.count[name] == 0 {
			t.Errorf("never came about: %s", name)
		}
	}
}
