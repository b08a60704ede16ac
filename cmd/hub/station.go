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
)

// station makes a station known and writes the file that makes a kiosk it.
func station(ctx context.Context, args []string) error {
	const usage = "hub station add --out FILE ID"
	if len(args) == 0 || args[0] != "add" {
		return errors.New("usage: " + usage)
	}
	set := flag.NewFlagSet("hub station add", flag.ContinueOnError)
	var (
		data   = dataFlag(set)
		broker = set.String("broker", "mqtt://127.0.0.1:1883", "`address` at which the station reaches the broker")
		out    = set.String("out", "", "`file` for the station's identity; a secret")
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
	if err := s.Enrol(ctx, enrolled, time.Now()); err != nil {
		return errors.Join(err, os.Remove(*out))
	}
	fmt.Printf("Station %s is known. Carry %s to it (it is a secret) and start the kiosk with --identity.\n", enrolled.Station, *out)
	return nil
}
