package kiosk

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"

	"coldstation/kiosk/flow"
	"coldstation/sync/circ"
	"coldstation/sync/secret"
)

// tries counts the wrong secret numbers of an account. They are kept in the ledger, so
// that nobody gets new ones by pulling the plug, and are over with the right number or
// when the library sets another or says so.
//
// Five wrong ones shut the number for a quarter of an hour. Of a staff card, which
// opens more than one person's loans, ten wrong ones shut it until the library does
// either: a thief then has found one of four digits once in a thousand times.
type tries struct {
	Wrong int    `json:"wrong"`
	Of    string `json:"of"` // digest of what it is compared with

	shut time.Duration // until then, as Moment.Up; 0: it is not
	ever bool          // until the library does something
}

// The bounds of guessing.
const (
	mostWrong  = 5
	shutFor    = 15 * time.Minute
	staffWrong = 2 * mostWrong
)

// lock is what opens an account beside its card.
type lock struct {
	hash  string // as package secret makes it; empty: nothing is asked
	of    string // digest of it, to tell that the library has set another
	staff bool
}

func newLock(p circ.Patron) lock {
	sum := sha256.Sum256([]byte(p.Secret))
	return lock{p.Secret, hex.EncodeToString(sum[:8]), p.Staff}
}

// triesAt are the tries at a lock so far. Those of before the station's last start shut
// it for the whole time anew: nobody knows how long ago they were.
func (s *Station) triesAt(l lock, ref circ.Ref) tries {
	t, asked := s.tries[ref]
	if !asked {
		raw, err := s.ledger.Tries(ref)
		if s.answered(err) && raw != nil && s.answered(json.Unmarshal(raw, &t)) {
			s.shut(&t, l)
		}
	}
	if t.Of != l.of {
		t = tries{Of: l.of}
	}
	if t.shut != 0 && !t.ever && s.now().Up >= t.shut {
		t.shut = 0
		if !l.staff {
			t.Wrong = 0
		}
	}
	s.tries[ref] = t
	return t
}

// shut shuts a lock after so many wrong numbers.
func (s *Station) shut(t *tries, l lock) {
	if t.Wrong > 0 && t.Wrong%mostWrong == 0 {
		t.shut = s.now().Up + shutFor
		t.ever = l.staff && t.Wrong >= staffWrong
	}
}

// unlock compares a secret number, in its own time: that takes a while on purpose.
// Nil: the answer comes later. One number is compared at a time: else many could be
// tried before the first was counted.
func (s *Station) unlock(e flow.Unlock) flow.Msg {
	l := s.locks[e.Ref]
	if s.triesAt(l, e.Ref).shut != 0 {
		return flow.Unlocked{Ref: e.Ref, Shut: true}
	}
	if s.comparing {
		return nil
	}
	s.comparing = true
	go func() {
		right, err := secret.Check(e.Number, l.hash)
		if err != nil {
			s.log.Error("a secret number cannot be compared", "err", err)
		}
		s.send(checked{e.Ref, l, right})
	}()
	return nil
}

// forgive lets shut numbers be tried again, as the library asked.
func (s *Station) forgive() {
	clear(s.tries)
	s.answered(s.ledger.ForgetTries())
}

// checked is what came out of unlock.
type checked struct {
	ref   circ.Ref
	lock  lock
	right bool
}

// counted counts a number that was compared, before anybody sees what came out.
func (s *Station) counted(c checked) flow.Unlocked {
	s.comparing = false
	t := s.triesAt(c.lock, c.ref)
	if c.right && t.Wrong == 0 {
		return flow.Unlocked{Ref: c.ref, Right: true}
	}
	var raw []byte
	if c.right {
		t = tries{Of: t.Of}
	} else {
		t.Wrong++
		s.shut(&t, c.lock)
		raw, _ = json.Marshal(t) // of a number and a string
	}
	s.answered(s.ledger.KeepTries(c.ref, raw))
	s.tries[c.ref] = t
	return flow.Unlocked{Ref: c.ref, Right: c.right, Shut: t.shut != 0}
}
