package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"coldstation/cmd/internal/conf"
	"coldstation/sync/circ"
	"coldstation/sync/hub"
	"coldstation/sync/hub/broker"
	"coldstation/sync/hub/store"
	"coldstation/sync/hub/web"
	"coldstation/sync/link"
)

const program = "coldstation-hub/0.1"

// serve runs the hub until ctx ends.
func serve(ctx context.Context, args []string) error {
	set := flag.NewFlagSet("hub", flag.ContinueOnError)
	var (
		data     = dataFlag(set)
		page     = set.String("web", "127.0.0.1:8080", "`host:port` of the librarians' pages")
		hosts    = set.String("web-hosts", "", "further `names`, by commas, that the pages may be asked for by")
		mqtt     = set.String("mqtt", "127.0.0.1:1883", "`host:port` of the hub's own broker, when --broker names none")
		external = set.String("broker", "", "mqtt:// or tls:// `address` of a broker that runs elsewhere")
		user     = set.String("broker-user", "cs-hub", "the hub's `name` at that broker")
		password = set.String("broker-password-file", "", "`file` with the hub's password there")
	)
	if err := conf.Parse(set, args); err != nil {
		return err
	}
	if set.NArg() > 0 {
		return fmt.Errorf("%q is no command; see hub --help", set.Arg(0))
	}
	s, library, err := open(*data)
	if err != nil {
		return err
	}
	defer s.Close()

	pipe := link.Options{Broker: *external, Username: *user}
	if *password != "" {
		secret, err := os.ReadFile(*password)
		if err != nil {
			return err
		}
		pipe.Password = strings.TrimSpace(string(secret))
	}
	if *external == "" {
		pipe.Username, pipe.Password = "hub", rand.Text()
		b, err := broker.Start(ctx, broker.Options{
			Listen:       *mqtt,
			Folder:       filepath.Join(*data, "broker"),
			Authenticate: door(s, pipe.Username, pipe.Password),
		})
		if err != nil {
			return err
		}
		defer b.Close()
		pipe.Broker = "mqtt://" + b.Addr()
	}
	h, err := hub.Open(hub.Settings{
		Store:   s,
		Library: library,
		Version: program,
		Dial: func(o link.Options) (link.Link, error) {
			o.Broker, o.Username, o.Password = pipe.Broker, pipe.Username, pipe.Password
			return link.Open(o)
		},
	})
	if err != nil {
		return err
	}
	pages, err := web.New(web.Settings{Source: s, Watch: h.Watch, Hosts: strings.FieldsFunc(*hosts, func(r rune) bool { return r == ',' })})
	if err != nil {
		return err
	}
	return both(ctx, h.Run, func(ctx context.Context) error { return listen(ctx, *page, pages) })
}

// door lets in the hub by its password of this run, and stations by theirs.
func door(s store.Store, hubUser, hubPassword string) func(user, password string) (broker.Role, bool) {
	return func(user, password string) (broker.Role, bool) {
		if user == hubUser {
			return broker.Role{Hub: true}, password == hubPassword
		}
		id := circ.StationID(user)
		if !id.Valid() {
			return broker.Role{}, false
		}
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		enrolled, err := s.Enrolled(ctx, id)
		if err != nil && !errors.Is(err, store.ErrNoStation) {
			slog.Error("look up a station at the broker's door", "station", id, "err", err)
		}
		return broker.Role{Station: id}, err == nil && enrolled.Admits(password)
	}
}

// listen serves pages at address until ctx ends.
func listen(ctx context.Context, address string, pages http.Handler) error {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	slog.Info("serving", "web", "http://"+l.Addr().String())
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

// both runs two services until both have ended; the end of one ends the other.
func both(ctx context.Context, first, second func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, 2)
	for _, run := range []func(context.Context) error{first, second} {
		go func() { ended <- run(ctx) }()
	}
	err := <-ended
	cancel()
	return errors.Join(err, <-ended)
}
