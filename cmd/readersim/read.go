package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"coldstation/rfid"
	"coldstation/rfid/drivers"
	"coldstation/rfid/iso28560"
	"coldstation/rfid/line"
	"coldstation/rfid/number"
	"coldstation/rfid/port"
)

// readPort tells of the first thing on a real reader.
func readPort(ctx context.Context, args []string, out io.Writer) error {
	f := flags("read")
	protocol := f.String("protocol", "auto", "")
	path := f.String("rules", "", "")
	wait := f.Duration("wait", 30*time.Second, "")
	words, err := parse(f, args)
	if err != nil {
		return err
	}
	if len(words) != 1 {
		return errors.New("read PORT [--protocol auto] [--rules FILE] [--wait 30s]")
	}
	rules, err := loadRules(*path)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, *wait)
	defer cancel()
	t := teller{out, rules}
	if *protocol == "line" {
		return t.scan(ctx, words[0])
	}
	d, err := drivers.Named(*protocol)
	if *protocol == "auto" {
		d, _, err = drivers.Find(words[0])
	}
	if err != nil {
		return err
	}
	p, err := port.Open(words[0], d.Mode)
	if err != nil {
		return err
	}
	r := d.New(p, drivers.Options{})
	defer r.Close()
	for e := range rfid.Watch(ctx, r, 150*time.Millisecond, rfid.Patience{}) {
		switch {
		case e.Kind == rfid.Failing:
			return e.Err
		case e.Kind == rfid.Settled && e.Tags > 0: // at rest, so that reading does not fail half way
			tags, err := r.Inventory(nil)
			for _, tag := range tags {
				t.tag(r, tag)
			}
			return err
		}
	}
	return nothing(ctx, words[0])
}

func nothing(ctx context.Context, spec string) error {
	return fmt.Errorf("read %s: nothing came: %w", spec, context.Cause(ctx))
}

// teller says what things are.
type teller struct {
	out   io.Writer
	rules number.Rules
}

func (t teller) scan(ctx context.Context, spec string) error {
	p, err := port.Open(spec, port.Mode{Baud: 9600})
	if err != nil {
		return err
	}
	s := line.New(p, line.Options{})
	defer s.Close()
	defer context.AfterFunc(ctx, func() { s.Close() })()
	text, err := s.Scan()
	switch {
	case ctx.Err() != nil:
		return nothing(ctx, spec)
	case err == nil:
		t.rules.Explain(t.out, number.Line, text)
	}
	return err
}

func (t teller) tag(r rfid.Reader, tag rfid.Tag) {
	fmt.Fprintf(t.out, "%s %s\n", tag.UID, tag.Kind)
	mem, dsfid, err := inside(r, tag)
	if err != nil {
		fmt.Fprintf(t.out, "%v\n", err)
	}
	if len(mem) > 0 {
		e := json.NewEncoder(t.out)
		e.SetEscapeHTML(false)
		_ = e.Encode(iso28560.Describe(mem, dsfid))
	}
	if label, err := iso28560.Decode(mem, dsfid); err == nil && label.Item != "" {
		t.rules.Explain(t.out, number.Tag, label.Item)
	} else {
		t.rules.Explain(t.out, number.Chip, tag.UID.String())
	}
}

// inside is the memory of a tag or the library's sector of a card, empty where
// the reader reaches neither.
func inside(r rfid.Reader, tag rfid.Tag) (mem []byte, dsfid int, err error) {
	if m, ok := r.(rfid.Memory); ok && tag.Kind == rfid.ISO15693 {
		info, mem, err := rfid.ReadMemory(m, tag.UID, 0, nil)
		return mem, int(info.DSFID), err
	}
	if m, ok := r.(rfid.CardMemory); ok && tag.Kind == rfid.ISO14443A {
		mem, err = m.ReadSector(tag.UID, rfid.LibrarySector, nil)
		return mem, iso28560.DSFIDPart2, err
	}
	return nil, iso28560.NoDSFID, nil
}
