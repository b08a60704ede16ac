package sip2test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"coldstation/sync/hub/sip2"
)

var (
	errCut    = errors.New("cut")
	errHangUp = errors.New("hang up")
)

// cable is a connection that drops after so many bytes each way.
type cable struct {
	net.Conn
	cut
}

func (c *cable) Read(p []byte) (int, error) {
	if c.read >= 0 {
		if p = p[:min(len(p), c.read)]; len(p) == 0 {
			c.Close()
			return 0, io.EOF
		}
	}
	n, err := c.Conn.Read(p)
	if c.read >= 0 {
		c.read -= n
	}
	return n, err
}

func (c *cable) Write(p []byte) (int, error) {
	if c.written < 0 || len(p) <= c.written {
		if c.written >= 0 {
			c.written -= len(p)
		}
		return c.Conn.Write(p)
	}
	n, _ := c.Conn.Write(p[:c.written])
	c.Close()
	return n, errCut
}

// talk is one connection and what is known of it.
type talk struct {
	*System
	to      io.Writer
	account string
	checks  bool // the request at hand has them
	seq     byte
	last    string // the last reply on this connection, without AY and AZ
}

// Talk answers one connection until it ends, and closes it.
func (s *System) Talk(conn net.Conn) {
	defer conn.Close()
	s.mu.Lock()
	line := cut{-1, -1}
	if len(s.cuts) > 0 {
		line, s.cuts = s.cuts[0], s.cuts[1:]
	}
	s.open[conn] = true
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.open, conn)
	}()
	wire := &cable{conn, line}
	t := &talk{System: s, to: wire}
	for r := bufio.NewReader(wire); ; {
		raw, err := r.ReadBytes('\r') // LF alone ends nothing
		if err != nil && !s.CutMeansEnd {
			return
		}
		request := clean(raw)
		if len(request) > 0 {
			if t.answer(request) != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// clean does to a line what both systems do: it begins and ends with a letter or
// a digit, or one of the characters that lie between Z and a, and has no LF.
func clean(b []byte) []byte {
	odd := func(r rune) bool { return (r < 'A' || r > 'z') && (r < '0' || r > '9') }
	return bytes.ReplaceAll(bytes.TrimFunc(b, odd), []byte("\n"), nil)
}

func sum(b []byte) string {
	total := 0
	for _, c := range b {
		total += int(c)
	}
	return fmt.Sprintf("%04X", -total&0xFFFF)
}

// reply is written in the system's own order.
type reply struct{ text strings.Builder }

// in begins a reply.
func in(code sip2.Code, fixed string) *reply {
	r := new(reply)
	r.text.WriteString(string(code) + fixed)
	return r
}

// answer reads one request, does it, and writes the reply, unless a fault is due.
func (t *talk) answer(b []byte) error {
	text := latin1(b) // so that an identifier beyond ASCII is another one (run, both)
	if t.Pedant {
		text = string(b)
	}
	t.mu.Lock()
	t.heard = append(t.heard, string(b))
	t.checks, t.seq = false, 0
	if n := len(b); n > 11 && string(b[n-9:n-7]) == "AY" {
		if !strings.EqualFold(string(b[n-4:]), sum(b[:n-4])) {
			t.mu.Unlock()
			return t.again(true)
		}
		t.checks, t.seq = true, b[n-7]
		text = text[:len(text)-9]
	} else if string(b) == "97AZFEF5" {
		t.checks, text = true, "97"
	} else if t.NeedsChecks {
		t.mu.Unlock()
		return t.again(true)
	}
	if len(text) < 2 {
		t.mu.Unlock()
		return errHangUp
	}
	code := sip2.Code(text[:2])
	if code == sip2.CodeResend {
		last := t.last
		if t.account == "" {
			last = t.System.last
			if !t.Talkative {
				t.mu.Unlock()
				return errHangUp
			}
		}
		t.mu.Unlock()
		if last == "" {
			return t.again(t.checks)
		}
		if t.ResendSeq {
			t.seq = '0'
		}
		return t.send(t.protect(last))
	}
	f := t.fault(code)
	t.mu.Unlock()

	switch f.Kind {
	case HangUpBefore:
		return errHangUp
	case AskAgain:
		return t.again(t.checks)
	}
	t.mu.Lock()
	r, err := t.handle(code, text[2:])
	t.mu.Unlock()
	if errors.Is(err, errUnknown) && t.AnswersUnknown {
		return t.again(false)
	}
	if r == nil {
		return err
	}
	line := t.write(r.text.String(), f)
	switch f.Kind {
	case HangUpAfter:
		return errors.Join(t.send(line[:min(f.Bytes, len(line))]), errHangUp)
	case AskAgainAfter:
		return t.again(t.checks)
	case Late:
		time.Sleep(f.Delay)
	case Garbage:
		line = []byte(f.Line)
	case WrongSum: // AZ stays right: a letter has changed on its way
		line[3] ^= 1
	}
	if sent := t.send(line); sent != nil {
		return sent
	}
	return err
}

// write makes a line of a reply: missing fields, encoding, checksum, end.
func (t *talk) write(text string, f Fault) []byte {
	if f.Kind == Missing {
		head := replyWidth[sip2.Code(text[:2])] + 2
		kept := text[:head]
		for field := range strings.SplitAfterSeq(text[head:], "|") {
			if len(field) < 2 || !slices.Contains(f.Fields, field[:2]) {
				kept += field
			}
		}
		text = kept
		t.checks = t.checks && !slices.Contains(f.Fields, "AY")
	}
	t.last = text
	t.mu.Lock()
	t.System.last = text
	t.mu.Unlock()
	return t.protect(text)
}

// protect encodes a reply, adds AY and AZ as the request had them, and its end.
func (t *talk) protect(text string) []byte {
	b := t.Text.encode(text)
	if t.checks {
		if t.seq != 0 {
			b = append(b, 'A', 'Y', t.seq)
		}
		b = append(b, "AZ"...)
		b = append(b, sum(b)...)
	}
	return append(b, t.End...)
}

func (t *talk) send(b []byte) error {
	_, err := t.to.Write(b)
	return err
}

func (t *talk) again(checks bool) error {
	if checks {
		return t.send([]byte("96AZFEF6" + t.EndAgain))
	}
	return t.send([]byte("96" + t.EndAgain))
}

func latin1(b []byte) string {
	out := make([]rune, len(b))
	for i, c := range b {
		out[i] = rune(c)
	}
	return string(out)
}

func (e Text) encode(text string) []byte {
	switch e {
	case UTF8:
		return []byte(text)
	case UTF8NFD:
		return norm.NFD.Bytes([]byte(text))
	}
	var out []byte
	if e == ASCII {
		text = norm.NFD.String(text)
	}
	for _, r := range text {
		switch {
		case r < 0x80 || e == Latin1 && r < 0x100:
			out = append(out, byte(r))
		case e == Latin1:
			out = append(out, '?')
		}
	}
	return out
}
