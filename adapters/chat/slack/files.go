package slack

import (
	"bytes"
	"context"

	slackgo "github.com/slack-go/slack"

	"resetbot/bot"
	"resetbot/conversation"
)

// files are the Slack files of a page: its captcha's picture and sound.
type files struct {
	Media   string `json:"m,omitempty"` // the captcha's name
	Picture string `json:"f,omitempty"`
	Sound   string `json:"a,omitempty"`
}

// upload gives the captcha of a page to Slack, as far as that is not done. The
// picture belongs to the app, and is shown in the page; the sound, which no block can
// play, stands in the chat by itself. What cannot be uploaded is left out: the page
// offers another one, and leads to the sound.
func (s *Slack) upload(ctx context.Context, api *slackgo.Client, channel string, m bot.Outgoing, had files) (f files) {
	media := m.Page.Media
	if media == nil || media.Kind != conversation.MediaCaptcha {
		return files{}
	}
	f.Media = media.ID
	if had.Media == media.ID {
		f = had
	}
	give := func(to *string, content []byte, name, channel string) {
		if *to != "" || len(content) == 0 {
			return
		}
		sum, err := api.UploadFileContext(ctx, slackgo.UploadFileParameters{
			Reader: bytes.NewReader(content), FileSize: len(content), Filename: name, Title: name, Channel: channel,
		})
		if err != nil {
			s.Log.Error("giving a captcha to Slack", "error", s.failed("", err))
			return
		}
		*to = sum.ID
	}
	give(&f.Picture, m.Picture, "captcha.png", "")
	if media.Sound {
		give(&f.Sound, m.Sound, "captcha.wav", channel)
	}
	return f
}

// discard deletes files of a page that is over, but for those that the next one has.
func (s *Slack) discard(api *slackgo.Client, old, kept files) {
	for id, still := range map[string]string{old.Picture: kept.Picture, old.Sound: kept.Sound} {
		if id == "" || id == still {
			continue
		}
		s.behind("deleting a captcha", func(ctx context.Context) error {
			err := s.paced(ctx, "", func() error { return api.DeleteFileContext(ctx, id) })
			if word := errorWord(err); word == "file_deleted" || word == "file_not_found" {
				return nil
			}
			return err
		})
	}
}

// remember keeps the picture of a page at hand for its form.
func (s *Slack) remember(m bot.Outgoing, f files) {
	s.lately.pictures.put(m.User, picture{m.Page.Token, f.Picture})
}

// picture is the file of the captcha of a page; empty where that is not at hand, and
// the form says that the picture is in the chat.
func (s *Slack) picture(m bot.Outgoing) string {
	if p, ok := s.lately.pictures.get(m.User); ok && p.token == m.Page.Token {
		return p.file
	}
	return ""
}
