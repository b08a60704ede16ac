package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"coldstation/sync/hub/store"
)

// TestOpenSound: a store that was not closed is read through before the hub serves
// from it, any other meanwhile; what is damaged, or lost all it had, is told, with
// what to do, and nothing is made in its place.
func TestOpenSound(t *testing.T) {
	whole := t.TempDir()
	for _, name := range []string{"maple-house", "birch-house", "oak-house"} {
		if err := runStation(t, "add", "--data", whole, "--out", filepath.Join(t.TempDir(), name), name); err != nil {
			t.Fatal(err)
		}
	}
	// rot writes over the last page that holds a word.
	rot := func(t *testing.T, file string) {
		content, err := os.ReadFile(file)
		at := bytes.LastIndex(content, []byte("oak-house"))
		if err != nil || at < 0 {
			t.Fatal(at, err)
		}
		page := content[at&^4095:][:4096]
		for i := range page {
			page[i] = 0xA5
		}
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	leave := func(t *testing.T, file string) {
		if err := os.WriteFile(file+"-wal", nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, test := range map[string]struct {
		spoil   func(t *testing.T, file string)
		refused bool // at once
		later   bool // found while it serves
	}{
		"closed and whole":   {spoil: func(*testing.T, string) {}},
		"left and whole":     {spoil: leave},
		"left and damaged":   {spoil: func(t *testing.T, file string) { rot(t, file); leave(t, file) }, refused: true},
		"closed and damaged": {spoil: rot, later: true},
		"empty": {spoil: func(t *testing.T, file string) {
			if err := os.Truncate(file, 0); err != nil {
				t.Fatal(err)
			}
		}, refused: true},
		"gone, as who begins anew removes it": {spoil: func(t *testing.T, file string) {
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			data := t.TempDir()
			if err := os.CopyFS(data, os.DirFS(whole)); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(filepath.Join(data, keys[0]), 0o600); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(data, database)
			test.spoil(t, file)
			before, _ := os.ReadFile(file)
			s, err := openSound(t.Context(), data)
			if test.refused {
				if !errors.Is(err, store.ErrDamaged) || !strings.Contains(err.Error(), "hub restore --replace") {
					t.Errorf("got %v, want to be told that it is damaged and what to do", err)
				}
				if after, _ := os.ReadFile(file); !bytes.Equal(after, before) {
					t.Error("the file was written to")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer s.close()
			if test.later {
				wait(t, "the damage", func() error {
					if s.since().IsZero() {
						return errors.New("nobody found it")
					}
					return nil
				})
				return
			}
			s.close()
			if !s.since().IsZero() {
				t.Error("it is said to be damaged")
			}
		})
	}
}
