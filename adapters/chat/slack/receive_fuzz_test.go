package slack_test

import (
	"testing"

	"resetbot/adapters/chat/slack"
	"resetbot/adapters/chat/slack/slacktest"
)

// FuzzDelivery delivers anything, rightly signed: it is answered as Slack understands,
// and nothing that is no message of a person is heard as one.
func FuzzDelivery(f *testing.F) {
	s := newSite(f)
	c := s.Colleague(f, slacktest.Person{}, s.url)
	paths := []string{slack.EventsPath, slack.CommandsPath, slack.InteractionsPath}
	f.Add(byte(0), []byte(`{"type":"event_callback","team_id":"T0WEEZEN","event_id":"Ev1","event":{"type":"message","channel_type":"im","user":"`+c.ID+`","text":"hallo"}}`))
	f.Add(byte(0), []byte(`{"type":"url_verification","challenge":"x"}`))
	f.Add(byte(1), []byte("team_id=T0WEEZEN&user_id="+c.ID+"&command=/wachtwoord&trigger_id=1"))
	f.Add(byte(2), []byte(`payload={"type":"block_actions","team":{"id":"T0WEEZEN"},"user":{"id":"`+c.ID+`"},"actions":[{"type":"button","value":"{\"t\":\"abc\",\"c\":\"sms\"}"}]}`))
	f.Fuzz(func(t *testing.T, which byte, body []byte) {
		before, _ := s.count()
		answer, err := s.Deliver(t.Context(), s.url, slacktest.Delivery{Path: paths[int(which)%len(paths)], Body: body})
		if err != nil || answer.Status != 200 && answer.Status != 413 {
			t.Fatalf("answered %d, %v", answer.Status, err)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, m := range s.heard[before:] {
			if m.From.User.Chat != slack.Name || m.From.User.ID == "" || !m.From.Binds {
				t.Errorf("it is heard from %+v", m.From)
			}
		}
	})
}
