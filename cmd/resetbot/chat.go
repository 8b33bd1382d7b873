package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/user"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"resetbot/adapters/captcha"
	"resetbot/adapters/chat/terminal"
	"resetbot/adapters/store/bolt"
	"resetbot/bot"
	"resetbot/conversation"
	"resetbot/conversation/words"
)

// chatFlags are what the chat in the terminal can be told.
type chatFlags struct {
	data   string
	people string
	as     string
	locale string
}

// chatCommand is the wizard in this terminal, with a made-up hospital.
func chatCommand() *cobra.Command {
	var f chatFlags
	cmd := &cobra.Command{
		Use:   "chat",
		Short: "Reset a made-up employee's password by talking to the bot in this terminal",
		Long: "Reset a made-up employee's password by talking to the bot in this terminal.\n\n" +
			"The employee's telephone is in a second window: resetbot chat phone.\n" +
			"Whether the new password works: resetbot chat signin m.devries.\n" +
			"Try m.devries@rijnzicht.example first; resetbot chat people lists everybody.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return chat(cmd.Context(), f, cmd.InOrStdin(), cmd.OutOrStdout())
		},
	}
	all := cmd.PersistentFlags()
	all.StringVar(&f.data, "data", string(defaultFolder()), "folder in which the demo keeps everything")
	all.StringVar(&f.people, "people", "", "people file of your own organisation (default: the built-in hospital)")
	cmd.Flags().StringVar(&f.as, "as", "", "be this employee in their own chat, as Teams would prove it")
	cmd.Flags().StringVar(&f.locale, "lang", "nl", "language to begin in: nl or en")
	cmd.AddCommand(phoneCommand(&f), signInCommand(&f), peopleCommand(&f))
	return cmd
}

// chat talks until the input or ctx ends. What was said is stored; the next
// time it goes on where it was.
func chat(ctx context.Context, f chatFlags, in io.Reader, out io.Writer) (err error) {
	w, err := openWorld(folder(f.data), f.people)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	store, err := bolt.Open(w.folder.store())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	file, err := os.OpenFile(w.folder.path("resetbot.log"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("opening the log: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	log := slog.New(slog.NewJSONHandler(file, nil))
	from, err := w.origin(f)
	if err != nil {
		return err
	}
	t := terminal.New(terminal.Options{
		In: in, Out: out, Words: w.words, From: from, Pictures: string(w.folder), Width: width(out),
		Draw: captcha.Blocks, ReadPassword: unseen(in, out), Log: log,
	})
	defer t.Close()
	b, err := w.bot(store, front{chats: map[string]bot.Chat{terminal.Name: t}}, nil, log)
	if err != nil {
		return err
	}
	defer openOffice(w.config, store, w.parts, b, log)()
	return w.talk(ctx, t, b)
}

// talk runs the bot behind the terminal until either ends, and stops the other.
func (w *world) talk(ctx context.Context, t *terminal.Terminal, b *bot.Bot) error {
	ctx, cancel := context.WithCancel(ctx)
	ran := make(chan error, 1)
	go func() {
		defer cancel()
		ran <- b.Run(ctx)
	}()
	err := t.Run(ctx, b.Receive)
	cancel()
	return errors.Join(err, <-ran)
}

// origin is who sits at the terminal: somebody of whom nothing is known, or
// with --as the employee whose own chat this is.
func (w *world) origin(f chatFlags) (conversation.Origin, error) {
	id := "somebody"
	if u, err := user.Current(); err == nil {
		id = u.Username
	}
	from := conversation.Origin{Locale: words.Locale(f.locale)}
	if f.as != "" {
		p, err := w.person(f.as)
		if err != nil {
			return from, err
		}
		id = "own " + string(p.ID)
		from.Bound = w.people.Bound(terminal.Name, local(p.UPN))
		if len(from.Bound) == 0 {
			from.Bound = []conversation.Bound{{ID: p.ID, UPN: p.UPN}}
		}
	}
	from.User = conversation.User{Chat: terminal.Name, ID: id}
	from.Asker = from.User.String()
	return from, nil
}

// unseen reads a line without an echo, where in is a terminal.
func unseen(in io.Reader, out io.Writer) func() (string, error) {
	file, ok := in.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return nil
	}
	return func() (string, error) {
		typed, err := term.ReadPassword(int(file.Fd()))
		_, _ = fmt.Fprintln(out) // the Enter that was not shown
		return string(typed), err
	}
}

func width(out io.Writer) int {
	if file, ok := out.(*os.File); ok {
		if columns, _, err := term.GetSize(int(file.Fd())); err == nil {
			return columns
		}
	}
	return 80
}
