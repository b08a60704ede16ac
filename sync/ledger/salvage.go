package ledger

import (
	"os"
	"slices"

	"github.com/google/uuid"

	"coldstation/sync/circ"
	"coldstation/sync/ledger/journal"
	"coldstation/sync/wire"
)

// salvaged is what can still be read of a damaged ledger, page by page, without
// the tree that held them together. Pages that were given free tell too, what was
// once true.
type salvaged struct {
	station circ.StationID
	check   []byte
	id      uuid.UUID
	hub     uint64 // the furthest mark seen; not proven by anything
	events  map[uint64][]candidate
}

// candidate is a record that may be an event of the log. That its hash follows from
// the one before decides.
type candidate struct {
	chain wire.Chain
	raw   []byte
}

// salvage reads the file at path for what looks like records.
func salvage(path string) (s salvaged) {
	s.events = map[uint64][]candidate{}
	raw, err := os.ReadFile(path)
	if err != nil {
		return s
	}
	f := pages{size: int64(os.Getpagesize())}
	if file, err := os.Open(path); err == nil {
		g := pages{file: file}
		if _, _, err := g.metas(1 << 62); err == nil {
			f.size = g.size
		}
		_ = file.Close()
	}
	for at := int64(0); at+f.size <= int64(len(raw)); at += f.size {
		s.leaf(raw[at:], 0)
	}
	return s
}

// leaf looks at what may be a page of records, or a small bucket within one.
func (s *salvaged) leaf(content []byte, depth int) {
	if len(content) < pageHead || native.Uint16(content[8:]) != leafPage || depth > 2 {
		return
	}
	for i := range int(native.Uint16(content[10:])) {
		at := pageHead + i*elementSize
		if at+elementSize > len(content) {
			return
		}
		flags, pos, keySize, size := native.Uint32(content[at:]), native.Uint32(content[at+4:]), native.Uint32(content[at+8:]), native.Uint32(content[at+12:])
		key, err := cut(content, at, pos, keySize)
		if err != nil || pos+keySize < pos {
			continue
		}
		value, err := cut(content, at, pos+keySize, size)
		if err != nil {
			continue
		}
		if flags == bucketFlag && len(value) >= 16 && native.Uint64(value) == 0 {
			s.leaf(value[16:], depth+1)
			continue
		}
		s.record(key, value)
	}
}

func (s *salvaged) record(key, value []byte) {
	switch string(key) {
	case string(metaStation):
		if id := circ.StationID(value); id.Valid() {
			s.station = id
		}
	case string(metaKey):
		if len(value) == 8 {
			s.check = slices.Clone(value)
		}
	case string(metaLedger):
		if id, err := uuid.FromBytes(value); err == nil && id.Version() == 4 {
			s.id = id
		}
	case Hub:
		s.hub = max(s.hub, decode(value))
	}
	if len(key) != 8 || len(value) <= len(wire.Chain{}) || len(value) > wire.MaxEvent+len(wire.Chain{}) {
		return
	}
	seq, chain, raw, _ := entry(key, value)
	if _, err := wire.ParseEvent(raw, nil); err != nil || seq == 0 {
		return
	}
	for _, c := range s.events[seq] {
		if c.chain == chain {
			return
		}
	}
	s.events[seq] = append(s.events[seq], candidate{chain, raw})
}

// follows is the event seq, if one was found that follows from chain.
func (s *salvaged) follows(seq uint64, chain wire.Chain) (candidate, bool) {
	for _, c := range s.events[seq] {
		if chain.Next(c.raw) == c.chain {
			return c, true
		}
	}
	return candidate{}, false
}

// alike reports whether the journal tells of the same events, whatever the file says
// it is called.
func (s *salvaged) alike(c *journal.Content) (is bool) {
	_, _, _ = c.Run(func(seq uint64, chain wire.Chain, _ []byte) error {
		for _, o := range s.events[seq] {
			is = is || o.chain == chain
		}
		return nil
	})
	return is
}
