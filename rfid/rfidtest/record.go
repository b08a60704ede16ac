package rfidtest

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"coldstation/rfid"
)

// A recording is text: lines "> HEX" to the reader and "< HEX" from it; anything
// after # is a remark, and the first names the device and its firmware.

// Exchange is one request and what came back.
type Exchange struct {
	Request, Answer []byte
	Remark          string
}

// Load reads a recording.
func Load(path string) ([]Exchange, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var list []Exchange
	scan := bufio.NewScanner(bytes.NewReader(text))
	for n := 1; scan.Scan(); n++ {
		line, remark, _ := strings.Cut(scan.Text(), "#")
		line = strings.ReplaceAll(strings.TrimSpace(line), " ", "")
		if line == "" {
			continue
		}
		b, err := hex.DecodeString(line[1:])
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, n, err)
		}
		switch {
		case line[0] == '>':
			list = append(list, Exchange{Request: b, Remark: strings.TrimSpace(remark)})
		case line[0] == '<' && len(list) > 0:
			last := &list[len(list)-1]
			last.Answer = append(last.Answer, b...)
		default:
			return nil, fmt.Errorf("%s:%d: want a line that begins with > or <", path, n)
		}
	}
	return list, scan.Err()
}

// Recorder is a Port that writes down what passes.
type Recorder struct {
	rfid.Port
	To io.Writer
}

func (r Recorder) Write(p []byte) (int, error) {
	fmt.Fprintf(r.To, "> % X\n", p)
	return r.Port.Write(p)
}

func (r Recorder) Read(p []byte) (int, error) {
	n, err := r.Port.Read(p)
	if n > 0 {
		fmt.Fprintf(r.To, "< % X\n", p[:n])
	}
	return n, err
}

// Playback is a Port that answers as recorded. A request that was not recorded
// next fails the Write.
type Playback struct {
	mu    sync.Mutex
	left  []Exchange
	ready []byte
}

// Play is a Port that plays exchanges in order.
func Play(list []Exchange) *Playback { return &Playback{left: list} }

func (p *Playback) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.left) == 0 || !bytes.Equal(b, p.left[0].Request) {
		want := []byte(nil)
		if len(p.left) > 0 {
			want = p.left[0].Request
		}
		return 0, fmt.Errorf("play back: got % X, want % X", b, want)
	}
	p.ready = append(p.ready, p.left[0].Answer...)
	p.left = p.left[1:]
	return len(b), nil
}

// Read never waits: what was not recorded will not come.
func (p *Playback) Read(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.ready) == 0 {
		return 0, os.ErrDeadlineExceeded
	}
	n := copy(b, p.ready)
	p.ready = p.ready[n:]
	return n, nil
}

// Left counts exchanges that were not asked for.
func (p *Playback) Left() int                       { return len(p.left) }
func (p *Playback) SetReadDeadline(time.Time) error { return nil }
func (p *Playback) Close() error                    { return nil }
