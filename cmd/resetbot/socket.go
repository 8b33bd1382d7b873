package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"resetbot/adapters/store/bolt"
	"resetbot/bot"
	"resetbot/conversation"
)

// The commands of those who run the service (audit, case, keys, unfreeze) ask
// an office. A running service has one behind a Unix socket beside its store,
// and speaks HTTP there (docs/operating.md). Where nothing listens the command
// opens the store and has an office of its own for as long as it takes: there
// is one way in which things are done, whoever does them.

// office answers those who run the service, on a store that is open in this
// process.
type office struct {
	config config
	store  *bolt.Store
	parts  func() (*parts, error)
	// accept takes a restored store for the true one.
	accept  func(context.Context, conversation.Line) error
	rotated chan struct{} // what is sealed with older keys is sealed anew behind it; nil: at once
	now     func() time.Time
}

func (o *office) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /audit", o.lines)
	mux.Handle("GET /audit/verify", answer(o.verify))
	mux.Handle("POST /audit/accept-restore", answer(o.acceptRestore))
	mux.Handle("GET /case/{receipt}", answer(o.caseOf))
	mux.Handle("GET /keys", answer(o.showKeys))
	mux.Handle("POST /keys/rotate", answer(o.rotateKeys))
	mux.Handle("POST /keys/prune", answer(o.pruneKeys))
	mux.Handle("POST /unfreeze/{account}", answer(o.unfreeze))
	return known(mux)
}

// answer is what a request comes to, as one JSON value. Its error is a sentence
// for the operator, with no secret in it.
type answer func(*http.Request) (any, error)

// refusal is an error that is not a malfunction: what was asked cannot be.
type refusal struct{ sentence string }

func (r refusal) Error() string { return r.sentence }

// told is an error on its way to the command.
type told struct {
	Error string `json:"error"`
}

func (a answer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	code := http.StatusOK
	v, err := a(r)
	if err != nil {
		code, v = http.StatusInternalServerError, told{err.Error()}
		if errors.As(err, new(refusal)) {
			code = http.StatusConflict
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(v) // whoever asked has hung up
}

// uidKey is where the context of a request has who asks.
type uidKey struct{}

// uid is who asks, as the system knows them.
func uid(r *http.Request) int {
	if id, ok := r.Context().Value(uidKey{}).(int); ok {
		return id
	}
	return -1
}

// asking is who asks, as the audit has an asker: a number, and no name.
func asking(r *http.Request) string { return fmt.Sprintf("uid_%d", uid(r)) }

// line is a line of the audit of what an operator does.
func (o *office) line(r *http.Request, event string) conversation.Line {
	return conversation.Line{At: o.now(), Event: event, Chat: conversation.Operator, Asker: asking(r)}
}

// known lets in the user that runs this process, and root.
func known(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if id := uid(r); id != os.Geteuid() && id != 0 {
			answer(func(*http.Request) (any, error) {
				return nil, refusal{"only the user that runs resetbot, or root, may ask it"}
			}).ServeHTTP(w, r)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// serve answers what comes to l until it is stopped, which takes what is being
// answered two seconds to end.
func (o *office) serve(l net.Listener, log *slog.Logger) (stop func()) {
	server := &http.Server{
		Handler: o.handler(), ReadHeaderTimeout: headerTimeout, MaxHeaderBytes: headerMax,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug), // commands that were broken off, mostly
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, uidKey{}, peer(c))
		},
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			log.Error("answering the commands of operators", "error", err)
		}
	}()
	return func() {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		if server.Shutdown(ctx) != nil {
			_ = server.Close() // they are broken off; there is nothing more to be done
		}
		<-ended
	}
}

// open has the office of a running bot answer on the socket beside the store,
// and seal anew in the background, until it is closed; that is before the store
// is. A service that cannot have a socket goes on without, and says so in its
// log: nobody is helped by its not starting.
func (o *office) open(log *slog.Logger) (closed func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var work sync.WaitGroup
	o.rotated = make(chan struct{}, 1)
	work.Go(func() { o.resealer(ctx, log) })
	stop := func() {}
	l, err := listenUnix(socketOf(o.config))
	if err != nil {
		log.Warn("there is no socket for the commands audit, case, keys and unfreeze: "+
			"they need this process stopped", "error", err)
	} else {
		stop = o.serve(l, log)
	}
	return func() {
		stop()
		cancel()
		work.Wait()
	}
}

// socketEnd is what a socket's path has behind that of its store.
const socketEnd = ".sock"

func socketOf(c config) string { return c.Store.Path + socketEnd }

// openOffice is the office of a running bot on a store; there is none for a
// store that dies with its process.
func openOffice(c config, s store, p *parts, b *bot.Bot, log *slog.Logger) (closed func()) {
	kept, ok := s.(*bolt.Store)
	if !ok {
		return func() {}
	}
	o := &office{
		config: c, store: kept, accept: b.AcceptRestore, now: time.Now,
		parts: func() (*parts, error) { return p, nil },
	}
	return o.open(log)
}

// listenUnix listens on a socket that only its owner can use. What is left of a
// process that died is removed; the caller holds the store's lock, so nobody
// else is about to listen.
func listenUnix(path string) (net.Listener, error) {
	if err := ownFolder(filepath.Dir(path)); err != nil {
		return nil, err
	}
	switch info, err := os.Lstat(path); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, fmt.Errorf("looking at the socket: %w", err)
	case info.Mode()&fs.ModeSocket == 0:
		return nil, fmt.Errorf("%s is there, and is no socket", path)
	default:
		if c, err := net.DialTimeout("unix", path, time.Second); err == nil {
			return nil, errors.Join(fmt.Errorf("another process listens on %s", path), c.Close())
		}
		if err := os.Remove(path); err != nil {
			return nil, fmt.Errorf("removing an old socket: %w", err)
		}
	}
	l, err := net.Listen("unix", path)
	if errors.Is(err, syscall.EINVAL) {
		return nil, fmt.Errorf("the path of the socket %s is longer than the system takes", path)
	}
	if err != nil {
		return nil, fmt.Errorf("making the socket: %w", err)
	}
	// Before this, whoever the umask lets in is turned away by [known].
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("closing the socket to others: %w", err), l.Close())
	}
	return l, nil
}

// ownFolder refuses a folder in which anybody could put a socket in the place
// of ours.
func ownFolder(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("looking at the folder of the store: %w", err)
	}
	if info.Mode().Perm()&0o002 != 0 && info.Mode()&fs.ModeSticky == 0 {
		return fmt.Errorf("everybody can write to the folder %s (mode %04o): chmod o-w it", path, info.Mode().Perm())
	}
	return nil
}

// caller asks an office.
type caller struct{ http.Client }

// ask asks for one JSON value.
func (c *caller) ask(ctx context.Context, method, path string, into any) error {
	body, err := c.begin(ctx, method, path)
	if err != nil {
		return err
	}
	err = json.NewDecoder(body).Decode(into)
	if err != nil {
		err = fmt.Errorf("reading the answer: %w", err)
	}
	return errors.Join(err, body.Close())
}

// begin asks, and gives the answer to read; an error that was told is an error.
func (c *caller) begin(ctx context.Context, method, path string) (io.ReadCloser, error) {
	r, err := http.NewRequestWithContext(ctx, method, "http://resetbot"+path, http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("asking: %w", err)
	}
	response, err := c.Do(r)
	if err != nil {
		return nil, fmt.Errorf("asking the running service: %w", err)
	}
	if response.StatusCode == http.StatusOK {
		return response.Body, nil
	}
	defer func() { _ = response.Body.Close() }() // it was read
	var t told
	if err := json.NewDecoder(io.LimitReader(response.Body, bodyMax)).Decode(&t); err != nil || t.Error == "" {
		return nil, fmt.Errorf("the running service answers %s, which this program does not understand: "+
			"are both of the same version?", response.Status)
	}
	return nil, errors.New(t.Error)
}

// place is which store a command is about: a configuration's, or a demo's.
type place struct{ config, data string }

// flags lets cmd, and the commands below it, be told the place.
func (p *place) flags(cmd *cobra.Command) {
	f := cmd.PersistentFlags()
	f.StringVar(&p.config, "config", "", "configuration of the service")
	f.StringVar(&p.data, "data", "", "folder of a demo (default: that of resetbot chat)")
}

// load reads its configuration. What is wrong with it is told as serve tells it.
func (p place) load() (config, error) {
	switch {
	case p.config != "" && p.data != "":
		return config{}, errors.New("name a configuration with -config or a demo's folder with --data, not both")
	case p.config == "" && p.data == "":
		return defaultFolder().config("")
	case p.config == "":
		return folder(p.data).config("")
	}
	c, err := loadConfig(p.config)
	if err == nil && c.Store.Type != bolted {
		err = fmt.Errorf("%s keeps everything in memory: there is nothing to look at", p.config)
	}
	return c, err
}

// with calls use with an office of the place: the running service's, or one of
// its own. Commands that come together wait for one another.
func (p place) with(ctx context.Context, use func(*caller) error) error {
	c, err := p.load()
	if err != nil {
		return err
	}
	if _, err := os.Stat(c.Store.Path); err != nil {
		return fmt.Errorf("there is no store in %s: name its folder with --data, or its configuration with -config",
			filepath.Dir(c.Store.Path))
	}
	for tries := 1; ; tries++ {
		call, err := dial(socketOf(c))
		if err == nil {
			defer call.CloseIdleConnections()
			return use(call)
		}
		if errors.Is(err, fs.ErrPermission) {
			return fmt.Errorf("only the user that runs resetbot, or root, may ask it: %w", err)
		}
		if !nobodyListens(err) {
			return err
		}
		// bolt waits a second for whoever has it open.
		s, err := bolt.Open(bolt.Options{Path: c.Store.Path, KeysFile: c.KeysFile})
		if err == nil {
			return errors.Join(alone(c, s, use), s.Close())
		}
		if !errors.Is(err, bolt.ErrInUse) {
			return err
		}
		if tries == patient {
			return fmt.Errorf("%w, and does not answer on %s: its log says why", err, socketOf(c))
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// patient is how many seconds a command waits for a service that begins or ends.
const patient = 5

// alone has an office in this process, on a store that nobody else has open.
func alone(c config, s *bolt.Store, use func(*caller) error) error {
	var opened *parts
	o := &office{
		config: c, store: s, now: time.Now,
		parts: sync.OnceValues(func() (p *parts, err error) { opened, err = openParts(c); return opened, err }),
		accept: func(ctx context.Context, line conversation.Line) error {
			return bot.AcceptRestore(ctx, s, c.headFile(), line)
		},
	}
	l := newPipes()
	stop := o.serve(l, slog.New(slog.DiscardHandler))
	call := &caller{http.Client{Transport: &http.Transport{DialContext: l.dial}}}
	err := use(call)
	call.CloseIdleConnections()
	stop()
	if opened != nil {
		err = errors.Join(err, opened.Close())
	}
	return errors.Join(err, giveBack(c))
}

// giveBack gives the files that root wrote anew to whom the store belongs to:
// a service that cannot read its own keys would not start again.
func giveBack(c config) error {
	uid, gid := owner(c.Store.Path)
	if os.Geteuid() != 0 || uid < 0 {
		return nil
	}
	for _, path := range []string{c.KeysFile, c.headFile()} {
		if is, _ := owner(path); is != 0 || uid == 0 {
			continue
		}
		if err := os.Chown(path, uid, gid); err != nil {
			return fmt.Errorf("giving a file to the user of the service: %w", err)
		}
	}
	return nil
}

// dial asks whether somebody listens on a socket, and lets nobody but ourselves,
// root, or for root whoever the store belongs to, answer.
func dial(path string) (*caller, error) {
	connect := func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		c, err := d.DialContext(ctx, "unix", path)
		if err != nil {
			return nil, err
		}
		if id := peer(c); !trusted(id, os.Geteuid(), path) {
			return nil, errors.Join(fmt.Errorf("another user (%d) listens on %s: be that user", id, path), c.Close())
		}
		return c, nil
	}
	c, err := connect(context.Background(), "", "")
	if err != nil {
		return nil, err
	}
	if err := c.Close(); err != nil {
		return nil, err
	}
	return &caller{http.Client{Transport: &http.Transport{DialContext: connect}}}, nil
}

// trusted reports whether me may believe an answer of id on a socket. Root can ask
// everybody's service, so for root it is the service of that store that counts:
// anybody can make a socket in a folder that is shared.
func trusted(id, me int, socket string) bool {
	if id == me || id == 0 {
		return true
	}
	service, _ := owner(strings.TrimSuffix(socket, socketEnd))
	return me == 0 && id >= 0 && id == service
}

func nobodyListens(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) ||
		errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOTSOCK)
}

// pipes are connections within this process.
type pipes struct {
	dialled chan net.Conn
	closed  chan struct{}
	close   func()
}

func newPipes() *pipes {
	p := &pipes{dialled: make(chan net.Conn), closed: make(chan struct{})}
	p.close = sync.OnceFunc(func() { close(p.closed) })
	return p
}

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case p.dialled <- theirs:
		return ours, nil
	case <-p.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept is part of net.Listener.
func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.dialled:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

// Close is part of net.Listener.
func (p *pipes) Close() error { p.close(); return nil }

// Addr is part of net.Listener.
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Net: "pipe"} }
