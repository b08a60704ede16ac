package rfidtest_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"coldstation/rfid"
	"coldstation/rfid/feig"
	"coldstation/rfid/rfidtest"
	"coldstation/rfid/sim"
)

// What a driver and a simulated reader said to each other is written down, read
// in, and played to the same driver without the reader.
func TestRecordAndPlay(t *testing.T) {
	var file bytes.Buffer
	file.WriteString("# FEIG simulator, software 1.2\n\n")
	visit := func(port rfid.Port) (tags []rfid.Tag, memory []byte) {
		t.Helper()
		r := feig.New(port, feig.Options{})
		defer r.Close()
		tags, err := r.Inventory(nil)
		if err != nil || len(tags) != 2 {
			t.Fatalf("inventory: got %v, %v", tags, err)
		}
		if _, memory, err = rfid.ReadMemory(r, tags[1].UID, 40, nil); err != nil {
			t.Fatal(err)
		}
		if err := r.WriteAFI(tags[0].UID, rfid.OnLoan); err != nil {
			t.Fatal(err)
		}
		return tags, memory
	}
	host, far := sim.Pipe()
	line, err := sim.NewLine("feig", rfidtest.Table(t, 2))
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan struct{})
	go func() { line.Serve(far); close(served) }()
	tags, memory := visit(rfidtest.Recorder{Port: host, To: &file})
	<-served

	path := filepath.Join(t.TempDir(), "visit.hex")
	if err := os.WriteFile(path, file.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	list, err := rfidtest.Load(path)
	if err != nil || len(list) < 5 {
		t.Fatalf("recorded: %d exchanges, %v", len(list), err)
	}
	played := rfidtest.Play(list)
	again, same := visit(played)
	if again[0] != tags[0] || again[1] != tags[1] || !bytes.Equal(memory, same) || played.Left() != 0 {
		t.Errorf("played back: got %v, % X and %d exchanges left, want %v, % X", again, same, played.Left(), tags, memory)
	}
	other := feig.New(rfidtest.Play(list[1:]), feig.Options{})
	if _, err := other.Inventory(nil); !errors.Is(err, rfid.ErrGone) || !strings.Contains(err.Error(), "play back: got") {
		t.Errorf("another request than recorded: got %v", err)
	}
}

func TestLoad(t *testing.T) {
	for text, want := range map[string]string{ // exchanges as request=answer, or the error's end
		"# only a remark\n":                       "",
		"> 01 02 # hello\n< 03\n<04 05\n\n> 06\n": "0102=030405 hello; 06=",
		"< 01":       ":1: want a line that begins with > or <",
		"> 01\n= 02": ":2: want a line that begins with > or <",
		"> 01\n< 0":  ":2: encoding/hex: odd length hex string",
		"> 0G":       ":1: encoding/hex: invalid byte: U+0047 'G'",
	} {
		path := filepath.Join(t.TempDir(), "x.hex")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		list, err := rfidtest.Load(path)
		if err != nil {
			if want == "" || !strings.HasSuffix(err.Error(), want) {
				t.Errorf("%q: got %v, want %s", text, err, want)
			}
			continue
		}
		var got []string
		for _, x := range list {
			got = append(got, strings.TrimSpace(hexed(x.Request)+"="+hexed(x.Answer)+" "+x.Remark))
		}
		if got := strings.Join(got, "; "); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
	if _, err := rfidtest.Load("/nowhere"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: got %v", err)
	}
}

// Reads give what fits and then, since nothing more will come, end at once.
func TestPlaybackReads(t *testing.T) {
	p := rfidtest.Play([]rfidtest.Exchange{{Request: []byte{1}, Answer: []byte{2, 3, 4}}})
	b := make([]byte, 2)
	if n, err := p.Read(b); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("before the request: got %d, %v", n, err)
	}
	if n, err := p.Write([]byte{1}); n != 1 || err != nil {
		t.Fatalf("request: got %d, %v", n, err)
	}
	_ = p.SetReadDeadline(time.Time{})
	for _, want := range []string{"0203", "04"} {
		if n, err := p.Read(b); err != nil || hexed(b[:n]) != want {
			t.Errorf("got %s, %v, want %s", hexed(b[:n]), err, want)
		}
	}
	if _, err := p.Write([]byte{1}); err == nil {
		t.Error("one request more than recorded: got no error")
	}
}

func hexed(b []byte) string { return fmt.Sprintf("%X", b) }
