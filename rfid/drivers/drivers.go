// Package drivers is the table of readers this tree can speak to. A new protocol
// is one line in it.
package drivers

import (
	"errors"
	"fmt"
	"strings"

	"coldstation/rfid"
	"coldstation/rfid/em4100"
	"coldstation/rfid/feig"
	"coldstation/rfid/m3"
	"coldstation/rfid/pn532"
	"coldstation/rfid/port"
	"coldstation/rfid/rl866"
	"coldstation/rfid/twn4"
)

// Options are the settings that any driver may heed.
type Options struct {
	EAS      bool // write the EAS bit as well, where the reader can
	Advanced bool // FEIG: ask in advanced frames

	Keys []rfid.Key // of MIFARE Classic cards; none means rfid.DefaultKeys
}

// Driver is a protocol: how its line runs and how it is spoken.
type Driver struct {
	Name  string
	Mode  port.Mode
	New   func(rfid.Port, Options) rfid.Reader
	Probe func(rfid.Port) (string, error)
}

// All are the drivers, in the order in which Find tries them: first those whose
// question is a whole frame with a check, which no other reader obeys. Before
// each, the line is opened at the driver's own speed and parity, so that to a
// reader of another speed the question is noise, which all of them drop.
var All = []Driver{
	{"feig", port.Mode{Baud: 38400, Parity: port.Even},
		func(p rfid.Port, o Options) rfid.Reader {
			return feig.New(p, feig.Options{EAS: o.EAS, Advanced: o.Advanced})
		}, feig.Probe},
	{"3m", port.Mode{Baud: 19200},
		func(p rfid.Port, o Options) rfid.Reader { return m3.New(p, m3.Options{EAS: o.EAS}) }, m3.Probe},
	{"rl866", port.Mode{Baud: 38400, Parity: port.Even},
		func(p rfid.Port, o Options) rfid.Reader { return rl866.New(p, rl866.Options{EAS: o.EAS}) }, rl866.Probe},
	{"pn532", port.Mode{Baud: 115200},
		func(p rfid.Port, o Options) rfid.Reader { return pn532.New(p, pn532.Options{Keys: o.Keys}) }, pn532.Probe},
	{"twn4", port.Mode{Baud: 9600}, // after all whose questions carry a check
		func(p rfid.Port, o Options) rfid.Reader { return twn4.New(p, twn4.Options{Keys: o.Keys}) }, twn4.Probe},
	{"em4100", port.Mode{Baud: 9600}, // last: it only listens, and hears a reader only while a card lies there
		func(p rfid.Port, o Options) rfid.Reader { return em4100.New(p, em4100.Options{}) }, em4100.Probe},
}

// ErrUnknown is a port on which something may be, but nothing we know answers.
var ErrUnknown = errors.New("drivers: no reader answers")

// Named is the driver of that name.
func Named(name string) (Driver, error) {
	var names []string
	for _, d := range All {
		if d.Name == name {
			return d, nil
		}
		names = append(names, d.Name)
	}
	return Driver{}, fmt.Errorf("reader protocol %q: there are %s", name, strings.Join(names, ", "))
}

// Find asks each driver in turn whether its reader is on the port, and returns
// the first that is, with what the reader says of itself. A port that cannot be
// opened ends the search; silence of all gives ErrUnknown with each one's reason.
func Find(spec string) (Driver, string, error) {
	failures := []error{fmt.Errorf("%w on %s", ErrUnknown, spec)}
	for _, d := range All {
		p, err := port.Open(spec, d.Mode)
		if err != nil {
			return Driver{}, "", err
		}
		about, err := d.Probe(p)
		p.Close()
		if err == nil {
			return d, about, nil
		}
		failures = append(failures, err)
	}
	return Driver{}, "", errors.Join(failures...)
}
