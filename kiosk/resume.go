package kiosk

import (
	"slices"
	"time"

	"coldstation/kiosk/flow"
	"coldstation/sync/circ"
)

// resumable is how long after its last event a visit that was cut off may be
// taken up, in the same run of the machine.
const resumable = time.Minute

// cutOff is the visit that was going on when the station last ended, if that was
// moments ago: what it did, each item as it was left. Nil for none.
func (s *Station) cutOff() flow.Msg {
	const most = 400 // events of one visit, and a few of its tags
	first, end, err := s.ledger.Bounds()
	if !s.answered(err) || end < first {
		return nil
	}
	now, boot := s.now(), s.clock.Boot()
	from := max(first, end-min(end, most)+1)
	r := flow.Resumed{}
	made := map[uint64]flow.Done{} // by the number of the event
	fresh := false
	for e, err := range s.ledger.Events(from) {
		if !s.answered(err) {
			return nil
		}
		number := visit(e.Body)
		if number == 0 {
			continue
		}
		if number != r.Visit {
			r.Visit, r.Done = number, nil
			clear(made)
		}
		fresh = e.Stamp.Boot == boot && now.Up-e.Stamp.Uptime < resumable && now.Up >= e.Stamp.Uptime
		s.replay(&r, made, e)
	}
	if !fresh || len(r.Done) == 0 {
		return nil
	}
	return r
}

// replay takes one more event of the visit in.
func (s *Station) replay(r *flow.Resumed, made map[uint64]flow.Done, e circ.Event) {
	set := func(id circ.ItemID, fate flow.Fate, from circ.Ref, due time.Time) {
		item, known := s.knownItem(id)
		item.ID = id
		d := flow.Done{Item: item, Known: known, Fate: fate, Seq: e.Seq, At: e.Stamp.Uptime, From: from, Due: due}
		i := slices.IndexFunc(r.Done, func(d flow.Done) bool { return d.Item.ID == id })
		if i >= 0 {
			made[e.Seq] = r.Done[i]
			if d.From.IsZero() {
				d.From = r.Done[i].From
			}
			r.Done = slices.Delete(r.Done, i, i+1)
		}
		r.Done = append(r.Done, d)
	}
	switch b := e.Body.(type) {
	case circ.CheckedOut:
		set(b.Item, flow.Borrowed, b.From, b.Due)
	case circ.LentToHouse:
		set(b.Item, flow.Housed, circ.Ref{}, time.Time{})
	case circ.CheckedIn:
		fate := flow.Returned
		if !b.Belongs {
			fate = flow.Boxed
		}
		set(b.Item, fate, b.Patron, time.Time{})
	case circ.Undone:
		i := slices.IndexFunc(r.Done, func(d flow.Done) bool { return d.Seq == b.Seq })
		if i < 0 {
			return
		}
		r.Done = slices.Delete(r.Done, i, i+1)
		if before, had := made[b.Seq]; had {
			r.Done = append(r.Done, before)
		}
	}
}
