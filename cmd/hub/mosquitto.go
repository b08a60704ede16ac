package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"coldstation/cmd/internal/conf"
	"coldstation/sync/identity"
)

// mosquitto writes the keys and certificates of a Mosquitto that is to carry the
// library's messages, as packaging/mosquitto names them.
func mosquitto(ctx context.Context, args []string) error {
	set := flag.NewFlagSet("hub mosquitto", flag.ContinueOnError)
	var (
		data  = dataFlag(set)
		out   = set.String("out", "", "`folder` for authority.crt, broker.crt, broker.key and revoked.crl")
		names = set.String("names", "", "`names` and addresses, by commas, by which stations and the hub reach the broker")
	)
	if err := conf.Parse(set, args); err != nil {
		return err
	}
	if *out == "" || *names == "" || set.NArg() > 0 {
		return errors.New("usage: hub mosquitto --out FOLDER --names NAMES")
	}
	s, _, err := open(*data)
	if err != nil {
		return err
	}
	defer s.Close()
	authority, err := identity.LoadAuthority(*data, time.Now())
	if err != nil {
		return err
	}
	pair, err := authority.Server(list(*names), identity.BrokerLife, time.Now())
	if err != nil {
		return err
	}
	revoked, err := revokedList(ctx, s, authority)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(*out, 0o755); err != nil {
		return err
	}
	in := func(name string) string { return filepath.Join(*out, name) }
	if err := errors.Join(
		identity.WriteFile(in("authority.crt"), authority.PEM(), 0o644),
		identity.WriteKeyPair(in("broker.crt"), in("broker.key"), pair),
		identity.WriteFile(in("revoked.crl"), revoked, 0o644),
	); err != nil {
		return err
	}
	fmt.Printf("%s holds what packaging/mosquitto names. broker.crt is good until %s: run this again before, and restart the broker.\n", *out, pair.Leaf.NotAfter.Format(time.DateOnly))
	return nil
}
