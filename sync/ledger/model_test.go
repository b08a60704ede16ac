package ledger

import (
	"fmt"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"coldstation/sync/circ"
)

// model is a ledger as one would explain it: a list of what happened, and a map
// of loans that is copied before each change so that it can be put back.
type model struct {
	loans  map[circ.ItemID]circ.PatronID
	before []map[circ.ItemID]circ.PatronID // by event, as it was before it
	about  []circ.ItemID                   // by event
	last   map[circ.ItemID]int             // the event that an item's state is from
	was    []int                           // by event, last[item] before it
	depth  map[circ.ItemID]int             // how many changes of an item can be undone
}

func (m *model) event(item circ.ItemID) int {
	before := map[circ.ItemID]circ.PatronID{}
	for k, v := range m.loans {
		before[k] = v
	}
	m.before, m.about, m.was = append(m.before, before), append(m.about, item), append(m.was, m.last[item])
	seq := len(m.about)
	if item != "" {
		m.last[item] = seq
		m.depth[item] = min(m.depth[item]+1, undos)
	}
	return seq
}

func (m *model) undo(seq int) {
	item := m.about[seq-1]
	if item == "" || m.last[item] != seq {
		return
	}
	if m.depth[item]--; m.depth[item] == 0 { // older than can be undone: the item is as if new
		delete(m.loans, item)
		m.last[item] = 0
		return
	}
	if patron, lent := m.before[seq-1][item]; lent {
		m.loans[item] = patron
	} else {
		delete(m.loans, item)
	}
	m.last[item] = m.was[seq-1]
}

func TestLedgerIsItsModel(t *testing.T) {
	people := []circ.PatronID{anna, eino, staff}
	rapid.Check(t, func(r *rapid.T) {
		l := newKeeper(t)
		defer l.Close()
		m := &model{loans: map[circ.ItemID]circ.PatronID{}, last: map[circ.ItemID]int{}, depth: map[circ.ItemID]int{}}
		met := map[circ.PatronID]bool{}
		stream, told := uuid.New(), 0
		anItem := func() circ.ItemID {
			return circ.ItemID(fmt.Sprint("item-", rapid.IntRange(1, 5).Draw(r, "item")))
		}
		meet := func(who circ.PatronID) {
			if !met[who] {
				met[who] = true
				m.event("")
			}
		}
		r.Repeat(map[string]func(*rapid.T){
			"lend": func(r *rapid.T) {
				item, who := anItem(), rapid.SampledFrom(people).Draw(r, "who")
				meet(who)
				seq := m.event(item)
				m.loans[item] = who
				if got := l.lend(item, who); got != uint64(seq) {
					r.Fatalf("lent by event %d, want %d", got, seq)
				}
			},
			"return": func(*rapid.T) {
				item := anItem()
				m.event(item)
				delete(m.loans, item)
				l.append(nil, circ.CheckedIn{Item: item, Belongs: true})
			},
			"place": func(*rapid.T) {
				item := anItem()
				m.event(item)
				l.append(nil, circ.Placed{Item: item})
			},
			"undo": func(r *rapid.T) {
				if len(m.about) == 0 {
					return
				}
				seq := rapid.IntRange(max(1, len(m.about)-4), len(m.about)).Draw(r, "seq")
				l.append(nil, circ.Undone{Seq: uint64(seq)})
				if first, _, err := l.Bounds(); err != nil || uint64(seq) >= first { // what went cannot be undone
					m.undo(seq)
				}
				m.event("")
			},
			"acknowledge": func(r *rapid.T) {
				seq := uint64(rapid.IntRange(0, len(m.about)).Draw(r, "seq"))
				if err := l.SetMark(Hub, seq); err != nil {
					r.Fatal(err)
				}
			},
			"tell": func(*rapid.T) {
				told++
				l.tell(stream, circ.ItemPut{Item: circ.Item{ID: circ.ItemID(fmt.Sprint(told))}})
			},
			"reopen": func(*rapid.T) { l.reopen() },
			"retire": func(r *rapid.T) {
				l.close()
				if _, err := Retire(l.path, l.options, noon.Wall.AddDate(0, 0, 1), 1); err != nil {
					r.Fatal(err)
				}
				l.open()
			},
			"damage": func(r *rapid.T) {
				if len(m.about) == 0 {
					return
				}
				l.close()
				l.overwrite(l.path, make([]byte, 8192))
				if saved := l.rescue(); !saved.Whole() {
					r.Fatalf("saved %s", saved)
				}
				m.event("") // the library is told
			},
			"": func(r *rapid.T) {
				loans, err := l.OpenLoans()
				if err != nil {
					r.Fatal(err)
				}
				if len(loans) != len(m.loans) {
					r.Fatalf("%d loans %+v, want %d", len(loans), loans, len(m.loans))
				}
				acknowledged, err := l.Mark(Hub)
				if err != nil {
					r.Fatal(err)
				}
				for _, loan := range loans {
					state := circ.NotedHere
					if loan.Seq <= acknowledged {
						state = circ.Received
					}
					if want := l.Ref(m.loans[loan.Item]); loan.Patron != want || loan.State != state {
						r.Fatalf("%s is on loan to %s, state %d, want %s, %d", loan.Item, loan.Patron, loan.State, want, state)
					}
				}
				if _, last, err := l.Bounds(); err != nil || last != uint64(len(m.about)) {
					r.Fatalf("newest event %d, %v, want %d", last, err, len(m.about))
				}
				if _, err := l.Verify(); err != nil {
					r.Fatal(err)
				}
				if j, err := l.VerifyJournal(); err != nil || len(j.Faults) != 0 || j.Last != uint64(len(m.about)) {
					r.Fatalf("journal %+v, %v", j, err)
				}
			},
		})
	})
}
