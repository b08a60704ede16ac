package main

import (
	"bytes"
	"sync"
)

// recent is the program's own log, for a library that asks for it from afar.
var recent = &tail{most: 1 << 20}

// tail keeps the newest lines that were written, at most so many bytes of them.
type tail struct {
	most int

	mu   sync.Mutex
	kept []byte // up to twice as many
}

// Write takes whole lines.
func (t *tail) Write(lines []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.kept = append(t.kept, lines...); len(t.kept) > 2*t.most {
		t.kept = append(t.kept[:0], newest(t.kept, t.most)...)
	}
	return len(lines), nil
}

// Newest are the newest whole lines, at most so many bytes.
func (t *tail) Newest(most int) []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	return bytes.Clone(newest(t.kept, min(most, t.most)))
}

// newest is the end of text from the beginning of a line.
func newest(text []byte, most int) []byte {
	if len(text) <= most {
		return text
	}
	_, whole, _ := bytes.Cut(text[len(text)-most-1:], []byte("\n"))
	return whole
}
