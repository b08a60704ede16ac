// Command ledger looks into a station's ledger and changes nothing.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"

	"coldstation/sync/ledger"
	"coldstation/sync/wire"
)

const usage = `ledger looks into a station's ledger and changes nothing. The kiosk must not be
running, since it holds the file.

  ledger verify FILE     reads all of it: that no event is missing or altered,
                         and that what the station knows follows from them
  ledger export FILE     prints the events, one line of JSON each:
                         seq, id, wall, clock, boot, uptime_ms, kind, body, raw
                         (raw is the event as it is written, in base64)

Patrons appear as references. Their identifiers are sealed to the library and
can be read at the hub only, in raw too. An event that only a newer version can
read is exported without a body.

Exit status: 0 in order, 1 not, 2 called wrongly.
`

var errUsage = errors.New("called wrongly; ledger help says how")

func main() {
	switch err := run(os.Args[1:], os.Stdout); {
	case errors.Is(err, errUsage):
		fmt.Fprintln(os.Stderr, "ledger:", err)
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "ledger:", advise(err))
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	if len(args) == 1 && (args[0] == "help" || args[0] == "--help" || args[0] == "-h") {
		_, err := io.WriteString(out, usage)
		return err
	}
	commands := map[string]func(*ledger.Ledger, io.Writer) error{"verify": verify, "export": export}
	if len(args) != 2 || commands[args[0]] == nil {
		return errUsage
	}
	l, err := ledger.Open(args[1], ledger.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	buffered := bufio.NewWriter(out)
	return errors.Join(commands[args[0]](l, buffered), buffered.Flush(), l.Close())
}

// advise adds what to do next.
func advise(err error) error {
	switch {
	case errors.Is(err, ledger.ErrInUse):
		return fmt.Errorf("%w: stop the kiosk first", err)
	case errors.Is(err, ledger.ErrNewer), errors.Is(err, wire.ErrNewer):
		return fmt.Errorf("%w: use the ledger command of the kiosk that wrote it", err)
	case errors.Is(err, ledger.ErrCorrupt), errors.Is(err, wire.ErrMalformed):
		return fmt.Errorf("%w: keep the file, do not lend with it, and call the library", err)
	}
	return err
}

func verify(l *ledger.Ledger, out io.Writer) error {
	r, err := l.Verify()
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "station   %s\nledger    %s\nevents    %d\nnewest    %d\nchain     %s\nunsent    %d\nin order\n",
		l.Station(), l.ID(), r.Events, r.Last, r.Chain, r.Last-r.Hub)
	return nil
}
