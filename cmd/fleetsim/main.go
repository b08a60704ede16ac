// Command fleetsim runs many stations without windows against one hub, with
// visitors and, if asked, with everything that can fail: networks, machines, the
// broker, the hub. It ends with one line of JSON on standard output:
//
//	{"stations","events","delivered","lost","duplicated","out_of_order","seconds","events_per_s","seed"}
//
// and with success only when nothing was lost, doubled or out of order, and both
// sides hold the same loans. Each machine with its stations, and the hub, is a
// process of its own, so that to be killed is to be killed.
//
// Against a hub that runs elsewhere, --hub and --broker say where, and --identities
// has the files that `hub station add` wrote: these are the stations. One that goes by
// TLS has its certificate beside its file, as NAME.crt.
package main

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"coldstation/cmd/internal/conf"
	"coldstation/kiosk/fleet"
	"coldstation/sync/circ"
	"coldstation/sync/identity"
)

func main() {
	conf.Log()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	run := simulate
	if len(os.Args) > 1 && os.Args[1] == part {
		run = play
	}
	switch err := run(ctx, os.Args[1:]); {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "fleetsim:", err)
		os.Exit(1)
	}
}

// simulate runs a fleet and says how it went.
func simulate(ctx context.Context, args []string) error {
	set := flag.NewFlagSet("fleetsim", flag.ContinueOnError)
	var (
		stations   = set.Int("stations", 20, "how many stations")
		visits     = set.Int("visits", 5, "how many visits at each")
		faults     = set.Bool("faults", false, "let everything fail that can")
		kills      = set.Int("kills", 0, "with faults: so many killings more, of machines and the hub by turns")
		seed       = set.Uint64("seed", 0, "of all that is drawn; 0 draws one")
		machines   = set.Int("machines", 0, "processes that run the stations; 0 is as many as suit")
		patience   = set.Duration("patience", 3*time.Minute, "for what is left to be delivered once all is quiet")
		keep       = set.String("keep", "", "`folder` for ledgers and the hub's files, to look into afterwards; must be empty")
		broker     = set.String("broker", "", "mqtt:// `address` of a broker that runs elsewhere")
		qos        = set.Int("broker-qos", 1, "of subscriptions at that broker; 0 where it is NATS, as in a hub of ours")
		hub        = set.String("hub", "", "http:// `address` of a hub that runs elsewhere")
		identities = set.String("identities", "", "`folder` of the NAME.station files of that hub")
		verbose    = set.Bool("verbose", false, "say which faults happen")
	)
	if err := conf.Parse(set, args); err != nil {
		return err
	}
	if set.NArg() > 0 || *qos < 0 || *qos > 1 || *kills < 0 {
		return errors.New("fleetsim takes only settings; see --help")
	}
	o := fleet.Options{Stations: *stations, Visits: *visits, Faults: *faults, Kills: *kills, Seed: *seed, Crews: *machines, Patience: *patience,
		Folder: *keep, Spawn: spawn, Broker: *broker}
	if o.Seed == 0 {
		o.Seed = rand.Uint64()>>11 + 1 // a number that every reader of JSON keeps
	}
	if *verbose {
		o.Log = slog.Default()
	}
	if *broker != "" {
		o.QoS = byte(*qos)
	}
	if *hub != "" {
		var err error
		if o.Identities, o.Certificates, err = load(*identities); err != nil {
			return err
		}
		o.Hub = pages{*hub}
	}
	if o.Folder == "" {
		folder, err := os.MkdirTemp("", "fleetsim-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(folder)
		o.Folder = folder
	} else if left, err := filepath.Glob(filepath.Join(o.Folder, "*")); err != nil || len(left) > 0 {
		return errors.Join(err, fmt.Errorf("%s is not empty", o.Folder))
	}
	slog.Info("a fleet", "stations", o.Stations, "visits", o.Visits, "faults", o.Faults, "seed", o.Seed)
	summary, err := fleet.Run(ctx, o)
	if summary.Stations == 0 { // it was not counted
		return err
	}
	weigh()
	if line := json.NewEncoder(os.Stdout).Encode(summary); line != nil || err != nil {
		return errors.Join(err, line)
	}
	if !summary.Sound() {
		return fmt.Errorf("seed %d: %d lost, %d duplicated, %d out of order", o.Seed, summary.Lost, summary.Duplicated, summary.OutOfOrder)
	}
	return nil
}

// load reads the identities of stations that a hub elsewhere knows, and certificates.
func load(folder string) (all []identity.Station, certificates map[circ.StationID][]byte, err error) {
	files, err := filepath.Glob(filepath.Join(folder, "*.station"))
	if err != nil || len(files) == 0 {
		return nil, nil, errors.Join(err, fmt.Errorf("%q holds no NAME.station: make them by hub station add, and name their folder by --identities", folder))
	}
	certificates = make(map[circ.StationID][]byte)
	for _, file := range files {
		one, err := identity.LoadStation(file)
		if err != nil {
			return nil, nil, err
		}
		all = append(all, one)
		if len(one.Authority) == 0 {
			continue
		}
		file = strings.TrimSuffix(file, ".station") + ".crt"
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, nil, err
		}
		block, _ := pem.Decode(text)
		if block == nil {
			return nil, nil, fmt.Errorf("read %s: no certificate in PEM", file)
		}
		certificates[one.Station] = block.Bytes
	}
	return all, certificates, nil
}

// weigh logs the most memory that this process and the largest of its parts held.
func weigh() {
	var own, parts syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &own) == nil && syscall.Getrusage(syscall.RUSAGE_CHILDREN, &parts) == nil {
		slog.Info("memory", "own_mb", own.Maxrss>>10, "largest_part_mb", parts.Maxrss>>10)
	}
}
