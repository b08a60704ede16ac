package main

import (
	"bytes"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"coldstation/sync/circ"
	"coldstation/sync/hub/store"
)

// TestCovers: pictures are brought in with the items or after them; one of no item is
// left out, one that is none keeps everything out.
func TestCovers(t *testing.T) {
	dir, data := t.TempDir(), t.TempDir()
	var picture bytes.Buffer
	if err := png.Encode(&picture, image.NewGray(image.Rect(0, 0, 900, 1300))); err != nil {
		t.Fatal(err)
	}
	write := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	items := write("items.csv", []byte("barcode,title\n1,Is\n2,Sommarboken\n"))
	write("covers/2.PNG", picture.Bytes())
	write("covers/9.png", picture.Bytes())
	write("covers/notes.txt", []byte("to do"))
	bad := write("bad/1.jpg", []byte("hello"))
	empty := filepath.Dir(write("empty/notes.txt", nil))

	// covers are the items that have one, by title.
	covers := func() string {
		t.Helper()
		s, _, err := open(data)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		all, err := s.Stock(t.Context(), store.StockQuery{Limit: 10})
		if err != nil {
			t.Fatal(err)
		}
		var with []string
		for _, item := range all {
			if item.Cover.IsZero() {
				continue
			}
			if _, size, err := s.BlobPiece(t.Context(), item.Cover, 0, 1); err != nil || size == 0 || size > 60_000 {
				t.Errorf("the cover of %s: %d bytes, %v", item.Title, size, err)
			}
			with = append(with, item.Title)
		}
		return strings.Join(with, ", ")
	}
	for _, step := range []struct {
		args  []string
		fault string
		want  string
	}{
		{[]string{items, bad}, "neither JPEG nor PNG", ""},
		{[]string{empty}, "there is no picture in it", ""},
		{[]string{items, filepath.Join(dir, "covers")}, "", "Sommarboken"},
		{[]string{items}, "", "Sommarboken"},
		{[]string{write("1.png", picture.Bytes())}, "", "Is, Sommarboken"},
	} {
		err := importFiles(t.Context(), append([]string{"--data", data}, step.args...))
		if (err == nil) != (step.fault == "") || err != nil && !strings.Contains(err.Error(), step.fault) {
			t.Errorf("%v: %v, want %q", step.args, err, step.fault)
		}
		if got := covers(); got != step.want {
			t.Errorf("after %v covers of %q, want %q", step.args, got, step.want)
		}
	}
	s, _, err := open(data)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if found, err := s.Stock(t.Context(), store.StockQuery{ID: circ.ItemID("9"), Limit: 1}); err != nil || len(found) != 0 {
		t.Errorf("a picture made an item: %+v, %v", found, err)
	}
}
