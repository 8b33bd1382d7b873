package totp_test

import (
	"bytes"
	"image"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"resetbot/adapters/verification/totp"
	"resetbot/bot"
	"resetbot/conversation"
)

const appSecret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"

var enrolledAt = time.Date(2026, 11, 23, 7, 0, 10, 0, time.UTC)

func newEnroller(t *testing.T) *totp.Enroller {
	t.Helper()
	e, err := totp.NewEnroller("Zorg & Co", func() time.Time { return enrolledAt })
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestTheFirstCodeOfAnAppConfirmsItAndCarriesTheMarkOfLaterOnes(t *testing.T) {
	e := newEnroller(t)
	secret := conversation.NewSecret(appSecret)
	for name, c := range map[string]struct {
		at   time.Time
		want conversation.Verdict
	}{
		"now":                 {enrolledAt, conversation.Right},
		"a step ago":          {enrolledAt.Add(-30 * time.Second), conversation.Right},
		"a step ahead":        {enrolledAt.Add(30 * time.Second), conversation.Right},
		"a clock 2 min ahead": {enrolledAt.Add(2 * time.Minute), conversation.WrongOne},
	} {
		code, err := totp.Code(secret, c.at)
		if err != nil {
			t.Fatal(err)
		}
		got, err := e.Confirm("acc", "dev", secret, code)
		if err != nil || got.Verdict != c.want {
			t.Errorf("%s: %v, %v; want %s", name, got, err, c.want)
		}
	}
	code, _ := totp.Code(secret, enrolledAt)
	got, _ := e.Confirm("acc", "dev", secret, code)
	v := totp.New(totp.Options{
		Now:            func() time.Time { return enrolledAt },
		Authenticators: cabinet{"acc": {{ID: "dev", Secret: secret, Since: enrolledAt.Add(-time.Hour)}}},
	})
	later, err := v.Check(t.Context(), bot.Challenge{Account: "acc", Expires: enrolledAt.Add(time.Hour)}, code)
	if err != nil || later.Mark != got.Mark || got.Mark == "" {
		t.Errorf("confirmed with the mark %q, judged with %q (%v)", got.Mark, later.Mark, err)
	}
}

func TestWhatIsNoFirstCodeIsWrongAndASecretThatIsNoneIsAnError(t *testing.T) {
	e := newEnroller(t)
	for _, code := range []string{"", "12345", "1234567", "abcdef", "１２３４５６"} {
		got, err := e.Confirm("acc", "dev", conversation.NewSecret(appSecret), conversation.NewSecret(code))
		if err != nil || got.Verdict != conversation.WrongOne || got.Mark != "" {
			t.Errorf("%q: %v, %v", code, got, err)
		}
	}
	for _, secret := range []string{"", "AAAA", "not base32"} {
		_, err := e.Confirm("acc", "dev", conversation.NewSecret(secret), conversation.NewSecret("123456"))
		if err == nil {
			t.Errorf("the secret %q was taken", secret)
		}
		if _, err := e.Key("jan@zorg.example", conversation.NewSecret(secret)); err == nil {
			t.Errorf("a key was made of the secret %q", secret)
		}
	}
	if _, err := totp.NewEnroller(" : ", nil); err == nil {
		t.Error("an issuer of nothing was taken")
	}
}

func TestTheKeyOfAnAppHasThreeFormsOfOneSecret(t *testing.T) {
	key, err := newEnroller(t).Key("jan.de+vries@zorg.example", conversation.NewSecret(appSecret))
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.ReplaceAll(key.Text.Reveal(), " ", ""); got != appSecret {
		t.Errorf("to type: %q", key.Text.Reveal())
	}
	if !strings.Contains(key.URL.Reveal(), "secret="+appSecret) {
		t.Errorf("the address: %q", key.URL.Reveal())
	}
	picture, err := png.Decode(bytes.NewReader(key.QR))
	if err != nil {
		t.Fatal(err)
	}
	if r, g, b, _ := picture.At(3, 3).RGBA(); r+g+b != 3*0xffff {
		t.Error("no quiet zone")
	}
	if n := len(key.QR); n > 8<<10 {
		t.Errorf("%d bytes", n)
	}
	if side := picture.Bounds().Dx(); side < 200 || side > 600 || picture.Bounds() != image.Rect(0, 0, side, side) {
		t.Errorf("it measures %v", picture.Bounds())
	}
}

// A reader that is not ours has the last word.
func TestAQRReaderReadsTheAddress(t *testing.T) {
	reader, err := exec.LookPath("zbarimg")
	if err != nil {
		t.Skip("no QR reader here: apt-get install zbar-tools")
	}
	key, err := newEnroller(t).Key("jan.de+vries@zorg.example", conversation.NewSecret(appSecret))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "qr.png")
	if err := os.WriteFile(file, key.QR, 0o600); err != nil {
		t.Fatal(err)
	}
	read, err := exec.Command(reader, "--quiet", "--raw", file).Output()
	if err != nil || strings.TrimSpace(string(read)) != key.URL.Reveal() {
		t.Errorf("read %q, %v; want %q", read, err, key.URL.Reveal())
	}
}
