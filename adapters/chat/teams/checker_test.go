package teams_test

import (
	"bytes"
	"crypto"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/infracloudio/msbotbuilder-go/schema"

	"resetbot/adapters/chat/teams"
)

// Microsoft's own checker of tokens, botframework-connector of npm, judges what
// ours judges. What a machine needs for it, and how .ci/run gets it:
//
//	node                     apt-get install nodejs
//	botframework-connector   npm install botframework-connector@4.23.3;
//	                         RESETBOT_BOTFRAMEWORK is the path of node_modules
//
// Without them these tests are skipped, and fail where RESETBOT_REQUIRE is set.

// question is what Microsoft's checker is asked, verdict what it says.
type question struct {
	Header   string         `json:"header"`
	Activity map[string]any `json:"activity"`
}

type verdict struct {
	Accepted bool   `json:"accepted"`
	Status   int    `json:"status"`
	Message  string `json:"message"`
}

func asked(header string, a schema.Activity) question {
	q := question{header, map[string]any{"type": "message", "channelId": a.ChannelID}}
	if a.ServiceURL != "" {
		q.Activity["serviceUrl"] = a.ServiceURL
	}
	return q
}

// checker is Microsoft's checker: the program that runs it, and where it is.
type checker struct{ node, modules string }

func findChecker(t *testing.T) checker {
	t.Helper()
	lacking := t.Skip
	if os.Getenv("RESETBOT_REQUIRE") != "" {
		lacking = t.Fatal
	}
	modules, err := filepath.Abs(os.Getenv("RESETBOT_BOTFRAMEWORK"))
	if err != nil || os.Getenv("RESETBOT_BOTFRAMEWORK") == "" {
		lacking("Microsoft's checker is not here: npm install botframework-connector@4.23.3, and RESETBOT_BOTFRAMEWORK=node_modules")
	}
	node, err := exec.LookPath("node")
	if err != nil {
		lacking("there is no node here: apt-get install nodejs")
	}
	return checker{node, modules}
}

// judge is what the checker says to each question, when keys are published.
func (c checker) judge(t *testing.T, keys []map[string]any, questions []question) []verdict {
	t.Helper()
	metadata, _ := (&keyServer{keys: keys}).serve(t)
	emulator, _ := (&keyServer{keys: []map[string]any{published("emulator")}}).serve(t)

	var in, out, notes bytes.Buffer
	lines := json.NewEncoder(&in)
	for _, q := range questions {
		if err := lines.Encode(q); err != nil {
			t.Fatal(err)
		}
	}
	program := exec.CommandContext(t.Context(), c.node, filepath.Join("testdata", "checker", "judge.js"),
		c.modules, botID, metadata, emulator)
	program.Stdin, program.Stdout, program.Stderr = &in, &out, &notes
	if err := program.Run(); err != nil {
		t.Fatalf("asking Microsoft's checker: %v\n%s", err, notes.Bytes()[:min(notes.Len(), 2000)])
	}
	var verdicts []verdict
	for answers := json.NewDecoder(&out); ; {
		var v verdict
		if err := answers.Decode(&v); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		verdicts = append(verdicts, v)
	}
	if len(verdicts) != len(questions) {
		t.Fatalf("%d answers to %d questions", len(verdicts), len(questions))
	}
	return verdicts
}

func TestAC69_MicrosoftsOwnCheckerJudgesEachTokenAlike(t *testing.T) {
	microsoft := findChecker(t)
	table, keys := tokenTable(), tableKeys()
	var questions []question
	for _, c := range table {
		questions = append(questions, asked(c.bearer(), c.sent()))
		if c.rolled != nil {
			keys = append(keys, c.rolled)
		}
	}
	verdicts := microsoft.judge(t, keys, questions)
	for n, c := range table {
		t.Run(c.name, func(t *testing.T) {
			v := verdicts[n]
			if want := c.status == 0 || c.stricter != ""; v.Accepted != want {
				t.Errorf("Microsoft's checker: accepted %v (%s), want %v; ours answers %d %s", v.Accepted, v.Message, want, c.status, c.why)
			}
			if c.status == 0 && c.stricter != "" {
				t.Error("the table says why ours is stricter, and it is not")
			}
		})
	}
}

// shapes are what a claim, or a field of the header, may hold beside what it
// should.
var shapes = []any{
	absent{}, nil, "", "x", 0, 7, -1, 1.5, true, false, []any{}, []any{"x"}, map[string]any{}, map[string]any{"x": []any{nil}},
}

// anyCase is a token that is good but for up to three things.
func anyCase(r *rand.Rand, now time.Time) tokenCase {
	pick := func(of ...any) any { return of[r.IntN(len(of))] }
	signer := pick("teams", "teams", "teams", "slack", "bare", "mine").(string)
	c := tokenCase{header: changes{"kid": signer}, claims: changes{}, sign: rs256(signer)}
	at := func(minutes int) int64 { return now.Add(time.Duration(minutes) * time.Minute).Unix() }
	for range r.IntN(4) {
		shape := pick(shapes...)
		switch r.IntN(12) {
		case 0:
			c.claims["iss"] = pick(shape, framework, framework+"/", []any{framework}, v1)
		case 1:
			c.claims["aud"] = pick(shape, botID, []any{botID}, framework)
		case 2:
			c.claims["exp"] = pick(shape, at(-4), at(-6), at(60), float64(at(60))+0.25, fmt.Sprint(at(60)), []any{at(60)})
		case 3:
			c.claims["nbf"] = pick(shape, at(4), at(6), at(-60), fmt.Sprint(at(-60)), []any{at(-60)})
		case 4:
			c.claims["serviceurl"] = pick(shape, connector, connector[:len(connector)-1], []any{connector})
		case 5:
			c.claims[pick("ver", "appid", "azp", "tid", "ServiceUrl", "Aud").(string)] = pick(shape, "1.0", "2.0", botID, "other")
		case 6:
			c.claims["ver"] = pick("1.0", "2.0")
			c.claims[pick("appid", "azp").(string)] = pick(botID, "other", []any{botID}, 7)
		case 7:
			c.header["alg"] = pick(shape, "none", "HS256", "RS384", "PS256", "rs256")
			c.sign = [](func([]byte) []byte){unsigned, hs256(signer), pkcs1(signer, crypto.SHA384), pss(signer), rs256(signer)}[r.IntN(5)]
		case 8:
			c.header["kid"] = pick(shape, "teams", "slack", "bare")
		case 9:
			c.header[pick("typ", "x5t", "cty", "crit", "b64", "jku").(string)] = pick(shape, "JWT", "https://evil.example/keys")
		case 10:
			url, _ := pick(connector, "", "https://evil.example/").(string)
			c.activity = func(a *schema.Activity) { a.ServiceURL = url }
		case 11:
			id, _ := pick("slack", "", "MSTEAMS", "directline").(string)
			c.activity = func(a *schema.Activity) { a.ChannelID = id }
		}
	}
	return c
}

func TestAC69_NoTokenThatMicrosoftsOwnCheckerRefusesIsAccepted(t *testing.T) {
	microsoft := findChecker(t)
	keys := tableKeys()
	metadata, client := (&keyServer{keys: keys}).serve(t)
	tokens := teams.NewTokens(teams.TokenOptions{AppID: botID, MetadataURL: metadata, Client: client})
	now, r := time.Now(), rand.New(rand.NewPCG(69, 69))
	var cases []tokenCase
	var questions []question
	for range 1500 {
		c := anyCase(r, now)
		cases = append(cases, c)
		questions = append(questions, asked(c.bearer(), c.sent()))
	}
	// Why ours refuses what Microsoft's accepts: see the table.
	stricter := map[string]bool{
		"no_expiry": true, "service_url": true, "channel": true, "endorsement": true, "algorithm": true, "malformed": true, "from_bot": true,
	}
	both, ours := 0, map[string]int{}
	for n, v := range microsoft.judge(t, keys, questions) {
		status, why := check(t, tokens, cases[n].sent(), questions[n].Header)
		switch {
		case status == 0 && !v.Accepted:
			t.Errorf("accepted, and refused by Microsoft's (%s): header %v, claims %v", v.Message, cases[n].header, cases[n].claims)
		case status != 0 && v.Accepted && !stricter[why]:
			t.Errorf("refused as %s, and accepted by Microsoft's: header %v, claims %v", why, cases[n].header, cases[n].claims)
		case status == 0:
			both++
		case v.Accepted:
			ours[why]++
		}
	}
	t.Logf("%d accepted by both; refused by ours alone: %v", both, slices.Sorted(maps.Keys(ours)))
	if both < 100 || both > 1400 {
		t.Errorf("%d of %d tokens are accepted: that tells nothing", both, len(cases))
	}
}
