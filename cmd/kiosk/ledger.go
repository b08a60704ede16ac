package main

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"slices"
	"syscall"

	"coldstation/sync/circ"
	"coldstation/sync/identity"
	"coldstation/sync/ledger"
	"coldstation/sync/wire"
)

// worthwhile is how many events must have outlived their retention before the
// ledger is copied without them: some weeks of a busy station.
const worthwhile = 5000

// openLedger opens the ledger, before anybody uses it: the moment to let old events
// go, and, when it is damaged, to make it anew from its journal.
func (a *assembly) openLedger() (*ledger.Ledger, error) {
	s := a.settings
	key, err := identity.LoadStationKey(s.key)
	if err != nil {
		return nil, err
	}
	sealing, err := s.identity.SealingKey()
	if err != nil {
		return nil, err
	}
	o := ledger.Options{Station: s.identity.Station, Key: key, Sealer: &wire.Sealer{Key: sealing}, Journal: true, Reserve: s.reserve}
	now := a.moment()
	if now.Clock != circ.ClockUnset {
		if gone, err := ledger.Retire(s.ledger, o, now.Wall.Add(-s.keep), worthwhile); err != nil {
			slog.Warn("old events stay", "err", err) // what is wrong with it shows when it is opened
		} else if gone > 0 {
			slog.Info("old events were let go", "events", gone)
		}
	}
	l, err := ledger.Open(s.ledger, o)
	if errors.Is(err, ledger.ErrCorrupt) || errors.Is(err, wire.ErrMalformed) {
		slog.Error("the ledger is damaged", "err", err)
		saved, err := ledger.Rescue(now, s.ledger, o)
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
		slog.Warn("the ledger was rescued", "result", saved.String(), "whole", saved.Whole())
		l, err = ledger.Open(s.ledger, o)
		if err != nil {
			return nil, err
		}
		return l, a.settle(l, now)
	}
	if err != nil {
		return nil, err
	}
	return l, a.settle(l, now)
}

// settle tells the library of a journal that was mended, and that the ledger is well
// again once it has heard that it was not.
func (a *assembly) settle(l *ledger.Ledger, now circ.Stamp) error {
	_, last, err := l.Bounds()
	if err != nil {
		return err
	}
	heard, err := l.Mark(ledger.Hub)
	if err != nil {
		return err
	}
	faults, err := l.Faults()
	if err != nil {
		return err
	}
	switch {
	case l.Mended() != "":
		slog.Warn("the journal was begun anew", "why", l.Mended())
		_, err = l.Append(now, nil, circ.FaultRaised{Fault: ledger.LedgerFault, Detail: l.Mended()})
	case heard == last && slices.Contains(faults, ledger.LedgerFault):
		_, err = l.Append(now, nil, circ.FaultCleared{Fault: ledger.LedgerFault})
	}
	if err != nil {
		return fmt.Errorf("settle the ledger: %w", errors.Join(err, l.Close()))
	}
	return nil
}

// passes reports whether another try may go better: a disk that does not answer, or
// is full, or was taken by another process. A file that is not ours will not become
// so.
func passes(err error) bool {
	var disk syscall.Errno
	return errors.Is(err, ledger.ErrBroken) || errors.Is(err, ledger.ErrInUse) || errors.Is(err, ledger.ErrCorrupt) || errors.As(err, &disk)
}
