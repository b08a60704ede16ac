package sip2

import (
	"strconv"
	"unicode/utf8"
)

// Flag is one character of yes and no: 'Y', 'N', 'U' for unknown, or 0 where
// nothing was said.
type Flag byte

const (
	Yes Flag = 'Y'
	No  Flag = 'N'
)

// FlagOf is Yes or No.
func FlagOf(yes bool) Flag {
	if yes {
		return Yes
	}
	return No
}

func (f Flag) String() string {
	if f == 0 {
		return ""
	}
	return string(rune(f))
}

// FieldError says what is wrong with a request before it is sent. It does not
// hold the value, which may name a patron.
type FieldError struct {
	Message Code
	Field   string // its code, or "fixed part"
	Reason  string
}

func (e *FieldError) Error() string {
	return "message " + string(e.Message) + ": " + e.Field + ": " + e.Reason
}

// codec walks through one message's layout, in either direction: each message
// has one layout method, which visits its parts in the order they are written.
// Reading is by code, so that the order does not matter there.
type codec struct {
	code  Code
	reply bool
	err   error

	writing bool
	dst     []byte
	start   int
	format  Format

	message *Message
	at      int // in the fixed part
	used    usedFields
}

// usedFields are those of the message that have found their place.
type usedFields struct {
	few  [4]uint64
	rest map[int]bool // by index, from 256
}

func (u *usedFields) has(i int) bool {
	if i < 256 {
		return u.few[i/64]&(1<<(i%64)) != 0
	}
	return u.rest[i]
}

func (u *usedFields) add(i int) {
	if i < 256 {
		u.few[i/64] |= 1 << (i % 64)
		return
	}
	if u.rest == nil {
		u.rest = make(map[int]bool)
	}
	u.rest[i] = true
}

func encode(dst []byte, code Code, f Format) codec {
	c := codec{code: code, writing: true, start: len(dst), format: f}
	width, reply, known := code.layout()
	if c.reply = reply; !known {
		c.fail("code", "not one of ours")
		return c
	}
	if c.dst = dst; cap(dst)-len(dst) < width+64 {
		c.dst = append(make([]byte, 0, len(dst)+width+192), dst...)
	}
	c.dst = append(c.dst, code...)
	return c
}

func decode(m *Message, code Code) codec {
	c := codec{code: code, reply: true, message: m}
	if m.Code != code {
		c.fail("code", "is "+string(m.Code))
	} else if width, _, _ := code.layout(); width != len(m.Fixed) {
		c.fail("fixed part", "wrong width")
	}
	return c
}

func (c *codec) fail(field, reason string) {
	if c.err == nil {
		c.err = &FieldError{c.code, field, reason}
	}
}

// done ends a message that was written.
func (c *codec) done() ([]byte, error) {
	if c.err != nil {
		return nil, c.err
	}
	if !c.format.Check {
		return c.dst, nil
	}
	if seq := c.format.Seq; seq >= '0' && seq <= '9' {
		c.dst = append(c.dst, 'A', 'Y', seq)
	} else if seq != 0 {
		c.fail("AY", "not a digit")
		return nil, c.err
	}
	c.dst = append(c.dst, "AZ"...)
	sum := Checksum(c.dst[c.start:])
	const hex = "0123456789ABCDEF"
	return append(c.dst, hex[sum>>12], hex[sum>>8&15], hex[sum>>4&15], hex[sum&15]), nil
}

// take is the next n characters of the fixed part.
func (c *codec) take(n int) string {
	if c.err != nil {
		return ""
	}
	c.at += n
	return c.message.Fixed[c.at-n : c.at]
}

// fixed writes a whole fixed part.
func (c *codec) fixed(text string) {
	if width, _, _ := c.code.layout(); width != len(text) {
		c.fail("fixed part", "wrong width")
		return
	}
	c.put(text)
}

func (c *codec) put(text string) {
	for i := range len(text) {
		if text[i] < ' ' || text[i] >= 0x7F || text[i] == bar {
			c.fail("fixed part", "not printable ASCII")
			return
		}
	}
	c.dst = append(c.dst, text...)
}

// text is n characters; the empty string stands for def.
func (c *codec) text(p *string, n int, def string) {
	if !c.writing {
		*p = c.take(n)
		return
	}
	text := *p
	if text == "" {
		text = def
	}
	if len(text) != n {
		c.fail("fixed part", "wrong width")
		return
	}
	c.put(text)
}

// bit is a boolean as two characters, the first for true.
func (c *codec) bit(p *bool, chars string) {
	if !c.writing {
		*p = c.take(1) == chars[:1]
	} else if *p {
		c.dst = append(c.dst, chars[0])
	} else {
		c.dst = append(c.dst, chars[1])
	}
}

// flag is one character, of which 0 stands for def.
func (c *codec) flag(p *Flag, def Flag) {
	switch {
	case !c.writing:
		if text := c.take(1); text != "" {
			*p = Flag(text[0])
		}
	case *p == 0:
		c.dst = append(c.dst, byte(def))
	case *p < ' ' || *p >= 0x7F || *p == bar:
		c.fail("fixed part", "not printable ASCII")
	default:
		c.dst = append(c.dst, byte(*p))
	}
}

// number is n digits, or n blanks for -1.
func (c *codec) number(p *int, n int) {
	if !c.writing {
		text := c.take(n)
		if *p = -1; !blank(text) {
			if v, err := strconv.ParseUint(text, 10, 31); err == nil {
				*p = int(v)
			}
		}
		return
	}
	if *p < 0 {
		for range n {
			c.dst = append(c.dst, ' ')
		}
		return
	}
	var digits [8]byte
	v := *p
	for i := n - 1; i >= 0; i-- {
		digits[i] = byte('0' + v%10)
		v /= 10
	}
	if v != 0 {
		c.fail("fixed part", "number too high")
	}
	c.dst = append(c.dst, digits[:n]...)
}

// date is one of the fixed part; 18 blanks are the empty Date.
func (c *codec) date(p *Date) {
	switch {
	case !c.writing:
		if *p = Date(c.take(dateWidth)); blank(string(*p)) {
			*p = ""
		}
	case *p == "":
		c.dst = append(c.dst, "                  "...)
	case !p.valid() && !c.reply:
		c.fail("date", "not of the form YYYYMMDD    HHMMSS")
	case len(*p) != dateWidth:
		c.fail("date", "not 18 characters")
	default:
		c.put(string(*p))
	}
}

// mustDate is a date that may not be blank in what is written.
func (c *codec) mustDate(p *Date, what string) {
	if c.writing && *p == "" {
		c.fail(what, "missing")
	}
	c.date(p)
}

// field is always written. Of several, the first that says something is read.
func (c *codec) field(code string, p *string) {
	if c.writing {
		if !c.reply && len(*p) > maxText && utf8.RuneCountInString(*p) > maxText {
			c.fail(code, "longer than 255 characters")
		}
		c.write(code, *p)
		return
	}
	*p = ""
	for i := range c.message.Fields {
		if f := &c.message.Fields[i]; f.Code == code && !c.used.has(i) {
			c.used.add(i)
			if *p = f.Value; *p != "" {
				return
			}
		}
	}
}

// maybe is written unless it is empty.
func (c *codec) maybe(code string, p *string) {
	if !c.writing || *p != "" {
		c.field(code, p)
	}
}

// id is an identifier that may not be empty in what is written.
func (c *codec) id(code string, p *string) {
	if c.writing {
		if blank(*p) {
			c.fail(code, "empty")
		}
		for i := range len(*p) {
			if b := (*p)[i]; b < ' ' || b >= 0x7F {
				c.fail(code, "identifiers must be printable ASCII")
			}
		}
	}
	c.field(code, p)
}

// dateField is a date in a field, or what a server is set to write instead.
func (c *codec) dateField(code string, p *Date) {
	text := string(*p)
	c.field(code, &text)
	*p = Date(text)
}

func (c *codec) maybeDate(code string, p *Date) {
	if !c.writing || *p != "" {
		c.dateField(code, p)
	}
}

// answer is a field of one flag, left out when 0.
func (c *codec) answer(code string, p *Flag) {
	if c.writing {
		if *p != 0 {
			var one [1]byte
			one[0] = byte(*p)
			c.write(code, string(one[:]))
		}
		return
	}
	*p = 0
	for i := range c.message.Fields {
		if f := &c.message.Fields[i]; f.Code == code && len(f.Value) == 1 && f.Value[0] < utf8.RuneSelf && !c.used.has(i) {
			c.used.add(i)
			*p = Flag(f.Value[0])
			return
		}
	}
}

// yes is a field that a request always has, Y or N.
func (c *codec) yes(code string, p *bool) {
	if c.writing {
		if *p {
			c.write(code, "Y")
		} else {
			c.write(code, "N")
		}
		return
	}
	var text string
	c.field(code, &text)
	*p = text == "Y"
}

// each is a field that repeats.
func (c *codec) each(code string, p *[]string) {
	if c.writing {
		for _, value := range *p {
			c.write(code, value)
		}
		return
	}
	*p = nil
	for i := range c.message.Fields {
		if f := &c.message.Fields[i]; f.Code == code && !c.used.has(i) {
			c.used.add(i)
			*p = append(*p, f.Value)
		}
	}
}

// more is everything else, in order.
func (c *codec) more(p *[]Field) {
	if c.writing {
		for _, f := range *p {
			whole := len(f.Code) == 2 && hasCode(f.Code)
			if odd := f.Code == "" && f.Value != "" && !hasCode(f.Value); !whole && !odd {
				c.fail("field code", "not two printable characters")
			}
			c.write(f.Code, f.Value)
		}
		return
	}
	*p = nil
	if c.err != nil {
		return
	}
	for i, f := range c.message.Fields {
		if !c.used.has(i) {
			*p = append(*p, f)
		}
	}
}

func (c *codec) write(code, value string) {
	if c.err != nil {
		return
	}
	c.dst = append(c.dst, code...)
	dst, reason := appendText(c.dst, value, c.format.Encoding, c.reply)
	if reason != "" {
		c.fail(code, reason)
		return
	}
	c.dst = append(dst, bar)
}
