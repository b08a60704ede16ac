// Command ledger looks into a station's ledger, and makes a new one of what is left
// of a damaged one. It never changes a file that is there.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"coldstation/sync/circ"
	"coldstation/sync/ledger"
	"coldstation/sync/wire"
)

const usage = `ledger looks into a station's ledger and changes nothing. The kiosk must not be
running, since it holds the file. A folder stands for the ledger.db in it.

  ledger verify FILE      reads all of it: that no event is missing or altered,
                          that what the station knows follows from them, and
                          that the journal beside it tells the same
  ledger export FILE      prints the events, one line of JSON each:
                          seq, id, wall, clock, boot, uptime_ms, kind, body, raw
                          (raw is the event as it is written, in base64)
  ledger rescue FILE NEW  makes a ledger in the file NEW, from the journal beside
                          FILE and from what can be read of FILE, and says what
                          was saved and what is missing. FILE may be gone. The
                          kiosk does the same by itself when it starts.

Patrons appear as references. Their identifiers are sealed to the library and
can be read at the hub only, in raw too. An event that only a newer version can
read is exported without a body.

Exit status: 0 in order, 1 not, 2 called wrongly. A rescue with events missing is
not in order.
`

var (
	errUsage   = errors.New("called wrongly; ledger help says how")
	errJournal = errors.New("the journal does not go with the ledger")
	errMissing = errors.New("not all could be saved")
)

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
	switch {
	case len(args) == 3 && args[0] == "rescue":
		return rescue(file(args[1]), args[2], out)
	case len(args) != 2 || commands[args[0]] == nil:
		return errUsage
	}
	l, err := ledger.Open(file(args[1]), ledger.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	buffered := bufio.NewWriter(out)
	return errors.Join(commands[args[0]](l, buffered), buffered.Flush(), l.Close())
}

// file is the ledger that an argument means.
func file(arg string) string {
	if info, err := os.Stat(arg); err == nil && info.IsDir() {
		return filepath.Join(arg, "ledger.db")
	}
	return arg
}

// advise adds what to do next.
func advise(err error) error {
	switch {
	case errors.Is(err, ledger.ErrInUse):
		return fmt.Errorf("%w: stop the kiosk first", err)
	case errors.Is(err, ledger.ErrNewer), errors.Is(err, wire.ErrNewer):
		return fmt.Errorf("%w: use the ledger command of the kiosk that wrote it", err)
	case errors.Is(err, ledger.ErrNothing):
		return fmt.Errorf("%w: there is no journal beside it either; call the library", err)
	case errors.Is(err, ledger.ErrCorrupt), errors.Is(err, wire.ErrMalformed):
		return fmt.Errorf("%w: keep the file; the kiosk makes what it can of it when it starts, and ledger rescue shows what that is", err)
	case errors.Is(err, errJournal):
		return fmt.Errorf("%w: the kiosk keeps it aside when it starts, and begins another; if this happens again, the disk is failing", err)
	case errors.Is(err, errMissing):
		return fmt.Errorf("%w: keep the damaged files and call the library, which has all that was sent", err)
	case errors.Is(err, fs.ErrExist):
		return fmt.Errorf("%w: name a file that is not there yet", err)
	}
	return err
}

func verify(l *ledger.Ledger, out io.Writer) error {
	r, err := l.Verify()
	if err != nil {
		return err
	}
	j, err := l.VerifyJournal()
	if err != nil {
		return err
	}
	oldest, _, err := l.Bounds()
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "station   %s\nledger    %s\nevents    %d\noldest    %d\nnewest    %d\nchain     %s\nunsent    %d\n",
		l.Station(), l.ID(), r.Events, oldest, r.Last, r.Chain, r.Last-r.Hub)
	switch {
	case j.Files == 0:
		fmt.Fprintf(out, "journal   none\n")
	case len(j.Faults) == 0:
		fmt.Fprintf(out, "journal   the same, in %d files\n", j.Files)
	}
	for _, fault := range j.Faults {
		fmt.Fprintf(out, "journal   %s\n", fault)
	}
	if len(j.Faults) > 0 {
		return errJournal
	}
	fmt.Fprintln(out, "in order")
	return nil
}

func rescue(path, to string, out io.Writer) error {
	saved, err := ledger.Salvage(circ.Stamp{Wall: time.Now(), Clock: circ.ClockRTC}, path, to)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "written   %s\nsaved     %d events, of numbers up to %d\n", to, saved.Events, saved.Last)
	if saved.Whole() {
		fmt.Fprintf(out, "ledger    %s, as it was\nmissing   nothing\n", saved.Ledger)
	} else {
		fmt.Fprintf(out, "ledger    %s, a new one after %s, with what the library may not have\n", saved.Ledger, saved.Was)
	}
	for i := 0; i+1 < len(saved.Missing); i += 2 {
		fmt.Fprintf(out, "missing   events %d to %d\n", saved.Missing[i], saved.Missing[i+1])
	}
	for _, why := range saved.Why {
		fmt.Fprintf(out, "journal   %s\n", why)
	}
	fmt.Fprintf(out, "\nTo use it, stop the kiosk, put %s away and this in its place, and start the kiosk.\nWhat the library told is asked for again.\n", path)
	if len(saved.Missing) > 0 {
		return errMissing
	}
	return nil
}
