package wire

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/google/uuid"

	"coldstation/sync/circ"
	"coldstation/sync/identity"
)

func keys(t testing.TB) (*Sealer, *Opener) {
	t.Helper()
	library, err := identity.NewLibrary()
	if err != nil {
		t.Fatal(err)
	}
	private, err := library.SealingKey()
	if err != nil {
		t.Fatal(err)
	}
	return &Sealer{private.PublicKey()}, &Opener{private}
}

var someStamp = circ.Stamp{Wall: time.UnixMilli(1795530000123).UTC(), Clock: circ.ClockNTP,
	Boot: uuid.MustParse("8c7bd0a1-5e0e-4b8e-9f51-0f3f3e6d2a11"), Uptime: 90 * time.Second}

func TestEventsComeBack(t *testing.T) {
	sealer, opener := keys(t)
	due := time.Unix(1798149540, 0)
	ref := circ.Ref{1, 2, 3}
	for _, body := range []circ.EventBody{
		circ.PatronMet{Ref: ref, ID: circ.NewPatronID("20000000000001")},
		circ.CheckedOut{Visit: 7, Item: "1620154429", Patron: ref, By: ref, Due: due, Flags: circ.ImpliedReturn},
		circ.CheckedIn{Visit: 7, Item: "167N01010101", Belongs: true},
		circ.Undone{Visit: 7, Seq: 3},
		circ.ShelfCounted{Seen: []circ.ItemID{"1", "2"}, Whole: true},
		circ.AliasLinked{Patron: ref, Alias: circ.NewPatronID("E004015012345678")},
		circ.Started{Version: "test", Session: 9},
	} {
		raw, err := AppendEvent(nil, circ.Event{Stamp: someStamp, Body: body}, sealer)
		if err != nil {
			t.Fatalf("encode %T: %v", body, err)
		}
		got, err := ParseEvent(raw, opener)
		if err != nil {
			t.Fatalf("decode %T: %v", body, err)
		}
		if want := (circ.Event{Stamp: someStamp, Body: body}); !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
}

func TestNewerIsHeld(t *testing.T) {
	raw, err := AppendEvent(nil, circ.Event{Stamp: someStamp, Body: circ.Undone{Seq: 1}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	newer := append([]byte(nil), raw...)
	newer[1] = 2
	if _, err := ParseEvent(newer, nil); !errors.Is(err, ErrNewer) {
		t.Errorf("a newer version: %v, want %v", err, ErrNewer)
	}
	kind := append([]byte(nil), raw...)
	kind[2] = 23
	if _, err := ParseEvent(kind, nil); !errors.Is(err, ErrNewer) {
		t.Errorf("a newer kind: %v, want %v", err, ErrNewer)
	}
}

func TestMessagesComeBack(t *testing.T) {
	library, err := identity.NewLibrary()
	if err != nil {
		t.Fatal(err)
	}
	station, enrolled, err := library.Enrol("maple-house", "")
	if err != nil {
		t.Fatal(err)
	}
	up := Channel{"maple-house", Up}
	events := make([][]byte, 300)
	for i := range events {
		events[i] = []byte("an event that is much like the one before it, as events of one station are")
	}
	stream := uuid.New()
	for _, m := range []Message{
		Hello{Stream: stream, First: 1, Last: 300, Boot: uuid.New(), Session: 2, Uptime: 5, Wall: 1795530000123, Program: "test"},
		Ack{Stream: stream, Cursor: 12, Chain: Chain{1}, Condition: 2},
		Batch{Stream: stream, First: 1, Events: events, Chain: Chain{}.After(events)},
		State{Presence: Online, Boot: uuid.New(), Session: 3},
	} {
		payload, err := up.Seal(station.SigningKey(), m)
		if err != nil {
			t.Fatal(err)
		}
		got, err := up.Open(enrolled.Signing, payload)
		if err != nil {
			t.Fatalf("%T: %v", m, err)
		}
		if !reflect.DeepEqual(got, m) {
			t.Errorf("got %+v, want %+v", got, m)
		}
		if b, is := m.(Batch); is && len(payload) > len(b.Events)*10 {
			t.Errorf("a batch of %d like events takes %d bytes: it is not packed", len(b.Events), len(payload))
		}
		for _, other := range []Channel{{"maple-house", Down}, {"birch-house", Up}} {
			if _, err := other.Open(enrolled.Signing, payload); !errors.Is(err, ErrForged) {
				t.Errorf("%T said as %v: %v, want %v", m, other, err, ErrForged)
			}
		}
		payload[len(payload)/2] ^= 1
		if _, err := up.Open(enrolled.Signing, payload); err == nil {
			t.Errorf("%T with a bit turned is believed", m)
		}
	}
}

func TestPatronsComeBack(t *testing.T) {
	want := circ.PatronPut{Patron: circ.Patron{ID: circ.NewPatronID("20000000000017"), FirstName: "Helmi", Policy: "adult",
		Picture: "boat", Recalls: true, Secret: "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA"}}
	raw, err := AppendNotice(nil, circ.Notice{Body: want})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := ParseNotice(raw); err != nil || !reflect.DeepEqual(got.Body, circ.NoticeBody(want)) {
		t.Errorf("got %v, %v, want %v", got.Body, err, want)
	}
}
