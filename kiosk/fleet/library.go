package fleet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"coldstation/sync/circ"
	"coldstation/sync/hub"
	"coldstation/sync/hub/broker"
	"coldstation/sync/hub/store"
	"coldstation/sync/identity"
	"coldstation/sync/link"
)

const program = "coldstation-fleet/0.1"

// founded is before everything that happens here.
var founded = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

// hubOrders are what a hub begins with; its folder has hub.db and library.json.
// That the fleet rests is all that may follow.
type hubOrders struct {
	Seed           uint64
	Faults         bool
	Life           int
	Folder         string
	Broker         string
	User, Password string
}

func playHub(ctx context.Context, cancel context.CancelFunc, in *json.Decoder, out *mouth) error {
	var o hubOrders
	if err := in.Decode(&o); err != nil {
		return err
	}
	library, err := identity.LoadLibrary(filepath.Join(o.Folder, "library.json"))
	if err != nil {
		return err
	}
	s, err := store.OpenSQLite(filepath.Join(o.Folder, "hub.db"))
	if err != nil {
		return err
	}
	var calm atomic.Bool
	calm.Store(!o.Faults)
	h, err := hub.Open(hub.Settings{
		Store: s, Library: library, Version: program, Log: quiet,
		Dial: func(to link.Options) (link.Link, error) {
			to.Broker, to.Username, to.Password = o.Broker, o.User, o.Password
			l, err := dial(to)
			if err == nil && o.Faults {
				l = loosen(l, &calm, o.Seed, uint64(o.Life))
			}
			return l, err
		},
	})
	if err != nil {
		return errors.Join(err, s.Close())
	}
	go func() {
		for {
			var o crewOrder
			if in.Decode(&o) != nil {
				cancel()
				return
			}
			calm.Store(true)
		}
	}()
	out.say(word{Ready: true})
	return errors.Join(h.Run(ctx), s.Close())
}

// library is the hub's side, before it runs and around it.
type library struct {
	folder   string
	enrolled map[circ.StationID]identity.Enrolled
	listen   string // where the broker was
	broker   *broker.Broker

	restarting sync.Mutex // of the broker, one at a time
}

const hubUser, hubPassword = "hub", "the hub's, on a loopback address"

// found makes a library and its stations.
func found(ctx context.Context, folder string, stations []circ.StationID) (*library, []identity.Station, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, nil, err
	}
	keys, err := identity.LoadLibrary(filepath.Join(folder, "library.json"))
	if err != nil {
		return nil, nil, err
	}
	s, err := store.OpenSQLite(filepath.Join(folder, "hub.db"))
	if err != nil {
		return nil, nil, err
	}
	defer s.Close()
	l := &library{folder: folder, enrolled: make(map[circ.StationID]identity.Enrolled)}
	var all []identity.Station
	for _, name := range stations {
		station, enrolled, err := keys.Enrol(name, "")
		if err == nil {
			err = s.Enrol(ctx, enrolled, time.Now())
		}
		if err != nil {
			return nil, nil, err
		}
		l.enrolled[name], all = enrolled, append(all, station)
	}
	_, err = s.Import(ctx, collection(stations))
	return l, all, err
}

// open starts the broker, again where it was before.
func (l *library) open(ctx context.Context) (err error) {
	l.broker, err = broker.Start(ctx, broker.Options{
		Listen: l.listen, Folder: filepath.Join(l.folder, "broker"), Log: quiet,
		Authenticate: func(v broker.Visitor) (broker.Role, bool) {
			if v.Name == hubUser {
				return broker.Role{Hub: true}, v.Password == hubPassword
			}
			name := circ.StationID(v.Name)
			return broker.Role{Station: name}, l.enrolled[name].Admits(v.Password)
		},
	})
	if err != nil {
		return fmt.Errorf("the library's broker: %w", err)
	}
	l.listen = l.broker.Addr()
	return nil
}

func (l *library) close() error { return l.broker.Close() }

// files is the library's store, to be read after its hub has ended.
func (l *library) files() (store.Store, error) {
	return store.OpenSQLite(filepath.Join(l.folder, "hub.db"))
}
