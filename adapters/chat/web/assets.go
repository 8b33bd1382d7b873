package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"

	"resetbot/conversation"
	"resetbot/conversation/words"
)

//go:embed assets
var embedded embed.FS

const htmlType = "text/html; charset=utf-8"

// assets are the templates, and the files that pages are made of. A file's
// address holds a sum of it: it can be kept for ever, and is never old.
type assets struct {
	templates *template.Template
	prefix    string
	sums      map[string]string // by name
	files     map[string][]byte // by name
}

func newAssets(prefix string) (*assets, error) {
	a := &assets{prefix: prefix, sums: map[string]string{}, files: map[string][]byte{}}
	var err error
	if a.templates, err = template.New("").Funcs(template.FuncMap{"icon": drawn}).
		ParseFS(embedded, "assets/*.html"); err != nil {
		return nil, fmt.Errorf("reading the templates: %w", err)
	}
	names, err := fs.Glob(embedded, "assets/*")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if path.Ext(name) == ".html" {
			continue
		}
		data, err := embedded.ReadFile(name)
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(data)
		a.files[path.Base(name)], a.sums[path.Base(name)] = data, hex.EncodeToString(sum[:6])
	}
	return a, nil
}

// path is the address of a file.
func (a *assets) path(name string) string { return a.prefix + a.sums[name] + "/" + name }

// types are those of our own files; what the machine thinks they are does not matter.
var types = map[string]string{
	".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
}

// ServeHTTP gives a file, by an address of [assets.path].
func (a *assets) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	sum, name, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, a.prefix), "/")
	data, ok := a.files[name]
	if !ok || sum != a.sums[name] {
		http.NotFound(rw, r)
		return
	}
	kind := types[path.Ext(name)]
	if kind == "" {
		kind = mime.TypeByExtension(path.Ext(name))
	}
	rw.Header().Set("Content-Type", kind)
	rw.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	_, _ = rw.Write(data) // who left does not want it any more
}

// render draws a template. Nothing is sent of a page that cannot be drawn whole.
func (a *assets) render(name string, data any) ([]byte, error) {
	var b bytes.Buffer
	if err := a.templates.ExecuteTemplate(&b, name, data); err != nil {
		return nil, fmt.Errorf("drawing %s: %w", name, err)
	}
	return b.Bytes(), nil
}

func (w *Web) write(rw http.ResponseWriter, r *http.Request, status int, name string, data any) {
	html, err := w.assets.render(name, data)
	if err != nil {
		w.Log.Error("drawing a page", "error", err)
		http.Error(rw, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	rw.Header().Set("Content-Type", htmlType)
	rw.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = rw.Write(html) // who left does not want it any more
	}
}

// say answers with one sentence: to a browser a page of its own, to our script
// the sentence alone.
func (w *Web) say(rw http.ResponseWriter, r *http.Request, status int, phrase words.Phrase) {
	if wantsScript(r) {
		rw.Header().Set("Content-Type", "text/plain; charset=utf-8")
		rw.WriteHeader(status)
		_, _ = rw.Write([]byte(w.Words.Phrase(language(r), phrase, conversation.Args{}, w.Now())))
		return
	}
	w.plain(rw, r, status, phrase)
}

func (w *Web) plain(rw http.ResponseWriter, r *http.Request, status int, phrase words.Phrase) {
	now := w.Now()
	v := w.visitor(r)
	p := &view{w: w, now: now, Self: w.self(v), Kiosk: v.kiosk != ""}
	p.Locale = language(r)
	if !v.user.Zero() {
		if g := w.visitors.look(v.user); g.mark != "" {
			p.Locale = words.Locale(g.page.Locale)
		}
	}
	sentence := w.Words.Phrase(p.Locale, phrase, conversation.Args{}, now)
	first, rest, more := strings.Cut(sentence, ". ")
	if p.Heading = strings.TrimSuffix(first, "."); more {
		p.Body = []string{rest}
	}
	// There is a way on where there is a chat to go on in.
	if p.Over = phrase == words.Erased || phrase == words.NoPage; phrase == words.Wait {
		p.Refresh = 2
	}
	w.write(rw, r, status, "plain.html", p)
}
