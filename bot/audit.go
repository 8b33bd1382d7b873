package bot

import (
	"cmp"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"resetbot/conversation"
)

// Entry is an audit line in its place in the chain.
type Entry struct {
	Seq  uint64            `json:"seq"` // from 1, without gaps
	Line conversation.Line `json:"line"`
	// Sum is HMAC-SHA-256 under the audit key over the previous entry's Sum,
	// Seq and the canonical line, so that no line can be changed, left out,
	// added or moved by somebody who has the store but not the key.
	Sum [32]byte `json:"sum"`
}

// Next chains a line to the entry before it; to the zero Entry for the first.
func (e Entry) Next(key conversation.Key, line conversation.Line) (Entry, error) {
	line.At = line.At.UTC().Round(0)
	for _, text := range []*string{&line.Chat, &line.Asker, &line.Receipt, &line.Detail, (*string)(&line.Account)} {
		*text = strings.ToValidUTF8(*text, "\uFFFD") // or it would read back differently
	}
	canonical, err := json.Marshal(line)
	if err != nil {
		return Entry{}, fmt.Errorf("writing an audit line: %w", err)
	}
	next := Entry{Seq: e.Seq + 1, Line: line}
	next.Sum = key.Sum("audit", string(e.Sum[:]), strconv.FormatUint(next.Seq, 10), string(canonical))
	return next, nil
}

// Alarm is the notice that somebody is to look at e; ok is false where nobody
// need. Its id is drawn from the chain: the same however often it is told, and
// another one in a back-up that was put back.
func (e Entry) Alarm() (n conversation.Notice, ok bool) {
	l := e.Line
	return conversation.Notice{
		ID: "alarm-" + hex.EncodeToString(e.Sum[:16]), Kind: conversation.Alarm, Due: l.At, At: l.At,
		Alarm: cmp.Or(l.Detail, l.Event), Account: l.Account, Receipt: l.Receipt, Chat: l.Chat,
	}, l.Alarm
}

// ErrBroken is wrapped by the error of a chain that does not hold.
var ErrBroken = errors.New("the audit chain is broken")

// Follows checks that e is what follows previous.
func (e Entry) Follows(key conversation.Key, previous Entry) error {
	want, err := previous.Next(key, e.Line)
	if err != nil {
		return err
	}
	if want.Seq != e.Seq || want.Sum != e.Sum {
		return fmt.Errorf("line %d: %w", e.Seq, ErrBroken)
	}
	return nil
}
