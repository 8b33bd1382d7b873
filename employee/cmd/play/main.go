// Command play resets the password of one of the demo's people, as they would:
// in the web chat of a running service, with the made-up telephone.
//
//	go run ./cmd/resetbot demo
//	go run ./employee/cmd/play -new 'drie kleine wolken boven zee'
package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"resetbot/employee"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := play(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "play:", err)
		os.Exit(1)
	}
}

func play(ctx context.Context) error {
	who := employee.Person{Read: ask}
	at := flag.String("at", "http://127.0.0.1:3978", "address of the service")
	flag.StringVar(&who.User, "user", "m.devries@rijnzicht.example", "who forgot the password")
	flag.StringVar(&who.Mobile, "mobile", "0612345613", "the mobile number, as it is typed")
	flag.StringVar(&who.Number, "number", "+31612345613", "the same, in E.164")
	flag.StringVar(&who.Secret, "secret", "IYHTMFTJUAION5GCZHBRA3JLVMNP7YNF", "key of the authenticator app, base32")
	flag.StringVar(&who.Language, "language", "nl", "nl or en")
	password := flag.String("new", "", "the new password")
	flag.Parse()
	told, err := employee.Reset(ctx, *at, who, employee.SMS, employee.AppCode, *password)
	for _, page := range told.Seen {
		fmt.Printf("%7s  %s\n", page.After.Round(time.Millisecond), page.Heading)
	}
	if err != nil {
		return err
	}
	ok, err := employee.SignIn(ctx, *at, who.User, *password)
	if err != nil {
		return err
	}
	fmt.Printf("%7s  receipt %s; the new password works: %t\n", told.Took.Round(time.Millisecond), told.Receipt, ok)
	return nil
}

// ask has a person read the picture.
func ask(picture []byte) (string, error) {
	file := filepath.Join(os.TempDir(), "resetbot-captcha.png")
	if err := os.WriteFile(file, picture, 0o600); err != nil {
		return "", err
	}
	fmt.Printf("What does the picture %s say? ", file)
	line, err := bufio.NewReader(os.Stdin).ReadString('\n')
	return strings.TrimSpace(line), err
}
