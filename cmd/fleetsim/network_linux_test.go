package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
	"golang.org/x/sys/unix"

	"coldstation/cmd/internal/stage"
	"coldstation/sync/identity"
	"coldstation/sync/identity/enrol"
)

// abroad is a hub that speaks TLS, with its own broker, and the ways to it that fail.
type abroad struct {
	*stage.Stage
	web, mqtt string
	args      []string
	hub       *stage.Program
	seed      uint64
	known     int    // stations
	turn      uint64 // troubles
}

// next reports whether it is a trouble's turn: of three it is one's, by the seed, unless
// LONG=1 asks for all of them.
func (l *abroad) next() bool {
	l.turn++
	return os.Getenv("LONG") != "" || (l.seed+l.turn)%3 == 0
}

// library founds a hub that is also reached under the names.
func library(t *testing.T, names ...string) *abroad {
	t.Helper()
	l := &abroad{Stage: &stage.Stage{Dir: t.TempDir(), Bin: bin}}
	t.Cleanup(l.Close)
	enrolling, err := stage.FreeAddr()
	web, err2 := stage.FreeAddr()
	mqtt, err3 := stage.FreeAddr()
	if err := errors.Join(err, err2, err3); err != nil {
		t.Fatal(err)
	}
	l.web, l.mqtt = web, mqtt
	l.args = []string{"--data", "hub", "--web", web, "--mqtt", mqtt, "--enrol", enrolling, "--names", strings.Join(append([]string{"127.0.0.1"}, names...), ",")}
	if _, err := l.Run("hub", "demo", "--data", "hub"); err != nil {
		t.Fatal(err)
	}
	l.start(t)
	if l.seed, err = strconv.ParseUint(os.Getenv("FAULTS_SEED"), 10, 64); err != nil {
		l.seed = rand.Uint64N(1 << 40)
	}
	t.Logf("FAULTS_SEED=%d", l.seed)
	return l
}

func (l *abroad) start(t *testing.T) {
	t.Helper()
	var err error
	if l.hub, err = l.Start("hub", nil, l.args...); err != nil {
		t.Fatal(err)
	}
	l.until(t, "the hub", func() error {
		return errors.Join(l.hub.Alive(), stage.Listens(l.web), stage.Listens(l.mqtt), stage.Listens(l.args[7]))
	})
}

func (l *abroad) until(t *testing.T, what string, check func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 40*time.Second)
	defer cancel()
	if err := stage.Until(ctx, what, check); err != nil {
		t.Fatal(err)
	}
}

// enrol makes stations as a kiosk does, by codes, and answers the folder of their
// identities.
func (l *abroad) enrol(t *testing.T, names ...string) string {
	t.Helper()
	folder := t.TempDir()
	for _, name := range names {
		said, err := l.Run("hub", "station", "add", "--data", "hub", name)
		if err != nil {
			t.Fatal(err)
		}
		_, text, _ := strings.Cut(said, "kiosk enrol ")
		text, _, _ = strings.Cut(text, "\n")
		code, err := enrol.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		one, certificate, err := enrol.Ask(t.Context(), code, time.Now)
		if err != nil {
			t.Fatal(err)
		}
		_, err = one.NewPass(filepath.Join(folder, name+".crt"), certificate)
		if err := errors.Join(err, one.Save(filepath.Join(folder, name+".station"))); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

// online waits until stations are, or are not any more.
func (l *abroad) online(t *testing.T, names []string) {
	t.Helper()
	l.until(t, "the stations", func() error {
		var all []stage.StationView
		if err := stage.Get("http://"+l.web+"/api/stations", &all); err != nil {
			return err
		}
		n := 0
		for _, s := range all {
			for _, name := range names {
				if s.ID == name && s.Online {
					n++
				}
			}
		}
		if n < len(names) {
			return fmt.Errorf("%d of %d are online", n, len(names))
		}
		return nil
	})
}

// when a trouble begins.
type when int

const (
	later when = iota // once the stations are connected
	first             // before that
	wall              // before that, and nothing comes through
)

// suffer has stations work and deliver over a way to the hub, on which a trouble begins
// and after a while ends. All that they wrote must then be at the hub, once and in order.
func (l *abroad) suffer(t *testing.T, broker string, when when, begin func() (heal func())) {
	t.Helper()
	var names []string
	for range 3 {
		l.known++
		names = append(names, fmt.Sprint("station-", l.known))
	}
	folder := l.enrol(t, names...)
	var line map[string]float64
	var well bool
	var log string
	var working sync.WaitGroup
	var done atomic.Bool
	heal := func() {}
	if when != later {
		heal = begin()
	}
	working.Go(func() {
		line, well, log = run(t, "--visits", "4", "--seed", strconv.FormatUint(l.seed|1, 10), "--hub", "http://"+l.web,
			"--broker", "mqtts://"+broker, "--broker-qos", "0", "--identities", folder)
		done.Store(true)
	})
	if when == later {
		l.online(t, names)
		heal = begin()
	}
	time.Sleep(2 * time.Second) // that is how long the trouble lasts
	if when == wall && done.Load() {
		t.Error("all was delivered through a trouble that lets nothing through")
	}
	heal()
	working.Wait()
	wantSound(t, line, well, log, map[string]float64{"stations": 3, "seed": float64(l.seed | 1)})
}

// toxic is a way to the hub through toxiproxy.
type toxic struct {
	*toxiproxy.Proxy
	t *testing.T
}

func (l *abroad) toxic(t *testing.T) toxic {
	t.Helper()
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	p := toxiproxy.NewProxy(server, "way", "127.0.0.1:0", l.mqtt)
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	return toxic{p, t}
}

// add lets toxics work until they are healed.
func (p toxic) add(toxics ...string) (heal func()) {
	for _, one := range toxics {
		if _, err := p.Toxics.AddToxicJson(strings.NewReader(one)); err != nil {
			p.t.Error(err)
		}
	}
	return func() { p.Toxics.ResetToxics(context.WithoutCancel(p.t.Context())) }
}

// leads has the way lead somewhere else until it is healed.
func (p toxic) leads(elsewhere string) (heal func()) {
	back := toxiproxy.Proxy{Listen: p.Listen, Upstream: p.Upstream, Enabled: true}
	if err := p.Update(&toxiproxy.Proxy{Listen: p.Listen, Upstream: elsewhere, Enabled: true}); err != nil {
		p.t.Error(err)
	}
	return func() {
		if err := p.Update(&back); err != nil {
			p.t.Error(err)
		}
	}
}

// impostor listens with a certificate and answers how many came and how many of them
// believed it.
func impostor(t *testing.T, authority *identity.Authority, made time.Time) (address string, came, believed *atomic.Int64) {
	t.Helper()
	certificate, err := authority.Server([]string{"127.0.0.1"}, 24*time.Hour, made)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{certificate}, ClientAuth: tls.RequireAnyClientCert})
	if err != nil {
		t.Fatal(err)
	}
	came, believed = new(atomic.Int64), new(atomic.Int64)
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer conn.Close()
				_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
				came.Add(1)
				if conn.(*tls.Conn).Handshake() == nil {
					believed.Add(1)
				}
			})
		}
	})
	t.Cleanup(func() { listener.Close(); serving.Wait() })
	return listener.Addr().String(), came, believed
}

// TestToxics is one bad network after another, between the real hub with its broker and
// TLS and real stations.
func TestToxics(t *testing.T) {
	l := library(t)
	const up, down = `"stream":"upstream"`, `"stream":"downstream"`
	for _, c := range []struct {
		name   string
		toxics []string
		when   when
	}{
		{"delay", []string{`{"type":"latency",` + up + `,"attributes":{"latency":300,"jitter":200}}`, `{"type":"latency",` + down + `,"attributes":{"latency":300,"jitter":200}}`}, first},
		{"torn into pieces", []string{`{"type":"slicer",` + up + `,"attributes":{"average_size":7,"size_variation":3,"delay":500}}`}, first},
		{"hole", []string{`{"type":"timeout",` + up + `,"attributes":{"timeout":0}}`, `{"type":"timeout",` + down + `,"attributes":{"timeout":0}}`}, later},
		{"hole from the first", []string{`{"type":"timeout",` + up + `,"attributes":{"timeout":0}}`, `{"type":"timeout",` + down + `,"attributes":{"timeout":0}}`}, wall},
		{"half open up", []string{`{"type":"timeout",` + up + `,"attributes":{"timeout":0}}`}, later},
		{"half open down", []string{`{"type":"timeout",` + down + `,"attributes":{"timeout":0}}`}, later},
		{"64 bytes a second", []string{`{"type":"slicer",` + up + `,"attributes":{"average_size":64,"delay":1000000}}`, `{"type":"slicer",` + down + `,"attributes":{"average_size":64,"delay":1000000}}`}, later},
		{"reset", []string{`{"type":"reset_peer",` + up + `,"attributes":{"timeout":50}}`}, later},
		{"cut off after 6000 bytes", []string{`{"type":"limit_data",` + up + `,"attributes":{"bytes":6000}}`}, first},
	} {
		if !l.next() {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			p := l.toxic(t)
			l.suffer(t, p.Listen, c.when, func() func() { return p.add(c.toxics...) })
		})
	}
	t.Run("hub and broker killed", func(t *testing.T) {
		p := l.toxic(t)
		l.suffer(t, p.Listen, later, func() func() {
			l.hub.Kill()
			return func() { l.start(t) }
		})
	})
	ours, err := identity.LoadAuthority(filepath.Join(l.Dir, "hub"), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := identity.LoadAuthority(t.TempDir(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name      string
		authority *identity.Authority
		made      time.Time
	}{
		{"another library's certificate", theirs, time.Now()},
		{"certificate that has run out", ours, time.Now().AddDate(0, 0, -3)},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := l.toxic(t)
			address, came, believed := impostor(t, c.authority, c.made)
			l.suffer(t, p.Listen, wall, func() func() { return p.leads(address) })
			if came.Load() < 3 || believed.Load() > 0 {
				t.Errorf("%d connections came to it, and %d believed it", came.Load(), believed.Load())
			}
		})
	}
}

// street is a way to the hub over a network of its own: two ends of a cable, the far
// one in a name space, with a relay from there.
type street struct {
	t                    *testing.T
	space, near, far     string // names
	nearAddress, address string
	relay                net.Listener
}

// do runs a tool of the system.
func do(command ...string) error {
	out, err := exec.Command(command[0], command[1:]...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(command, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}

// in runs ip, tc or nft inside the name space.
func (s *street) in(command ...string) error {
	return do(append([]string{"ip", "netns", "exec", s.space}, command...)...)
}

// build makes the street. Its addresses are its own, of the range for tests between
// networks (RFC 2544).
func (s *street) build(to string) error {
	n := os.Getpid() % 200
	s.space, s.near, s.far = fmt.Sprint("cs-", os.Getpid()), fmt.Sprint("cs-a", n), fmt.Sprint("cs-b", n)
	s.nearAddress, s.address = fmt.Sprintf("198.18.%d.1", n), fmt.Sprintf("198.18.%d.2", n)
	if err := do("ip", "netns", "add", s.space); err != nil {
		return err
	}
	s.t.Cleanup(func() {
		if err := do("ip", "netns", "del", s.space); err != nil { // with it goes the cable
			s.t.Error(err)
		}
	})
	for _, step := range []error{
		do("ip", "link", "add", s.near, "type", "veth", "peer", "name", s.far, "netns", s.space),
		do("ip", "addr", "add", s.nearAddress+"/24", "dev", s.near), do("ip", "link", "set", s.near, "up"),
		s.in("ip", "addr", "add", s.address+"/24", "dev", s.far), s.in("ip", "link", "set", s.far, "up"),
	} {
		if step != nil {
			return step
		}
	}
	if err := s.listen(); err != nil {
		return err
	}
	var carrying sync.WaitGroup
	carrying.Go(func() {
		for {
			near, err := s.relay.Accept()
			if err != nil {
				return
			}
			carrying.Go(func() { carry(near, to) })
		}
	})
	s.t.Cleanup(func() { s.relay.Close() })
	return nil
}

// listen opens the relay inside the name space, where its socket then stays.
func (s *street) listen() error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // for good: the thread ends in the name space that it entered
		space, err := os.Open(filepath.Join("/run/netns", s.space))
		if err == nil {
			defer space.Close()
			err = unix.Setns(int(space.Fd()), unix.CLONE_NEWNET)
		}
		if err == nil {
			s.relay, err = net.Listen("tcp", s.address+":0")
		}
		done <- err
	}()
	return <-done
}

func carry(near net.Conn, to string) {
	defer near.Close()
	far, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	defer far.Close()
	go func() {
		_, _ = io.Copy(far, near)
		far.Close()
	}()
	_, _ = io.Copy(near, far)
}

// rules has the name space drop what they say until it is healed.
func (s *street) rules(rules ...string) (heal func()) {
	table := "add table inet t\nadd chain inet t in { type filter hook input priority 0; }\nadd chain inet t out { type filter hook output priority 0; }\n"
	for _, rule := range rules {
		table += "add rule inet t " + rule + "\n"
	}
	file := filepath.Join(s.t.TempDir(), "rules")
	if err := errors.Join(os.WriteFile(file, []byte(table), 0o600), s.in("nft", "-f", file)); err != nil {
		s.t.Error(err)
	}
	return func() {
		if err := s.in("nft", "delete", "table", "inet", "t"); err != nil {
			s.t.Error(err)
		}
	}
}

// queue has both ends of the cable queue what they send until it is healed.
func (s *street) queue(discipline ...string) (heal func(), err error) {
	near := append([]string{"tc", "qdisc", "replace", "dev", s.near, "root"}, discipline...)
	far := append([]string{"tc", "qdisc", "replace", "dev", s.far, "root"}, discipline...)
	if err := errors.Join(do(near...), s.in(far...)); err != nil {
		return func() {}, err
	}
	return func() {
		if err := errors.Join(do("tc", "qdisc", "del", "dev", s.near, "root"), s.in("tc", "qdisc", "del", "dev", s.far, "root")); err != nil {
			s.t.Error(err)
		}
	}, nil
}

// TestNameSpaces is the same where the kernel loses packets, on a network in a name
// space.
func TestNameSpaces(t *testing.T) {
	if os.Getuid() != 0 {
		t.Log("only root makes networks, so none was bad here")
		return
	}
	s := &street{t: t}
	n := os.Getpid() % 200
	l := library(t, fmt.Sprintf("198.18.%d.2", n))
	if err := s.build(l.mqtt); err != nil {
		t.Fatal(err)
	}
	const loses = "numgen random mod 100 < 12 drop"
	for _, c := range []struct {
		name  string
		when  when
		begin func() func()
	}{
		{"an eighth lost", first, func() func() { return s.rules("in "+loses, "out "+loses) }},
		{"nothing comes", later, func() func() { return s.rules("in drop", "out drop") }},
		{"nothing comes from the first", wall, func() func() { return s.rules("in drop", "out drop") }},
		{"nothing comes back", later, func() func() { return s.rules("out drop") }},
		{"nothing goes there", later, func() func() { return s.rules("in drop") }},
		{"refused", wall, func() func() { return s.rules("in meta l4proto tcp reject with tcp reset") }},
		{"cable pulled", later, func() func() {
			if err := s.in("ip", "link", "set", s.far, "down"); err != nil {
				t.Error(err)
			}
			return func() {
				if err := s.in("ip", "link", "set", s.far, "up"); err != nil {
					t.Error(err)
				}
			}
		}},
		{"64 bytes a second", later, func() func() {
			heal, err := s.queue("tbf", "rate", "512bit", "burst", "1600", "limit", "6000")
			if err != nil {
				t.Error(err)
			}
			return heal
		}},
		{"late and out of order", first, func() func() {
			heal, err := s.queue("netem", "delay", "150ms", "100ms", "loss", "5%", "duplicate", "5%", "reorder", "25%")
			if err != nil {
				t.Error(err)
			}
			return heal
		}},
	} {
		if !l.next() {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			if c.name == "late and out of order" { // nothing to install makes up for a kernel without it
				heal, err := s.queue("netem", "delay", "1ms")
				if err != nil {
					t.Skip("this kernel has no netem, so nothing is late here but by TestToxics:", err)
				}
				heal()
			}
			l.suffer(t, s.relay.Addr().String(), c.when, c.begin)
		})
	}
}
