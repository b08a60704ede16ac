package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/skip2/go-qrcode"

	"coldstation/cmd/internal/conf"
	"coldstation/sync/circ"
	"coldstation/sync/hub/store"
	"coldstation/sync/hub/web"
	"coldstation/sync/identity"
	"coldstation/sync/identity/enrol"
)

const stationUsage = `usage: hub station add NAME             make a station known, by a one-time code
       hub station add --out FILE NAME  the same by a file, for a network without TLS
       hub station revoke NAME          turn a station away at once
       hub station title NAME TEXT      what people call it, for the pages
       hub station settle NAME          what was noticed about its records is looked into`

// stations makes stations known, and unknown.
func stations(ctx context.Context, args []string) error {
	if len(args) > 0 {
		if run := stationCommands[args[0]]; run != nil {
			return run(ctx, args[1:])
		}
	}
	return errors.New(stationUsage)
}

var stationCommands = map[string]func(context.Context, []string) error{
	"add": addStation, "revoke": revokeStation, "title": titleStation, "settle": settleStation,
}

func addStation(ctx context.Context, args []string) error {
	set := flag.NewFlagSet("hub station add", flag.ContinueOnError)
	var (
		data    = dataFlag(set)
		title   = set.String("title", "", "what people call the station, as `text` for the pages")
		replace = set.Bool("replace", false, "give new keys to a station that is known already; its old ones open nothing from then on")
		life    = set.Duration("valid", codeLife, "how long the code works")
		out     = set.String("out", "", "`file` for the station's identity, a secret, instead of a code")
		broker  = set.String("broker", "mqtt://127.0.0.1:1883", "`address` at which that station reaches the broker")
	)
	if err := conf.Parse(set, args); err != nil {
		return err
	}
	if set.NArg() != 1 {
		return errors.New(stationUsage)
	}
	s, library, err := open(*data)
	if err != nil {
		return err
	}
	defer s.Close()
	id := circ.StationID(set.Arg(0))
	if *out != "" {
		err = byFile(ctx, s, library, id, *broker, *out, *replace)
	} else {
		err = byCode(ctx, os.Stdout, s, id, *data, *life, *replace)
	}
	if err != nil || *title == "" {
		return err
	}
	return s.SetTitle(ctx, id, *title)
}

// byFile writes the file that makes a kiosk the station.
func byFile(ctx context.Context, s store.Store, library identity.Library, id circ.StationID, broker, out string, replace bool) error {
	file, enrolled, err := library.Enrol(id, broker)
	if err != nil {
		return err
	}
	// The file first: a station that the hub knows and nobody can be is worse
	// than a file that opens nothing.
	if err := file.Save(out); err != nil {
		return err
	}
	enter := s.Enrol
	if replace {
		enter = s.Rekey
	}
	if err := enter(ctx, enrolled, time.Now()); err != nil {
		return errors.Join(known(id, err), os.Remove(out))
	}
	fmt.Printf("Station %s is known. Carry %s to it (it is a secret) and start the kiosk with --identity.\n", id, out)
	return nil
}

func known(id circ.StationID, err error) error {
	if errors.Is(err, store.ErrKnown) {
		return fmt.Errorf("%s is known already, and new keys would lock it out: say --replace if that is meant", id)
	}
	return err
}

// byCode prints a one-time code. A station that has no keys yet may be given one
// code after another.
func byCode(ctx context.Context, to io.Writer, s store.Store, id circ.StationID, folder string, life time.Duration, replace bool) error {
	if !id.Valid() {
		return fmt.Errorf("%q: a station's name is 1 to 32 characters of a-z, 0-9 and '-'", id)
	}
	e, err := offer(ctx, s, id, folder, life, replace)
	if errors.Is(err, web.ErrNoPlace) {
		return errors.New("where stations enrol is not known: start the hub with --names, by which they reach it; or write a file with --out")
	}
	if errors.Is(err, web.ErrKeys) {
		return known(id, store.ErrKnown)
	}
	if err != nil {
		return err
	}
	qr, err := qrcode.New(e.Code, qrcode.Medium)
	if err != nil {
		return err
	}
	fmt.Fprintf(to, `Station %s may be enrolled once, until %s. At the station:

    kiosk enrol %s

or scan this:

%s
The station then shows the fingerprint of the library's authority. It is
%s
`, id, e.Expires.Format("Monday 2 January 2006, 15:04"), e.Code, picture(qr, to), e.Fingerprint)
	return nil
}

// offer makes a station known, if it is not, and offers a code for it.
func offer(ctx context.Context, s store.Store, id circ.StationID, folder string, life time.Duration, replace bool) (e web.Enrolment, err error) {
	place, err := s.Fact(ctx, enrolPlace)
	if err != nil {
		return e, err
	}
	if place == "" {
		return e, web.ErrNoPlace
	}
	authority, err := identity.LoadAuthority(folder, time.Now())
	if err != nil {
		return e, err
	}
	if err := s.Enrol(ctx, identity.Enrolled{Station: id}, time.Now()); errors.Is(err, store.ErrKnown) {
		before, err := s.Enrolled(ctx, id)
		if err != nil {
			return e, err
		}
		if len(before.Signing) > 0 && !replace {
			return e, web.ErrKeys
		}
	} else if err != nil {
		return e, err
	}
	code, err := enrol.NewCode(place)
	if err != nil {
		return e, err
	}
	e = web.Enrolment{Code: code.Text(), Expires: time.Now().Add(life), Fingerprint: identity.Fingerprint(authority.Certificate())}
	return e, s.Offer(ctx, store.Code{ID: code.ID(), Secret: code.Key(), Station: id, Expires: e.Expires})
}

// codeLife is how long a code works.
const codeLife = 48 * time.Hour

// picture is a QR code in half blocks: dark on light where to is a terminal, and
// else as plain signs, light ones filled.
func picture(qr *qrcode.QRCode, to io.Writer) string {
	if file, is := to.(*os.File); is {
		if info, err := file.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
			return "\x1b[38;5;231;48;5;16m" + qr.ToSmallString(false) + "\x1b[0m"
		}
	}
	return qr.ToSmallString(false)
}

func revokeStation(ctx context.Context, args []string) error {
	return withStation(ctx, "revoke", args, 0, func(s store.Store, id circ.StationID, _ []string) error {
		if err := s.Revoke(ctx, id, time.Now()); err != nil {
			return err
		}
		fmt.Printf("Station %s is turned away: what it has open is closed within seconds, and nothing more is taken from it.\nTo have it back: hub station add --replace %s\n", id, id)
		return nil
	})
}

// settleStation ends the conditions that only a person can: the others end by
// themselves.
func settleStation(ctx context.Context, args []string) error {
	return withStation(ctx, "settle", args, 0, func(s store.Store, id circ.StationID, _ []string) error {
		return errors.Join(s.Clear(ctx, id, store.ConditionRefilled), s.Clear(ctx, id, store.ConditionReturned))
	})
}

func titleStation(ctx context.Context, args []string) error {
	return withStation(ctx, "title", args, 1, func(s store.Store, id circ.StationID, text []string) error {
		return s.SetTitle(ctx, id, text[0])
	})
}

// withStation does something with a station that is known, and with as many more
// words as it needs.
func withStation(ctx context.Context, what string, args []string, more int, do func(store.Store, circ.StationID, []string) error) error {
	set := flag.NewFlagSet("hub station "+what, flag.ContinueOnError)
	data := dataFlag(set)
	if err := conf.Parse(set, args); err != nil {
		return err
	}
	if set.NArg() != 1+more {
		return errors.New(stationUsage)
	}
	s, _, err := open(*data)
	if err != nil {
		return err
	}
	defer s.Close()
	id := circ.StationID(set.Arg(0))
	if _, err := s.Station(ctx, id); err != nil {
		return fmt.Errorf("%s: %w", id, err)
	}
	return do(s, id, set.Args()[1:])
}
