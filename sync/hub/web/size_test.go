package web

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// TestOnTheWire: every page is at most 60 kB for who understands gzip, is the same as
// without it, and says what it depends on; what is there already is not sent again.
func TestOnTheWire(t *testing.T) {
	h, _ := newSite(t, source{}, nil)
	for _, paths := range pages {
		for _, path := range paths {
			plain, packed := get(h, path), get(h, path, "Accept-Encoding", "gzip")
			if len(packed.text) > 60_000 {
				t.Errorf("%s: %d bytes on the wire", path, len(packed.text))
			}
			if packed.Header.Get("Content-Encoding") != "gzip" {
				if len(plain.text) > 2048 {
					t.Errorf("%s: %d bytes are not compressed", path, len(plain.text))
				}
				continue
			}
			z, err := gzip.NewReader(bytes.NewReader([]byte(packed.text)))
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(z)
			if err != nil || string(text) != plain.text && !strings.HasPrefix(path, "/trail") && !strings.HasPrefix(path, "/account") {
				t.Errorf("%s: another page than without gzip, %v", path, err)
			}
			if vary := packed.Header.Values("Vary"); !slices.Contains(vary, "Accept-Encoding") {
				t.Errorf("%s: varies by %v", path, vary)
			}
		}
	}
	first := get(h, "/static/style.css", "Accept-Encoding", "gzip")
	again := get(h, "/static/style.css", "Accept-Encoding", "gzip", "If-None-Match", first.Header.Get("ETag"))
	if again.StatusCode != http.StatusNotModified || again.text != "" {
		t.Errorf("asked again: %d and %d bytes, want 304", again.StatusCode, len(again.text))
	}
}
