package mail

import (
	"bytes"
	"fmt"
	"html/template"
	"strings"

	smtp "github.com/wneessen/go-mail"

	"resetbot/bot"
	"resetbot/conversation/words"
)

// compose makes the message: plain text, and the same as simple HTML beside it.
func (s *Server) compose(t bot.Telling) (*smtp.Msg, error) {
	letter := s.o.Letter(t)
	locale := words.Locale(t.Notice.Locale)
	html, err := page(locale, letter, t.Link)
	if err != nil {
		return nil, err
	}
	m := smtp.NewMsg(smtp.WithNoDefaultUserAgent())
	if err := m.FromFormat(s.o.Name, s.o.From); err != nil {
		return nil, fmt.Errorf("writing whom mail is from: %w", err)
	}
	if err := m.To(t.To); err != nil {
		return nil, fmt.Errorf("writing whom mail is to: it is no address") // the library's error quotes it
	}
	m.Subject(letter.Subject)
	m.SetMessageIDWithValue(s.messageID(t))
	// Nobody's "out of office" is to answer (RFC 3834; Exchange has a word of its own).
	m.SetGenHeader("Auto-Submitted", "auto-generated")
	m.SetGenHeader("X-Auto-Response-Suppress", "All")
	m.SetGenHeader("Content-Language", locale)
	m.SetBodyString(smtp.TypeTextPlain, strings.Join(letter.Body, "\n\n")+"\n")
	m.AddAlternativeString(smtp.TypeTextHTML, html)
	return m, nil
}

// paragraph is one with the link in its midst, if it has it.
type paragraph struct{ Before, Link, Shown, After string }

// shownMax is how much of a link is shown: people are to see where it leads, and
// not ten lines of what nobody can read.
const shownMax = 48

func shown(link string) string {
	if len(link) <= shownMax {
		return link
	}
	return link[:shownMax] + "…"
}

// page is the letter as HTML.
func page(locale string, letter words.Letter, link string) (string, error) {
	var body []paragraph
	for _, text := range letter.Body {
		p := paragraph{Before: text}
		if before, after, found := strings.Cut(text, link); link != "" && found {
			p = paragraph{before, link, shown(link), after}
		}
		body = append(body, p)
	}
	var out bytes.Buffer
	err := form.Execute(&out, map[string]any{"Locale": locale, "Subject": letter.Subject, "Body": body})
	if err != nil {
		return "", fmt.Errorf("writing a letter in HTML: %w", err)
	}
	return out.String(), nil
}

var form = template.Must(template.New("letter").Parse(`<!doctype html>
<html lang="{{.Locale}}">
<head><meta charset="utf-8"><title>{{.Subject}}</title></head>
<body style="font-family: sans-serif; font-size: 16px; line-height: 1.5; max-width: 36em; overflow-wrap: anywhere">
{{range .Body}}<p>{{.Before}}{{if .Link}}<a href="{{.Link}}">{{.Shown}}</a>{{end}}{{.After}}</p>
{{end}}</body>
</html>
`))
