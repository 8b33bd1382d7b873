package slacktest

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// judge holds what is sent against Slack's own declarations of types, made into
// JSON schemas: slack-View, slack-ViewsOpen and slack-PostMessage.schema.json in
// the folder that RESETBOT_SPECS names, from @slack/types and @slack/web-api.
// Without them, only the lengths that Slack documents are judged.
type judge struct{ schemas map[string]*jsonschema.Schema }

// declared reads the schemas once in a process.
var declared = sync.OnceValues(func() (map[string]*jsonschema.Schema, error) {
	folder := os.Getenv("RESETBOT_SPECS")
	if folder == "" {
		fmt.Fprintln(os.Stderr, "slacktest: RESETBOT_SPECS is not set, so no request is held against Slack's declarations of types")
		return nil, nil
	}
	schemas := map[string]*jsonschema.Schema{}
	for _, s := range []struct{ name, file, definition string }{
		{"message", "slack-PostMessage.schema.json", "PostMessage"},
		{"views.open", "slack-ViewsOpen.schema.json", "ViewsOpen"},
		{"home", "slack-ViewsOpen.schema.json", "HomeView"},
		{"modal", "slack-View.schema.json", "View"},
	} {
		schema, err := compile(filepath.Join(folder, s.file), s.definition)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.file, err)
		}
		schemas[s.name] = schema
	}
	return schemas, nil
})

func compile(file, definition string) (*jsonschema.Schema, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var tree map[string]any
	if err := json.Unmarshal(text, &tree); err != nil {
		return nil, err
	}
	definitions, _ := tree["definitions"].(map[string]any)
	known := map[string]any{"$ref": "#/definitions/KnownBlock"}
	for _, name := range []string{"PostMessage", "ViewsOpen"} {
		// A union of argument types became one type that wants the fields of all;
		// what is wanted of each method is said in api.go.
		if one, ok := definitions[name].(map[string]any); ok {
			delete(one, "required")
		}
	}
	// “A generic block” lets any block through whose type has a spelling fault.
	if _, ok := definitions["AnyBlock"]; ok {
		definitions["AnyBlock"] = known
	}
	if post, ok := definitions["PostMessage"].(map[string]any); ok {
		post["properties"].(map[string]any)["blocks"].(map[string]any)["items"] = known
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("slack.json", tree); err != nil {
		return nil, err
	}
	return c.Compile("slack.json#/definitions/" + definition)
}

func newJudge(t testing.TB) *judge {
	t.Helper()
	schemas, err := declared()
	if err != nil {
		t.Fatalf("reading Slack's declarations of types: %v", err)
	}
	if schemas == nil && os.Getenv("RESETBOT_REQUIRE") != "" {
		t.Fatal("RESETBOT_SPECS does not say where Slack's declarations of types are")
	}
	return &judge{schemas}
}

// shape is what is wrong with something by the schema of that name.
func (j *judge) shape(name string, what any) []string {
	schema := j.schemas[name]
	if schema == nil {
		return nil
	}
	if err := schema.Validate(what); err != nil {
		text := err.Error()
		return []string{text[:min(len(text), 4000)]}
	}
	return nil
}

// message is what is wrong with the arguments of a message: text, blocks,
// attachments, whatever the method.
func (j *judge) message(args map[string]any) []string {
	said := map[string]any{"channel": "D"}
	for _, name := range []string{
		"channel", "text", "blocks", "attachments", "mrkdwn", "unfurl_links", "unfurl_media", "metadata", "parse", "link_names", "thread_ts", "markdown_text",
	} {
		if v, ok := args[name]; ok {
			said[name] = v
		}
	}
	found := j.shape("message", said)
	l := &lengths{}
	// docs.slack.dev/reference/methods/chat.postMessage: more than 40,000
	// characters are cut off.
	l.text("text", args["text"], 0, 40_000)
	blocks, _ := args["blocks"].([]any)
	l.count("blocks", blocks, 0, 50) // docs.slack.dev/reference/block-kit/blocks: 50 in a message
	l.blocks(blocks)
	return append(found, l.found...)
}

// view is what is wrong with a view.
func (j *judge) view(view map[string]any) []string {
	kind, _ := view["type"].(string)
	if kind != "modal" && kind != "home" {
		return []string{fmt.Sprintf("a view of type %q", kind)}
	}
	found := j.shape(kind, view)
	l := &lengths{}
	// docs.slack.dev/reference/views/modal-views and home-tab-views
	l.object("title", view["title"], 1, 24)
	l.object("submit", view["submit"], 1, 24)
	l.object("close", view["close"], 1, 24)
	l.text("private_metadata", view["private_metadata"], 0, 3000)
	l.text("callback_id", view["callback_id"], 0, 255)
	l.text("external_id", view["external_id"], 0, 255)
	blocks, _ := view["blocks"].([]any)
	l.count("blocks", blocks, 0, 100)
	l.blocks(blocks)
	for _, b := range blocks {
		// submit: “required when an input block is within the blocks array”
		if b, ok := b.(map[string]any); ok && kind == "modal" && b["type"] == "input" && view["submit"] == nil {
			l.say("a modal has an input and no submit")
		}
	}
	return append(found, l.found...)
}

// lengths collects what is longer, or more, than Slack documents at
// docs.slack.dev/reference/block-kit (blocks, block-elements, composition-objects),
// and what the schemas do not say.
type lengths struct{ found []string }

func (l *lengths) say(format string, args ...any) {
	l.found = append(l.found, fmt.Sprintf(format, args...))
}

// text wants a string of least to most characters.
func (l *lengths) text(what string, v any, least, most int) {
	s, ok := v.(string)
	if n := utf8.RuneCountInString(s); ok && (n < least || n > most) {
		l.say("%s has %d characters, and %d to %d are allowed", what, n, least, most)
	}
}

// object is text, of a text object.
func (l *lengths) object(what string, v any, least, most int) {
	if o, ok := v.(map[string]any); ok {
		l.text(what, o["text"], least, most)
	}
}

func (l *lengths) count(what string, v []any, least, most int) {
	if len(v) < least || len(v) > most {
		l.say("%s are %d, and %d to %d are allowed", what, len(v), least, most)
	}
}

func (l *lengths) blocks(blocks []any) {
	ids := map[string]bool{}
	for i, b := range blocks {
		b, ok := b.(map[string]any)
		if !ok {
			continue // said by the schema
		}
		kind, _ := b["type"].(string)
		what := fmt.Sprintf("block %d (%s): ", i, kind)
		l.text(what+"block_id", b["block_id"], 1, 255)
		if id, _ := b["block_id"].(string); id != "" {
			if ids[id] {
				l.say("%sblock_id %q is twice in it", what, id)
			}
			ids[id] = true
		}
		l.block(kind, what, b)
	}
}

func (l *lengths) block(kind, what string, b map[string]any) {
	list := func(name string) []any { v, _ := b[name].([]any); return v }
	switch kind {
	case "section":
		l.object(what+"text", b["text"], 1, 3000)
		if fields, ok := b["fields"].([]any); ok {
			l.count(what+"fields", fields, 1, 10)
			for _, f := range fields {
				l.object(what+"field", f, 1, 2000)
			}
		} else if b["text"] == nil {
			l.say("%sneither text nor fields", what)
		}
		l.element(what, b["accessory"])
	case "header":
		l.object(what+"text", b["text"], 1, 150)
	case "context":
		l.count(what+"elements", list("elements"), 1, 10)
		for _, e := range list("elements") {
			l.object(what+"text", e, 1, 3000)
			l.element(what, e)
		}
	case "actions":
		l.count(what+"elements", list("elements"), 1, 25)
		ids := map[any]bool{}
		for _, e := range list("elements") {
			l.element(what, e)
			if e, ok := e.(map[string]any); ok && e["action_id"] != nil {
				if ids[e["action_id"]] {
					l.say("%saction_id %q is twice in it", what, e["action_id"])
				}
				ids[e["action_id"]] = true
			}
		}
	case "image":
		l.text(what+"alt_text", b["alt_text"], 1, 2000)
		l.text(what+"image_url", b["image_url"], 1, 3000)
		l.object(what+"title", b["title"], 1, 2000)
		if b["image_url"] == nil == (b["slack_file"] == nil) {
			l.say("%sone of image_url and slack_file is wanted", what)
		}
	case "input":
		l.object(what+"label", b["label"], 1, 2000)
		l.object(what+"hint", b["hint"], 1, 2000)
		l.element(what, b["element"])
	case "markdown":
		l.text(what+"text", b["text"], 1, 12_000)
	case "video":
		l.object(what+"title", b["title"], 1, 199)
		l.object(what+"description", b["description"], 1, 199)
		l.text(what+"author_name", b["author_name"], 1, 49)
	}
}

func (l *lengths) element(what string, v any) {
	e, ok := v.(map[string]any)
	if !ok {
		return
	}
	kind, _ := e["type"].(string)
	what += kind + ": "
	l.text(what+"action_id", e["action_id"], 1, 255)
	l.object(what+"placeholder", e["placeholder"], 1, 150)
	l.confirm(what, e["confirm"])
	options, isList := e["options"].([]any)
	switch {
	case kind == "button":
		l.object(what+"text", e["text"], 1, 75)
		l.text(what+"value", e["value"], 1, 2000)
		l.text(what+"url", e["url"], 1, 3000)
		l.text(what+"accessibility_label", e["accessibility_label"], 1, 75)
		if style, ok := e["style"].(string); ok && style != "primary" && style != "danger" {
			l.say("%sstyle %q", what, style)
		}
	case kind == "image":
		l.text(what+"alt_text", e["alt_text"], 1, 2000)
		l.text(what+"image_url", e["image_url"], 1, 3000)
	case kind == "plain_text_input":
		for _, name := range []string{"min_length", "max_length"} {
			if n, ok := e[name].(float64); ok && (n < 0 || n > 3000 || n == 0 && name == "max_length") {
				l.say("%s%s %v", what, name, n)
			}
		}
	case isList && (kind == "radio_buttons" || kind == "checkboxes"):
		l.count(what+"options", options, 1, 10)
	case isList && kind == "overflow":
		l.count(what+"options", options, 1, 5)
	case isList && strings.HasSuffix(kind, "_select"):
		l.count(what+"options", options, 1, 100)
	}
	for _, o := range options {
		if o, ok := o.(map[string]any); ok {
			l.object(what+"option", o["text"], 1, 75)
			l.text(what+"value of an option", o["value"], 1, 150)
			l.object(what+"description of an option", o["description"], 1, 75)
		}
	}
}

func (l *lengths) confirm(what string, v any) {
	c, ok := v.(map[string]any)
	if !ok {
		return
	}
	l.object(what+"confirm: title", c["title"], 1, 100)
	l.object(what+"confirm: text", c["text"], 1, 300)
	l.object(what+"confirm: confirm", c["confirm"], 1, 30)
	l.object(what+"confirm: deny", c["deny"], 1, 30)
}
