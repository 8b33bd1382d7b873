package main

import (
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"

	phone "resetbot/adapters/verification/demo"
	"resetbot/conversation"
)

// The fake telephones over HTTP, so that a program can play the employee:
//
//	GET  /demo/phone/{number}        what is on a telephone, oldest first
//	POST /demo/phone/{number}/{id}   {"press":"#"} {"approve":"42"} {"deny":true} {"hangup":true}
//	POST /demo/signin                {"user":"…","password":"…"} → {"ok":true}
//
// Numbers are in E.164, their + written %2B; who has no number is reached by
// their user principal name. Errors are {"error":"a sentence"}.

// actMax bounds what is read of a request: an action, or a name and a password.
const actMax = 8 << 10

// phones is the handler of the fake telephones.
type phones struct {
	*parts
	log *slog.Logger
}

// phoneAPI serves the telephones of p, to pages of the same origin and to
// programs.
func phoneAPI(p *parts, log *slog.Logger) http.Handler {
	h := phones{p, log}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /demo/phone/{number}", h.list)
	mux.HandleFunc("POST /demo/phone/{number}/{id}", h.act)
	mux.HandleFunc("POST /demo/signin", h.signIn)
	foreign := http.NewCrossOriginProtection()
	foreign.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		refuse(w, http.StatusForbidden, "only pages of this same address may do that")
	}))
	return foreign.Handler(mux)
}

func (h phones) list(w http.ResponseWriter, r *http.Request) {
	entries, err := h.phone.List(r.Context(), r.PathValue("number"))
	if err != nil {
		h.trouble(w, err)
		return
	}
	reply(w, http.StatusOK, entries)
}

func (h phones) act(w http.ResponseWriter, r *http.Request) {
	var action phone.Action
	if !h.read(w, r, &action, `{"press":"#"}, {"approve":"42"}, {"deny":true} or {"hangup":true}`) {
		return
	}
	entry, err := h.phone.Act(r.Context(), r.PathValue("number"), r.PathValue("id"), action)
	switch {
	case errors.Is(err, phone.ErrNoEntry):
		refuse(w, http.StatusNotFound, phone.ErrNoEntry.Error())
	case errors.Is(err, phone.ErrOver):
		refuse(w, http.StatusConflict, phone.ErrOver.Error())
	case errors.Is(err, phone.ErrUnfit):
		refuse(w, http.StatusUnprocessableEntity, phone.ErrUnfit.Error())
	case err != nil:
		h.trouble(w, err)
	default:
		reply(w, http.StatusOK, entry)
	}
}

// signIn tries a password as the work station would. Somebody who is not there
// cannot sign in either.
func (h phones) signIn(w http.ResponseWriter, r *http.Request) {
	var typed struct {
		User     string `json:"user"`
		Password string `json:"password"`
	}
	if !h.read(w, r, &typed, `{"user":"…","password":"…"}`) {
		return
	}
	ok := false
	if person, err := h.person(typed.User); err == nil {
		ok, err = h.people.VerifyPassword(r.Context(), person.ID, conversation.NewSecret(typed.Password))
		if err != nil {
			h.trouble(w, err)
			return
		}
	}
	reply(w, http.StatusOK, map[string]bool{"ok": ok})
}

// read decodes a body strictly, and refuses what is not of that form.
func (h phones) read(w http.ResponseWriter, r *http.Request, to any, form string) bool {
	in := json.NewDecoder(http.MaxBytesReader(w, r.Body, actMax))
	in.DisallowUnknownFields()
	err := in.Decode(to)
	if err == nil && errors.Is(in.Decode(new(json.RawMessage)), io.EOF) {
		return true
	}
	var tooMuch *http.MaxBytesError
	if errors.As(err, &tooMuch) {
		refuse(w, http.StatusRequestEntityTooLarge, "that is too much; send "+form)
		return false
	}
	refuse(w, http.StatusBadRequest, "that is not understood; send "+form)
	return false
}

func (h phones) trouble(w http.ResponseWriter, err error) {
	h.log.Error("serving a fake telephone", "error", err)
	refuse(w, http.StatusInternalServerError, "something is broken; the log says what")
}

func refuse(w http.ResponseWriter, code int, sentence string) {
	reply(w, code, map[string]string{"error": sentence})
}

func reply(w http.ResponseWriter, code int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(value) // whoever asked has hung up
}
