package conversation

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
)

// redacted is all that anybody who prints a [Secret] or a [Key] ever sees.
const redacted = "[secret]"

// ErrSecret is what every attempt to marshal a [Secret] or a [Key] returns:
// a secret that reaches an encoder is a defect, and must not pass for an
// empty string.
var ErrSecret = errors.New("a secret cannot be marshalled")

// Secret is a text that nobody may print, log or store: a password, a code,
// whatever a person typed. Every verb of fmt, slog and every encoder gets
// "[secret]" or an error; the only way to the text is [Secret.Reveal].
// The zero Secret is the empty text.
type Secret struct {
	// A pointer, because fmt prints an unexported field of a struct by
	// reflection, without asking for its methods.
	text *string
}

// NewSecret hides text.
func NewSecret(text string) Secret { return Secret{&text} }

// Reveal gives the text to the one who must have it: a check, a directory.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// Empty reports whether nothing was said.
func (s Secret) Empty() bool { return s.Reveal() == "" }

// Equal compares in a time that tells nothing about where the two differ.
func (s Secret) Equal(t Secret) bool {
	return subtle.ConstantTimeCompare([]byte(s.Reveal()), []byte(t.Reveal())) == 1
}

func (Secret) String() string               { return redacted }
func (Secret) GoString() string             { return redacted }
func (Secret) Format(f fmt.State, _ rune)   { _, _ = f.Write([]byte(redacted)) }
func (Secret) LogValue() slog.Value         { return slog.StringValue(redacted) }
func (Secret) MarshalText() ([]byte, error) { return nil, ErrSecret }
func (Secret) MarshalJSON() ([]byte, error) { return nil, ErrSecret }

// MarshalBinary also stops encoding/gob, which prefers it.
func (Secret) MarshalBinary() ([]byte, error) { return nil, ErrSecret }

// Key is a 256-bit key of HMAC-SHA-256. It prints and marshals as little as
// a [Secret] does, but where fmt goes by reflection: in a field that is not
// exported, or under a verb that does not fit. A test sees to it that nothing that
// holds one is given to a printer at all.
type Key [32]byte

func (Key) String() string                 { return redacted }
func (Key) GoString() string               { return redacted }
func (Key) Format(f fmt.State, _ rune)     { _, _ = f.Write([]byte(redacted)) }
func (Key) LogValue() slog.Value           { return slog.StringValue(redacted) }
func (Key) MarshalText() ([]byte, error)   { return nil, ErrSecret }
func (Key) MarshalJSON() ([]byte, error)   { return nil, ErrSecret }
func (Key) MarshalBinary() ([]byte, error) { return nil, ErrSecret }

// Zero reports whether the key was never set. Nothing may start with one.
func (k Key) Zero() bool { return k == Key{} }

// Sum is HMAC-SHA-256 over the parts, each preceded by its length, so that
// no two lists of parts have the same input. The first part names the use.
func (k Key) Sum(use string, parts ...string) [32]byte {
	mac := hmac.New(sha256.New, k[:])
	var size [8]byte
	write := func(part string) {
		binary.BigEndian.PutUint64(size[:], uint64(len(part)))
		mac.Write(size[:])
		mac.Write([]byte(part))
	}
	write(use)
	for _, part := range parts {
		write(part)
	}
	return [32]byte(mac.Sum(nil))
}

// Keys are the fixed keys that the wizard derives with; they never change
// once a store exists (DESIGN 8). The audit key is not among them: the wizard
// has no business with the chain.
type Keys struct {
	Index Key // names of things that are looked up or compared: accounts, typed answers, numbers
	Code  Key // one-time codes and captcha answers, from the id of their challenge
	Decoy Key // what is shown of accounts that do not exist
}

// OneTimeCode derives the six digits of a challenge. The same challenge
// always has the same code, so a text message can be sent again after a crash
// without the code ever having been stored.
func (k Keys) OneTimeCode(challenge string) Secret {
	return NewSecret(digits(k.Code.Sum("one-time code", challenge), 6))
}

// Digits derives the two digits that a person types into the app or on the
// telephone, 10 to 99, so that nobody loses a leading nought.
func (k Keys) Digits(challenge string) string {
	sum := k.Code.Sum("digits", challenge)
	return strconv.FormatUint(10+binary.BigEndian.Uint64(sum[:])%90, 10)
}

// CaptchaAlphabet is what captchas are made of. It lacks what is easily taken
// for something else (0 O, 1 I L, 2 Z, 4 A, 5 S, 8 B, U V, W and M which touch
// their neighbours).
const CaptchaAlphabet = "ACDEFGHJKNPQRTXY3679"

// CaptchaLength is how many characters a captcha has.
const CaptchaLength = 6

// CaptchaAnswer derives the characters of a captcha.
func (k Keys) CaptchaAnswer(captcha string) Secret {
	sum := k.Code.Sum("captcha", captcha)
	answer := make([]byte, CaptchaLength)
	for i := range answer {
		answer[i] = CaptchaAlphabet[binary.BigEndian.Uint32(sum[4*i:])%uint32(len(CaptchaAlphabet))]
	}
	return NewSecret(string(answer))
}

// CaptchaSeed derives the randomness of a captcha's drawing, so that a picture
// that is shown again after a restart is the same picture.
func (k Keys) CaptchaSeed(captcha string) [32]byte {
	return k.Code.Sum("captcha drawing", captcha)
}

// CaptchaSoundSeed is the same for its sound: another one, so that nobody who
// works out how the picture was bent knows how the sound was.
func (k Keys) CaptchaSoundSeed(captcha string) [32]byte {
	return k.Code.Sum("captcha sound", captcha)
}

// AppSecret derives the key of an authenticator that is being enrolled: 160
// bits (RFC 4226, section 4, R6) in base32 without padding. Once enrolled it is
// kept by the store; its enrolment's id is then forgotten.
func (k Keys) AppSecret(enrolment string) Secret {
	sum := k.Code.Sum("authenticator secret", enrolment)
	return NewSecret(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:20]))
}

// Device names the authenticator that a conversation enrols.
func (k Keys) Device(conversation string) string {
	return k.Fingerprint("authenticator", conversation)
}

// entryWords derives which words the one-time pages of a conversation show and
// ask for, of [EntryWordCount] that there are: two different ones. They stay
// the same to its end, so that nobody types a word that was right a moment ago.
func (k Keys) entryWords(conversation string) (shows, asks int) {
	sum := k.Code.Sum("words of a one-time page", conversation)
	shows = int(binary.BigEndian.Uint32(sum[:]) % EntryWordCount)
	asks = int(binary.BigEndian.Uint32(sum[4:]) % (EntryWordCount - 1))
	if asks >= shows {
		asks++
	}
	return shows, asks
}

// decoyDigits derives the last two digits of the number that a decoy seems
// to have.
func (k Keys) decoyDigits(account AccountKey) string {
	return digits(k.Decoy.Sum("last two digits", string(account)), 2)
}

// Fingerprint is a keyed hash of parts, for comparison only: what it was made
// of cannot be had back, not even by trying all telephone numbers, without
// the index key.
func (k Keys) Fingerprint(use string, parts ...string) string {
	sum := k.Index.Sum(use, parts...)
	return hex.EncodeToString(sum[:16])
}

func digits(sum [32]byte, n int) string {
	modulus := uint64(1)
	for range n {
		modulus *= 10
	}
	return fmt.Sprintf("%0*d", n, binary.BigEndian.Uint64(sum[:])%modulus)
}

// Nonce is the only randomness of a step: 32 bytes that bot drew for one
// input. Every id of that step is derived from it, so that a step that is
// computed twice (the store may) has the same ids.
type Nonce [32]byte

func (Nonce) String() string               { return redacted }
func (Nonce) GoString() string             { return redacted }
func (Nonce) Format(f fmt.State, _ rune)   { _, _ = f.Write([]byte(redacted)) }
func (Nonce) LogValue() slog.Value         { return slog.StringValue(redacted) }
func (Nonce) MarshalText() ([]byte, error) { return nil, ErrSecret }
func (Nonce) MarshalJSON() ([]byte, error) { return nil, ErrSecret }

// MarshalBinary stops encoding/gob, as in [Secret].
func (Nonce) MarshalBinary() ([]byte, error) { return nil, ErrSecret }

func (n Nonce) draw(use string) [32]byte { return Key(n).Sum(use) }

// id is 128 bits in hexadecimal.
func (n Nonce) id(use string) string {
	sum := n.draw(use)
	return hex.EncodeToString(sum[:16])
}

// receipt is what a person reads to the service desk: eight characters that
// look different, of 40 bits. It opens nothing, proves nothing, and nothing is
// keyed by it.
func (n Nonce) receipt() string {
	const alphabet = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
	sum := n.draw("receipt")
	text := base32.NewEncoding(alphabet).WithPadding(base32.NoPadding).EncodeToString(sum[:5])
	return text[:4] + "-" + text[4:]
}

// fraction is a number from 0 up to 1, for the jitter of levelled answers.
func (n Nonce) fraction(use string) float64 {
	sum := n.draw(use)
	return float64(binary.BigEndian.Uint64(sum[:])>>11) / (1 << 53)
}
