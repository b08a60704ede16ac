package sim

import (
	"bytes"
	"math/big"
	"strings"
	"time"

	"coldstation/rfid"
	"coldstation/rfid/iso28560"
	"coldstation/rfid/number"
)

// Scanner is a barcode scanner, or a card reader that types a number. It shows
// what is put before it once and takes it away again, so that putting the same
// thing again is another scan.
//
// It reads the chip's barcode. An item without one bears the number that its tag
// holds; a card without one is typed by its UID. What has none of these it cannot
// read.
//
// Source: the settings that scanners of Datalogic, Honeywell, Newland and Zebra
// share; for the trigger, Datalogic's 7000 series manual, page 10-5.
type Scanner struct {
	Suffix  string // behind every text
	Framed  bool   // STX before and ETX behind the text, the suffix after them
	AIM     bool   // the code's AIM identifier before it
	Codabar bool   // codes of digits are Codabar, sent with start A and stop B
	Trigger bool   // reads only when told to, until it has read something
	UIDs    bool   // an RFID reader: types the UID of everything, and sees no barcode

	Type func(rfid.UID) string // how a UID is typed; nil is hexadecimal, high byte first

	table  *Table
	next   time.Time // to look
	wanted bool      // the trigger is on
}

const (
	scanPeriod = 20 * time.Millisecond
	scanPause  = 200 * time.Millisecond // from one code to the next, by hand
)

// NewScanner is a barcode scanner as delivered that sees the table: CR, no more.
func NewScanner(t *Table) *Scanner { return &Scanner{Suffix: "\r", table: t} }

// scannerChoices are the ways in which a Scanner can be set up: a suffix (cr, lf,
// crlf, tab, none), and any of the others.
var scannerChoices = choices[*Scanner]{
	"cr":       func(s *Scanner) { s.Suffix = "\r" },
	"lf":       func(s *Scanner) { s.Suffix = "\n" },
	"crlf":     func(s *Scanner) { s.Suffix = "\r\n" },
	"tab":      func(s *Scanner) { s.Suffix = "\t" },
	"none":     func(s *Scanner) { s.Suffix = "" },
	"stx":      func(s *Scanner) { s.Framed = true },
	"aim":      func(s *Scanner) { s.AIM = true },
	"codabar":  func(s *Scanner) { s.Codabar = true },
	"trigger":  func(s *Scanner) { s.Trigger = true },
	"uid":      func(s *Scanner) { s.UIDs = true },
	"lower":    func(s *Scanner) { s.Type = func(u rfid.UID) string { return strings.ToLower(u.String()) } },
	"reversed": func(s *Scanner) { s.Type = func(u rfid.UID) string { return u.Reversed().String() } },
	"decimal":  func(s *Scanner) { s.Type = decimal },
	"reversed-decimal": func(s *Scanner) {
		s.Type = func(u rfid.UID) string { return decimal(u.Reversed()) }
	},
}

func decimal(u rfid.UID) string { return new(big.Int).SetBytes(u.Bytes()).String() }

// Choices and Choose implement Chooser, as the maker's setup barcodes do.
func (s *Scanner) Choices() []string       { return scannerChoices.list() }
func (s *Scanner) Choose(word string) bool { return scannerChoices.choose(s, word) }

var (
	triggerOn  = []byte{0x16, 'T', '\r'}
	triggerOff = []byte{0x16, 'U', '\r'}
)

// Frame implements Device. Bytes that are no trigger command are lost.
func (s *Scanner) Frame(b []byte) int {
	for _, command := range [...][]byte{triggerOn, triggerOff} {
		switch {
		case bytes.HasPrefix(b, command):
			return len(command)
		case bytes.HasPrefix(command, b):
			return 0
		}
	}
	return 1
}

// Answer implements Device: commands are obeyed in silence.
func (s *Scanner) Answer(dst, request []byte, _ Moment) ([]byte, time.Duration) {
	if len(request) == len(triggerOn) {
		s.wanted = request[1] == 'T'
	}
	return dst, 0
}

// Writes implements Device: nothing can be written.
func (s *Scanner) Writes([]byte) rfid.UID { return rfid.UID{} }

// Reset is power-on.
func (s *Scanner) Reset() { s.next, s.wanted = time.Time{}, false }

// Foreign implements Device: what some scanners say when they could not read.
func (s *Scanner) Foreign() []byte { return []byte("NOREAD" + s.Suffix) }

// MoveLength implements Device. Lines have no length field; their last byte has a
// parity error, and arrives as NUL.
func (s *Scanner) MoveLength(answer []byte) { answer[len(answer)-1] = 0 }

// Speak implements Talker: the text of the first thing that is shown.
func (s *Scanner) Speak(dst []byte, now time.Time) ([]byte, time.Time) {
	if now.Before(s.next) {
		return dst, s.next
	}
	s.next = now.Add(scanPeriod)
	if s.Trigger && !s.wanted {
		return dst, s.next
	}
	before := len(dst)
	s.table.Each(func(c *Chip) bool {
		text := s.text(c)
		if text == "" {
			return true
		}
		s.table.set(c, false)
		if s.Framed {
			text = "\x02" + text + "\x03"
		}
		dst = append(dst, text+s.Suffix...)
		return false
	})
	if len(dst) > before {
		s.next, s.wanted = now.Add(scanPause), false
	}
	return dst, s.next
}

// text is what the scanner reads of a thing, without its suffix.
func (s *Scanner) text(c *Chip) string {
	code := c.Barcode
	if code == "" && c.Kind == rfid.ISO15693 {
		if tag, err := iso28560.Decode(c.Memory, int(c.DSFID)); err == nil {
			code = tag.Item
		}
	}
	switch {
	case s.UIDs, code == "" && c.Kind != rfid.ISO15693:
		if s.Type != nil {
			return s.Type(c.UID)
		}
		return c.UID.String()
	case code == "":
		return ""
	}
	aim := "]C0" // Code 128
	switch {
	case s.Codabar && strings.Trim(code, "0123456789-$:/.+") == "":
		code, aim = "A"+code+"B", "]F0"
	case len(code) == 13 && number.Checked("ean13", code):
		aim = "]E0"
	}
	if s.AIM {
		return aim + code
	}
	return code
}
