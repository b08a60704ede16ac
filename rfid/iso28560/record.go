package iso28560

import (
	"fmt"
	"strconv"
)

// Object identifiers of ISO 28560-2 that this package interprets.
const (
	OIDItem    = 1
	OIDContent = 2
	OIDOwner   = 3
	OIDSet     = 4
	OIDUsage   = 5
	OIDILLOwn  = 11
	OIDTitle   = 17
	oidLast    = 26
)

// Object is one object of a part 2 tag. The null byte is the zero Object.
type Object struct {
	OID    int // 1 to 142
	Scheme Scheme
	Data   []byte // as compacted, at most 127 bytes
	Offset bool   // an offset byte is written
	Pad    []byte // what it skips; only with Offset
	// OIDFirst: the byte for an OID of 15 or more stands before the offset byte.
	OIDFirst bool
}

// Text expands the object's data, for the OIDs and schemes that hold text. Where
// the application defines nothing, bytes that are text stand for themselves.
func (o Object) Text() (string, bool) {
	switch {
	case o.Scheme != Application:
		return expand(o.Scheme, o.Data)
	case o.OID == OIDOwner, o.OID == OIDILLOwn:
		return unpackISIL(o.Data)
	case o.OID == OIDContent, o.OID == OIDUsage:
		return "", false
	}
	return expand(UTF8, o.Data)
}

// sound reports whether the object's data is what its OID and scheme promise.
func (o Object) sound() bool {
	s, ok := o.Text()
	switch o.OID {
	case 0:
		return true
	case OIDContent:
		return o.Scheme == Application && len(o.Data) > 0 && len(o.Data) <= 16 // OIDs end at 127
	case OIDSet:
		_, _, ok = splitSet(s)
		return ok || o.Scheme == Application
	case OIDUsage:
		return len(o.Data) == 1
	case OIDItem, OIDOwner, OIDILLOwn, OIDTitle:
		return ok
	}
	return ok || o.Scheme == Application
}

func (o Object) appendTo(to []byte) []byte {
	if o.OID == 0 {
		return append(to, 0x80)
	}
	head := byte(o.Scheme)<<4 | byte(min(o.OID, 15))
	if o.Offset {
		head |= 0x80
	}
	to = append(to, head)
	if o.OID >= 15 && o.OIDFirst {
		to = append(to, byte(o.OID-15))
	}
	if o.Offset {
		to = append(to, byte(len(o.Pad)))
	}
	if o.OID >= 15 && !o.OIDFirst {
		to = append(to, byte(o.OID-15))
	}
	to = append(to, byte(len(o.Data)))
	return append(append(to, o.Data...), o.Pad...)
}

// parseObject reads the object at the start of mem. size is how many bytes it
// takes; above len(mem), it was cut off, and is a lower bound if even its length
// was. It is 0 for what is no object.
func parseObject(mem []byte, oidFirst bool) (o Object, size int) {
	head := mem[0]
	if head == 0x80 {
		return Object{}, 1
	}
	o = Object{OID: int(head & 0x0F), Scheme: Scheme(head >> 4 & 7), Offset: head&0x80 != 0}
	if o.OID == 0 {
		return Object{}, 0
	}
	far := o.OID == 15
	at := 1
	if far {
		at++
	}
	if o.Offset {
		at++
	}
	if at >= len(mem) {
		return o, at + 1
	}
	oidAt, padAt := 1, 1
	if far && o.Offset {
		o.OIDFirst = oidFirst
		if oidFirst {
			padAt = 2
		} else {
			oidAt = 2
		}
	}
	pad := 0
	if far {
		o.OID = 15 + int(mem[oidAt])
	}
	if o.Offset {
		pad = int(mem[padAt])
	}
	n := int(mem[at])
	if n >= 128 || o.OID > 142 {
		return Object{}, 0
	}
	at++
	if size = at + n + pad; size > len(mem) {
		return o, size
	}
	o.Data = mem[at : at+n]
	if o.Offset {
		o.Pad = mem[at+n : size]
	}
	return o, size
}

// record is the memory of a part 2 tag.
type record struct {
	objects []Object
	rest    []byte // from the end of the objects on, whatever ended them
	item    int    // bytes up to the end of the first object
	all     int    // bytes up to the end of the last, even if it is cut off
	broken  bool   // rest begins with something that is no object
	cut     bool   // rest begins with an object that is not all there
}

// parseRecord reads objects until a 00, the end of mem, or what is none. It is nil
// unless the memory begins with an item identifier, which may be cut off.
func parseRecord(mem []byte) *record {
	if len(mem) == 0 || mem[0]&0x0F != OIDItem {
		return nil
	}
	r := &record{}
	pos := 0
	for pos < len(mem) && mem[pos] != 0 {
		o, size := parseObject(mem[pos:], false)
		if mem[pos]&0x8F == 0x8F { // both an offset and a far OID: see doc.go
			if other, n := parseObject(mem[pos:], true); n > 0 && n <= len(mem)-pos &&
				(size == 0 || size > len(mem)-pos || r.lists(other.OID) && !r.lists(o.OID)) {
				o, size = other, n
			}
		}
		if size == 0 {
			r.broken = true
			break
		}
		if r.item == 0 {
			r.item = size
		}
		r.all = pos + size
		if r.all > len(mem) {
			r.cut = true
			break
		}
		r.objects = append(r.objects, o)
		pos += size
	}
	r.rest = mem[pos:]
	if len(r.objects) > 0 {
		if _, ok := r.objects[0].Text(); !ok {
			return nil
		}
	} else if !r.cut {
		return nil
	}
	return r
}

// second is the object after the item, null bytes aside; nil if there is none.
func (r *record) second() *Object {
	for i := 1; i < len(r.objects); i++ {
		if r.objects[i].OID != 0 {
			return &r.objects[i]
		}
	}
	return nil
}

// index is the content parameter, which comes second; nil if there is none.
func (r *record) index() []byte {
	if o := r.second(); o != nil && o.OID == OIDContent && o.sound() {
		return o.Data
	}
	return nil
}

// lists reports whether the content parameter names an OID.
func (r *record) lists(oid int) bool {
	i, index := oid-3, r.index()
	return i >= 0 && i/8 < len(index) && index[i/8]>>(7-i%8)&1 == 1
}

// whole reports whether every object up to the end was read, is one that the
// standard knows, at most once, and is sound.
func (r *record) whole() bool {
	if r == nil || r.broken || r.cut {
		return false
	}
	var seen [oidLast + 1]bool
	for _, o := range r.objects {
		if o.OID > oidLast || o.OID > 0 && seen[o.OID] || !o.sound() {
			return false
		}
		seen[o.OID] = true
	}
	return true
}

// certain reports whether the memory is part 2 even if it has the shape of part 3:
// its content parameter, or the DSFID, says so of a whole record.
func (r *record) certain(dsfid int) bool {
	return r.whole() && (r.index() != nil || dsfid == DSFIDPart2)
}

// credible reports whether the memory is part 2 beyond chance. Besides an item
// identifier that expands, it takes a content parameter, or the DSFID, or sound
// objects to the end; and for the identifier alone, that nothing follows it.
func (r *record) credible(dsfid int) bool {
	switch {
	case r == nil || len(r.objects) == 0:
		return false
	case r.index() != nil || dsfid == DSFIDPart2:
		return true
	case r.objects[0].Scheme == Application: // two bytes before some text are no more than that
		return false
	case r.second() == nil:
		return r.whole() && (len(r.rest) == 0 || blank(r.rest))
	}
	return r.whole()
}

func (r *record) need() (item, all int) {
	if len(r.rest) > 0 && !r.cut { // a 00, or the end of what we understand
		return r.item, r.all
	}
	complete := r.index() != nil
	for oid := 3; oid <= oidLast; oid++ {
		complete = complete && (!r.lists(oid) || r.find(oid) != nil)
	}
	if complete || r.cut {
		return r.item, r.all
	}
	return r.item, r.all + 1
}

func (r *record) find(oid int) *Object {
	for i := range r.objects {
		if r.objects[i].OID == oid {
			return &r.objects[i]
		}
	}
	return nil
}

func (r *record) appendTo(to []byte) []byte {
	for _, o := range r.objects {
		to = o.appendTo(to)
	}
	return append(to, r.rest...)
}

func (r *record) tag() Tag {
	t := Tag{Label: Label{Usage: Unstated}, Format: Part2, body: r}
	t.Item, _ = r.objects[0].Text()
	if r.objects[0].Scheme == Application {
		note(&t.Note, "the item identifier is written as it is, without a compaction")
	}
	for _, o := range r.objects[1:] {
		s, ok := o.Text()
		switch o.OID {
		case OIDItem:
			note(&t.Note, "a second item identifier is ignored")
		case OIDOwner:
			if t.ISIL = s; !ok {
				t.ISIL = ""
				note(&t.Note, "the owner cannot be read")
			}
		case OIDSet:
			if t.Parts, t.Part, ok = splitSet(s); !ok {
				note(&t.Note, "the set information cannot be read")
			}
		case OIDUsage:
			if len(o.Data) == 1 && (o.Scheme == Application || o.Scheme == Octets) {
				t.Usage = Usage(o.Data[0] >> 4)
			} else {
				note(&t.Note, "the type of usage cannot be read")
			}
		case OIDTitle:
			if t.Title = s; !ok {
				t.Title = ""
				note(&t.Note, "the title cannot be read")
			}
		}
	}
	switch {
	case r.cut:
		note(&t.Note, "the last object was not read to its end")
	case r.broken:
		note(&t.Note, "%d bytes behind the label are not understood and are kept", len(r.rest))
	}
	return t
}

// splitSet reads set information: as many digits for the parts as for the part.
func splitSet(s string) (parts, part int, ok bool) {
	half := len(s) / 2
	if len(s)%2 != 0 || half < 1 || half > 3 {
		return 0, 0, false
	}
	p, err1 := strconv.ParseUint(s[:half], 10, 16)
	q, err2 := strconv.ParseUint(s[half:], 10, 16)
	if err1 != nil || err2 != nil {
		return 0, 0, false
	}
	return int(p), int(q), true
}

// EncodePart2 writes a label as ISO 28560-2: the item, then the content parameter
// if anything follows, then the rest by OID. With lay.Block the item alone fills
// whole blocks, so that it can be locked. What the label leaves out is not written.
func EncodePart2(l Label, lay Layout) ([]byte, error) {
	if err := l.text(); err != nil {
		return nil, fmt.Errorf("encode part 2: %w", err)
	}
	scheme, data, _ := compact(l.Item)
	item := Object{OID: OIDItem, Scheme: scheme, Data: data}
	item.align(lay.Block)
	var others []Object
	if l.ISIL != "" {
		data, ok := packISIL(l.ISIL)
		if !ok {
			return nil, fmt.Errorf("encode part 2: ISIL %q: %w", l.ISIL, ErrText)
		}
		others = append(others, Object{OID: OIDOwner, Data: data})
	}
	if l.Parts < 0 || l.Parts > 999 || l.Part < 0 || l.Part > l.Parts {
		return nil, fmt.Errorf("encode part 2: part %d of %d: %w", l.Part, l.Parts, ErrRoom)
	}
	if l.Parts > 0 {
		n := len(strconv.Itoa(l.Parts))
		scheme, data, _ := compact(fmt.Sprintf("%d%0*d", l.Parts, n, l.Part))
		others = append(others, Object{OID: OIDSet, Scheme: scheme, Data: data})
	}
	if l.Usage < Unstated || l.Usage > 15 {
		return nil, fmt.Errorf("encode part 2: usage %d: %w", l.Usage, ErrRoom)
	}
	if l.Usage != Unstated {
		others = append(others, Object{OID: OIDUsage, Data: []byte{byte(l.Usage) << 4}})
	}
	if l.Title != "" {
		scheme, data, _ := compact(l.Title)
		others = append(others, Object{OID: OIDTitle, Scheme: scheme, Data: data})
	}
	r := record{objects: []Object{item}}
	if len(others) > 0 {
		r.objects = append(append(r.objects, Object{OID: OIDContent, Data: indexOf(others)}), others...)
	}
	for _, o := range r.objects {
		if len(o.Data) > 127 {
			return nil, fmt.Errorf("encode part 2: object %d of %d bytes: %w", o.OID, len(o.Data), ErrRoom)
		}
	}
	lay.Short = false
	mem, err := finish(r.appendTo(nil), lay)
	if err != nil {
		return nil, fmt.Errorf("encode part 2: %w", err)
	}
	return mem, nil
}

// indexOf is the content parameter for objects: no longer than their highest OID.
func indexOf(objects []Object) (index []byte) {
	for _, o := range objects {
		i := o.OID - 3
		for len(index) <= i/8 {
			index = append(index, 0)
		}
		index[i/8] |= 0x80 >> (i % 8)
	}
	return index
}

// align lets the object end on a block, counted from its own start. The offset
// byte that says so is itself the first byte of what is missing.
func (o *Object) align(block int) {
	if block <= 0 {
		return
	}
	if over := len(o.appendTo(nil)) % block; over != 0 {
		o.Offset, o.Pad = true, make([]byte, block-over-1)
	}
}
