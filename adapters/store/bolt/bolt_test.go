package bolt_test

import (
	"path/filepath"
	"testing"

	"resetbot/adapters/store/bolt"
	"resetbot/bot"
	"resetbot/bot/bottest"
	"resetbot/conversation"
)

func in(dir string) bolt.Options {
	return bolt.Options{Path: filepath.Join(dir, "resetbot.db"), KeysFile: filepath.Join(dir, "resetbot.key")}
}

func options(t testing.TB) bolt.Options { return in(t.TempDir()) }

func open(t testing.TB, o bolt.Options) *bolt.Store {
	t.Helper()
	s, err := bolt.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestStore(t *testing.T) {
	places := map[bot.Store]bolt.Options{}
	bottest.TestStore(t, bottest.StoreFixture{
		Open: func(t *testing.T) (bot.Store, conversation.Key) {
			o := options(t)
			s := open(t, o)
			places[s] = o
			return s, s.Keys().Audit()
		},
		Reopen: func(t *testing.T, s bot.Store) bot.Store {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			again := open(t, places[s])
			places[again] = places[s]
			return again
		},
	})
}

func TestLimiter(t *testing.T) {
	bottest.TestLimiter(t, func(t *testing.T) bot.Limiter { return open(t, options(t)) })
}

func TestInstallations(t *testing.T) {
	bottest.TestInstallations(t, func(t *testing.T) bot.Installations { return open(t, options(t)).Installations() })
}

func TestAuthenticators(t *testing.T) {
	bottest.TestAuthenticators(t, func(t *testing.T) bot.Authenticators { return open(t, options(t)) })
}
