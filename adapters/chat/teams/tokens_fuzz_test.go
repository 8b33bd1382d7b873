package teams_test

import (
	"encoding/base64"
	"encoding/json"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"resetbot/adapters/chat/teams"
)

// FuzzToken feeds headers and claims of any shape, rightly signed by the key
// that the header names, or put together by the fuzzer (raw). Whatever it is,
// the verdict is a refusal with a reason that we know, or it is one that can be
// read off the claims; and it is the same the second time, from memory.
func FuzzToken(f *testing.F) {
	now := time.Now()
	header, claims := parts("teams", now)
	text := func(v any) string {
		written, _ := json.Marshal(v)
		return string(written)
	}
	f.Add(text(header), text(claims), "", connector, "msteams")
	for _, c := range tokenTable() {
		if c.write == nil {
			a := c.sent()
			body := text(c.claims.over(claims))
			if c.rawClaims != "" {
				body = c.rawClaims
			}
			f.Add(text(c.header.over(header)), body, "", a.ServiceURL, a.ChannelID)
		} else {
			f.Add("", "", c.bearer(), connector, "msteams")
		}
	}
	f.Add(`{"alg":"RS256","kid":"teams"}`, `{"iss":{"":[[[[[[[[[[]]]]]]]]]]},"aud":[null],"exp":{},"nbf":[],"serviceurl":{"a":null}}`, "", "", "")

	server := &keyServer{keys: tableKeys()}
	metadata, client := server.serve(f)
	tokens := teams.NewTokens(teams.TokenOptions{AppID: botID, MetadataURL: metadata, Client: client, Now: func() time.Time { return now }})
	statuses := map[string]int{}
	for _, c := range tokenTable() {
		statuses[c.why] = c.status
	}

	f.Fuzz(func(t *testing.T, header, claims, raw, url, channel string) {
		if raw == "" {
			var named struct {
				ID any `json:"kid"`
			}
			_ = json.Unmarshal([]byte(header), &named)
			signer, _ := named.ID.(string)
			if signer != "slack" && signer != "bare" {
				signer = "teams"
			}
			raw = "Bearer " + signed(header, claims, rs256(signer))
		}
		a := activity()
		a.ServiceURL, a.ChannelID = url, channel

		status, why := check(t, tokens, a, raw)
		if want, ok := statuses[why]; !ok || want != status {
			t.Fatalf("refused with %d %q, which nobody knows", status, why)
		}
		if again, whyAgain := check(t, tokens, a, raw); again != status || whyAgain != why {
			t.Errorf("first %d %q, then %d %q", status, why, again, whyAgain)
		}
		if status != 0 {
			return
		}
		_, rest, _ := strings.Cut(raw, ".")
		payload, _, _ := strings.Cut(rest, ".")
		body, err := base64.RawURLEncoding.DecodeString(payload)
		if err != nil {
			t.Fatalf("accepted, and no base64url: %v", err)
		}
		var said map[string]any
		if err := json.Unmarshal(body, &said); err != nil {
			t.Fatalf("accepted, and no JSON: %v", err)
		}
		end, _ := said["exp"].(float64)
		begin, _ := said["nbf"].(float64)
		at := float64(now.Unix())
		if said["iss"] != framework || said["aud"] != botID || said["serviceurl"] != url || url == "" || channel != "msteams" ||
			end <= at-300 || begin > at+301 {
			t.Errorf("accepted: %v, for %q and %q", said, url, channel)
		}
	})
}

// FuzzKeys feeds sets of keys of any shape: what is taken is fit for RS256, has
// an id, and is taken alike when it is published again by itself.
func FuzzKeys(f *testing.F) {
	for _, keys := range []any{
		map[string]any{"keys": tableKeys()},
		map[string]any{"keys": []any{}},
		map[string]any{},
		nil, "x", 7,
		map[string]any{"keys": []any{nil, 7, "x", []any{}, published("teams", "msteams"), published("teams")}},
		map[string]any{"keys": map[string]any{"teams": published("teams")}},
	} {
		text, _ := json.Marshal(keys)
		f.Add(string(text))
	}
	for _, field := range []string{
		`"n":7`, `"n":""`, `"n":"AQAB"`, `"e":"AA"`, `"e":"Ag"`, `"e":"AQ"`, `"e":"_____w"`, `"n":"!"`, `"kid":7`, `"kid":""`, `"kty":"EC"`,
		`"use":"enc"`, `"alg":"RS512"`, `"endorsements":"msteams"`, `"endorsements":[7]`, `"endorsements":null`,
	} {
		good, _ := json.Marshal(published("teams", "msteams"))
		f.Add(`{"keys":[` + strings.TrimSuffix(string(good), "}") + "," + field + `}]}`)
	}
	f.Fuzz(func(t *testing.T, text string) {
		of, err := teams.DecodeKeys([]byte(text))
		if (err == nil) != (len(of) > 0) {
			t.Fatalf("%d keys and the error %v", len(of), err)
		}
		if err != nil && len(err.Error()) > 200 {
			t.Errorf("the error repeats much of what was read: %d bytes", len(err.Error()))
		}
		for id, k := range of {
			bits := k.Public.N.BitLen()
			if id == "" || bits < 2048 || bits > 8192 || k.Public.N.Bit(0) == 0 || k.Public.E < 3 || k.Public.E%2 == 0 {
				t.Errorf("taken: %q with %d bits and the exponent %d", id, bits, k.Public.E)
			}
			endorsements := []string{"x"}
			if k.Teams {
				endorsements = append(endorsements, "msteams")
			}
			again, err := json.Marshal(map[string]any{"keys": []any{map[string]any{
				"kty": "RSA", "kid": id, "n": encode(k.Public.N.Bytes()), "e": encode(big.NewInt(int64(k.Public.E)).Bytes()),
				"endorsements": endorsements,
			}}})
			if err != nil {
				t.Fatal(err)
			}
			got, err := teams.DecodeKeys(again)
			if err != nil {
				t.Fatalf("%q published by itself: %v", id, err)
			}
			if diff := cmp.Diff(k, got[id]); diff != "" {
				t.Errorf("%q published by itself (-first +again):\n%s", id, diff)
			}
		}
	})
}
