package stage

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Library is a hub and what it needs, on a stage.
type Library struct {
	*Stage
	Web    string // the librarians' page
	MQTT   string // host:port of the broker
	Secure bool   // stations come with TLS, and enrol by a code
	Hub    *Program
}

// Library starts a hub with the demo collection that speaks in the clear. broker
// is the host:port of a broker that already runs; "" uses the hub's own. args are
// what else the hub is started with.
func (s *Stage) Library(ctx context.Context, broker string, args ...string) (*Library, error) {
	return s.library(ctx, broker, args...)
}

// SecureLibrary is the same with the hub's own broker and TLS.
func (s *Stage) SecureLibrary(ctx context.Context) (*Library, error) {
	enrol, err := FreeAddr()
	if err != nil {
		return nil, err
	}
	l, err := s.library(ctx, "", "--names", "127.0.0.1", "--enrol", enrol)
	if err == nil {
		l.Secure = true
		err = Until(ctx, "the place to enrol", func() error { return errors.Join(l.Hub.Alive(), Listens(enrol)) })
	}
	return l, err
}

func (s *Stage) library(ctx context.Context, broker string, more ...string) (*Library, error) {
	web, err := FreeAddr()
	if err != nil {
		return nil, err
	}
	l := &Library{Stage: s, Web: "http://" + web, MQTT: broker}
	if broker == "" {
		if l.MQTT, err = FreeAddr(); err != nil {
			return nil, err
		}
	}
	if _, err := s.Run("hub", "demo", "--data", "hub"); err != nil {
		return nil, err
	}
	args := append([]string{"--data", "hub", "--web", web}, more...)
	if broker == "" {
		args = append(args, "--mqtt", l.MQTT)
	} else {
		args = append(args, "--broker", "mqtt://"+broker)
	}
	if l.Hub, err = s.Start("hub", nil, args...); err != nil {
		return nil, err
	}
	return l, Until(ctx, "the hub", func() error {
		return errors.Join(l.Hub.Alive(), Listens(l.MQTT), Listens(web))
	})
}

// StationView is a station as the hub's /api/stations shows it.
type StationView struct {
	ID             string `json:"id"`
	Online         bool   `json:"online"`
	LastSeq        uint64 `json:"last_seq"`        // what the hub has of the station's ledger
	Queue          uint64 `json:"queue"`           // what it knows to be missing
	NoticesPending uint64 `json:"notices_pending"` // what the station has not taken yet
	Loans          int    `json:"loans"`
}

// Station is what the hub knows of one station.
func (l *Library) Station(id string) (StationView, error) {
	var all []StationView
	if err := Get(l.Web+"/api/stations", &all); err != nil {
		return StationView{}, err
	}
	for _, s := range all {
		if s.ID == id {
			return s, nil
		}
	}
	return StationView{}, fmt.Errorf("the hub knows no station %s", id)
}

// LoanView is a loan as the hub's /api/loans shows it.
type LoanView struct {
	Station string `json:"station"`
	Item    string `json:"item"`
	Title   string `json:"title"`
	Due     string `json:"due"`
}

// Loans are what the hub knows to be on loan.
func (l *Library) Loans() ([]LoanView, error) {
	var all []LoanView
	return all, Get(l.Web+"/api/loans", &all)
}

// Kiosk is one station of a library: a pad, a cable to the broker, the program.
type Kiosk struct {
	*Program
	ID    string
	Args  []string // that it was started with
	Cable *Cable
	Pad   *Pad
}

// Kiosk enrols a station and starts it with the demo's cards and books beside
// its pad. env says where it shows.
func (l *Library) Kiosk(ctx context.Context, id string, env []string, args ...string) (*Kiosk, error) {
	cable, err := Connect(l.MQTT)
	if err != nil {
		return nil, err
	}
	enrolled, err := l.enrol(id, cable.Addr())
	if err != nil {
		return nil, err
	}
	pad, err := l.Pad(ctx, id)
	if err != nil {
		return nil, err
	}
	k := &Kiosk{ID: id, Cable: cable, Pad: pad, Args: slices.Concat(enrolled, []string{
		"--data", id, "--reader", pad.Port, "--reader-protocol", "feig",
		"--speech", "off"}, args)} // nobody at this machine wants to hear it
	k.Program, err = l.start(id, l.program("kiosk", env, k.Args))
	if err != nil {
		return nil, err
	}
	return k, Until(ctx, "station "+id+" to have its collection", func() error {
		s, err := l.Station(id)
		if err == nil && (!s.Online || s.NoticesPending > 0) {
			err = fmt.Errorf("it is %+v", s)
		}
		return errors.Join(k.Alive(), err, k.Logged("first frame"))
	})
}

// enrol makes a station known, by a file or, where the library speaks TLS, by a
// code that the kiosk trades. It answers what the kiosk is started with.
func (l *Library) enrol(id, broker string) ([]string, error) {
	if !l.Secure {
		file := filepath.Join(l.Dir, id+".station")
		_, err := l.Run("hub", "station", "add", "--data", "hub", "--broker", "mqtt://"+broker, "--out", file, id)
		return []string{"--identity", file}, err
	}
	said, err := l.Run("hub", "station", "add", "--data", "hub", id)
	if err != nil {
		return nil, err
	}
	_, code, _ := strings.Cut(said, "kiosk enrol ")
	code, _, _ = strings.Cut(code, "\n")
	if _, err := l.Run("kiosk", "enrol", "--data", id, code); err != nil {
		return nil, err
	}
	return []string{"--broker", "mqtts://" + broker}, nil
}

// Pad is a simulated RFID pad: a program of its own that answers real frames
// on a pseudo-terminal.
type Pad struct {
	stage   *Stage
	Port    string // the pseudo-terminal
	Control string // the socket that moves things
}

// Pad starts a pad with the demo's cards and items beside it.
func (s *Stage) Pad(ctx context.Context, id string) (*Pad, error) {
	table := filepath.Join(s.Dir, "table.json")
	if _, err := os.Stat(table); err != nil {
		out, err := s.Run("hub", "demo", "--table")
		if err != nil {
			return nil, err
		}
		if err := os.WriteFile(table, []byte(out), 0o644); err != nil {
			return nil, err
		}
	}
	p := &Pad{stage: s, Port: filepath.Join(s.Dir, id+".pad"), Control: filepath.Join(s.Dir, id+".ctl")}
	sim, err := s.Start("readersim", nil, "--protocol", "feig", "--table", table, "--link", p.Port, "--control", p.Control)
	if err != nil {
		return nil, err
	}
	return p, Until(ctx, "the pad", func() error {
		_, err := os.Stat(p.Port)
		_, err2 := os.Stat(p.Control)
		return errors.Join(sim.Alive(), err, err2)
	})
}

// Put lays cards and items, named as in the table, on the pad.
func (p *Pad) Put(names ...string) error { return p.move("put", names) }

// Lift takes them off.
func (p *Pad) Lift(names ...string) error { return p.move("lift", names) }

func (p *Pad) move(how string, names []string) error {
	for _, name := range names {
		if _, err := p.stage.Run("readersim", how, "--control", p.Control, name); err != nil {
			return err
		}
	}
	return nil
}

// Logged reports as an error that p has not yet written a line with all words.
func (p *Program) Logged(words ...string) error {
	log, err := os.ReadFile(p.Log)
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(log)) {
		found := true
		for _, word := range words {
			found = found && strings.Contains(line, word)
		}
		if found {
			return nil
		}
	}
	return errors.Join(p.Alive(), fmt.Errorf("%s has not logged %s", p.Name, strings.Join(words, " ")))
}
