package conversation

import (
	"strings"
	"time"
)

// What stands in the way of resets of an account, and how an operator takes it
// away. Neither is a walk: nobody talks here, so there is no conversation.

// Key names the account with that id in counters and records.
func (id AccountID) Key() AccountKey { return AccountKey("id:" + string(id)) }

// Standing is what stands in the way of resets of an account at a moment. The
// sign-in with the password that there is, is never shut.
type Standing struct {
	Frozen time.Time // until when nobody resets ("this was not me"); zero: not frozen
	Others Shut      // for people who are not in the owner's own chat
	Own    Shut      // for the owner's own chat
}

// Shut is until when something is not allowed; zero: it is.
type Shut struct {
	Proofs     time.Time // the reset lock, after too many proofs that failed
	Challenges time.Time // no further text messages, calls and notifications
	Begun      time.Time // no further conversations
}

// Free reports whether nothing stands in the way.
func (s Standing) Free() bool { return s == Standing{} }

// Liftable reports whether there is something that [Wizard.Unfreeze] lifts.
func (s Standing) Liftable() bool {
	return !s.Frozen.IsZero() || !s.Others.Proofs.IsZero() || !s.Own.Proofs.IsZero()
}

// StandingReads names what [Wizard.Standing] reads. A decoy of a name that
// nobody has (its key begins with "name:") has counters and no record.
func (w *Wizard) StandingReads(a AccountKey) Reads {
	var r Reads
	if strings.HasPrefix(string(a), "id:") {
		r.Account = a
	}
	for _, class := range []string{others, own} {
		for _, use := range []string{useProofs, useChallenges, useBegun} {
			r.Counters = append(r.Counters, accountCounter(use, class, a))
		}
	}
	return r
}

// Standing judges what was read. It is pure.
func (w *Wizard) Standing(a AccountKey, f Facts, now time.Time) Standing {
	until := func(use, class string, l Limit) time.Time {
		until, _ := f.Counters[accountCounter(use, class, a)].Full(now, l)
		return until
	}
	shut := func(class string) Shut {
		return Shut{
			Proofs:     until(useProofs, class, w.Policy.Proofs),
			Challenges: until(useChallenges, class, w.Policy.Challenges),
			Begun:      until(useBegun, class, w.Policy.Begun),
		}
	}
	s := Standing{Others: shut(others), Own: shut(own)}
	if now.Before(f.Account.Frozen) {
		s.Frozen = f.Account.Frozen
	}
	return s
}

// Unfreezing is an operator's word that an account is to be free again.
type Unfreezing struct {
	Account AccountID
	By      string // who, as the audit has an asker; never a person's name
	Locale  string // of the owner
	Nonce   Nonce
}

// Operator is the chat of which it is said that an operator acted in it.
const Operator = "operator"

// User is under whom the store is asked to take u in. There is never a
// conversation of that name.
func (u Unfreezing) User() User { return User{Chat: Operator, ID: string(u.Account)} }

// Unfreeze lifts a freeze and the reset lock of an account, in one change with
// its line in the audit, and has the owner told. What strangers may cost the
// owner in text messages and conversations stays counted. Where nothing is to
// be lifted nothing changes. Facts are what [Wizard.StandingReads] names. It is
// pure.
func (w *Wizard) Unfreeze(u Unfreezing, f Facts, now time.Time) Change {
	key := u.Account.Key()
	if !w.Standing(key, f, now).Liftable() {
		return Change{Same: true}
	}
	account := f.Account
	account.Key, account.Kept, account.Frozen = key, now.Add(accountKept), time.Time{}
	receipt := u.Nonce.receipt()
	return Change{
		Forget: true, // there is no conversation, and there will be none
		Conversation: Conversation{
			Receipt: receipt,
		},
		Account: &account,
		Counters: map[CounterKey]Counter{
			accountCounter(useProofs, others, key): {},
			accountCounter(useProofs, own, key):    {},
		},
		Notices: []Notice{{
			ID: u.Nonce.id("notice"), Kind: Tell, Due: now, At: now, Account: u.Account, Message: TellUnfrozen,
			Receipt: receipt, Chat: Operator, Locale: u.Locale, Conversation: u.Nonce.id("conversation"),
		}},
		Audit: []Line{{
			At: now, Event: "unfrozen", Receipt: receipt, Chat: Operator, Account: u.Account, Asker: u.By,
		}},
	}
}
