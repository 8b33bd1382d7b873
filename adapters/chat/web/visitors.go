package web

import (
	"container/list"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"sync"
	"time"

	"resetbot/bot"
	"resetbot/conversation"
)

// visitors remembers what is before each visitor's eyes: the newest page and no
// more. It is bounded; who falls out is shown their page anew, for the
// conversation itself is in the store.
type visitors struct {
	most, mostStreams, mostNew int

	mu      sync.Mutex
	of      map[conversation.User]*list.Element // of *screen
	used    *list.List                          // the latest used first
	streams int
	// sounding are the screens with a sound, those that have had it for longest first.
	sounding []*screen
	minute   time.Time      // in which is counted:
	came     map[string]int // newcomers, by asker
	typed    map[string]int // judgements of what is typed, by link
}

// screen is what one visitor sees. Its fields belong to visitors.mu.
type screen struct {
	user    conversation.User
	page    bot.Outgoing // the newest; Version 0 and no token: none yet
	shown   time.Time
	trouble int           // grows with each answer that could not be stored, while page stays
	changed chan struct{} // closed with the next page
	streams int
	budget  float64   // how many messages may come in at once
	spent   time.Time // when that was last counted
}

func newVisitors(o Options) *visitors {
	return &visitors{
		most: o.MaxVisitors, mostStreams: o.MaxStreams, mostNew: o.NewPerMinute,
		of: map[conversation.User]*list.Element{}, used: list.New(), came: map[string]int{}, typed: map[string]int{},
	}
}

// at gives the screen of user, and makes one. It belongs to callers that hold mu.
func (v *visitors) at(user conversation.User) *screen {
	if e := v.of[user]; e != nil {
		v.used.MoveToFront(e)
		return e.Value.(*screen)
	}
	for e := v.used.Back(); e != nil && v.used.Len() >= v.most; {
		before := e.Prev()
		if s := e.Value.(*screen); s.streams == 0 {
			v.used.Remove(e)
			delete(v.of, s.user)
			s.page.Sound = nil
		}
		e = before
	}
	s := &screen{user: user, changed: make(chan struct{}), budget: burst}
	v.of[user] = v.used.PushFront(s)
	return s
}

// show puts a page on the screen. When an answer could not be stored, the page
// that asked for it stays, so that the person can answer it again.
func (v *visitors) show(m bot.Outgoing, now time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	s := v.at(m.User)
	if m.Page.ID == conversation.SayTrouble && s.page.Page.Token != "" {
		s.trouble++
	} else {
		s.page, s.trouble = m, 0
		v.keepSound(s)
	}
	s.shown = now
	close(s.changed)
	s.changed = make(chan struct{})
}

// glance is a screen as it was at one moment.
type glance struct {
	page    bot.Outgoing
	trouble bool
	shown   time.Time
	mark    string          // names exactly this; empty while there is no page
	changed <-chan struct{} // closed once there is something newer
}

func (v *visitors) look(user conversation.User) glance {
	v.mu.Lock()
	defer v.mu.Unlock()
	s := v.at(user)
	g := glance{page: s.page, trouble: s.trouble > 0, shown: s.shown, changed: s.changed}
	if s.page.Page.ID != "" {
		g.mark = mark(s.page.Page, s.trouble)
	}
	return g
}

// mark names a version of a page without giving its token away.
func mark(p conversation.Page, trouble int) string {
	version := strconv.Itoa(p.Version) + " " + strconv.Itoa(trouble)
	sum := sha256.Sum256([]byte(p.Token + " " + string(p.ID) + " " + version))
	return hex.EncodeToString(sum[:8])
}

// forget wipes the screen of user.
func (v *visitors) forget(user conversation.User) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if e := v.of[user]; e != nil {
		s := e.Value.(*screen)
		close(s.changed)
		s.page.Sound = nil
		v.used.Remove(e)
		delete(v.of, user)
	}
}

// How often one visitor may say something: a person presses a button twice, a
// program presses it a thousand times.
const (
	burst     = 20.0
	perSecond = 1.0
)

// mayAct counts what a visitor says, and reports whether that is not too much.
func (v *visitors) mayAct(user conversation.User, now time.Time) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	s := v.at(user)
	if !s.spent.IsZero() {
		s.budget = min(burst, s.budget+perSecond*max(0, now.Sub(s.spent).Seconds()))
	}
	s.spent = now
	if s.budget < 1 {
		return false
	}
	s.budget--
	return true
}

// mayCome counts a new visitor of an asker: every one begins a conversation.
func (v *visitors) mayCome(asker string, now time.Time) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.count(v.came, asker, now) <= v.mostNew
}

// typedPerMinute is how often a script may ask about what is typed into one page:
// three times a second.
const typedPerMinute = 180

// mayType counts a question about what is typed into the page of a link.
func (v *visitors) mayType(link string, now time.Time) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	sum := sha256.Sum256([]byte(link))
	return v.count(v.typed, string(sum[:8]), now) <= typedPerMinute
}

// count counts one more under a name, within this minute. It belongs to callers
// that hold mu.
func (v *visitors) count(in map[string]int, name string, now time.Time) int {
	if minute := now.Truncate(time.Minute); !minute.Equal(v.minute) {
		v.minute = minute
		clear(v.came)
		clear(v.typed)
	}
	if _, known := in[name]; !known && len(in) >= namesMax {
		name = "others"
	}
	in[name]++
	return in[name]
}

// namesMax bounds how many are counted apart within a minute.
const namesMax = 10_000

// streamsOfOne is how many windows a visitor may have open at once.
const streamsOfOne = 4

// open counts a stream of events, unless there are too many; close it with the
// function that it gives.
func (v *visitors) open(user conversation.User) (closed func(), ok bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	s := v.at(user)
	if v.streams >= v.mostStreams || s.streams >= streamsOfOne {
		return nil, false
	}
	v.streams++
	s.streams++
	return func() {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.streams--
		s.streams--
	}, true
}

// wait waits until something newer than g is there, or for d at the most, and
// looks again.
func (v *visitors) wait(g glance, user conversation.User, d time.Duration, gone <-chan struct{}) glance {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-g.changed:
	case <-timer.C:
	case <-gone:
	}
	return v.look(user)
}
