package sip2_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"coldstation/sync/hub/sip2"
)

// seeds are the lines that were written down, and some that were never sent.
func seeds(f *testing.F) {
	files, _ := filepath.Glob("testdata/v1/*.txt")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			f.Add([]byte(strings.NewReplacer(`\r`, "", `\n`, "", "\n", "").Replace(line[2:])), false)
		}
	}
	for _, line := range []string{"100000000000000000000000AO|AB|AQ|AA|AA0|", "96", "97|", "96AZFEF6", "97AZFEF5", "941||A|é|AF\u0338|A=\u0338|\u212aK|", "941AFx&#124|&#124;|AFAY0AZFFFF", "37", "941AY0AZ+FDF", "941AY0AZfdfd"} {
		f.Add([]byte(line), true)
		f.Add([]byte(line), false)
	}
}

// FuzzParse: a line is decoded or refused; what was decoded encodes to its
// canonical form, which decodes to the same message and encodes to itself.
func FuzzParse(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, line []byte, latin1 bool) {
		e := sip2.UTF8
		if latin1 {
			e = sip2.Latin1
		}
		m, err := sip2.Parse(line, e)
		if err != nil {
			if !errors.Is(err, sip2.ErrFormat) && !errors.Is(err, sip2.ErrChecksum) && !errors.Is(err, sip2.ErrPayment) {
				t.Fatalf("got %v", err)
			}
			return
		}
		canonical, err := m.Append(nil, e)
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		again, err := sip2.Parse(canonical, e)
		if err != nil || !reflect.DeepEqual(again, m) {
			t.Fatalf("%q: by way of %q got %+v, %v, want %+v", line, canonical, again, err, m)
		}
		if twice, err := again.Append(nil, e); err != nil || !bytes.Equal(twice, canonical) {
			t.Fatalf("%q: got %q, %v, want %q", line, twice, err, canonical)
		}
		typedLaw(t, &m, e)
	})
}

// typedLaw: what a type takes from a message it gives back, or says why not; and
// takes the same from what it gave.
func typedLaw(t *testing.T, m *sip2.Message, e sip2.Encoding) {
	t.Helper()
	v := typeOf(m.Code)
	if err := v.Parse(m); err != nil {
		t.Fatal(err)
	}
	line, err := v.Append(nil, sip2.Format{Encoding: e, Guard: m.Guard})
	if err != nil {
		if bad := (*sip2.FieldError)(nil); !errors.As(err, &bad) {
			t.Fatal(err)
		}
		return
	}
	again, err := sip2.Parse(line, e)
	if err != nil {
		t.Fatalf("%q: %v", line, err)
	}
	w := typeOf(m.Code)
	if err := w.Parse(&again); err != nil || !reflect.DeepEqual(v, w) {
		t.Fatalf("by way of %q got %+v, %v, want %+v", line, w, err, v)
	}
}

// FuzzReader: whatever comes, in whatever pieces, is cut into the same lines.
func FuzzReader(f *testing.F) {
	f.Add([]byte("941\r\n98YYY\r\n"))
	f.Add([]byte("\n\n941\n12\n"))
	f.Add([]byte("941\r\n\nx\ny\r"))
	f.Add([]byte("\x00\n0\r\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		read := func(r io.Reader) (lines []string, end error) {
			reader := sip2.NewReader(r)
			for {
				line, err := reader.Next()
				if err != nil {
					return lines, err
				}
				if len(line) == 0 || len(line) > sip2.MaxLine || bytes.ContainsRune(line, '\r') {
					t.Fatalf("got the line %q", line)
				}
				lines = append(lines, string(line))
			}
		}
		whole, end := read(bytes.NewReader(b))
		bits, bitEnd := read(iotest.OneByteReader(bytes.NewReader(b)))
		if !reflect.DeepEqual(whole, bits) || end.Error() != bitEnd.Error() {
			t.Fatalf("got %q, %v byte by byte, and %q, %v at once", bits, bitEnd, whole, end)
		}
	})
}

// endless never ends a line.
type endless struct{ read int }

func (e *endless) Read(p []byte) (int, error) {
	e.read += len(p)
	for i := range p {
		p[i] = '|'
	}
	return len(p), nil
}

// A hostile system gets no memory beyond the longest line, and little for that.
func TestHostileLengths(t *testing.T) {
	var e endless
	if _, err := sip2.NewReader(&e).Next(); !errors.Is(err, sip2.ErrLine) || e.read > sip2.MaxLine+4096 {
		t.Errorf("got %v after %d bytes", err, e.read)
	}
	for _, filler := range []string{"|", "A|", "AF|", "AF&#124;|", "\xff", "a\u0308"} {
		line := []byte("941" + strings.Repeat(filler, (sip2.MaxLine-3)/len(filler)))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		m, err := sip2.Parse(line, sip2.UTF8)
		if err == nil {
			var r sip2.LoginReply
			err = r.Parse(&m)
		}
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; err != nil || used > 256*sip2.MaxLine {
			t.Errorf("%q: %v, %d bytes used", filler, err, used)
		}
	}
}

// FuzzReply: whatever a library system says to a checkout, it is confirmed only
// by a whole line that says so, for this item, under this sequence number and a
// right checksum.
func FuzzReply(f *testing.F) {
	const lent = "121NUY20261124    120000AOmain|AAp1|ABi1|AJT|AH|AY1AZ"
	sum := func(s string) string { return fmt.Sprintf("%s%04X\r", s, sip2.Checksum([]byte(s))) }
	f.Add([]byte(sum(lent)))
	f.Add([]byte(sum(strings.Replace(lent, "121", "120", 1))))
	f.Add([]byte(sum(strings.Replace(lent, "ABi1", "ABi2", 1))))
	f.Add([]byte(sum(strings.Replace(lent, "AY1", "AY0", 1))))
	f.Add([]byte("noise\r" + sum(lent)))
	f.Add([]byte("96\r"))
	f.Fuzz(func(t *testing.T, reply []byte) {
		c := sip2.New(sip2.Settings{Checks: sip2.ChecksOn, Dial: func(context.Context) (net.Conn, error) {
			station, system := net.Pipe()
			go func() {
				defer system.Close() // a reply that is not ended is not waited for
				r := bufio.NewReader(system)
				for _, say := range []string{"941AY0AZFDFD\r", string(reply)} {
					if _, err := r.ReadString('\r'); err != nil {
						return
					}
					if say == string(reply) {
						go io.Copy(io.Discard, r) // 97
					}
					system.Write([]byte(say))
				}
			}()
			return station, nil
		}}, station)
		defer c.Close()
		_, err := c.Checkout(t.Context(), checkout("p1", "i1"))
		outcome := sip2.OutcomeOf(err)
		if outcome == sip2.NotSent {
			t.Fatalf("%q: %v", reply, err)
		}
		if outcome != sip2.Done {
			return
		}
		confirmed := false
		for line := range strings.SplitSeq(string(reply), "\r") {
			m, err := sip2.Parse([]byte(strings.TrimLeft(line, "\n")), sip2.UTF8)
			item, named := m.First("AB")
			confirmed = confirmed || err == nil && m.Check && m.Code == sip2.CodeCheckoutReply && m.Fixed[0] == '1' && (!named || strings.TrimSpace(item) == "" || strings.EqualFold(strings.TrimSpace(item), "i1"))
		}
		if !confirmed {
			t.Fatalf("confirmed by %q", reply)
		}
	})
}
