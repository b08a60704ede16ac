package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"coldstation/rfid/sim"
)

// play runs a simulated reader until ctx ends.
func play(ctx context.Context, args []string, out io.Writer) error {
	f := flags("readersim")
	protocol := f.String("protocol", "feig", "")
	path := f.String("table", "", "")
	link := f.String("link", "", "")
	listen := f.String("listen", "", "")
	control := f.String("control", defaultSocket(), "")
	fault := f.String("fault", "", "")
	rate := f.Float64("rate", 0.1, "")
	seed := f.Uint64("seed", 1, "")
	pace := f.Bool("pace", false, "")
	set := f.String("set", "", "")
	words, err := parse(f, args)
	if err != nil {
		return err
	}
	switch {
	case len(words) > 0:
		return fmt.Errorf("%q: not expected; try readersim --help", words[0])
	case *path == "":
		return errors.New("--table FILE is needed; try readersim --help")
	case (*link == "") == (*listen == ""):
		return errors.New("one of --link PATH and --listen ADDR is needed; try readersim --help")
	case *rate < 0 || *rate > 1:
		return fmt.Errorf("--rate %v: want a share from 0 to 1", *rate)
	}
	if *fault == "" && given(f, "rate") {
		*fault = "all"
	}
	table, err := sim.LoadTable(*path)
	if err != nil {
		return err
	}
	line, err := sim.NewLine(*protocol, table)
	if err != nil {
		return err
	}
	if *set != "" {
		if err := line.Choose(strings.Split(*set, ",")...); err != nil {
			return err
		}
	}
	if *pace {
		line.Baud = sim.Protocols[*protocol].Baud
	}
	faults, err := schedule(*seed, *rate, *fault)
	if err != nil {
		return err
	}
	line.Faults, line.Done = faults, ctx.Done()
	var plug cable
	if *link != "" {
		plug = &terminal{link: *link, line: line}
	} else {
		plug = &socket{address: *listen, line: line}
	}
	where, err := plug.plug()
	if err != nil {
		return err
	}
	defer plug.unplug()
	requests, err := listenControl(*control)
	if err != nil && !given(f, "control") { // another one is running, or the usual place is none
		*control = ownSocket()
		requests, err = listenControl(*control)
	}
	if err != nil {
		return err
	}
	defer requests.Close()
	fmt.Fprintf(out, "%s reader on %s\ncontrol on %s\n", *protocol, where, *control)
	pad := pad{table: table, faults: faults, cable: plug}
	go pad.serve(requests)
	<-ctx.Done()
	return nil
}

func schedule(seed uint64, rate float64, names string) (*sim.Schedule, error) {
	if names == "" {
		return sim.NewSchedule(seed, 0), nil
	}
	var kinds []sim.Fault
	for name := range strings.SplitSeq(names, ",") {
		if name == "all" {
			kinds = append(kinds, sim.Faults...)
			continue
		}
		if err := sim.NewSchedule(0, 0).Fail(sim.Fault(name)); err != nil {
			return nil, err
		}
		kinds = append(kinds, sim.Fault(name))
	}
	return sim.NewSchedule(seed, rate, kinds...), nil
}
