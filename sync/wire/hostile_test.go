package wire

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/fxamacker/cbor/v2"

	"coldstation/sync/circ"
)

func TestHostileEvents(t *testing.T) {
	// A stamp as AppendEvent writes it, in an event of which the body is missing.
	stamp := []byte{0x84, 0x00, 0x00, 0x50, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x00}
	event := func(kind byte, body ...byte) []byte {
		return append(append([]byte{0x84, 0x01, kind}, stamp...), body...)
	}
	if _, err := ParseEvent(event(5, 0xa1, 0x02, 0x01), nil); err != nil {
		t.Fatalf("an honest event: %v", err)
	}
	if e, err := ParseEvent(event(5, 0xa2, 0x02, 0x01, 0x18, 0x63, 0x01), nil); err != nil || e.Body != (circ.Undone{Seq: 1}) {
		t.Errorf("a field of a later day: %+v, %v, want it passed over", e.Body, err)
	}
	for name, raw := range map[string][]byte{
		"nothing":                     {},
		"a number":                    {0x01},
		"half":                        event(5, 0xa1, 0x02),
		"a key twice":                 event(5, 0xa2, 0x02, 0x01, 0x02, 0x02),
		"bytes after the end":         event(5, 0xa1, 0x02, 0x01, 0x00),
		"an endless map":              event(5, 0xbf, 0x02, 0x01, 0xff),
		"a tag":                       event(5, 0xc1, 0xa1, 0x02, 0x01),
		"a list of four billion":      event(11, 0xa1, 0x01, 0x9a, 0xff, 0xff, 0xff, 0xff),
		"text of 2^63 bytes":          event(7, 0xa1, 0x01, 0x7b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff),
		"text that is no text":        event(7, 0xa1, 0x01, 0x61, 0xff),
		"a negative number":           event(5, 0xa1, 0x02, 0x20),
		"lists in lists":              event(5, append(bytes.Repeat([]byte{0x81}, 200), 0x00)...),
		"a date in the year 292e9":    event(2, 0xa2, 0x02, 0x61, 0x31, 0x05, 0x1b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff),
		"no body":                     event(5, 0xf6),
		"no stamp":                    {0x84, 0x01, 0x05, 0xf6, 0xa1, 0x02, 0x01},
		"a clock nobody has":          append([]byte{0x84, 0x01, 0x05, 0x84, 0x00, 0x09}, append(stamp[3:], 0xa1, 0x02, 0x01)...),
		"longer than any event":       event(7, append([]byte{0xa1, 0x01, 0x7a, 0x00, 0x01, 0x00, 0x00}, bytes.Repeat([]byte("x"), 1<<16)...)...),
		"a version that is no number": {0x84, 0x61, 0x31, 0x05, 0x00, 0x00},
	} {
		if _, err := ParseEvent(raw, nil); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v, want %v", name, err, ErrMalformed)
		}
	}
}

// What no station could keep is neither written nor read.
func TestBeyondLimits(t *testing.T) {
	long := circ.ItemID(strings.Repeat("9", circ.MaxItemID+1))
	if _, err := AppendNotice(nil, circ.Notice{Body: circ.ItemGone{ID: long}}); !errors.Is(err, circ.ErrLimit) {
		t.Errorf("writing a notice: %v, want %v", err, circ.ErrLimit)
	}
	if _, err := AppendEvent(nil, circ.Event{Body: circ.ReadHere{Item: long}}, nil); !errors.Is(err, circ.ErrLimit) {
		t.Errorf("writing an event: %v, want %v", err, circ.ErrLimit)
	}
	kind, body, err := noticeKinds.encode(circ.ItemGone{ID: long})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := encoding.Marshal(notice{Version: version, Kind: kind, Body: body})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ParseNotice(raw); !errors.Is(err, ErrMalformed) || !errors.Is(err, circ.ErrLimit) {
		t.Errorf("reading a notice: %v, want %v, %v", err, ErrMalformed, circ.ErrLimit)
	}
	kind, body, err = eventKinds.encode(circ.ReadHere{Item: long})
	if err != nil {
		t.Fatal(err)
	}
	raw, err = encoding.Marshal(event{Version: version, Kind: kind, Stamp: &stamp{}, Body: body})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ParseEvent(raw, nil); !errors.Is(err, ErrMalformed) || !errors.Is(err, circ.ErrLimit) {
		t.Errorf("reading an event: %v, want %v, %v", err, ErrMalformed, circ.ErrLimit)
	}
}

// A sealed identifier opens for the library only, and only beside its reference.
func TestSealedStaysWhereItWasPut(t *testing.T) {
	sealer, opener := keys(t)
	_, stranger := keys(t)
	id := circ.NewPatronID("20000000000017")
	raw, err := AppendEvent(nil, circ.Event{Stamp: someStamp, Body: circ.PatronMet{Ref: goldenRef, ID: id}}, sealer)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(raw, []byte(id.Plaintext())) {
		t.Error("the identifier stands in the event")
	}
	if e, err := ParseEvent(raw, nil); err != nil || e.Body != (circ.PatronMet{Ref: goldenRef}) {
		t.Errorf("without a key: %+v, %v", e.Body, err)
	}
	if _, err := ParseEvent(raw, stranger); !errors.Is(err, ErrMalformed) {
		t.Errorf("with another library's key: %v, want %v", err, ErrMalformed)
	}
	moved := bytes.Replace(raw, goldenRef[:], goldenBy[:], 1)
	if _, err := ParseEvent(moved, opener); !errors.Is(err, ErrMalformed) {
		t.Errorf("moved to another person: %v, want %v", err, ErrMalformed)
	}
	lengths := map[int]bool{}
	for n := 1; n <= 31; n++ {
		raw, err := AppendEvent(nil, circ.Event{Stamp: someStamp, Body: circ.PatronMet{Ref: goldenRef, ID: circ.NewPatronID(strings.Repeat("1", n))}}, sealer)
		if err != nil {
			t.Fatal(err)
		}
		lengths[len(raw)] = true
	}
	if len(lengths) != 1 {
		t.Errorf("identifiers of 1 to 31 bytes give %d lengths, want one", len(lengths))
	}
	for _, id := range []string{"", strings.Repeat("1", circ.MaxPatronID+1)} {
		if _, err := AppendEvent(nil, circ.Event{Body: circ.PatronMet{Ref: goldenRef, ID: circ.NewPatronID(id)}}, sealer); err == nil {
			t.Errorf("an identifier of %d bytes is sealed", len(id))
		}
	}
	if _, err := AppendEvent(nil, circ.Event{Body: circ.PatronMet{Ref: goldenRef, ID: circ.NewPatronID("1")}}, nil); err == nil {
		t.Error("an identifier is written without a key")
	}
}

// sealed is a message with a good signature over whatever body.
func sealed(t *testing.T, c Channel, kind uint64, packing uint8, body []byte) []byte {
	t.Helper()
	payload, err := encoding.Marshal(message{Version: version, Type: kind, Packing: packing, Body: body,
		Signature: ed25519.Sign(goldenSigning, c.signed(kind, packing, body))})
	if err != nil {
		t.Fatal(err)
	}
	return payload
}

// What a station whose key is in the wrong hands may send.
func TestHostileMessages(t *testing.T) {
	up := Channel{"maple-house", Up}
	key := goldenSigning.Public().(ed25519.PublicKey)
	batch := func(first uint64, events ...[]byte) []byte {
		raw, err := encoding.Marshal(Batch{Stream: goldenStream, First: first, Events: events})
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	zeros := packer.EncodeAll(make([]byte, 1<<20), nil)
	for _, try := range []struct {
		name    string
		payload []byte
		want    error
	}{
		{"nothing", nil, ErrMalformed},
		{"too long", make([]byte, MaxMessage+1), ErrMalformed},
		{"another version", []byte{0x85, 0x02, 0x01}, ErrNewer},
		{"another type", sealed(t, up, 9, plain, []byte{0xa0}), ErrNewer},
		{"another packing", sealed(t, up, 1, 7, []byte{0xa0}), ErrNewer},
		{"a type of more than a byte", sealed(t, up, 257, plain, []byte{0xa0}), ErrForged},
		{"a batch of nothing", sealed(t, up, 3, plain, batch(1)), ErrMalformed},
		{"a batch from 0", sealed(t, up, 3, plain, batch(0, []byte{1})), ErrMalformed},
		{"a batch round the end", sealed(t, up, 3, plain, batch(1<<64-1, []byte{1}, []byte{2})), ErrMalformed},
		{"a batch of too many", sealed(t, up, 3, plain, batch(1, slices.Repeat([][]byte{{1}}, MaxEvents+1)...)), ErrMalformed},
		{"a batch too long", sealed(t, up, 3, plain, batch(1, make([]byte, MaxBytes), []byte{1})), ErrMalformed},
		{"packed nonsense", sealed(t, up, 3, packed, []byte("zstd")), ErrMalformed},
		{"a bomb", sealed(t, up, 3, packed, packer.EncodeAll(make([]byte, 256<<20), nil)), ErrMalformed},
		{"a row of bombs", sealed(t, up, 3, packed, bytes.Repeat(zeros, 1000)), ErrMalformed},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := up.Open(key, try.payload)
		runtime.ReadMemStats(&after)
		if !errors.Is(err, try.want) {
			t.Errorf("%s: %v, want %v", try.name, err, try.want)
		}
		if took := after.TotalAlloc - before.TotalAlloc; took > 8<<20 {
			t.Errorf("%s of %d bytes made us take %d bytes of memory", try.name, len(try.payload), took)
		}
	}
	if _, err := up.Open(nil, sealed(t, up, 1, plain, []byte{0xa0})); !errors.Is(err, ErrForged) {
		t.Errorf("without a key: %v, want %v", err, ErrForged)
	}
}

func TestTopics(t *testing.T) {
	if got, want := Topic("maple-house", Up), "cs/v1/22/maple-house/up"; got != want {
		t.Errorf("topic %s, want %s", got, want)
	}
	for _, way := range []Direction{Up, Down, Birth} {
		if station, got, ok := ParseTopic(Topic("maple-house", way)); !ok || station != "maple-house" || got != way {
			t.Errorf("%s parses as %s %s, %v", Topic("maple-house", way), station, got, ok)
		}
	}
	good := Topic("maple-house", Up)
	for _, topic := range []string{"", "cs", HubState, good + "/", "/" + good, good + "\x00", strings.ToUpper(good),
		strings.Replace(good, "22", "23", 1), strings.Replace(good, "22", "022", 1), strings.Replace(good, "22", "+", 1),
		strings.Replace(good, "maple-house", "+", 1), strings.Replace(good, "maple-house", "#", 1), strings.Replace(good, "maple-house", "", 1),
		strings.Replace(good, "/up", "/sideways", 1), strings.Replace(good, "v1", "v2", 1), strings.Replace(good, "maple-house", "mäple", 1),
		strings.Repeat(good, 1000)} {
		if station, way, ok := ParseTopic(topic); ok {
			t.Errorf("%.60q is believed to be %s's %s", topic, station, way)
		}
	}
	if got := AnyTopic(-1, Up); got != "cs/v1/+/+/up" {
		t.Errorf("all stations: %s", got)
	}
	if got := AnyTopic(7, Birth); got != "cs/v1/7/+/state" {
		t.Errorf("shard 7: %s", got)
	}
}

func TestChain(t *testing.T) {
	// SHA-256 of 32 zeros and "a", by sha256sum.
	if got, want := (Chain{}).Next([]byte("a")), "41a0370c"; got.String() != want {
		t.Errorf("chain %s, want %s", got, want)
	}
	a := Chain{}.Next([]byte("a")).Next([]byte("b"))
	if b := (Chain{}).After([][]byte{[]byte("a"), []byte("b")}); a != b {
		t.Errorf("step by step %s, at once %s", a, b)
	}
}

func FuzzParseEvent(f *testing.F) {
	for _, body := range goldenEvents {
		sealer, _ := goldenKeys(f)
		raw, err := AppendEvent(nil, circ.Event{Stamp: someStamp, Body: body}, sealer)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		e, err := ParseEvent(raw, nil)
		if err != nil {
			if !errors.Is(err, ErrNewer) && !errors.Is(err, ErrMalformed) {
				t.Fatalf("an error of no kind: %v", err)
			}
			return
		}
		switch e.Body.(type) {
		case circ.PatronMet, circ.AliasLinked:
			return
		}
		again, err := AppendEvent(nil, e, nil)
		if err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		back, err := ParseEvent(again, nil)
		if err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		}
		third, err := AppendEvent(nil, back, nil)
		if err != nil || !bytes.Equal(third, again) {
			t.Fatalf("written twice, %x and %x, %v", again, third, err)
		}
	})
}

func FuzzParseNotice(f *testing.F) {
	for _, body := range goldenNotices {
		raw, err := AppendNotice(nil, circ.Notice{Body: body})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		n, err := ParseNotice(raw)
		if err != nil {
			if !errors.Is(err, ErrNewer) && !errors.Is(err, ErrMalformed) {
				t.Fatalf("an error of no kind: %v", err)
			}
			return
		}
		again, err := AppendNotice(nil, n)
		if err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		if _, err := ParseNotice(again); err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		}
	})
}

// FuzzOpen signs what it is given, since nothing else gets past the signature.
func FuzzOpen(f *testing.F) {
	up := Channel{"maple-house", Up}
	for _, m := range goldenMessages() {
		payload, err := up.Seal(goldenSigning, m)
		if err != nil {
			f.Fatal(err)
		}
		var in message
		if err := cbor.Unmarshal(payload, &in); err != nil {
			f.Fatal(err)
		}
		f.Add(in.Type, in.Packing, in.Body, payload)
	}
	key := goldenSigning.Public().(ed25519.PublicKey)
	f.Fuzz(func(t *testing.T, kind uint64, packing uint8, body, payload []byte) {
		if _, err := up.Open(key, payload); err != nil && !errors.Is(err, ErrNewer) && !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrForged) {
			t.Fatalf("an error of no kind: %v", err)
		}
		signed, err := encoding.Marshal(message{Version: version, Type: kind, Packing: packing, Body: body,
			Signature: ed25519.Sign(goldenSigning, up.signed(kind, packing, body))})
		if err != nil {
			t.Fatal(err)
		}
		m, err := up.Open(key, signed)
		if err != nil {
			return
		}
		if _, err := up.Seal(goldenSigning, m); err != nil {
			t.Fatalf("%T: what was read cannot be written: %v", m, err)
		}
	})
}
