package slacktest

import (
	"io"
	"net/http"
	"slices"
	"strconv"
)

// File is what the app uploaded.
type File struct {
	ID, Team   string
	Name, Alt  string
	Title      string
	Content    []byte
	Channel    string // that it was shared in
	Complete   bool
	Deleted    bool
	length     int
	uploadedAt bool
}

// Files are all files, the deleted ones with them, by their ids.
func (s *Slack) Files() map[string]File {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := map[string]File{}
	for id, f := range s.files {
		all[id] = *f
	}
	return all
}

func (s *Slack) uploadURL(q *Request) answer {
	n, err := strconv.Atoi(q.arg("length"))
	if err != nil || n <= 0 {
		return refusal("invalid_arguments")
	}
	f := &File{ID: s.id("F"), Team: q.Team, Name: q.arg("filename"), Alt: q.arg("alt_txt"), length: n}
	s.files[f.ID] = f
	return answer{"ok": true, "upload_url": "http://" + s.Host + "/upload/" + f.ID, "file_id": f.ID}
}

// upload takes a file: its bytes, or a form with them
// (docs.slack.dev/messaging/working-with-files).
func (s *Slack) upload(w http.ResponseWriter, r *http.Request, body []byte, refused bool) {
	content := body
	if err := r.ParseMultipartForm(bodyMax); err == nil && r.MultipartForm != nil {
		for _, parts := range r.MultipartForm.File {
			part, err := parts[0].Open()
			if err != nil {
				http.Error(w, "bad form", http.StatusBadRequest)
				return
			}
			content, _ = io.ReadAll(part) // from memory
			_ = part.Close()
		}
	}
	q := Request{At: s.Now(), Method: "upload", Header: r.Header, Body: body}
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.note()
	defer func() { s.requests = append(s.requests, q) }()
	f := s.files[r.PathValue("file")]
	switch {
	case f == nil || f.uploadedAt:
		q.Error = "not found"
		http.Error(w, q.Error, http.StatusNotFound)
		return
	case refused:
		return
	case len(content) != f.length:
		s.Fault("upload: " + strconv.Itoa(len(content)) + " bytes were sent and " + strconv.Itoa(f.length) + " were said")
		q.Error = "length"
		http.Error(w, q.Error, http.StatusBadRequest)
		return
	}
	q.OK, q.Team = true, f.Team
	f.Content, f.uploadedAt = content, true
	_, _ = io.WriteString(w, "OK - "+strconv.Itoa(len(content))) // into memory
}

func (s *Slack) completeUpload(q *Request) answer {
	var done []*File
	files, _ := q.Args["files"].([]any)
	for _, v := range files {
		one, _ := v.(map[string]any)
		id, _ := one["id"].(string)
		f := s.files[id]
		if f == nil || !f.uploadedAt || f.Deleted || f.Team != q.Team {
			return refusal("file_not_found")
		}
		if f.Complete {
			return refusal("invalid_arguments")
		}
		f.Title, _ = one["title"].(string)
		done = append(done, f)
	}
	if len(done) == 0 {
		return refusal("invalid_arguments")
	}
	if to := q.arg("channel_id"); to != "" {
		channel, no := s.deliverable(q.Team, to)
		q.Channel = channel
		if no != nil {
			return no
		}
	}
	m := &Shown{Text: q.arg("initial_comment")}
	m.Blocks, _ = q.Args["blocks"].([]any)
	told := []any{}
	for _, f := range done {
		f.Complete, f.Channel = true, q.Channel
		m.Files = append(m.Files, f.ID)
		told = append(told, map[string]any{"id": f.ID, "title": or(f.Title, f.Name)})
	}
	if q.Channel != "" {
		s.show(q, m)
	}
	return answer{"ok": true, "files": told}
}

// deleteFile removes a file, and the messages that are nothing but it.
func (s *Slack) deleteFile(q *Request) answer {
	f := s.files[q.arg("file")]
	switch {
	case f == nil || f.Team != q.Team:
		return refusal("file_not_found")
	case f.Deleted:
		return refusal("file_deleted")
	}
	f.Deleted, f.Content = true, nil
	s.messages = slices.DeleteFunc(s.messages, func(m *Shown) bool {
		was := len(m.Files)
		m.Files = slices.DeleteFunc(m.Files, func(id string) bool { return id == f.ID })
		return was > 0 && len(m.Files) == 0 && m.Text == "" && len(m.Blocks) == 0
	})
	return answer{"ok": true}
}

// download shows a file as a browser gets it.
func (s *Slack) download(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.files[r.PathValue("file")]
	if f == nil || f.Deleted {
		http.NotFound(w, r)
		return
	}
	_, _ = w.Write(f.Content) // who does not read it does not get it
}
