package slacktest

import (
	"maps"
	"slices"
	"time"
)

// View is a modal, or a home, as a person has it before them.
type View struct {
	ID, Hash   string
	Type       string
	CallbackID string
	ExternalID string
	Metadata   string // private_metadata
	Title      string
	Submit     string
	Close      string
	Blocks     []any
	NotifyEnd  bool // the app is told when it is closed
	person     Person
	root       string
	previous   string
	raw        map[string]any
}

// trigger lets the app open a view in front of a person: once, within three
// seconds (docs.slack.dev/interactivity/handling-user-interaction).
type trigger struct {
	person Person
	view   *View // it comes from
	until  time.Time
	used   bool
}

const triggerLife = 3 * time.Second

// trigger makes a trigger_id; s.mu is held.
func (s *Slack) trigger(p Person, view *View) string {
	id := "13345224609." + random()
	s.triggers[id] = &trigger{person: p, view: view, until: s.Now().Add(triggerLife)}
	return id
}

// pull uses a trigger up; s.mu is held.
func (s *Slack) pull(q *Request) (*trigger, answer) {
	t := s.triggers[q.arg("trigger_id")]
	switch {
	case t == nil || t.person.Team != q.Team:
		return nil, refusal("invalid_trigger_id")
	case t.used:
		return nil, refusal("exchanged_trigger_id")
	case s.Now().After(t.until):
		return nil, refusal("expired_trigger_id")
	}
	t.used = true
	return t, nil
}

// newView reads a view; s.mu is held.
func (s *Slack) newView(p Person, raw map[string]any) *View {
	v := &View{ID: s.id("V"), person: p}
	v.root = v.ID
	s.fill(v, raw)
	return v
}

// fill puts other content into a view; s.mu is held.
func (s *Slack) fill(v *View, raw map[string]any) {
	word := func(name string) string { w, _ := raw[name].(string); return w }
	plain := func(name string) string {
		o, _ := raw[name].(map[string]any)
		t, _ := o["text"].(string)
		return t
	}
	v.raw, v.Hash = raw, s.ts()+"."+random()[:8]
	v.Type, v.CallbackID, v.ExternalID, v.Metadata = word("type"), word("callback_id"), word("external_id"), word("private_metadata")
	v.Title, v.Submit, v.Close = plain("title"), plain("submit"), plain("close")
	v.NotifyEnd, _ = raw["notify_on_close"].(bool)
	v.Blocks, _ = raw["blocks"].([]any)
	s.name(v.Blocks)
}

// payload is a view as Slack tells of it; s.mu is held.
func (v *View) payload(s *Slack) map[string]any {
	w := s.workspace(v.person.Team)
	p := maps.Clone(v.raw)
	blank := func(name string, value any) {
		if p[name] == nil {
			p[name] = value
		}
	}
	for _, name := range []string{"callback_id", "private_metadata", "external_id"} {
		blank(name, "")
	}
	for _, name := range []string{"title", "submit", "close"} {
		blank(name, nil)
	}
	blank("clear_on_close", false)
	blank("notify_on_close", false)
	var previous any
	if v.previous != "" {
		previous = v.previous
	}
	maps.Copy(p, map[string]any{
		"id": v.ID, "team_id": v.person.Team, "hash": v.Hash, "root_view_id": v.root, "previous_view_id": previous, "app_id": s.AppID,
		"bot_id": w.BotID, "app_installed_team_id": v.person.Team, "blocks": v.Blocks, "state": map[string]any{"values": map[string]any{}},
	})
	return p
}

func (q *Request) view() map[string]any { v, _ := q.Args["view"].(map[string]any); return v }

func (s *Slack) viewsOpen(q *Request) answer {
	if q.view()["type"] != "modal" {
		return refusal("invalid_arguments")
	}
	t, no := s.pull(q)
	if no != nil {
		return no
	}
	v := s.newView(t.person, q.view())
	s.views[t.person.ID] = []*View{v}
	return answer{"ok": true, "view": v.payload(s)}
}

// stackMax is how many modals lie on each other (docs.slack.dev/surfaces/modals).
const stackMax = 3

func (s *Slack) viewsPush(q *Request) answer {
	t, no := s.pull(q)
	if no != nil {
		return no
	}
	stack := s.views[t.person.ID]
	switch {
	case t.view == nil || len(stack) == 0 || !slices.Contains(stack, t.view):
		return refusal("not_found")
	case len(stack) >= stackMax:
		return refusal("push_limit_reached")
	}
	v := s.push(t.person, q.view())
	return answer{"ok": true, "view": v.payload(s)}
}

// push lays a modal on those of somebody's; s.mu is held.
func (s *Slack) push(p Person, raw map[string]any) *View {
	v := s.newView(p, raw)
	if stack := s.views[p.ID]; len(stack) > 0 {
		v.root, v.previous = stack[0].ID, stack[len(stack)-1].ID
	}
	s.views[p.ID] = append(s.views[p.ID], v)
	return v
}

func (s *Slack) viewsUpdate(q *Request) answer {
	id, external := q.arg("view_id"), q.arg("external_id")
	if id == "" && external == "" {
		return refusal("invalid_arguments")
	}
	for _, stack := range s.views {
		for _, v := range stack {
			if v.person.Team != q.Team || v.ID != id && (external == "" || v.ExternalID != external) {
				continue
			}
			if hash := q.arg("hash"); hash != "" && hash != v.Hash {
				return refusal("hash_conflict")
			}
			s.fill(v, q.view())
			return answer{"ok": true, "view": v.payload(s)}
		}
	}
	return refusal("not_found")
}

func (s *Slack) viewsPublish(q *Request) answer {
	if q.view()["type"] != "home" {
		return refusal("invalid_arguments")
	}
	p, ok := s.person(func(p Person) bool { return p.ID == q.arg("user_id") && p.Team == q.Team && !p.Deleted })
	if !ok {
		return refusal("user_not_found")
	}
	v := s.homes[p.ID]
	if hash := q.arg("hash"); hash != "" && v != nil && hash != v.Hash {
		return refusal("hash_conflict")
	}
	if v == nil {
		v = s.newView(p, q.view())
		s.homes[p.ID] = v
	} else {
		s.fill(v, q.view())
	}
	return answer{"ok": true, "view": v.payload(s)}
}

// Modals are what lies before a person, the one on top last.
func (s *Slack) Modals(user string) (all []View) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, v := range s.views[user] {
		all = append(all, *v)
	}
	return all
}

// Home is the app's home as a person sees it.
func (s *Slack) Home(user string) (View, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if v := s.homes[user]; v != nil {
		return *v, true
	}
	return View{}, false
}
