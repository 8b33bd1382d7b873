package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	people "resetbot/adapters/directory/demo"
	phone "resetbot/adapters/verification/demo"
	"resetbot/adapters/verification/totp"
	"resetbot/conversation"
)

// phoneCommand is the telephone of a made-up employee in a second window.
func phoneCommand(f *chatFlags) *cobra.Command {
	var list bool
	cmd := &cobra.Command{
		Use:   "phone [NAME]",
		Short: "Be the telephone of a made-up employee (m.devries if no name is given)",
		Long: "Be the telephone of a made-up employee: text messages, calls, notifications, mail and the " +
			"authenticator app.\n\nType while it is open:\n" + phoneHelp,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			w, err := openWorld(folder(f.data), f.people)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, w.Close()) }()
			p, err := w.person(append(args, "m.devries")[0])
			if err != nil {
				return err
			}
			h := handset{world: w, person: p, out: cmd.OutOrStdout()}
			if list {
				return h.news(cmd.Context())
			}
			return h.run(cmd.Context(), cmd.InOrStdin())
		},
	}
	cmd.Flags().BoolVar(&list, "list", false, "print what is on the telephone, and end")
	return cmd
}

const phoneHelp = `  code         the code that the authenticator app shows now
  #            press # during the call (or digits and #: 42#; 9: this was not me)
  hang up      hang up
  approve 42   approve the notification with the number that the chat shows
  deny         this was not me
  help         these lines`

// handset is one person's telephone.
type handset struct {
	world  *world
	person people.Person
	out    io.Writer
	seen   map[string]phone.State // entries that were printed
}

// run prints what comes in, and does what is typed, until the input ends.
func (h *handset) run(ctx context.Context, in io.Reader) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	h.printf("Telephone of %s (%s)\n%s\n", h.person.Display, h.world.number(h.person), phoneHelp)
	typed := lines(in)
	changed := h.world.phone.Watch(ctx)
	for {
		select {
		case <-changed:
			if err := h.news(ctx); err != nil {
				return err
			}
		case line, more := <-typed:
			if !more {
				return nil
			}
			if err := h.act(ctx, strings.Fields(line)); err != nil {
				h.printf("  (%v)\n", err)
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// lines reads lines until the input ends. The reader stays behind when the
// program ends before; it ends with it.
func lines(in io.Reader) <-chan string {
	typed := make(chan string)
	go func() {
		defer close(typed)
		for s := bufio.NewScanner(in); s.Scan(); {
			typed <- s.Text()
		}
	}()
	return typed
}

// news prints what was not printed before.
func (h *handset) news(ctx context.Context) error {
	entries, err := h.world.phone.List(ctx, h.world.number(h.person))
	if err != nil {
		return err
	}
	if h.seen == nil {
		h.seen = map[string]phone.State{}
	}
	for _, e := range entries {
		before, known := h.seen[e.ID]
		h.seen[e.ID] = e.State
		switch {
		case !known:
			h.printf("\n%s  %s\n  %s\n", e.At.Local().Format(time.TimeOnly), title(e), indent(e.Text))
		case before != e.State:
			h.printf("  (%s)\n", e.State)
		}
	}
	return nil
}

func title(e phone.Entry) string {
	return map[phone.Kind]string{
		phone.KindSMS: "TEXT MESSAGE", phone.KindCall: "INCOMING CALL",
		phone.KindNotification: "AUTHENTICATOR", phone.KindMail: "MAIL to " + e.To,
	}[e.Kind]
}

func indent(text string) string { return strings.ReplaceAll(text, "\n", "\n  ") }

func (h *handset) printf(format string, args ...any) {
	_, _ = fmt.Fprintf(h.out, format, args...) // a closed window ends the input too
}

// act does what was typed.
func (h *handset) act(ctx context.Context, words []string) error {
	if len(words) == 0 {
		return nil
	}
	switch first := strings.ToLower(words[0]); {
	case first == "help":
		h.printf("%s\n", phoneHelp)
		return nil
	case first == "code":
		return h.code()
	case first == "hang":
		return h.on(ctx, phone.KindCall, phone.Hangup())
	case first == "approve" && len(words) == 2:
		return h.on(ctx, phone.KindNotification, phone.Approve(words[1]))
	case first == "deny":
		return h.on(ctx, phone.KindNotification, phone.Deny())
	case strings.Trim(first, "0123456789*#") == "":
		return h.on(ctx, phone.KindCall, phone.Press(first))
	}
	return errors.New("not understood; type help")
}

// code prints what the authenticator app shows.
func (h *handset) code() error {
	if h.person.Authenticator.Empty() {
		return errors.New("there is no authenticator app on this telephone")
	}
	now := time.Now()
	code, err := totp.Code(h.person.Authenticator, now)
	if err != nil {
		return err
	}
	c := code.Reveal()
	left := 30 - now.Unix()%30
	h.printf("  AUTHENTICATOR APP  %s %s   (%s s)\n", c[:3], c[3:], strconv.FormatInt(left, 10))
	return nil
}

// on does a to the newest entry of a kind that waits.
func (h *handset) on(ctx context.Context, kind phone.Kind, a phone.Action) error {
	number := h.world.number(h.person)
	entries, err := h.world.phone.List(ctx, number)
	if err != nil {
		return err
	}
	for i := len(entries) - 1; i >= 0; i-- {
		if e := entries[i]; e.Kind == kind && e.State == phone.Waiting {
			_, err := h.world.phone.Act(ctx, number, e.ID, a)
			return err
		}
	}
	return errors.New("nothing is waiting for that")
}

// signInCommand tries a password at the made-up hospital's work station.
func signInCommand(f *chatFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "signin NAME",
		Short: "Try a password as the work station would: does the new one work, and the old no longer?",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			w, err := openWorld(folder(f.data), f.people)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, w.Close()) }()
			p, err := w.person(args[0])
			if err != nil {
				return err
			}
			password, err := readSecret(cmd)
			if err != nil {
				return err
			}
			ok, err := w.people.VerifyPassword(cmd.Context(), p.ID, password)
			if err != nil {
				return err
			}
			if !ok {
				return errors.New("this password does not work")
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "signed in as %s\n", p.UPN)
			return err
		},
	}
}

func readSecret(cmd *cobra.Command) (conversation.Secret, error) {
	if read := unseen(cmd.InOrStdin(), cmd.OutOrStdout()); read != nil {
		_, _ = fmt.Fprint(cmd.OutOrStdout(), "Password: ")
		typed, err := read()
		return conversation.NewSecret(typed), err
	}
	line, err := bufio.NewReader(cmd.InOrStdin()).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return conversation.Secret{}, err
	}
	return conversation.NewSecret(strings.TrimRight(line, "\r\n")), nil
}

// peopleCommand lists who can be tried.
func peopleCommand(f *chatFlags) *cobra.Command {
	return &cobra.Command{
		Use: "people", Short: "List the made-up employees, and what each is there to show", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			w, err := openWorld(folder(f.data), f.people)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, w.Close()) }()
			for _, p := range w.people.People() {
				_, err := fmt.Fprintf(cmd.OutOrStdout(), "%-32s %-18s %s\n", p.UPN, p.Display, describe(p))
				if err != nil {
					return err
				}
			}
			return nil
		},
	}
}

func describe(p people.Person) string {
	var words []string
	for _, w := range []struct {
		is   bool
		word string
	}{
		{p.Mobile != "", "telephone " + p.Mobile},
		{!p.Authenticator.Empty(), "authenticator app"},
		{p.Locked, "locked out"},
		{p.Disabled, "disabled"},
		{p.Expired, "contract over"},
		{p.Privileged, "privileged"},
	} {
		if w.is {
			words = append(words, w.word)
		}
	}
	return strings.Join(words, ", ")
}
