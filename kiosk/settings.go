package kiosk

import (
	"errors"
	"fmt"
	"time"

	"coldstation/kiosk/flow"
	"coldstation/rfid"
	"coldstation/rfid/number"
	"coldstation/sync/circ"
)

// Settings are a station's choices. Make them by DefaultSettings.
type Settings struct {
	Version string // of the program
	Rules   flow.Rules

	Gate      Gate
	Secured   rfid.AFI // of tags on the shelf
	Unsecured rfid.AFI // of tags on loan
	Owners    []string // ISILs of the library; a tag with another owner is foreign. None: no tag is

	Numbers number.Rules // what numbers on cards and items look like. None: not told by looks
	Policy  circ.Policy  // of cards that are not known here

	Every    time.Duration // between rounds: who is there, and what to read and write
	Patience rfid.Patience
	Tries    int           // rounds in which a tag is read before it counts as strange, and written before it is noted as failed
	Retry    time.Duration // after a scanner failed, or a reader was not found
	Blink    time.Duration // a reader may be away for so long before the screen shows it
	Lasting  time.Duration // and before it is a fault
}

// Gate is what a gate listens for in a tag, and so what is written to it.
type Gate uint8

// The gates of libraries. A gate of both listens for either.
const (
	NoGate  Gate = 0
	AFIGate Gate = 1 << 0 // the AFI, which every tag has
	EASGate Gate = 1 << 1 // the EAS bit of NXP ICODE chips
	AnyGate      = AFIGate | EASGate
)

var gates = map[string]Gate{"none": NoGate, "afi": AFIGate, "eas": EASGate, "both": AnyGate}

// ParseGate reads none, afi, eas or both.
func ParseGate(s string) (Gate, error) {
	if g, ok := gates[s]; ok {
		return g, nil
	}
	return NoGate, fmt.Errorf("%q is none of afi, eas, both and none", s)
}

// DefaultSettings are those of a station that nobody has set.
func DefaultSettings(station circ.StationID, languages ...string) Settings {
	return Settings{
		Rules:     flow.DefaultRules(station, languages...),
		Gate:      AFIGate,
		Secured:   rfid.InLibrary,
		Unsecured: rfid.OnLoan,
		Policy:    circ.Policy{ID: "default", LoanDays: 28},
		Every:     150 * time.Millisecond,
		Patience:  rfid.DefaultPatience,
		Retry:     200 * time.Millisecond,
		Blink:     2 * time.Second,
		Lasting:   10 * time.Second,
		Tries:     5,
	}
}

// Validate says what is wrong with the settings.
func (s Settings) Validate() error {
	var wrong []error
	if !s.Rules.Station.Valid() {
		wrong = append(wrong, fmt.Errorf("%q may not name a station", s.Rules.Station))
	}
	if len(s.Rules.Languages) == 0 {
		wrong = append(wrong, errors.New("a station needs a language"))
	}
	if s.Secured == s.Unsecured {
		wrong = append(wrong, fmt.Errorf("AFI %s cannot mean both on the shelf and on loan", s.Secured))
	}
	for _, rule := range s.Numbers {
		if rule.Kind == number.Item && rule.From == number.Chip {
			wrong = append(wrong, fmt.Errorf("numbers, line %d: a chip's own number tells a card, and never an item", rule.Line))
		}
	}
	if s.Every <= 0 || s.Retry <= 0 || s.Tries <= 0 {
		wrong = append(wrong, errors.New("intervals and attempts must be above zero"))
	}
	return errors.Join(wrong...)
}
