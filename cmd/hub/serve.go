package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"coldstation/cmd/internal/conf"
	"coldstation/cmd/internal/service"
	"coldstation/sync/circ"
	"coldstation/sync/hub"
	"coldstation/sync/hub/store"
	"coldstation/sync/hub/web"
	"coldstation/sync/identity"
	"coldstation/sync/link"
)

const program = "coldstation-hub/0.1"

// serveSettings are those of a hub that serves, as flags, environment and file
// give them.
type serveSettings struct {
	data, web string
	webHosts  []string

	mqtt, enrol string   // where we listen
	names       []string // that stations reach us by; none: no TLS
	withoutTLS  bool

	broker, user, passwordFile, ca string // of a broker elsewhere
	stationsBroker, revoked        string
	ils                            ilsSettings
	reach                          store.Reach
	fewest                         int
	signIn                         signInSettings
	alerts                         alertSettings

	checkOnly bool
}

func parseServe(args []string) (serveSettings, error) {
	set := flag.NewFlagSet("hub", flag.ContinueOnError)
	set.Usage = func() {
		fmt.Fprint(set.Output(), usage)
		set.PrintDefaults()
	}
	var s serveSettings
	data := dataFlag(set)
	set.StringVar(&s.web, "web", "127.0.0.1:8080", "`host:port` of the librarians' pages")
	hosts := set.String("web-hosts", "", "further `names`, by commas, that the pages may be asked for by")
	names := set.String("names", "", "`names` and addresses, by commas, by which stations reach this hub, the first one told to them; with them it speaks TLS")
	set.StringVar(&s.mqtt, "mqtt", "127.0.0.1:1883", "`host:port` of the hub's own broker, when --broker names none")
	set.StringVar(&s.enrol, "enrol", ":8884", "`host:port` where stations with a code enrol and others renew their certificate, when there are --names")
	set.BoolVar(&s.withoutTLS, "without-tls", false, "speak in the clear beyond this machine, on a network that is yours alone")
	set.StringVar(&s.broker, "broker", "", "`address`, mqtt://host:port or mqtts://host:port, of a broker that runs elsewhere; several of one cluster, by commas, are tried in turn")
	set.StringVar(&s.user, "broker-user", "cs-hub", "the hub's `name` at that broker, where its certificate does not tell")
	set.StringVar(&s.passwordFile, "broker-password-file", "", "`file` with the hub's password there")
	set.StringVar(&s.ca, "broker-ca", "", "`file` of certificates that vouch for that broker (default: the library's own authority)")
	set.StringVar(&s.stationsBroker, "stations-broker", "", "`address` at which stations reach the broker (default: the first of --names and the broker's port)")
	set.StringVar(&s.revoked, "revoked", "", "`file` of revoked certificates to keep up to date for that broker")
	set.IntVar(&s.reach.Items, "all-items", 20_000, "a collection of at most so many items is told to every station whole, a larger one by what each needs; -1 for never")
	set.DurationVar(&s.reach.Visits, "remember-visitors", 400*24*time.Hour, "how long a station knows a person who borrowed or brought back there and belongs elsewhere")
	set.IntVar(&s.fewest, "fewest", 5, "a smaller `number` of people than this is not told in the figures")
	check := set.Bool("check-config", false, "say whether these settings go together, and end")
	s.ils.flags(set)
	s.signIn.flags(set)
	s.alerts.flags(set)
	if err := conf.Parse(set, args); err != nil {
		return s, err
	}
	s.checkOnly = *check
	if set.NArg() > 0 {
		return s, fmt.Errorf("%q is no command; see hub --help", set.Arg(0))
	}
	s.data, s.webHosts, s.names = *data, list(*hosts), list(*names)
	return s, errors.Join(s.check(), s.signIn.check(), s.alerts.read())
}

func list(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' })
}

// check refuses to speak in the clear with anybody but this machine, unless that
// is said outright.
func (s serveSettings) check() error {
	if s.withoutTLS {
		if len(s.names) > 0 {
			return errors.New("--names is for TLS and --without-tls against it: give one of the two")
		}
		return nil
	}
	if s.broker == "" {
		if len(s.names) == 0 && !loopback(s.mqtt) {
			return fmt.Errorf("--mqtt %s: others on the network could read what goes down to stations: give --names, by which stations reach this hub, and it speaks TLS; or --without-tls, if the network is yours alone", s.mqtt)
		}
		return nil
	}
	if s.plain() && len(s.names) > 0 {
		return fmt.Errorf("--broker %s: stations that enrol with TLS need a broker that speaks it: mqtts://", s.broker)
	}
	for _, address := range list(s.broker) {
		u, err := url.Parse(address)
		if err != nil {
			return fmt.Errorf("--broker: %w", err)
		}
		if u.Scheme == "mqtt" && !loopback(u.Host) {
			return fmt.Errorf("--broker %s: others on the network could read what goes down to stations: use mqtts://; or give --without-tls, if the network is yours alone", s.broker)
		}
	}
	return nil
}

// plain reports whether the broker elsewhere speaks in the clear, anywhere.
func (s serveSettings) plain() bool { return strings.Contains(s.broker, "mqtt://") }

// loopback reports whether only this machine reaches an address.
func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// sound is an open store and what became of reading it through.
type sound struct {
	store.Store
	library identity.Library
	close   func()
	damaged atomic.Pointer[time.Time]
}

// since is from when on the store is known to be damaged, zero while it is not.
func (s *sound) since() time.Time {
	if at := s.damaged.Load(); at != nil {
		return *at
	}
	return time.Time{}
}

// openSound opens the store of a hub that is to serve. One that was not closed is read
// through first: power failed, or a program, and the disk may not have kept all that it
// said it had. Any other is read through meanwhile, for what rots by itself, which the
// pages tell.
func openSound(ctx context.Context, folder string) (*sound, error) {
	file := filepath.Join(folder, database)
	advise := func(err error) error {
		if errors.Is(err, store.ErrDamaged) {
			return fmt.Errorf("%s: %w; see that the disk is well, keep this file, and put the newest backup in its place with hub restore --replace: stations send again what it lacks", file, err)
		}
		return err
	}
	_, left := os.Stat(file + "-wal")
	opened, library, err := open(folder)
	if err != nil {
		return nil, advise(err)
	}
	s := &sound{Store: opened, library: library, close: func() { opened.Close() }}
	if left == nil {
		if err := store.CheckSQLite(ctx, file); err != nil {
			return nil, advise(errors.Join(err, opened.Close()))
		}
		return s, nil
	}
	reading, stop := context.WithCancel(ctx)
	var read sync.WaitGroup
	read.Go(func() {
		err := store.CheckSQLite(reading, file)
		if err == nil || reading.Err() != nil {
			return
		}
		slog.Error("the store was read through", "err", advise(err))
		if now := time.Now(); errors.Is(err, store.ErrDamaged) {
			s.damaged.Store(&now)
		}
	})
	s.close = func() { stop(); read.Wait(); opened.Close() }
	return s, nil
}

// serve runs the hub until ctx ends.
func serve(ctx context.Context, args []string) error {
	settings, err := parseServe(args)
	if err != nil {
		return err
	}
	if settings.checkOnly {
		system, err := settings.ils.open(nil)
		if err != nil {
			return err
		}
		defer system.Close()
		if _, done, err := settings.ils.learner(nil); err != nil {
			return err
		} else {
			done()
		}
		fmt.Println("the settings go together")
		return nil
	}
	opened, err := openSound(ctx, settings.data)
	if err != nil {
		return err
	}
	defer opened.close()
	s, library := opened.Store, opened.library
	system, err := settings.ils.open(s)
	if err != nil {
		return err
	}
	defer system.Close()
	learner, done, err := settings.ils.learner(s)
	if err != nil {
		return err
	}
	defer done()
	poster := hub.NewPoster(hub.PosterSettings{Store: s, Stations: s, ILS: system, Since: settings.ils.since, House: settings.ils.house,
		PostRules: hub.PostRules{Hold: settings.ils.wait}})
	n := network{settings: settings, store: s, library: library}
	if err := n.open(ctx); err != nil {
		return err
	}
	defer n.close()
	h, err := hub.Open(hub.Settings{
		Store:   s,
		Library: library,
		Version: program,
		Expel:   n.expel,
		Reach:   settings.reach,
		Dial: func(o link.Options) (link.Link, error) {
			o.Broker, o.Username, o.Password, o.TLS = n.pipe.Broker, n.pipe.Username, n.pipe.Password, n.pipe.TLS
			return link.Open(o)
		},
	})
	if err != nil {
		return err
	}
	elsewhere, err := settings.signIn.elsewhere()
	if err != nil {
		return err
	}
	patience := store.Patience{Silent: 10 * time.Minute, Behind: 15 * time.Minute}
	alerts, err := settings.alerts.open(s, patience, system.Name(), settings.signIn.url, poster.Away)
	if err != nil {
		return err
	}
	pages, err := web.New(web.Settings{Source: s, Watch: h.Watch, Hosts: settings.webHosts,
		Fewest: settings.fewest,
		Enrol: func(ctx context.Context, id circ.StationID, replace bool) (web.Enrolment, error) {
			return offer(ctx, s, id, settings.data, codeLife, replace)
		},
		ILS: system.Name(), Propose: proposals, Away: poster.Away, Unanswered: settings.ils.silence, Damaged: opened.since,
		Silent: patience.Silent, Behind: patience.Behind, Alerting: s, Telling: alerts.telling(), Privacy: s,
		Accounts: s, Restock: s, URL: settings.signIn.url, Idle: settings.signIn.idle, Longest: settings.signIn.longest, Elsewhere: elsewhere,
		// Who names other hosts has a proxy before the pages, behind which anybody may be.
		Local: loopback(settings.web) && len(settings.webHosts) == 0})
	if err != nil {
		return err
	}
	return together(ctx, h.Run, n.run, poster.Run, learner.Run, alerts.run, func(ctx context.Context) error { return listen(ctx, settings.web, pages) },
		func(ctx context.Context) error { return settings.signIn.tidied(ctx, s) },
		func(ctx context.Context) error { return watched(ctx, s) })
}

// proposals are what may be done about a posting, the best first.
func proposals(p store.Posting) (actions []store.Action) {
	for _, proposal := range hub.Propose(p) {
		actions = append(actions, proposal.Action)
	}
	return actions
}

// watched gives the service manager signs of life as long as the store answers,
// until ctx ends.
func watched(ctx context.Context, s store.Store) error {
	service.Watch(ctx, func(ctx context.Context) error {
		_, err := s.Fact(ctx, enrolPlace)
		return err
	})
	<-ctx.Done()
	return nil
}

// listen serves pages at address until ctx ends.
func listen(ctx context.Context, address string, pages http.Handler) error {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	slog.Info("serving", "web", "http://"+l.Addr().String())
	if err := service.Ready(); err != nil {
		slog.Warn("ready", "err", err)
	}
	// No write timeout: live pages stay open. Their end is the request's context.
	server := &http.Server{Handler: pages, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 16 << 10, BaseContext: func(net.Listener) context.Context { return ctx }}
	go func() {
		<-ctx.Done()
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		if err := server.Shutdown(last); err != nil {
			slog.Warn("close the pages", "err", err)
		}
	}()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// together runs services until all have ended; the end of one ends the others.
func together(ctx context.Context, services ...func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, len(services))
	for _, run := range services {
		go func() { ended <- run(ctx) }()
	}
	var err error
	for range services {
		err = errors.Join(err, <-ended)
		cancel()
	}
	return err
}
