package sip2_test

import (
	"testing"

	"coldstation/sync/hub/sip2"
)

// The codec's cost, per message: a request written, and a reply read all the way
// into its type.

func BenchmarkAppendCheckout(b *testing.B) {
	r := checkout("21234000012345", "31234000054321")
	r.Institution = "main"
	buffer := make([]byte, 0, 256)
	b.ReportAllocs()
	for b.Loop() {
		out, err := r.Append(buffer[:0], sip2.Format{Guard: sip2.Guard{Check: true, Seq: '3'}})
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(int64(len(out)))
	}
}

func benchmarkParse(b *testing.B, text string, reply interface{ Parse(*sip2.Message) error }) {
	line := []byte(text)
	b.SetBytes(int64(len(line)))
	b.ReportAllocs()
	for b.Loop() {
		m, err := sip2.Parse(line, sip2.UTF8)
		if err == nil {
			err = reply.Parse(&m)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseCheckout(b *testing.B) {
	benchmarkParse(b, "121NUY20261124    120000AOmain|AAp1|ABi1|AJSeitsemän veljestä|AH20261215    235900|AY4AZE564", new(sip2.CheckoutReply))
}

func BenchmarkParsePatron(b *testing.B) {
	benchmarkParse(b, "64              00020261124    120000000000000001000000000000AOmain|AAp1|AEAino Äijälä|BLY|CQN|AUi1|AFGreetings from the library.|AFTwo&#124;bars|AY9AZD345", new(sip2.PatronReply))
}

// BenchmarkRoundTrip is a request written, read as a message, and written again.
func BenchmarkRoundTrip(b *testing.B) {
	r := checkout("21234000012345", "31234000054321")
	first, again := make([]byte, 0, 256), make([]byte, 0, 256)
	b.ReportAllocs()
	for b.Loop() {
		line, err := r.Append(first[:0], sip2.Format{Guard: sip2.Guard{Check: true, Seq: '3'}})
		if err != nil {
			b.Fatal(err)
		}
		m, err := sip2.Parse(line, sip2.UTF8)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := m.Append(again[:0], sip2.UTF8); err != nil {
			b.Fatal(err)
		}
	}
}
