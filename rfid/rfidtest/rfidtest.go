// Package rfidtest holds what every reader must keep: Run is the contract, Storm
// the same under faults, and Recorder and Playback keep exchanges with real
// hardware as files.
package rfidtest

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"coldstation/rfid"
	"coldstation/rfid/sim"
)

// Driver is the reader under test and the simulator that plays its far end.
type Driver struct {
	Protocol string // in sim.Protocols
	New      func(rfid.Port) rfid.Reader
	Limit    time.Duration // longest an operation may take on a silent reader
	Tune     func(sim.Device)
	Cards    bool // it reports ISO 14443A cards too

	Most int                  // chips it sees at once; 0 is any number
	Chip func(n int) sim.Chip // the n-th test chip, called item-n; nil means Item
}

// fits tells whether the reader sees n chips at once.
func (d Driver) fits(n int) bool { return d.Most == 0 || n <= d.Most }

// table has test chips 1 to n on it, or as many as the reader sees.
func (d Driver) table(t testing.TB, n int) *sim.Table {
	t.Helper()
	if !d.fits(n) {
		n = d.Most
	}
	chip := Item
	if d.Chip != nil {
		chip = d.Chip
	}
	table := sim.NewTable()
	for i := range n {
		if err := table.Add(chip(i + 1)); err != nil {
			t.Fatal(err)
		}
	}
	return table
}

// Pad is a driver with its simulated reader and a table.
type Pad struct {
	rfid.Reader
	Table  *sim.Table
	Faults *sim.Schedule
}

// count counts chips on the pad.
func (p *Pad) count(which func(*sim.Chip) bool) (n int) {
	p.Table.Each(func(c *sim.Chip) bool {
		if which(c) {
			n++
		}
		return true
	})
	return n
}

// Lay connects a driver to a simulated reader that sees the table, inside the
// current synctest bubble. Both are closed when the test ends.
func Lay(t testing.TB, d Driver, table *sim.Table, faults *sim.Schedule) *Pad {
	t.Helper()
	line, err := sim.NewLine(d.Protocol, table)
	if err != nil {
		t.Fatal(err)
	}
	if d.Tune != nil {
		d.Tune(line.Device)
	}
	done := make(chan struct{})
	line.Faults, line.Done = faults, done
	host, far := sim.Pipe()
	served := make(chan struct{})
	go func() { line.Serve(far); close(served) }()
	p := &Pad{Reader: d.New(host), Table: table, Faults: faults}
	t.Cleanup(func() {
		p.Reader.Close()
		close(done)
		far.Close()
		<-served
	})
	return p
}

// Item is the n-th test item: an ICODE SLIX with a memory of its own.
func Item(n int) sim.Chip {
	uid, _ := rfid.ParseUID(fmt.Sprintf("E0040150%08X", n*0x01010101))
	memory := make([]byte, 112)
	for i := range memory {
		memory[i] = byte(n*31 + i*7)
	}
	return sim.Chip{Name: fmt.Sprintf("item-%d", n), On: true, Memory: memory, AFI: rfid.InLibrary,
		Tag: rfid.Tag{UID: uid, Kind: rfid.ISO15693, DSFID: rfid.DSFID(n)}}
}

// Card is a test card with a UID of the given length.
func Card(length int) sim.Chip {
	uid := bytes.Repeat([]byte{0x30 + byte(length)}, length)
	return sim.Chip{Name: fmt.Sprintf("card-%d", length), On: true, Tag: rfid.Tag{UID: rfid.MakeUID(uid), Kind: rfid.ISO14443A}}
}

// Table is a table with items 1 to n on the pad.
func Table(t testing.TB, n int) *sim.Table {
	t.Helper()
	return Driver{}.table(t, n)
}

// Run is the contract.
func Run(t *testing.T, d Driver) {
	in := func(name string, n int, f func(t *testing.T, p *Pad)) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				table := d.table(t, n)
				if d.Cards {
					for _, length := range []int{4, 7, 10} {
						if err := table.Add(Card(length)); err != nil {
							t.Fatal(err)
						}
						if n != 3 {
							_ = table.Lift(fmt.Sprintf("card-%d", length))
						}
					}
				}
				f(t, Lay(t, d, table, sim.NewSchedule(1, 0)))
			})
		})
	}
	for _, n := range []int{0, 1, 2, 3, 20, 60} {
		if !d.fits(n) {
			continue
		}
		in(fmt.Sprintf("inventory of %d", n), n, func(t *testing.T, p *Pad) {
			for range 3 { // a reader that reports only new tags must be told to forget
				check(t, p)
			}
		})
	}
	in("appends", 2, func(t *testing.T, p *Pad) {
		before := []rfid.Tag{Item(9).Tag, Item(1).Tag}
		got, err := p.Inventory(before)
		if err != nil || len(got) != 2+p.count(func(c *sim.Chip) bool { return true }) || got[0] != before[0] || got[1] != before[1] {
			t.Errorf("inventory after two others: got %v, %v", got, err)
		}
	})
	in("comes and goes", 2, func(t *testing.T, p *Pad) {
		_ = p.Table.Lift("item-1")
		check(t, p)
		_ = p.Table.Put("item-1")
		_ = p.Table.Lift("item-2")
		check(t, p)
	})
	in("silent reader", 1, func(t *testing.T, p *Pad) {
		for range 20 {
			_ = p.Faults.Fail(sim.NoRequest)
		}
		start := time.Now()
		_, err := p.Inventory(nil)
		if took := time.Since(start); !errors.Is(err, rfid.ErrTimeout) || took > d.Limit {
			t.Errorf("inventory: got %v after %v, want %v within %v", err, took, rfid.ErrTimeout, d.Limit)
		}
		named(t, err)
	})
	for _, f := range []sim.Fault{sim.NoRequest, sim.NoAnswer, sim.Split, sim.Noise, sim.BadCRC, sim.BadLength, sim.Unsolicited} {
		in("asks again after "+string(f), 2, func(t *testing.T, p *Pad) {
			for range 3 { // at the first contact, and later
				_ = p.Faults.Fail(f)
				check(t, p)
			}
		})
	}
	in("closes while it waits", 1, func(t *testing.T, p *Pad) {
		_ = p.Faults.Fail(sim.NoAnswer)
		failed := make(chan error)
		go func() { _, err := p.Inventory(nil); failed <- err }()
		synctest.Wait()
		p.Reader.Close()
		if err := <-failed; !errors.Is(err, rfid.ErrClosed) {
			t.Errorf("inventory: got %v, want %v", err, rfid.ErrClosed)
		}
		if _, err := p.Inventory(nil); !errors.Is(err, rfid.ErrClosed) {
			t.Errorf("inventory after close: got %v, want %v", err, rfid.ErrClosed)
		}
	})
	in("memory", 3, func(t *testing.T, p *Pad) {
		m, ok := p.Reader.(rfid.Memory)
		if !ok {
			return
		}
		count := p.count(func(c *sim.Chip) bool { return c.Kind == rfid.ISO15693 })
		for n := range count {
			want := Item(n + 1)
			info, got, err := rfid.ReadMemory(m, want.UID, 0, nil)
			if err != nil || !bytes.Equal(got, want.Memory) {
				t.Errorf("memory of %s: got % X, %v, want % X", want.UID, got, err, want.Memory)
			}
			if info.AFI != want.AFI || info.DSFID != want.DSFID || info.Blocks != 28 || info.BlockSize != 4 || info.UID != want.UID {
				t.Errorf("info of %s: got %+v", want.UID, info)
			}
		}
		data := []byte{1, 2, 3, 4, 5, 6, 7, 8}
		uid := Item(count).UID
		if err := m.WriteBlocks(uid, 5, 4, data); err != nil {
			t.Error(err)
		}
		if c, _ := p.Table.Chip(uid); !bytes.Equal(c.Memory[20:28], data) {
			t.Errorf("written: got % X, want % X", c.Memory[20:28], data)
		}
		if _, err := m.ReadBlocks(uid, 26, 4, nil); err == nil {
			t.Error("read past the end: got no error")
		}
	})
	in("memory of a tag that is not there", 1, func(t *testing.T, p *Pad) {
		if m, ok := p.Reader.(rfid.Memory); ok {
			_, err := m.Info(Item(7).UID)
			if !errors.Is(err, rfid.ErrNoTag) {
				t.Errorf("got %v, want %v", err, rfid.ErrNoTag)
			}
			named(t, err)
		}
	})
	in("locked block", 1, func(t *testing.T, p *Pad) {
		m, ok := p.Reader.(rfid.Memory)
		if !ok {
			return
		}
		p.Table.With(Item(1).UID, func(c *sim.Chip) { c.Locked[3] = true })
		if err := m.WriteBlocks(Item(1).UID, 3, 4, []byte{1, 2, 3, 4}); !errors.Is(err, rfid.ErrLocked) {
			t.Errorf("got %v, want %v", err, rfid.ErrLocked)
		}
	})
	in("AFI", 2, func(t *testing.T, p *Pad) {
		s, ok := p.Reader.(rfid.Securer)
		if !ok {
			return
		}
		for _, afi := range []rfid.AFI{rfid.OnLoan, rfid.InLibrary, 0xDA, 0xD7, 0x00} {
			if err := s.WriteAFI(Item(1).UID, afi); err != nil {
				t.Error(err)
			}
			if c, _ := p.Table.Chip(Item(1).UID); c.AFI != afi {
				t.Errorf("AFI: got %s, want %s", c.AFI, afi)
			}
		}
		if c, there := p.Table.Chip(Item(2).UID); there && c.AFI != rfid.InLibrary {
			t.Errorf("AFI of the other tag: got %s, want %s", c.AFI, rfid.InLibrary)
		}
	})
	in("AFI that does not stick", 1, func(t *testing.T, p *Pad) {
		s, ok := p.Reader.(rfid.Securer)
		if !ok {
			return
		}
		p.Table.With(Item(1).UID, func(c *sim.Chip) { c.AFILock = true })
		err := s.WriteAFI(Item(1).UID, rfid.OnLoan)
		if !errors.Is(err, rfid.ErrLocked) && !errors.Is(err, rfid.ErrNotWritten) {
			t.Errorf("got %v, want %v or %v", err, rfid.ErrLocked, rfid.ErrNotWritten)
		}
		named(t, err)
	})
	for seed := range uint64(6) { // the tag leaves before, in and after the write
		in(fmt.Sprintf("AFI of a tag that is lifted, %d", seed), 2, func(t *testing.T, p *Pad) {
			s, ok := p.Reader.(rfid.Securer)
			if !ok {
				return
			}
			p.Faults.Seed(seed)
			_ = p.Faults.Fail(sim.Lift)
			err := s.WriteAFI(Item(1).UID, rfid.OnLoan)
			if !errors.Is(err, rfid.ErrNoTag) || rfid.Cure(err) != rfid.PutBack {
				t.Errorf("got %v, want %v", err, rfid.ErrNoTag)
			}
			named(t, err)
			var e *rfid.Error
			if errors.As(err, &e) && e.UID != Item(1).UID {
				t.Errorf("blamed tag: got %s, want %s", e.UID, Item(1).UID)
			}
			_ = p.Table.Put("item-1")
			if err := s.WriteAFI(Item(1).UID, rfid.OnLoan); err != nil {
				t.Errorf("when it is put back: %v", err)
			}
		})
	}
}

// check compares an inventory with the table.
func check(t *testing.T, p *Pad) {
	t.Helper()
	got, err := p.Inventory(nil)
	if err != nil {
		t.Fatal(err)
	}
	want := map[rfid.UID]rfid.Tag{}
	p.Table.Each(func(c *sim.Chip) bool { want[c.UID] = c.Tag; return true })
	if len(got) != len(want) {
		t.Errorf("inventory: got %d tags, want %d", len(got), len(want))
	}
	for _, tag := range got {
		if w, ok := want[tag.UID]; !ok || w.Kind != tag.Kind {
			t.Errorf("inventory: got %v %v, which is not on the pad or there twice", tag.UID, tag.Kind)
		}
		delete(want, tag.UID)
	}
}

// named demands that an error says what was being done.
func named(t *testing.T, err error) {
	t.Helper()
	var e *rfid.Error
	if err != nil && (!errors.As(err, &e) || e.Op == "" || e.Err == nil) {
		t.Errorf("error %q does not say what was asked", err)
	}
}
