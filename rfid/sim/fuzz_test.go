package sim

import (
	"slices"
	"testing"
	"time"
)

// Whatever is sent to a reader, it lives, makes progress, and is back to itself
// after power-on.
func FuzzDevices(f *testing.F) {
	for i, request := range []string{
		"\x07\xff\xb0\x01\x00\x1c\x56", "\x02\x00\x11\xff\xb0\x2b\x01\xe0\x04\x01\x50\x12\x34\x56\x78\x0b\x65",
		"\xd6\x00\x05\xfe\x00\x05\xfa\x40", "\xd5\x00\x05\x04\x00\x11\x8c\x66", "\xfa\x05\xff\xc0\x71\xc0",
		"\x00\x00\xff\x04\xfc\xd4\x4a\x01\x00\xe1\x00", "\x55\x55\x00\x00\x00\xff\x03\xfd\xd4\x14\x01\x17\x00",
		"050010\r", "000515A7\r", "\x04\x00\x00\x05\x15\xa7", "\x16T\r",
	} {
		f.Add([]byte(request), uint8(i))
	}
	f.Fuzz(func(t *testing.T, b []byte, which uint8) {
		table := read(t, `{"cards": [{"name": "em", "uid": "14008EC793", "on": true}, {"name": "classic", "uid": "A1B2C3D4", "on": true}],
		  "items": [{"name": "book", "uid": "E004015012345678", "afi": "07", "on": true}, {"name": "gone", "uid": "E004010012345678"}]}`)
		for _, name := range Names() {
			done := make(chan struct{})
			close(done) // nobody waits, so a reader that waits for a card does not
			d := Protocols[name].Device(table)
			for rest := slices.Clone(b); len(rest) > 0; {
				n := d.Frame(rest)
				if n > len(rest) {
					t.Fatalf("%s: % X: request of %d bytes in %d", name, rest, n, len(rest))
				}
				if n <= 0 { // deaf, or waiting for more
					break
				}
				_ = d.Writes(rest[:n])
				out, took := d.Answer(nil, rest[:n], Moment{Done: done, Lifted: Half(which % 4)})
				if took < 0 || len(out) > 70_000 {
					t.Fatalf("%s: % X: %d bytes after %v", name, rest[:n], len(out), took)
				}
				if len(out) > 0 {
					d.MoveLength(out)
				}
				rest = rest[n:]
			}
			d.Reset()
			if s, ok := d.(Talker); ok {
				now := time.Now()
				if _, next := s.Speak(nil, now); !next.IsZero() && next.Before(now) {
					t.Fatalf("%s: speaks again before now", name)
				}
			}
		}
	})
}
