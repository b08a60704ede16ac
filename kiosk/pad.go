package kiosk

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"coldstation/kiosk/flow"
	"coldstation/rfid"
	"coldstation/rfid/iso28560"
	"coldstation/sync/circ"
)

// pad is one reader and what lies on it. One goroutine asks it everything, in
// turns: who is there, what is written on the new ones, and what is to be written.
type pad struct {
	*Station
	reader rfid.Reader
	tray   bool // what comes here was read in the house, and no visit
	field  *rfid.Field
	found  map[rfid.UID]bool // lay there when the station started
	asking []attempt         // lie there and could not be read yet
	parts  []sighting        // of sets, read in this round
	wake   chan struct{}     // there is something to write

	away  time.Time // since when the reader does not answer; zero: it does
	lost  bool      // the screen rests
	noted health    // what the log was told last

	mu   sync.Mutex
	todo []writing
}

// health is how a reader does, as far as anybody was told.
type health uint8

const (
	unheard health = iota
	fine
	ill
)

type attempt struct {
	tag   rfid.Tag
	tries int
}

type writing struct {
	flow.SetTag
	uid   rfid.UID
	tries int
}

func (s *Station) newPad(reader rfid.Reader) *pad {
	return &pad{Station: s, reader: reader, field: rfid.NewField(s.settings.Patience),
		found: map[rfid.UID]bool{}, wake: make(chan struct{}, 1)}
}

func (s *Station) newTray(reader rfid.Reader) *pad {
	p := s.newPad(reader)
	p.tray = true
	return p
}

// readHere takes in what was seen on a tray: an item that came onto it is counted,
// once, with nobody's name.
func (s *Station) readHere(see sighting) bool {
	if see.pad == nil || !see.pad.tray {
		return false
	}
	if m, item := s.identify(see).(flow.ItemSeen); item && !m.Foreign && !see.found {
		_, _ = s.append(circ.ReadHere{Item: m.Item.ID})
	}
	return true
}

// seek looks for the reader until it is found, and then watches.
func (p *pad) seek(ctx context.Context, sought Sought) {
	for ctx.Err() == nil {
		reader, err := sought.Find()
		if err == nil {
			p.reader = reader
			p.send(reader)
			p.watch(ctx)
			return
		}
		p.well(err, !sought.Cards)
		pause(ctx, p.settings.Retry)
	}
}

// watch runs until ctx ends or the reader is closed.
func (p *pad) watch(ctx context.Context) {
	_, items := p.reader.(rfid.Memory)
	tags, err := p.reader.Inventory(nil)
	if err == nil {
		for _, tag := range tags {
			p.found[tag.UID] = true
		}
	}
	var events []rfid.Event
	tick := time.NewTicker(p.settings.Every)
	defer tick.Stop()
	for !errors.Is(err, rfid.ErrClosed) {
		p.well(err, items)
		events = p.field.Step(events[:0], tags, err, time.Now())
		for _, e := range events {
			p.event(e)
		}
		for _, a := range slices.Clone(p.asking) {
			p.look(a.tag)
		}
		if len(p.parts) > 0 {
			p.send(p.parts)
			p.parts = nil
		}
		p.write(true)
		for wait := true; wait; {
			select {
			case <-tick.C:
				wait = false
			case <-p.wake:
				p.write(false)
			case <-ctx.Done():
				return
			}
		}
		tags, err = p.reader.Inventory(tags[:0])
	}
}

func (p *pad) event(e rfid.Event) {
	switch e.Kind {
	case rfid.Arrived:
		p.asking = append(p.asking, attempt{tag: e.Tag})
	case rfid.Left:
		p.forget(e.Tag.UID)
		delete(p.found, e.Tag.UID)
		if !p.tray {
			p.send(gone{token: token(e.Tag.UID), pad: p})
		}
	}
}

// well tells when the reader is away for long, and when it is back. Without one
// for items the station rests; without one for cards books can still be brought
// back.
func (p *pad) well(err error, items bool) {
	f := fault{name: "card reader", raised: err != nil}
	switch {
	case p.tray:
		f.name, items = "tray", false
	case items:
		f.name = "reader"
	}
	if err == nil {
		p.away = time.Time{}
		if p.lost {
			p.lost = false
			p.Send(flow.PadBack{})
		}
		if p.noted != fine {
			p.noted = fine
			p.send(f)
		}
		return
	}
	if p.away.IsZero() {
		p.away = time.Now()
	}
	gone := time.Since(p.away)
	if items && !p.lost && gone >= p.settings.Blink {
		p.lost = true
		p.Send(flow.PadLost{})
	}
	if p.noted != ill && gone >= p.settings.Lasting {
		p.noted = ill
		p.log.Warn("a reader does not answer", "reader", f.name, "err", err)
		f.detail, _, _ = strings.Cut(err.Error(), "\n")
		p.send(f)
	}
}

func token(uid rfid.UID) flow.Token { return flow.Token(uid.String()) }

func (p *pad) forget(uid rfid.UID) {
	p.asking = slices.DeleteFunc(p.asking, func(a attempt) bool { return a.tag.UID == uid })
}

// look reads a tag and passes on what it says. One at the edge of the field, or
// whose check does not match, is asked again for as long as it lies there, and
// counts meanwhile as something strange: not at once, since most tags are missed
// for a moment while a hand puts them down.
func (p *pad) look(tag rfid.Tag) {
	see := sighting{token: token(tag.UID), pad: p, tag: tag, found: p.found[tag.UID]}
	var err error
	if tag.Kind == rfid.ISO15693 {
		if memory, ok := p.reader.(rfid.Memory); ok {
			see.label, see.secured, err = p.readTag(memory, tag)
		}
	} else if memory, ok := p.reader.(rfid.CardMemory); ok {
		see.label, err = readCard(memory, tag)
	}
	if err == nil || rfid.Cure(err) == rfid.GiveUp && !errors.Is(err, iso28560.ErrCRC) {
		p.forget(tag.UID)
		if see.label.Parts > 1 { // so that no part is missed that comes with the others
			p.parts = append(p.parts, see)
		} else {
			p.send([]sighting{see})
		}
		return
	}
	for i := range p.asking {
		if a := &p.asking[i]; a.tag.UID == tag.UID {
			if a.tries++; a.tries == p.settings.Tries {
				if tag.Kind == rfid.ISO15693 { // a card's number is a person's
					p.log.Info("a tag cannot be read", "uid", tag.UID, "err", err)
				}
				p.send([]sighting{{token: see.token, pad: p, strange: true}})
			}
		}
	}
}

// readTag reads as much of a tag's memory as its label needs.
func (p *pad) readTag(memory rfid.Memory, tag rfid.Tag) (label iso28560.Label, secured flow.Security, err error) {
	info, err := memory.Info(tag.UID)
	if err != nil || info.BlockSize == 0 {
		return label, secured, err
	}
	switch {
	case p.settings.Gate&AFIGate == 0:
	case info.AFI == p.settings.Secured:
		secured = flow.Secured
	case info.AFI == p.settings.Unsecured:
		secured = flow.Unsecured
	}
	var mem []byte
	for want := iso28560.First; len(mem) < min(want, info.Size()); {
		first := len(mem) / info.BlockSize
		last := (min(want, info.Size()) + info.BlockSize - 1) / info.BlockSize
		if mem, err = memory.ReadBlocks(tag.UID, first, min(last, info.Blocks)-first, mem); err != nil {
			return label, secured, err
		}
		want, _ = iso28560.Need(mem, int(info.DSFID))
	}
	understood, err := iso28560.Decode(mem, int(info.DSFID))
	if err != nil {
		return label, secured, err
	}
	return understood.Label, secured, nil
}

// readCard reads a library card's own number from the sector kept for it. A card
// of another make or with other keys goes by its chip's number.
func readCard(memory rfid.CardMemory, tag rfid.Tag) (iso28560.Label, error) {
	mem, err := memory.ReadSector(tag.UID, rfid.LibrarySector, nil)
	if err != nil {
		if rfid.Cure(err) == rfid.GiveUp {
			err = nil
		}
		return iso28560.Label{}, err
	}
	understood, err := iso28560.Decode(mem, iso28560.DSFIDPart2)
	if err != nil || understood.Format != iso28560.Part2 {
		return iso28560.Label{}, nil // somebody else's data
	}
	understood.Usage = iso28560.PatronCard
	return understood.Label, nil
}

// gone is a thing that one reader sees no longer.
type gone struct {
	token flow.Token
	pad   *pad
}

// over notes which readers see a thing, which may be several whose fields meet, and
// has the first that is able write what none was able to before.
func (s *Station) over(see sighting) {
	if pads := s.pads[see.token]; !slices.Contains(pads, see.pad) {
		s.pads[see.token] = append(pads, see.pad)
	}
	s.lying[see.token] = see
	if wish, waits := s.wishes[see.token]; waits && see.pad.writes(wish) && see.pad.give(wish) == nil {
		delete(s.wishes, see.token)
	}
}

// lifted has flow hear of a thing that no reader sees any more.
func (s *Station) lifted(g gone) {
	s.pads[g.token] = slices.DeleteFunc(s.pads[g.token], func(p *pad) bool { return p == g.pad })
	if len(s.pads[g.token]) > 0 {
		return
	}
	label := s.lying[g.token].label
	delete(s.pads, g.token)
	delete(s.lying, g.token)
	delete(s.wishes, g.token)
	s.step(flow.Lifted{Token: g.token, Missing: s.missing(label)})
}

// setTag has a tag written by a reader that sees it and is able.
func (s *Station) setTag(w flow.SetTag) flow.Msg {
	for _, p := range s.pads[w.Token] {
		if p.writes(w) && p.give(w) == nil {
			return nil
		}
	}
	if len(s.pads[w.Token]) == 0 {
		return flow.TagFailed(w)
	}
	s.wishes[w.Token] = w
	return flow.TagUnable(w)
}

// writes reports whether the pad's reader can write on this tag what the gate listens
// for.
func (p *pad) writes(w flow.SetTag) bool {
	uid, err := rfid.ParseUID(string(w.Token))
	_, afi := p.reader.(rfid.Securer)
	_, eas := p.reader.(rfid.Alarm)
	return err == nil && (afi && p.settings.Gate&AFIGate != 0 || eas && p.settings.Gate&EASGate != 0 && icode(uid))
}

// give adds something to write. A newer wish for a tag replaces an older one.
func (p *pad) give(w flow.SetTag) error {
	uid, err := rfid.ParseUID(string(w.Token))
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.todo = slices.DeleteFunc(p.todo, func(old writing) bool { return old.Token == w.Token })
	p.todo = append(p.todo, writing{SetTag: w, uid: uid})
	select {
	case p.wake <- struct{}{}:
	default:
	}
	return nil
}

// write tries each tag that is to be written once a round, since a write at the
// edge of the field fails. What fails for long is reported, so that it is
// remembered, and tried from time to time for as long as the tag lies there.
func (p *pad) write(round bool) {
	p.mu.Lock()
	todo := p.todo
	p.todo = nil
	p.mu.Unlock()
	for _, w := range todo {
		noted := w.tries >= p.settings.Tries
		var err error
		if !round && w.tries > 0 {
			p.again(w)
			continue
		}
		if w.tries++; !noted || w.tries%p.settings.Tries == 0 || !p.field.Has(w.uid) {
			if err = p.set(w); err == nil {
				p.Send(flow.TagWritten(w.SetTag))
				continue
			}
		}
		over := !p.field.Has(w.uid) || rfid.Cure(err) == rfid.GiveUp
		if !noted && (over || w.tries == p.settings.Tries) {
			p.log.Info("a tag was not written", "uid", w.uid, "err", err)
			p.Send(flow.TagFailed(w.SetTag))
		}
		if !over {
			p.again(w)
		}
	}
}

// again keeps a writing for the next round, unless there is a newer wish.
func (p *pad) again(w writing) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !slices.ContainsFunc(p.todo, func(newer writing) bool { return newer.Token == w.Token }) {
		p.todo = append(p.todo, w)
	}
}

// set writes what the gate listens for, and never locks anything. The AFI comes
// last: a tag with the right one has the right EAS bit too.
func (p *pad) set(w writing) error {
	if !p.field.Has(w.uid) {
		return rfid.ErrNoTag
	}
	err := rfid.ErrUnsupported
	if alarm, able := p.reader.(rfid.Alarm); able && p.settings.Gate&EASGate != 0 && icode(w.uid) {
		if err = alarm.SetEAS(w.uid, w.Secured); err != nil {
			return err
		}
	}
	if securer, able := p.reader.(rfid.Securer); able && p.settings.Gate&AFIGate != 0 {
		afi := p.settings.Unsecured
		if w.Secured {
			afi = p.settings.Secured
		}
		err = securer.WriteAFI(w.uid, afi)
	}
	return err
}

// icode tells whether a chip is NXP's. Those of other makers know no EAS bit, and
// keep silent when they are asked for it.
//
// Source: ISO/IEC 7816-6, manufacturer 04, the second byte of a UID.
func icode(uid rfid.UID) bool { return uid.Len() == 8 && uid.Bytes()[1] == 0x04 }

// pause waits and reports whether ctx still runs.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// scan passes on what a scanner reads, until ctx ends or the scanner is closed.
func (s *Station) scan(ctx context.Context, scanner rfid.Scanner) {
	for ctx.Err() == nil {
		line, err := scanner.Scan()
		switch {
		case err == nil:
			s.send([]sighting{{token: flow.Token("line " + line), line: line}})
		case errors.Is(err, rfid.ErrClosed):
			return
		case !pause(ctx, s.settings.Retry):
			return
		}
	}
}
