package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"coldstation/cmd/internal/stage"
	"coldstation/kiosk/flow"
	"coldstation/kiosk/speech"
)

// A loan is said, without the name and the title that others must not hear, and
// printed when a finger asks for it.
func TestSaidAndPrinted(t *testing.T) {
	th := open(t)
	printer, err := net.Listen("tcp", "127.0.0.1:0")
	th.must(err)
	defer printer.Close()
	receipts := make(chan []byte, 64)
	go func() {
		for {
			conn, err := printer.Accept()
			if err != nil {
				return
			}
			if got, _ := io.ReadAll(conn); bytes.Contains(got, []byte("\x1Dv0")) {
				receipts <- got
			}
			conn.Close()
		}
	}()
	said, voice := filepath.Join(th.Dir, "said"), filepath.Join(th.Dir, "voice")
	th.must(os.WriteFile(voice, []byte("#!/bin/sh\n{ echo \"<$*>\"; cat; } >>'"+said+"'\n"), 0o700))
	k, err := th.Kiosk(th.ctx, "maple-house", th.screen.Env(), "--window", "1280x800", "--languages", "en,fi",
		"--speech", voice+" {voice} {speed}", "--speech-names", "never", "--printer", "tcp:"+printer.Addr().String())
	th.must(err)
	th.must(k.Pad.Put("gunnar", "sinuhe"))
	th.loans("999N00001003")
	th.must(stage.Until(th.ctx, "the loan to be said", func() error {
		text, err := os.ReadFile(said)
		if err == nil && !strings.Contains(string(text), "<en-gb 150>\nYou have borrowed this book.\nBring it back when it suits you.\n") {
			err = fmt.Errorf("it says %s", text)
		}
		return err
	}))
	th.logged(k, 1, "kind=FaultRaised") // the voice was too quick to have been heard

	visiting, _ := screens(true)
	var receipt []byte
	th.touch(visiting, english(flow.Receipt), func() error {
		select {
		case receipt = <-receipts:
			return nil
		default:
			return errors.Join(k.Alive(), errors.New("nothing was printed"))
		}
	})
	if !bytes.Contains(receipt, []byte("\x1B@\x1Dv0\x00\x48\x00")) || !bytes.HasSuffix(receipt, []byte("\x1DVB\x00")) {
		t.Errorf("a receipt of %d bytes does not begin and end as one", len(receipt))
	}
	th.must(stage.Until(th.ctx, "the receipt to be said", func() error {
		text, err := os.ReadFile(said)
		if err == nil && !strings.Contains(string(text), "Your note is being printed.\nBook 1, Bring back when it suits you.\n") {
			err = fmt.Errorf("it says %s", text)
		}
		return err
	}))
	text, err := os.ReadFile(said)
	th.must(err)
	if strings.Contains(string(text), "Gunnar") || strings.Contains(string(text), "Sinuhe") {
		t.Errorf("it says %s", text)
	}
}

// TestSpeaker: what --speech means.
func TestSpeaker(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	for says, want := range map[string]speech.Program{
		"off": nil, "": nil, "auto": nil, "espeak-ng": speech.Espeak, "say {voice}": {"say", "{voice}"},
	} {
		if got := speaker(says); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%q: got %q, want %q", says, got, want)
		}
	}
	there := t.TempDir()
	if err := os.WriteFile(filepath.Join(there, "espeak-ng"), []byte("#!/bin/sh\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", there)
	if got := speaker("auto"); fmt.Sprint(got) != fmt.Sprint(speech.Espeak) {
		t.Errorf("got %q", got)
	}
}
