package rfidtest

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"coldstation/rfid"
	"coldstation/rfid/sim"
)

// Storm works on a pad whose line fails in every way a tenth of the time. An
// operation may fail; it may not hang, blame the wrong tag, or succeed with
// anything but the truth. At the end, when the faults stop, all must work again.
func Storm(t *testing.T, d Driver, seed uint64, operations int) {
	t.Logf("seed %d", seed)
	synctest.Test(t, func(t *testing.T) {
		table := d.table(t, 5)
		faults := sim.NewSchedule(seed, 0.1)
		p := Lay(t, d, table, faults)
		s := storm{t: t, Pad: p, chips: table.Chips(), limit: d.Limit, rnd: rand.New(rand.NewPCG(seed, 1)), outcomes: map[string]int{}}
		for n := range operations {
			s.step(n)
			if t.Failed() {
				return
			}
		}
		t.Log(s.outcomes)
		if s.outcomes["inventory ok"] < operations/8 {
			t.Errorf("successful inventories: got %d of %d operations", s.outcomes["inventory ok"], operations)
		}
		faults.Calm()
		time.Sleep(10 * time.Second) // in the bubble: until the last hang is over
		s.lay()
		_, _ = p.Inventory(nil) // what was under way may spoil one
		check(t, p)
	})
}

type storm struct {
	t *testing.T
	*Pad
	chips    []sim.Chip
	limit    time.Duration
	rnd      *rand.Rand
	outcomes map[string]int
}

// lay puts every chip back on the pad.
func (s *storm) lay() {
	for _, c := range s.Table.Chips() {
		_ = s.Table.Put(c.Name)
	}
}

func (s *storm) step(n int) {
	if s.rnd.IntN(4) == 0 {
		s.lay()
	}
	uid := s.chips[s.rnd.IntN(len(s.chips))].UID
	start := time.Now()
	memory, _ := s.Reader.(rfid.Memory)
	securer, _ := s.Reader.(rfid.Securer)
	var op string
	var err error
	switch choice := s.rnd.IntN(10); {
	case choice < 4 || memory == nil:
		op, err = "inventory", s.inventory()
	case choice < 6:
		op, err = "read", s.read(memory, uid)
	case choice < 8 || securer == nil:
		data := []byte{byte(n), byte(n >> 8), 3, 4, 5, 6, 7, 8}
		first := s.rnd.IntN(27)
		op, err = "write", memory.WriteBlocks(uid, first, 4, data)
		if c, _ := s.Table.Chip(uid); err == nil && !bytes.Equal(c.Memory[first*4:first*4+8], data) {
			s.t.Errorf("operation %d: write of %s: nil, but the tag holds something else", n, uid)
		}
	default:
		afi := rfid.AFI(s.rnd.IntN(256))
		op, err = "AFI", securer.WriteAFI(uid, afi)
		if c, _ := s.Table.Chip(uid); err == nil && c.AFI != afi {
			s.t.Errorf("operation %d: write AFI %s of %s: nil, but the tag holds %s", n, afi, uid, c.AFI)
		}
	}
	if took := time.Since(start); took > 4*s.limit {
		s.t.Errorf("operation %d: %s took %v", n, op, took)
	}
	named(s.t, err)
	var e *rfid.Error
	if errors.As(err, &e) && op != "inventory" && e.UID != uid {
		s.t.Errorf("operation %d: %s of %s: blamed %s", n, op, uid, e.UID)
	}
	outcome := op + " ok"
	if err != nil {
		outcome = fmt.Sprintf("%s %v", op, rfid.Cure(err))
	}
	s.outcomes[outcome]++
}

func (s *storm) inventory() error {
	changed := s.Table.Changed()
	got, err := s.Inventory(nil)
	if err != nil {
		return err
	}
	seen := map[rfid.UID]bool{}
	for _, tag := range got {
		if c, ok := s.Table.Chip(tag.UID); !ok || c.Kind != tag.Kind || seen[tag.UID] {
			s.t.Errorf("inventory: got %v, which does not exist or is there twice", tag)
		}
		seen[tag.UID] = true
	}
	select {
	case <-changed: // tags moved meanwhile: either answer is true
	default:
		s.Table.Each(func(c *sim.Chip) bool {
			if !seen[c.UID] {
				s.t.Errorf("inventory: %s lies on the pad and is not reported", c.UID)
			}
			delete(seen, c.UID)
			return true
		})
		if len(seen) > 0 {
			s.t.Errorf("inventory: got %v, which do not lie on the pad", seen)
		}
	}
	return nil
}

func (s *storm) read(m rfid.Memory, uid rfid.UID) error {
	_, got, err := rfid.ReadMemory(m, uid, 0, nil)
	if c, _ := s.Table.Chip(uid); err == nil && !bytes.Equal(got, c.Memory) {
		s.t.Errorf("memory of %s: got % X, want % X", uid, got, c.Memory)
	}
	return err
}
