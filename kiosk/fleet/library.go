package fleet

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
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
	var secure *tls.Config
	if strings.HasPrefix(o.Broker, "mqtts:") {
		authority, err := identity.LoadAuthority(o.Folder, time.Now())
		if err != nil {
			return errors.Join(err, s.Close())
		}
		secure = authority.HubTLS(nil, time.Now)
	}
	var calm atomic.Bool
	calm.Store(!o.Faults)
	h, err := hub.Open(hub.Settings{
		Store: s, Library: library, Version: program, Log: quiet,
		Dial: func(to link.Options) (link.Link, error) {
			to.Broker, to.Username, to.Password, to.TLS = o.Broker, o.User, o.Password, secure
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
	secure   *tls.Config // by which it listens

	restarting sync.Mutex // of the broker, one at a time
}

const hubUser, hubPassword = "hub", "the hub's, at a broker elsewhere"

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

// certify makes the library one that speaks TLS, and its stations' certificates.
func (l *library) certify(stations []identity.Station) (map[circ.StationID][]byte, error) {
	now := time.Now()
	authority, err := identity.LoadAuthority(l.folder, now)
	if err != nil {
		return nil, err
	}
	l.secure = authority.ServerTLS([]string{"127.0.0.1"}, tls.RequireAndVerifyClientCert, time.Now)
	all := make(map[circ.StationID][]byte)
	for n, s := range stations {
		certificate, err := authority.Station(s.Station, l.enrolled[s.Station].Signing, now)
		if err != nil {
			return nil, err
		}
		stations[n].Authority, all[s.Station] = authority.Certificate().Raw, certificate.Raw
	}
	return all, nil
}

// open starts the broker, again where it was before.
func (l *library) open(ctx context.Context) (err error) {
	l.broker, err = broker.Start(ctx, broker.Options{
		Listen: l.listen, Folder: filepath.Join(l.folder, "broker"), Log: quiet, TLS: l.secure,
		Authenticate: func(v broker.Visitor) (broker.Role, bool) {
			who := identity.Name(v.Certificate)
			if who == identity.HubName {
				return broker.Role{Hub: true}, identity.IsHubClient(v.ClientID)
			}
			name := circ.StationID(who)
			return broker.Role{Station: name}, l.enrolled[name].CertifiedBy(v.Certificate)
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
