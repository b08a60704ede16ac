package sim

import (
	"encoding/hex"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"coldstation/rfid"
)

// Requests that need no tag, and their answers.
var questions = []struct{ protocol, set, request, answer string }{
	{"feig", "", "06 FF 52 00 0F 6E", "06 00 52 00 FC A8"},
	{"3m", "", "D6 00 03 11 64 20", "D6 00 08 11 00 0A 05 00 02 A1 51"},
	{"rl866", "", "FA 05 FF C0 42 39", "FA 05 01 E0 58 FE"},
	{"pn532", "", "00 00 FF 02 FE D4 02 2A 00", "00 00 FF 00 FF 00 00 00 FF 06 FA D5 03 32 01 06 07 E8 00"},
	{"twn4", "", "30 30 30 35 0D", "30 30 30 31 0D"},
	{"twn4", "crc", "30 30 30 35 31 35 41 37 0D", "30 30 30 31 33 31 45 31 0D"},
	{"twn4", "binary", "02 00 00 05", "02 00 00 01"},
	{"twn4", "binary,crc", "04 00 00 05 15 A7", "04 00 00 01 31 E1"},
}

// dial connects to a simulated reader inside a bubble.
func dial(t *testing.T, protocol, set string, f func(gap time.Duration, host rfid.Port)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		line, err := NewLine(protocol, NewTable())
		if err != nil {
			t.Fatal(err)
		}
		if set != "" {
			if err := line.Choose(strings.Split(set, ",")...); err != nil {
				t.Fatal(err)
			}
		}
		host, far := Pipe()
		served := make(chan struct{})
		go func() { line.Serve(far); close(served) }()
		f(line.Gap, host)
		host.Close()
		<-served
	})
}

// heard is what comes within a second.
func heard(host rfid.Port) []byte {
	var all []byte
	var b [64]byte
	_ = host.SetReadDeadline(time.Now().Add(time.Second))
	for {
		n, err := host.Read(b[:])
		if all = append(all, b[:n]...); err != nil {
			return all
		}
	}
}

func bytesOf(t *testing.T, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestSlowHosts(t *testing.T) {
	for _, q := range questions {
		name := strings.TrimSuffix(q.protocol+" "+q.set, " ")
		request, answer := bytesOf(t, q.request), string(bytesOf(t, q.answer))
		dial(t, q.protocol, q.set, func(gap time.Duration, host rfid.Port) {
			for round := range 2 { // all bytes in time
				for _, b := range request {
					_, _ = host.Write([]byte{b})
					time.Sleep(gap - time.Millisecond)
				}
				if got := heard(host); string(got) != answer {
					t.Errorf("%s, byte by byte, %d: got % X, want %s", name, round, got, q.answer)
				}
			}
			// A pause inside, then the whole again.
			_, _ = host.Write(request[:len(request)-2])
			time.Sleep(gap + 2*grace)
			_, _ = host.Write(request[len(request)-2:])
			want := ""
			if q.protocol == "twn4" && !strings.Contains(q.set, "binary") {
				want = answer // a line may be typed by hand
			}
			if got := heard(host); string(got) != want {
				t.Errorf("%s, a pause inside: got % X, want % X", name, got, want)
			}
			_, _ = host.Write(request)
			if got := heard(host); string(got) != answer {
				t.Errorf("%s, after it: got % X, want %s", name, got, q.answer)
			}
		})
	}
}

func TestHostsInHaste(t *testing.T) {
	for _, q := range questions {
		request, answer := bytesOf(t, q.request), string(bytesOf(t, q.answer))
		dial(t, q.protocol, q.set, func(_ time.Duration, host rfid.Port) {
			_, _ = host.Write(append(append(append([]byte{}, request...), request...), request...))
			want := strings.Repeat(answer, 3)
			if q.protocol == "3m" {
				want = answer // a busy reader ignores what comes
			}
			if got := heard(host); string(got) != want {
				t.Errorf("%s %s, three at once: got % X, want % X", q.protocol, q.set, got, want)
			}
		})
	}
}

func TestWaitingHostsHearNothingElse(t *testing.T) {
	for _, q := range questions {
		dial(t, q.protocol, q.set, func(_ time.Duration, host rfid.Port) {
			var b [1]byte
			_ = host.SetReadDeadline(time.Now().Add(time.Hour))
			if n, err := host.Read(b[:]); n > 0 || !os.IsTimeout(err) {
				t.Errorf("%s %s: got %d bytes, %v from a reader that was not asked", q.protocol, q.set, n, err)
			}
		})
	}
}
