package hub

import (
	"errors"
	"strings"
	"time"

	"coldstation/sync/hub/ils"
	"coldstation/sync/hub/store"
)

// What the hub notes beside an outcome, as constants that a page has words for.
const (
	NoteImplied    = "implied return"     // it was on loan to another, and lay on the pad: that loan was ended first
	NoteTheirs     = "was theirs already" // the library system had the very loan
	NoteNotOut     = "was not on loan"    // there was nothing to take back
	NoteNoUndo     = "cannot be undone"   // a renewal stays
	NoteAlreadyDue = "was due later"      // there was nothing to renew
	NoteAnotherDue = "another due date"   // than was promised
)

// known settles what can be settled without asking: true when it is.
func (s *posts) known(p *store.Posting, started time.Time) bool {
	switch act := p.Act(); {
	case p.Op == store.PostUndo && !p.Undone.Open() && p.Undone != store.PostConfirmed:
		p.State = store.PostWithdrawn // what it undoes was not done
	case act == "":
		confirm(p, "", time.Time{}, NoteNoUndo)
	case p.Step == store.StepNone && p.Sends == 0 && (p.Later || started.After(p.Sorts)):
		refuse(p, ils.Superseded, nil)
		p.Person = act != store.PostTakeBack // a return that another loan has followed needs nobody
	case act != store.PostTakeBack && who(*p).IsZero():
		refuse(p, ils.CardNotFound, nil)
	default:
		return false
	}
	return true
}

// verdict is what to do next.
type verdict byte

const (
	settle verdict = iota
	askWas
	sendReturn
	sendMain
)

// judge decides what is to be done about an item that stands so. What lay on a
// pad is physical evidence: whoever the library system thinks has the item does
// not, unless that loan may be younger. asked tells that it was asked for whom the
// station knew to have it, and expected that they do.
func (s *posts) judge(p *store.Posting, st ils.Standing, asked, expected bool, now time.Time) verdict {
	act := p.Act()
	again := p.Step == store.StepMain // it was sent before, and nobody knows
	switch {
	case !st.Known:
		return refuse(p, ils.ItemNotFound, nil)
	case act != store.PostTakeBack && st.Card == ils.CardUnknown:
		return refuse(p, ils.CardNotFound, nil)
	}
	switch act {
	case store.PostLend:
		if st.With == ils.Them {
			note := NoteTheirs
			if again {
				note = p.Note
			}
			return confirm(p, act, st.Due, note)
		}
		if older := older(st, p); st.With.Out() && again && !older { // to them, or was another quicker?
			return refuse(p, ils.NoAnswer, nil)
		}
	case store.PostTakeBack:
		if st.With == ils.Nobody && again {
			return confirm(p, act, time.Time{}, p.Note)
		}
		if again && st.With != ils.Them && p.Note != NoteImplied { // another may have it since
			return refuse(p, ils.NoAnswer, nil)
		}
	case store.PostRenew:
		if st.With == ils.Them {
			p.ILSDue = st.Due // which stays if it is refused
		}
		if !st.With.Out() {
			return refuse(p, ils.NotOnLoan, nil)
		}
		if st.With == ils.Another {
			return refuse(p, ils.OpenCirculation, nil)
		}
		switch told := st.Renewals >= 0 && p.Renewals >= 0; {
		case again && (told && st.Renewals > p.Renewals || !st.Due.Equal(p.Before)):
			return confirm(p, act, st.Due, p.Note)
		case again && !told: // it may have been renewed to the same day
			return refuse(p, ils.NoAnswer, nil)
		case !again && !p.Due.IsZero() && !st.Due.Before(p.Due):
			return confirm(p, act, st.Due, NoteAlreadyDue)
		}
	}
	if p.Sends >= s.Sends {
		return refuse(p, ils.NoAnswer, nil)
	}
	if act == store.PostRenew || !st.With.Out() || st.With == ils.Them {
		return sendMain
	}
	fresh := now.Sub(p.At)+p.Err <= s.Evidence
	known := !asked && !p.WasWith.IsZero() && p.WasWith != who(*p)
	switch younger := st.Since.After(p.At.Add(p.Err)); {
	case p.Evidence, expected, older(st, p), st.Since.IsZero() && fresh:
	case known && (s.Late || !younger): // our own loan may have the time at which it was posted
		return askWas
	case younger:
		return refuse(p, ils.Superseded, nil)
	default:
		return refuse(p, ils.OpenCirculation, nil)
	}
	p.Note = NoteImplied
	if act == store.PostLend {
		return sendReturn
	}
	return sendMain
}

// older reports whether a loan was made before a posting's event, however far off
// its time may be.
func older(st ils.Standing, p *store.Posting) bool {
	return !st.Since.IsZero() && !st.Since.After(p.At.Add(-p.Err))
}

// conclude takes a reply: true when that is the outcome, and false when a loan
// that was in the way has ended.
func (s *posts) conclude(p *store.Posting, st ils.Standing, r ils.Receipt, err error) bool {
	refused, _ := errors.AsType[*ils.Error](err)
	if p.Step == store.StepReturn {
		if refused != nil && refused.Rule != ils.NotOnLoan {
			refuse(p, ils.OpenCirculation, refused.Words)
			return true
		}
		p.State, p.Step, p.Again = store.PostPending, store.StepNone, time.Time{}
		return false
	}
	act := p.Act()
	switch {
	case refused == nil:
		due := r.Due
		if act == store.PostTakeBack {
			due = time.Time{}
		}
		confirm(p, act, due, p.Note)
	case act == store.PostTakeBack && (st.With == ils.Nobody || refused.Rule == ils.NotOnLoan):
		confirm(p, act, time.Time{}, NoteNotOut)
	default:
		refuse(p, why(refused.Rule, st), refused.Words)
	}
	if act == store.PostTakeBack && p.State == store.PostConfirmed && !r.Route.IsZero() {
		p.Rule, p.Route, p.Person = string(ils.RouteItem), r.Route.To, true
		p.Words = strings.Join(r.Words, "\n")
	}
	return true
}

// why is the rule of a refusal: the library system's, or what it told of the item
// and the card before. Its words are for people and are never read for it.
func why(told ils.Rule, st ils.Standing) ils.Rule {
	switch {
	case told != "":
		return told
	case st.Lost:
		return ils.ItemLost
	case st.Claimed:
		return ils.ClaimsReturned
	case st.Card == ils.CardBlocked:
		return ils.CardRefused
	}
	return ils.OtherRule
}

func confirm(p *store.Posting, acted store.PostingOp, due time.Time, note string) verdict {
	unsure := p.Note == store.NoteOrder
	p.State, p.Acted, p.ILSDue, p.Note, p.Rule, p.Words, p.Person = store.PostConfirmed, acted, due, note, "", "", unsure
	if unsure {
		p.Rule = string(ils.OrderUnsure)
	}
	if !due.IsZero() && !p.Due.IsZero() && due.Sub(p.Due).Abs() >= 12*time.Hour && p.Note == "" {
		p.Note = NoteAnotherDue
	}
	return settle
}

func refuse(p *store.Posting, rule ils.Rule, words []string) verdict {
	p.State, p.Rule, p.Words, p.Person = store.PostRefused, string(rule), strings.Join(words, "\n"), true
	return settle
}

// Proposal is something that may be done about a posting, and what comes of it.
type Proposal struct {
	Action store.Action
	Means  string // one sentence
}

// Propose is what may be done about a posting that needs a person, the best first.
func Propose(p store.Posting) []Proposal {
	var (
		leave  = Proposal{store.Leave, "Nothing changes at the library system; this is noted and leaves the list."}
		retry  = Proposal{store.Retry, "It is sent to the library system once more."}
		accept = Proposal{store.Accept, "It counts as done at the library system, and the station is told so."}
	)
	with := func(p Proposal, means string) Proposal {
		p.Means = means
		return p
	}
	if p.Later {
		return []Proposal{leave, accept}
	}
	switch ils.Rule(p.Rule) {
	case ils.RouteItem:
		return []Proposal{with(leave, "The return is done; somebody takes the item to where it is wanted, and this leaves the list.")}
	case ils.ItemLost:
		return []Proposal{with(retry, "Mark the item as found in the library system first; then this is sent once more."), accept, leave}
	case ils.ClaimsReturned:
		return []Proposal{with(retry, "End the claim in the library system first, since the item has been seen; then this is sent once more."), accept, leave}
	case ils.ItemNotFound:
		return []Proposal{with(retry, "Add the item to the library system, or mend its barcode, first; then this is sent once more."), with(leave, "The library system never hears of it; the station lends the item all the same."), accept}
	case ils.CardNotFound:
		return []Proposal{with(retry, "Add the card to the library system first; then this is sent once more."), with(leave, "The library system never hears of it; the hub keeps whose card it was."), accept}
	case ils.CardRefused:
		return []Proposal{with(retry, "Lift the block in the library system first; then this is sent once more."), accept, leave}
	case ils.OpenCirculation:
		return []Proposal{{store.Return, "The item lay on the pad: the open loan is ended as a return, and then this is sent once more."}, leave}
	case ils.TooManyRenewals:
		return []Proposal{with(leave, "The loan stays due when the library system says; the item may be brought back late."), retry, accept}
	case ils.Superseded:
		return []Proposal{leave, accept}
	case ils.NotOnLoan:
		return []Proposal{leave, retry}
	case ils.OrderUnsure:
		return []Proposal{with(leave, "It is done at the library system. Look at the shelf, and mend the library system if it has the item where it is not.")}
	case ils.NoAnswer:
		return []Proposal{with(accept, "Look into the library system first: it is there, and counts as done."), with(retry, "Look into the library system first: it is not there, and is sent once more."), leave}
	}
	return []Proposal{retry, accept, leave}
}
