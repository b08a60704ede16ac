package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"time"

	"coldstation/cmd/internal/conf"
	"coldstation/sync/circ"
	"coldstation/sync/hub/store"
)

// station makes a station known and writes the file that makes a kiosk it.
func station(ctx context.Context, args []string) error {
	const usage = "hub station add --out FILE NAME"
	if len(args) == 0 || args[0] != "add" {
		return errors.New("usage: " + usage)
	}
	set := flag.NewFlagSet("hub station add", flag.ContinueOnError)
	var (
		data    = dataFlag(set)
		broker  = set.String("broker", "mqtt://127.0.0.1:1883", "`address` at which the station reaches the broker")
		out     = set.String("out", "", "`file` for the station's identity; a secret")
		title   = set.String("title", "", "what people call the station, as `text` for the pages")
		replace = set.Bool("replace", false, "give new keys to a station that is known already; its old ones open nothing any more")
	)
	if err := conf.Parse(set, args[1:]); err != nil {
		return err
	}
	if set.NArg() != 1 || *out == "" {
		return errors.New("usage: " + usage)
	}
	s, library, err := open(*data)
	if err != nil {
		return err
	}
	defer s.Close()
	identity, enrolled, err := library.Enrol(circ.StationID(set.Arg(0)), *broker)
	if err != nil {
		return err
	}
	// The file first: a station that the hub knows and nobody can be is worse
	// than a file that opens nothing.
	if err := identity.Save(*out); err != nil {
		return err
	}
	enrol := s.Enrol
	if *replace {
		enrol = s.Rekey
	}
	switch err := enrol(ctx, enrolled, time.Now()); {
	case errors.Is(err, store.ErrKnown):
		return errors.Join(fmt.Errorf("%s is known already, and new keys would lock it out; say --replace if that is meant", enrolled.Station), os.Remove(*out))
	case err != nil:
		return errors.Join(err, os.Remove(*out))
	}
	if *title != "" {
		if err := s.SetTitle(ctx, enrolled.Station, *title); err != nil {
			return err
		}
	}
	fmt.Printf("Station %s is known. Carry %s to it (it is a secret) and start the kiosk with --identity.\n", enrolled.Station, *out)
	return nil
}
