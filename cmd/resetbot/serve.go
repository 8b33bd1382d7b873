package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/spf13/cobra"

	"resetbot/adapters/chat/web"
	"resetbot/bot"
	"resetbot/conversation/words"
)

// serveCommand is the service.
func serveCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "serve -config resetbot.yaml",
		Short: "Be the service, as a configuration says",
		Long: "Be the service, as a configuration says (default: resetbot.yaml here). A sample is\n" +
			"deploy/resetbot.yaml; docs/configuration.md says what each key means.\n\n" +
			"SIGTERM stops it: it takes nothing new in, finishes what is being done, and ends with exit code 0.",
		DisableFlagParsing: true, // the standard library's flags take -config as well as --config
		RunE: func(cmd *cobra.Command, args []string) error {
			flags := flag.NewFlagSet("serve", flag.ContinueOnError)
			flags.SetOutput(io.Discard) // its error is told below
			path := flags.String("config", "resetbot.yaml", "")
			err := flags.Parse(args)
			switch {
			case errors.Is(err, flag.ErrHelp):
				return cmd.Help()
			case err != nil:
				return fmt.Errorf("reading the arguments: %w; write: resetbot serve -config resetbot.yaml", err)
			case flags.NArg() > 0:
				return errors.New("there is something behind the flags; write: resetbot serve -config resetbot.yaml")
			}
			return serve(cmd.Context(), *path, cmd.ErrOrStderr())
		},
	}
}

// How long a client may take, so that none holds a connection for ever. What
// streams sets a write deadline of its own (http.ResponseController).
const (
	headerTimeout = 10 * time.Second
	readTimeout   = 30 * time.Second
	writeTimeout  = 30 * time.Second
	idleTimeout   = 2 * time.Minute
	headerMax     = 32 << 10
	bodyMax       = 1 << 20 // of any request; most are held to less
)

// grace is how long requests have to end once the service stops.
const grace = 15 * time.Second

// lastWords is how long a service whose store is broken goes on telling people
// that something went wrong, and where help is: whoever just pressed a button
// should read that, and not that there is no connection.
const lastWords = 5 * time.Second

// service is the running program.
type service struct {
	config   config
	log      *slog.Logger
	public   net.Listener
	admin    net.Listener
	bot      *bot.Bot
	front    front
	chats    func(*parts, *slog.Logger) (front, error)
	texts    []words.Override // that lie below the operator's
	registry *prometheus.Registry
	demo     http.Handler // of the fake telephones
	opened   func() error // called when all is open, before anybody is served; nil does nothing
	stopping atomic.Bool
}

// serve is the service from its beginning to its end, which ctx brings. Logs
// go to errs, a JSON object a line.
func serve(ctx context.Context, path string, errs io.Writer) (err error) {
	c, err := loadConfig(path)
	if err != nil {
		return err
	}
	s := &service{
		config: c, registry: prometheus.NewRegistry(), chats: newChats,
		log: slog.New(slog.NewJSONHandler(errs, &slog.HandlerOptions{Level: c.LogLevel})),
	}
	// The listeners first: where one is taken, nothing else is touched.
	if s.public, err = listen("listen", c.Listen); err != nil {
		return err
	}
	defer func() { _ = s.public.Close() }() // the server has closed it, if it got that far
	if s.admin, err = listen("admin_listen", c.AdminListen); err != nil {
		return err
	}
	defer func() { _ = s.admin.Close() }()
	if c.PublicURL == "" {
		s.config.PublicURL = "http://" + reached(c.Listen, s.public)
	}
	return s.open(ctx)
}

// listen opens a listener; key is where the address is configured.
func listen(key, address string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("%s: another program is listening on %s: stop it, or write another address", key, address)
	case err != nil:
		return nil, fmt.Errorf("%s: %w", key, err)
	}
	return l, nil
}

// reached is the host of an address with the port that it came to.
func reached(address string, l net.Listener) string {
	host, _, _ := net.SplitHostPort(address)
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return net.JoinHostPort(host, port)
}

// open opens everything, runs it, and closes it again.
func (s *service) open(ctx context.Context) (err error) {
	p, err := openParts(s.config, s.texts...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	if s.front, err = s.chats(p, s.log); err != nil {
		return err
	}
	s.registry.MustRegister(
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	metrics, err := bot.NewMetrics(s.registry)
	if err != nil {
		return fmt.Errorf("registering the metrics: %w", err)
	}
	kept, err := openStore(s.config)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, kept.Close()) }()
	if s.front.keep != nil {
		s.front.keep(kept.Installations())
	}
	if s.bot, err = p.bot(kept, s.front, metrics, s.log); err != nil {
		return err
	}
	defer openOffice(s.config, kept, p, s.bot, s.log)()
	s.front.open(s.bot)
	s.demo = phoneAPI(p, s.log)
	s.log.Warn("the people and their telephones are made up: whoever reaches this service reads every code",
		"directory", s.config.Directory.Type)
	if s.config.Entry == inDialog {
		s.log.Warn("new passwords are typed in a dialog of Teams, and pass through Microsoft in clear: page keeps them away",
			"policy.password_entry", inDialog)
	}
	if s.opened != nil {
		if err := s.opened(); err != nil {
			return err
		}
	}
	return s.run(ctx)
}

// run serves until ctx ends, or the bot does because its store is broken. Then it
// takes nothing new in, lets requests end, lets the bot finish what is being done,
// and answers /healthz to the last.
func (s *service) run(ctx context.Context) error {
	public, admin := s.server(s.publicHandler()), s.server(s.adminHandler())
	public.RegisterOnShutdown(s.front.close)
	ended := make(chan error, 3)
	go func() { ended <- public.Serve(s.public) }()
	go func() { ended <- admin.Serve(s.admin) }()
	working, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	worked := make(chan struct{})
	var broken error
	go func() { broken = s.bot.Run(working); close(worked) }()
	var beside sync.WaitGroup
	if s.front.run != nil {
		beside.Go(func() { s.front.run(working) })
	}
	s.log.Info("serving", "listen", s.public.Addr().String(), "admin_listen", s.admin.Addr().String(),
		"public_url", s.config.PublicURL)

	var err error
	select {
	case <-ctx.Done():
	case err = <-ended:
		err = fmt.Errorf("serving: %w", err)
	case <-worked:
		s.log.Error("stopping, so that somebody starts the service again", "error", broken)
		s.linger(ctx)
	}
	s.stopping.Store(true)
	s.log.Info("stopping")
	s.shutDown(public)
	stop()
	<-worked
	err = errors.Join(err, broken)
	beside.Wait()
	s.shutDown(admin)
	s.log.Info("stopped")
	return err
}

// linger is as long as somebody may still read something.
func (s *service) linger(ctx context.Context) {
	timer := time.NewTimer(lastWords)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// shutDown lets requests end, and breaks off what takes too long.
func (s *service) shutDown(server *http.Server) {
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		s.log.Warn("breaking off requests that do not end", "error", err)
		_ = server.Close() // they are broken off; there is nothing more to be done
	}
}

func (s *service) server(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           s.guard(h),
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    headerMax,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug), // clients that hang up, mostly
	}
}

// guard bounds bodies, and keeps a panic to its own request. What panicked is
// logged by its type alone, and the path not at all: either may hold a secret.
func (s *service) guard(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			switch p := recover(); {
			case p == http.ErrAbortHandler:
				panic(p) // net/http's own way to hang up; it logs nothing
			case p != nil:
				s.log.Error("a request panicked", "method", r.Method, "pattern", r.Pattern, "panic", fmt.Sprintf("%T", p))
				http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
			}
		}()
		r.Body = http.MaxBytesReader(w, r.Body, bodyMax)
		h.ServeHTTP(w, r)
	})
}

func (s *service) publicHandler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", s.front.handler)
	if home := cmp.Or(s.front.home, s.config.Chats.Web.Path); s.front.home != "" || s.config.Chats.Web.There {
		mux.Handle("GET /{$}", http.RedirectHandler(home, http.StatusFound)) // what people type
	}
	mux.Handle("/demo/", s.demo)
	for pattern, handler := range s.front.more {
		mux.Handle(pattern, handler)
	}
	return mux
}

// adminHandler is for those who run the service, on a listener of its own.
func (s *service) adminHandler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		if err := s.bot.Alive(); err != nil { // for a moment, then the program ends
			say(w, http.StatusServiceUnavailable, err.Error())
			return
		}
		say(w, http.StatusOK, "alive")
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), readyTimeout)
		defer cancel()
		if err := s.ready(ctx); err != nil {
			say(w, http.StatusServiceUnavailable, err.Error())
			return
		}
		say(w, http.StatusOK, "ready")
	})
	return mux
}

// readyTimeout is how long the store may take to answer.
const readyTimeout = 3 * time.Second

func say(w http.ResponseWriter, code int, sentence string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_, _ = io.WriteString(w, sentence+"\n") // whoever asked has hung up
}

// ready tells why nobody should be sent here now; nil if they should.
func (s *service) ready(ctx context.Context) error {
	if s.stopping.Load() {
		return errors.New("stopping")
	}
	return s.bot.Ready(ctx)
}

// front is where people come in: the chats, by the name in
// conversation.User.Chat, and the handler of all of their paths.
type front struct {
	chats   map[string]bot.Chat
	handler http.Handler
	more    map[string]http.Handler // for patterns that are not below handler's
	home    string                  // where people begin; empty: the web chat
	open    func(*bot.Bot)          // lets people in; a bot needs its chats before it is there
	keep    func(bot.Installations) // has the chats keep what platforms give them; nil does nothing
	close   func()                  // ends what streams, so that a server can shut down
	// run does what goes on beside requests until ctx ends; nil does nothing.
	run      func(ctx context.Context)
	channels map[string]bot.Channel // by which owners are told, beside those of parts
}

// beside runs all of them, and returns when all have ended.
func beside(ctx context.Context, all ...func(context.Context)) {
	var work sync.WaitGroup
	for _, run := range all {
		work.Go(func() { run(ctx) })
	}
	work.Wait()
}

// newChats is chats; tests of the whole program put their own in its place.
var newChats = chats

// chats makes the chats that are configured. One-time pages are the web chat's, and
// are there without it.
func chats(p *parts, log *slog.Logger) (front, error) {
	c := p.config.Chats.Web
	o := web.Options{
		Words: p.words, Path: c.Path, PublicURL: p.config.PublicURL,
		From: c.From, TrustedProxies: c.Proxies, Kiosks: c.Kiosks, Shared: c.Shared, Log: log, Now: wallClock,
	}
	if p.config.Chats.Teams.There {
		o.EntryFrames = teamsFrames
	}
	w, err := web.New(o)
	if err != nil {
		return front{}, err
	}
	f := front{
		chats: map[string]bot.Chat{}, handler: w, more: map[string]http.Handler{}, channels: map[string]bot.Channel{},
		open: func(b *bot.Bot) { w.SetBot(b) }, close: w.Close, run: func(context.Context) {},
	}
	if c.There {
		f.chats[web.Name] = w
	} else {
		f.handler = pagesAlone(w)
	}
	if p.config.Chats.Teams.There {
		err = addTeams(&f, p, w, log)
	}
	if p.config.Chats.Slack.There && err == nil {
		err = addSlack(&f, p, w, log)
	}
	return f, err
}

// pagesAlone are the web chat's pages but the chat: those that another chat leads
// to.
func pagesAlone(w *web.Web) http.Handler {
	mux := http.NewServeMux()
	for _, path := range []string{"/p/", "/s/", "/n/", w.Path + "/assets/"} {
		mux.Handle(path, w)
	}
	return mux
}
