package wire

import (
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/google/uuid"

	"coldstation/sync/circ"
)

const version = 1

// MaxEvent is the longest encoding of an event or a notice, in bytes.
const MaxEvent = 64 << 10

var (
	// ErrNewer is what a later version of this program wrote. It must be kept
	// until that version reads it.
	ErrNewer = errors.New("wire: written by a newer version")
	// ErrMalformed is what no version wrote.
	ErrMalformed = errors.New("wire: malformed")
)

var encoding = func() cbor.EncMode {
	options := cbor.CoreDetEncOptions()
	options.Time = cbor.TimeUnix
	mode, err := options.EncMode()
	if err != nil {
		panic(err)
	}
	return mode
}()

var decoding = func() cbor.DecMode {
	mode, err := cbor.DecOptions{
		DupMapKey:        cbor.DupMapKeyEnforcedAPF,
		MaxNestedLevels:  8,
		MaxArrayElements: 4096,
		MaxMapPairs:      4096,
		IndefLength:      cbor.IndefLengthForbidden,
		TagsMd:           cbor.TagsForbidden,
		UTF8:             cbor.UTF8RejectInvalid,
		BignumTag:        cbor.BignumTagForbidden,
	}.DecMode()
	if err != nil {
		panic(err)
	}
	return mode
}()

// eventKinds numbers the kinds of events. A number is never used twice.
var eventKinds = newKinds(map[uint64]circ.EventBody{
	1:  sealedMet{},
	2:  circ.CheckedOut{},
	3:  circ.CheckedIn{},
	4:  circ.Renewed{},
	5:  circ.Undone{},
	6:  circ.LentToHouse{},
	7:  circ.ReadHere{},
	8:  circ.Placed{},
	9:  circ.TakenOut{},
	10: circ.ConsignmentChecked{},
	11: circ.ShelfCounted{},
	12: circ.TagSecured{},
	13: circ.TagUnsecured{},
	14: circ.TagFailed{},
	15: sealedAlias{},
	16: circ.HelpAsked{},
	17: circ.FaultRaised{},
	18: circ.FaultCleared{},
	19: circ.Started{},
	20: circ.SettingsApplied{},
	21: circ.NoticeTaken{},
	22: circ.LogSent{},
})

// kinds are numbered Go types.
type kinds[Body any] struct {
	numbers map[reflect.Type]uint64
	types   map[uint64]reflect.Type
}

func newKinds[Body any](bodies map[uint64]Body) kinds[Body] {
	k := kinds[Body]{make(map[reflect.Type]uint64), make(map[uint64]reflect.Type)}
	for number, body := range bodies {
		t := reflect.TypeOf(body)
		k.numbers[t], k.types[number] = number, t
	}
	return k
}

func (k kinds[Body]) encode(body Body) (number uint64, raw cbor.RawMessage, err error) {
	number, known := k.numbers[reflect.TypeOf(body)]
	if !known {
		return 0, nil, fmt.Errorf("encode a %T: no number is set for it", body)
	}
	raw, err = encoding.Marshal(body)
	return number, raw, err
}

func (k kinds[Body]) decode(number uint64, raw []byte) (body Body, err error) {
	t, known := k.types[number]
	if !known {
		return body, fmt.Errorf("kind %d: %w", number, ErrNewer)
	}
	if len(raw) == 0 || raw[0]>>5 != 5 { // null would pass for an empty map
		return body, fmt.Errorf("a body that is no map: %w", ErrMalformed)
	}
	value := reflect.New(t)
	if err := decoding.Unmarshal(raw, value.Interface()); err != nil {
		return body, malformed(err)
	}
	for i := range t.NumField() {
		if at, is := value.Elem().Field(i).Interface().(time.Time); is && (at.Year() < 1 || at.Year() > 9999) {
			return body, fmt.Errorf("a date in the year %d: %w", at.Year(), ErrMalformed)
		}
	}
	return value.Elem().Interface().(Body), nil
}

type event struct {
	_       struct{} `cbor:",toarray"`
	Version uint64
	Kind    uint64
	Stamp   *stamp
	Body    cbor.RawMessage
}

type stamp struct {
	_      struct{} `cbor:",toarray"`
	Wall   int64
	Clock  uint8
	Boot   uuid.UUID
	Uptime uint64
}

// AppendEvent appends the encoding of e to dst; e.Seq is not part of it. The
// sealer hides identifiers; an event without one needs none. What ParseEvent
// would refuse is not written: see circ.CheckEvent.
func AppendEvent(dst []byte, e circ.Event, sealer *Sealer) ([]byte, error) {
	if err := circ.CheckEvent(e.Body); err != nil {
		return dst, fmt.Errorf("encode a %T: %w", e.Body, err)
	}
	body, err := sealer.hide(e.Body)
	if err != nil {
		return dst, err
	}
	kind, raw, err := eventKinds.encode(body)
	if err != nil {
		return dst, err
	}
	encoded, err := encoding.Marshal(event{
		Version: version,
		Kind:    kind,
		Stamp:   &stamp{Wall: e.Stamp.Wall.UnixMilli(), Clock: uint8(e.Stamp.Clock), Boot: e.Stamp.Boot, Uptime: uint64(e.Stamp.Uptime.Milliseconds())},
		Body:    raw,
	})
	if err != nil {
		return dst, err
	}
	if len(encoded) > MaxEvent {
		return dst, fmt.Errorf("encode a %T: %d bytes, at most %d fit", e.Body, len(encoded), MaxEvent)
	}
	return append(dst, encoded...), nil
}

// ParseEvent decodes an event. Without an opener identifiers of patrons stay
// zero. The error is ErrNewer or ErrMalformed.
func ParseEvent(raw []byte, opener *Opener) (circ.Event, error) {
	if err := checkHead(raw, 4); err != nil {
		return circ.Event{}, err
	}
	var in event
	if err := decoding.Unmarshal(raw, &in); err != nil {
		return circ.Event{}, malformed(err)
	}
	const century = uint64(100 * 366 * 24 * time.Hour / time.Millisecond)
	if in.Stamp == nil {
		return circ.Event{}, fmt.Errorf("no stamp: %w", ErrMalformed)
	}
	if in.Stamp.Clock > uint8(circ.ClockNTP) || in.Stamp.Uptime > century {
		return circ.Event{}, fmt.Errorf("stamp %v: %w", *in.Stamp, ErrMalformed)
	}
	body, err := eventKinds.decode(in.Kind, in.Body)
	if err != nil {
		return circ.Event{}, err
	}
	if body, err = opener.reveal(body); err != nil {
		return circ.Event{}, err
	}
	if err := circ.CheckEvent(body); err != nil {
		return circ.Event{}, malformed(err)
	}
	return circ.Event{
		Stamp: circ.Stamp{
			Wall:   time.UnixMilli(in.Stamp.Wall).UTC(),
			Clock:  circ.Clock(in.Stamp.Clock),
			Boot:   in.Stamp.Boot,
			Uptime: time.Duration(in.Stamp.Uptime) * time.Millisecond,
		},
		Body: body,
	}, nil
}

// checkHead tells a newer version, whatever shape it has, from nonsense: every
// version begins as an array whose first element is its number.
func checkHead(raw []byte, elements int) error {
	if len(raw) > MaxEvent && elements != messageElements {
		return fmt.Errorf("%d bytes, at most %d fit: %w", len(raw), MaxEvent, ErrMalformed)
	}
	if len(raw) < 2 || raw[0]>>5 != 4 {
		return fmt.Errorf("no array: %w", ErrMalformed)
	}
	switch first := raw[1]; {
	case first == version && int(raw[0]&0x1F) == elements:
		return nil
	case first > version && first <= 0x1B: // an unsigned number above ours
		return fmt.Errorf("version %d: %w", first, ErrNewer)
	}
	return fmt.Errorf("no version: %w", ErrMalformed)
}

func malformed(err error) error { return fmt.Errorf("%w: %w", ErrMalformed, err) }
