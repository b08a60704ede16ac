package main

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"

	"coldstation/rfid/drivers"
	"coldstation/rfid/iso28560"
)

// tag says what a memory holds, or makes one.
func tag(args []string, out io.Writer) error {
	f := flags("tag")
	text := f.String("hex", "", "")
	dsfid := f.String("dsfid", "", "")
	encode := f.Bool("encode", false, "")
	var l iso28560.Label
	f.StringVar(&l.Item, "item", "", "")
	f.StringVar(&l.ISIL, "isil", "", "")
	f.StringVar(&l.Title, "title", "", "")
	part := f.String("part", "1/1", "")
	usage := f.Int("usage", int(iso28560.Circulation), "")
	format := f.String("format", "28560-3", "")
	words, err := parse(f, args)
	if err != nil {
		return err
	}
	switch {
	case len(words) > 0:
		return fmt.Errorf("tag: %q: not expected; hexadecimal with spaces wants quotes", words[0])
	case *encode && l.Item == "":
		return errors.New("tag: --encode needs --item ID; try readersim --help")
	case *encode == given(f, "hex"): // also an empty one: a tag of which nothing was read
		return errors.New("tag: one of --hex HEX and --encode is needed; try readersim --help")
	}
	if *encode {
		if l.Part, l.Parts, err = parsePart(*part); err != nil {
			return fmt.Errorf("tag: --part %q: want a form like 1/2", *part)
		}
		if *usage < -1 || *usage > 15 {
			return fmt.Errorf("tag: usage %d: want 0 to 15", *usage)
		}
		l.Usage = iso28560.Usage(*usage)
		mem, err := write(l, *format)
		if err == nil {
			fmt.Fprintf(out, "%X\n", mem)
		}
		return err
	}
	mem, err := hex.DecodeString(bare(*text))
	if err != nil {
		return fmt.Errorf("tag: --hex: %s", strings.TrimPrefix(err.Error(), "encoding/hex: "))
	}
	hint := iso28560.NoDSFID
	if *dsfid != "" {
		n, err := strconv.ParseUint(bare(*dsfid), 16, 8)
		if err != nil {
			return fmt.Errorf("tag: --dsfid %q: want two hexadecimal digits", *dsfid)
		}
		hint = int(n)
	}
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false)
	return e.Encode(iso28560.Describe(mem, hint))
}

// bare takes off how people and programs write hexadecimal: 0x, and what stands
// between bytes.
func bare(text string) string {
	text = strings.TrimSpace(text)
	if len(text) > 2 && strings.EqualFold(text[:2], "0x") {
		text = text[2:]
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || strings.ContainsRune(":-,", r) {
			return -1
		}
		return r
	}, text)
}

// parsePart reads a part and the number of parts.
func parsePart(text string) (part, parts int, err error) {
	left, right, _ := strings.Cut(text, "/")
	if part, err = strconv.Atoi(left); err == nil {
		parts, err = strconv.Atoi(right)
	}
	return part, parts, err
}

func write(l iso28560.Label, format string) ([]byte, error) {
	switch format {
	case "28560-3":
		return iso28560.EncodePart3(l, iso28560.Layout{Block: 4})
	case "28560-3-short":
		return iso28560.EncodePart3(l, iso28560.Layout{Block: 4, Short: true})
	case "28560-2":
		return iso28560.EncodePart2(l, iso28560.Layout{Block: 4})
	}
	return nil, fmt.Errorf("tag: format %q: there are 28560-3, 28560-3-short and 28560-2", format)
}

// probe says which reader is on a port.
func probe(args []string, out io.Writer) error {
	words, err := parse(flags("probe"), args)
	if err != nil {
		return err
	}
	if len(words) != 1 {
		return errors.New("probe PORT: /dev/ttyUSB0, usb:0403:6001 or tcp:10.0.0.7:10001")
	}
	d, about, err := drivers.Find(words[0])
	if errors.Is(err, drivers.ErrUnknown) {
		return fmt.Errorf(`%w
A reader that only speaks (em4100) is heard while a card lies on it: lay one there
and probe again. A barcode scanner, or a reader that types numbers, is no protocol
to find: readersim read %s --protocol line`, err, words[0])
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s: %s (line %s)\n", d.Name, about, d.Mode)
	return nil
}
