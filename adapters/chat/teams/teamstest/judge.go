package teamstest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi2"
	"github.com/getkin/kin-openapi/openapi2conv"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
)

// judge holds requests against Microsoft's published description of the Bot
// Connector, bot-connector.json in the folder that RESETBOT_SPECS names:
// libraries/Swagger/ConnectorAPI.json of microsoft/botbuilder-dotnet. Without
// it, only what the description does not tell is judged.
type judge struct{ router routers.Router }

// described reads the description once in a process.
var described = sync.OnceValues(func() (routers.Router, error) {
	folder := os.Getenv("RESETBOT_SPECS")
	if folder == "" {
		fmt.Fprintln(os.Stderr, "teamstest: RESETBOT_SPECS is not set, so no request is held against Microsoft's description of the Bot Connector")
		return nil, nil
	}
	text, err := os.ReadFile(filepath.Join(folder, "bot-connector.json"))
	if err != nil {
		return nil, err
	}
	var old openapi2.T
	if err := json.Unmarshal(text, &old); err != nil {
		return nil, err
	}
	description, err := openapi2conv.ToV3(&old)
	if err != nil {
		return nil, err
	}
	description.Servers = nil
	// The description has no GET of one member, which Microsoft's “Get Teams
	// specific context for your bot” tells of; it is the DELETE's path.
	members := description.Paths.Value("/v3/conversations/{conversationId}/members")
	member := description.Paths.Value("/v3/conversations/{conversationId}/members/{memberId}")
	if members == nil || member == nil || member.Delete == nil {
		return nil, errors.New("bot-connector.json has no members")
	}
	get := *members.Get
	get.Parameters = member.Delete.Parameters
	member.Get = &get
	return gorillamux.NewRouter(description)
})

func newJudge(t testing.TB) *judge {
	t.Helper()
	router, err := described()
	if err != nil {
		t.Fatalf("reading Microsoft's description of the Bot Connector: %v", err)
	}
	if router == nil && os.Getenv("RESETBOT_REQUIRE") != "" {
		t.Fatal("RESETBOT_SPECS does not say where Microsoft's description of the Bot Connector is")
	}
	return &judge{router}
}

// faults are what is wrong with a request.
func (j *judge) faults(r *http.Request, path string, body []byte) []string {
	var found []string
	if err := j.described(r, path, body); err != nil {
		found = append(found, fmt.Sprintf("%s %s: %v", r.Method, path, err))
	}
	if len(body) == 0 {
		return found
	}
	var sent any
	if err := json.Unmarshal(body, &sent); err != nil {
		return append(found, r.Method+" "+path+": the body is not JSON")
	}
	if bytes.Contains(body, []byte("0001-01-01")) {
		found = append(found, "a time that nobody set is sent")
	}
	if where := empty(sent, ""); where != "" {
		found = append(found, "nothing is sent as something: "+where)
	}
	if a, ok := sent.(map[string]any); ok && a["text"] != nil && a["attachments"] != nil {
		found = append(found, "a text and a card are one message, which Teams makes two of")
	}
	return found
}

func (j *judge) described(r *http.Request, path string, body []byte) error {
	if j.router == nil {
		return nil
	}
	q := r.Clone(r.Context())
	q.Body, q.URL.Host, q.URL.Scheme = http.NoBody, "", ""
	if len(body) > 0 {
		q.Body, q.ContentLength = readCloser{bytes.NewReader(body)}, int64(len(body))
	}
	u, err := r.URL.Parse(path)
	if err != nil {
		return err
	}
	q.URL = u
	route, params, err := j.router.FindRoute(q)
	if err != nil {
		return err
	}
	return openapi3filter.ValidateRequest(r.Context(), &openapi3filter.RequestValidationInput{
		Request: q, PathParams: params, Route: route,
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc}, // the connector itself asks for it
	})
}

type readCloser struct{ *bytes.Reader }

func (readCloser) Close() error { return nil }

// empty is where in an activity an object has nothing in it. A card's own
// content is not looked into.
func empty(v any, at string) string {
	switch v := v.(type) {
	case map[string]any:
		if len(v) == 0 {
			return at + "{}"
		}
		for name, one := range v {
			if name == "content" || name == "value" {
				continue
			}
			if where := empty(one, at+"/"+name); where != "" {
				return where
			}
		}
	case []any:
		if len(v) == 0 {
			return at + "[]"
		}
		for _, one := range v {
			if where := empty(one, at); where != "" {
				return where
			}
		}
	case string:
		if v == "" {
			return at + `""`
		}
	case nil:
		return at + "null"
	}
	return ""
}
