package main

import (
	"bufio"
	"context"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"coldstation/cmd/internal/conf"
	"coldstation/sync/identity"
	"coldstation/sync/identity/enrol"
)

const (
	identityFile = "station.json"
	passFile     = "station.crt"
)

// enrolHere is the command that makes this computer a station, by the code that
// "hub station add" printed.
func enrolHere(ctx context.Context, args []string) error {
	set := flag.NewFlagSet("kiosk enrol", flag.ContinueOnError)
	data := set.String("data", "/var/lib/coldstation", "`folder` of the station's data and keys")
	again := set.Bool("replace", false, "become another station, or the same with a new key; the old identity is kept beside")
	if err := conf.Parse(set, args); err != nil {
		return err
	}
	code := set.Arg(0)
	switch set.NArg() {
	case 0:
		fmt.Print("Type or scan the code: ")
		line, err := bufio.NewReader(os.Stdin).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		code = line
	case 1:
	default:
		return errors.New("usage: kiosk enrol CODE")
	}
	s, err := enrolAs(ctx, *data, code, *again)
	if err != nil {
		return err
	}
	authority, err := x509.ParseCertificate(s.Authority)
	if err != nil {
		return err
	}
	fmt.Printf("This is station %s now. The library's authority is\n%s\n", s.Station, identity.Fingerprint(authority))
	return nil
}

// enrolAs trades a code for an identity in folder. A code works once, so all that
// can fail here is tried before it is sent.
func enrolAs(ctx context.Context, folder, text string, again bool) (identity.Station, error) {
	var none identity.Station
	code, err := enrol.Parse(text)
	if err != nil {
		return none, err
	}
	path := filepath.Join(folder, identityFile)
	if exists(path) && !again {
		return none, fmt.Errorf("%s: this computer is a station already; say --replace to make it anew", path)
	}
	if err := errors.Join(conf.Own(folder), os.MkdirAll(folder, 0o700)); err != nil {
		return none, err
	}
	if err := identity.WriteFile(filepath.Join(folder, "enrolling"), []byte(code.Place()+"\n"), 0o600); err != nil {
		return none, err
	}
	if err := os.Remove(filepath.Join(folder, "enrolling")); err != nil {
		return none, err
	}
	s, certificate, err := enrol.Ask(ctx, code, time.Now)
	if err != nil {
		return none, err
	}
	if exists(path) {
		if err := os.Rename(path, path+".before-"+time.Now().UTC().Format("20060102T150405")); err != nil {
			return none, err
		}
	}
	// The identity last: with it this is a station.
	if _, err := s.NewPass(filepath.Join(folder, passFile), certificate); err != nil {
		return none, err
	}
	return s, s.Save(path)
}

// who is the station's identity, and its certificate where the library speaks
// TLS. A computer that is none yet becomes one by the code, if it has one.
func who(file, folder, code string) (identity.Station, *identity.Pass, error) {
	path := credential(file, folder, identityFile)
	s, err := identity.LoadStation(path)
	if errors.Is(err, fs.ErrNotExist) && code != "" {
		s, err = enrolAs(context.Background(), folder, code, false)
	}
	if err != nil {
		return s, nil, err
	}
	pass, err := s.LoadPass(filepath.Join(folder, passFile))
	if pass != nil && err != nil { // the house goes on borrowing; the library misses the station
		slog.Error("the station's certificate is lost, and the library lets nobody in without: make a code with hub station add --replace, and kiosk enrol --replace here", "err", err)
		return s, pass, nil
	}
	return s, pass, err
}

// renew keeps the certificate young until ctx ends. Connections made later show
// the new one; the old one stays good for the one that is open.
func renew(ctx context.Context, s identity.Station, pass *identity.Pass) {
	if pass == nil || s.Hub == "" {
		return
	}
	const each = 6 * time.Hour
	look := time.NewTicker(each)
	defer look.Stop()
	for {
		if pass.Due(time.Now()) {
			switch err := enrol.Renew(ctx, s, pass, time.Now); {
			case err == nil:
				slog.Info("certificate renewed", "expires", pass.Expires())
			case ctx.Err() == nil:
				slog.Warn("certificate not renewed", "expires", pass.Expires(), "again", each, "err", err)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
	}
}
