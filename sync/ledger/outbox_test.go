package ledger

import (
	"runtime"
	"testing"

	"coldstation/sync/courier"
	"coldstation/sync/wire"
)

// TestOutboxMemory: what a station keeps in memory does not grow with what waits to be
// sent: the ledger open, its journal, the sender, and a window of batches under way.
func TestOutboxMemory(t *testing.T) {
	held := func(unsent uint64) uint64 {
		l := newKeeper(t)
		l.grow(unsent)
		l.reopen()
		first, last, err := l.Bounds()
		if err != nil {
			t.Fatal(err)
		}
		s := courier.NewSender(l.ID(), first, last, 0, wire.Chain{}, 1)
		s, _ = s.Step(0, courier.Up{})
		s, effects := s.Step(0, courier.Acked{Ack: wire.Ack{Stream: l.ID()}})
		sent := 0
		for len(effects) > 0 {
			read, is := effects[0].(courier.Read)
			if effects = effects[1:]; !is {
				continue
			}
			raw, _, err := l.Read(read.From, wire.MaxEvents, wire.MaxBytes)
			if err != nil {
				t.Fatal(err)
			}
			sent += len(raw)
			s, effects = s.Step(0, courier.Sent{First: read.From, Last: read.From + uint64(len(raw)) - 1})
		}
		if sent < 500 || s.Backlog() != last {
			t.Fatalf("%d events under way of %d, backlog %d", sent, last, s.Backlog())
		}
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		runtime.KeepAlive(s)
		l.close()
		return m.HeapAlloc
	}
	few, many := held(2000), held(60_000)
	t.Logf("%d KB with 2000 events, %d KB with 60000", few>>10, many>>10)
	if many > few+few/2+1<<20 {
		t.Errorf("%d KB of memory with 2000 events that wait, %d KB with 60000", few>>10, many>>10)
	}
}
