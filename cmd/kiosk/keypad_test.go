package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"coldstation/cmd/internal/stage"
	"coldstation/kiosk/flow"
)

// TestWithoutSightByKeypad: whoever sees nothing borrows a book and takes the loan
// back with four arrows and OK, by what the voice says alone: no picture is looked at.
func TestWithoutSightByKeypad(t *testing.T) {
	th := open(t)
	said, voice := filepath.Join(th.Dir, "said"), filepath.Join(th.Dir, "voice")
	th.must(os.WriteFile(voice, []byte("#!/bin/sh\ncat >>'"+said+"'\necho '.' >>'"+said+"'\n"), 0o700))
	k, err := th.Kiosk(th.ctx, "maple-house", th.screen.Env(), "--window", "1280x800", "--languages", "en,fi", "--speech", voice+" {voice}", "--speech-names", "never")
	th.must(err)
	heard := func() string {
		text, err := os.ReadFile(said)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		return string(text)
	}
	hears := func(words string, from int) {
		t.Helper()
		th.must(stage.Until(th.ctx, "hearing "+words, func() error {
			if text := heard(); !strings.Contains(text[from:], words) {
				return fmt.Errorf("it says %q", text[from:])
			}
			return nil
		}))
	}
	// reach presses the arrows until the voice names the button, and then OK.
	reach := func(button string, done func() error) {
		t.Helper()
		way := []string{"Down", "Right", "Right", "Right", "Up", "Left", "Left", "Left"}
		for i := range 5 * len(way) {
			from := len(heard())
			th.must(th.screen.Key(way[i%len(way)]))
			th.must(stage.Until(th.ctx, "a word of where the arrow led", func() error {
				if text := heard(); !strings.HasSuffix(text[from:], ".\n.\n") {
					return fmt.Errorf("it says %q", text[from:])
				}
				return nil
			}))
			if !strings.HasPrefix(heard()[from:], button) {
				continue
			}
			last := time.Time{}
			th.must(stage.Until(th.ctx, "OK on "+button, func() error {
				err := done()
				if err != nil && time.Since(last) > 2*time.Second {
					last = time.Now()
					th.must(th.screen.Key("Return"))
				}
				return err
			}))
			return
		}
		t.Fatalf("no arrow leads to %q; it said %s", button, heard())
	}

	th.must(k.Pad.Put("gunnar"))
	hears("Hello", 0)
	from := len(heard())
	th.must(k.Pad.Put("sinuhe"))
	hears("You have borrowed this book.\nBring it back when it suits you.", from)
	th.loans("999N00001003")

	reach(english(flow.Undo), func() error { return k.Logged("show", "screen=undoing") })
	hears("Which one did you not mean?\nBook 1, Bring back when it suits you.", from)
	reach(english(flow.UndoThis), func() error { return k.Logged("kind=Undone") })
	hears("You have not borrowed this book.", from)
	th.loans()
	if text := heard(); strings.Contains(text, "Gunnar") || strings.Contains(text, "Sinuhe") {
		t.Errorf("a name or a title was said aloud: %s", text)
	}
}
