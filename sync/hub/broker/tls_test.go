package broker_test

import (
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"coldstation/sync/circ"
	"coldstation/sync/hub/broker"
	"coldstation/sync/identity"
	"coldstation/sync/link"
	"coldstation/sync/link/linktest"
	"coldstation/sync/wire"
)

// house is a library's authority and what its members go to a broker with.
type house struct {
	t         *testing.T
	authority *identity.Authority
	passes    map[circ.StationID]*identity.Pass
	serials   map[circ.StationID]*big.Int
}

func newHouse(t *testing.T, stations ...circ.StationID) *house {
	t.Helper()
	h := &house{t: t, passes: make(map[circ.StationID]*identity.Pass), serials: make(map[circ.StationID]*big.Int)}
	var err error
	if h.authority, err = identity.LoadAuthority(t.TempDir(), time.Now()); err != nil {
		t.Fatal(err)
	}
	for _, id := range stations {
		s := identity.NewStation()
		s.Station, s.Authority = id, h.authority.Certificate().Raw
		cert, err := h.authority.Station(id, s.SigningKey().Public().(ed25519.PublicKey), time.Now())
		if err != nil {
			t.Fatal(err)
		}
		h.serials[id] = cert.SerialNumber
		if h.passes[id], err = s.NewPass(filepath.Join(t.TempDir(), "crt"), cert.Raw); err != nil {
			t.Fatal(err)
		}
	}
	return h
}

func (h *house) hub(url string) link.Options {
	o := options(url, "whoever", "", "cs/v1/#")
	o.ClientID, o.TLS = identity.HubClientID("1"), h.authority.HubTLS(nil, time.Now)
	return o
}

// station comes by a name that is not its own: its certificate says who it is.
func (h *house) station(url string, id circ.StationID) link.Options {
	o := options(url, "whoever", "", wire.Topic(id, wire.Down), wire.HubState)
	o.ClientID, o.TLS = identity.ClientID(id), h.passes[id].TLS(url, time.Now)
	return o
}

func (h *house) byCertificate(v broker.Visitor) (broker.Role, bool) {
	if v.Certificate == nil {
		return broker.Role{}, false
	}
	name := identity.Name(v.Certificate)
	return broker.Role{Hub: name == identity.HubName, Station: circ.StationID(name)}, name == identity.HubName || v.ClientID == identity.ClientID(circ.StationID(name))
}

// rules: over TLS each is who its certificate says, hears and says what that one
// may, and nothing else.
func rules(t *testing.T, h *house, url string) {
	hub := connect(t, h.hub(url))
	maple, birch := connect(t, h.station(url, "maple-house")), connect(t, h.station(url, "birch-house"))
	publish(t, hub, wire.Topic("maple-house", wire.Down), "for maple", false)
	publish(t, hub, wire.Topic("birch-house", wire.Down), "for birch", false)
	for l, want := range map[link.Link]string{maple: "for maple", birch: "for birch"} {
		if m := linktest.Next[link.Message](t, l); string(m.Payload) != want {
			t.Errorf("heard %q on %s, want %q", m.Payload, m.Topic, want)
		}
	}
	drain := func(until string) (heard []string) {
		for {
			switch m := linktest.Next[link.Message](t, hub); {
			case string(m.Payload) == until:
				return heard
			case !strings.HasPrefix(string(m.Payload), "for "): // its own words to the stations
				heard = append(heard, m.Topic+" "+string(m.Payload))
			}
		}
	}
	publish(t, maple, wire.Topic("maple-house", wire.Up), "hello", false)
	publish(t, maple, wire.Topic("maple-house", wire.Birth), "here", true)
	if heard := drain("here"); len(heard) != 1 || heard[0] != wire.Topic("maple-house", wire.Up)+" hello" {
		t.Errorf("the hub heard %v", heard)
	}
	for i, topic := range []string{wire.Topic("birch-house", wire.Up), wire.Topic("birch-house", wire.Birth), wire.Topic("birch-house", wire.Down),
		wire.Topic("maple-house", wire.Down), wire.HubState, "cs/v1/x", "$SYS/x"} {
		publish(t, maple, topic, "forbidden", false)
		publish(t, maple, topic, "forbidden", true)
		// A broker may end the connection for it; then it comes back.
		end := fmt.Sprint("end ", i)
		for late := time.Now().Add(20 * time.Second); maple.Publish(wire.Topic("maple-house", wire.Up), []byte(end), false) != nil; time.Sleep(10 * time.Millisecond) {
			if time.Now().After(late) {
				t.Fatal("does not come back")
			}
		}
		heard := make(chan []string, 1)
		go func() { heard <- drain(end) }()
		again := time.NewTicker(200 * time.Millisecond)
		for waiting := true; waiting; {
			select {
			case all := <-heard:
				waiting = false
				for _, what := range all {
					if strings.HasSuffix(what, "forbidden") {
						t.Errorf("a station's word came out at %s", what)
					}
				}
			case <-again.C: // what was lost with the connection is said once more
				_ = maple.Publish(wire.Topic("maple-house", wire.Up), []byte(end), false)
			}
		}
		again.Stop()
	}
	maple.Close()
	for _, filter := range []string{"#", "cs/v1/+/+/up", wire.Topic("birch-house", wire.Down)} {
		o := h.station(url, "maple-house")
		o.Subscriptions = []link.Subscription{{Filter: filter}, {Filter: wire.Topic("maple-house", wire.Down)}}
		o.FirstRetry, o.LastRetry = time.Minute, time.Minute
		nosy := open(t, o)
		// One broker refuses to subscribe, another grants it and then passes nothing on.
		granted := false
		select {
		case e := <-nosy.Events():
			_, granted = e.(link.Up)
		case <-time.After(time.Second):
		}
		publish(t, hub, wire.Topic("birch-house", wire.Down), "secret", false)
		publish(t, birch, wire.Topic("birch-house", wire.Up), "secret", false)
		publish(t, hub, wire.Topic("maple-house", wire.Down), "yours", false)
		if granted {
			expect(t, nosy, wire.Topic("maple-house", wire.Down), "yours")
		}
		nosy.Close()
	}
	birch.Close()
	hub.Close()
}

func startTLS(t *testing.T, h *house) *broker.Broker {
	t.Helper()
	b, err := broker.Start(t.Context(), broker.Options{Folder: t.TempDir(), Authenticate: h.byCertificate, Log: slog.New(slog.DiscardHandler),
		TLS: h.authority.ServerTLS([]string{"127.0.0.1"}, tls.RequireAndVerifyClientCert, time.Now)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

func TestRulesOverTLS(t *testing.T) {
	h := newHouse(t, "maple-house", "birch-house")
	rules(t, h, "mqtts://"+startTLS(t, h).Addr())
}

// TestExpel: whom the hub expels is gone at once, and nobody else.
func TestExpel(t *testing.T) {
	h := newHouse(t, "maple-house", "birch-house")
	b := startTLS(t, h)
	url := "mqtts://" + b.Addr()
	hub := connect(t, h.hub(url))
	maple, birch := connect(t, h.station(url, "maple-house")), connect(t, h.station(url, "birch-house"))
	if err := b.Expel("maple-house"); err != nil {
		t.Fatal(err)
	}
	linktest.Next[link.Down](t, maple)
	publish(t, hub, wire.Topic("birch-house", wire.Down), "still here", false)
	expect(t, birch, wire.Topic("birch-house", wire.Down), "still here")
	if err := b.Expel("nowhere"); err != nil {
		t.Error(err)
	}
}

// TestNotCastOut: a station that comes by another's client id, or the hub's, is
// turned away and casts out nobody.
func TestNotCastOut(t *testing.T) {
	h := newHouse(t, "maple-house", "birch-house")
	url := "mqtts://" + startTLS(t, h).Addr()
	hub, birch := connect(t, h.hub(url)), connect(t, h.station(url, "birch-house"))
	for _, id := range []string{identity.ClientID("birch-house"), identity.HubClientID("1"), ""} {
		o := h.station(url, "maple-house")
		if o.ClientID = id; id == "" {
			o.ClientID = "x"
		}
		o.FirstRetry, o.LastRetry = time.Millisecond, 10*time.Millisecond
		refused := make(chan error, 100)
		o.Log = slog.New(faults{refused})
		foe := open(t, o)
		for range 3 {
			select {
			case <-refused:
			case e := <-foe.Events():
				t.Fatalf("as %s: %T", o.ClientID, e)
			case <-time.After(20 * time.Second):
				t.Fatal("neither let in nor turned away")
			}
		}
		foe.Close()
	}
	publish(t, birch, wire.Topic("birch-house", wire.Up), "still here", false)
	expect(t, hub, wire.Topic("birch-house", wire.Up), "still here")
	publish(t, hub, wire.Topic("birch-house", wire.Down), "you too", false)
	expect(t, birch, wire.Topic("birch-house", wire.Down), "you too")
}

// TestClaims: a packet that claims to be of 256 MB is refused by its head, before
// anything of it is waited for, from strangers and from stations.
func TestClaims(t *testing.T) {
	address := start(t, t.TempDir()).Addr()
	huge := []byte{0xFF, 0xFF, 0xFF, 0x7F}
	hello := append([]byte{0x10, 22, 0, 4, 'M', 'Q', 'T', 'T', 4, 0xC2, 0, 0}, "\x00\x04cs-a\x00\x01a\x00\x01a"...)
	for name, packets := range map[string][]byte{
		"a CONNECT":   append([]byte{0x10}, huge...),
		"a PUBLISH":   append(append(hello[:len(hello):len(hello)], 0x32), huge...),
		"a SUBSCRIBE": append(append(hello[:len(hello):len(hello)], 0x82), huge...),
	} {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Write(packets); err != nil {
			t.Fatal(err)
		}
		_ = conn.SetReadDeadline(time.Now().Add(5 * time.Second)) // less than the broker's patience with strangers
		if _, err := io.Copy(io.Discard, conn); os.IsTimeout(err) {
			t.Errorf("%s: the broker waits for 256 MB", name)
		}
		conn.Close()
	}
}

// TestNobodyStalls: one station that is sent more and more and reads nothing, and
// one that says more and more, hold up neither the hub nor another station.
func TestNobodyStalls(t *testing.T) {
	said := make(spoken, 1)
	server, err := broker.Start(t.Context(), broker.Options{Folder: t.TempDir(), Authenticate: door, Log: slog.New(said)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	address := server.Addr()
	url := "mqtt://" + address
	hub := connect(t, options(url, "hub", "buh", wire.Topic("b", wire.Up)))
	b := connect(t, options(url, "b", "b", wire.Topic("b", wire.Down)))

	deaf, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer deaf.Close()
	if err := deaf.(*net.TCPConn).SetReadBuffer(4096); err != nil {
		t.Fatal(err)
	}
	topic := wire.Topic("a", wire.Down)
	for _, packet := range [][]byte{
		append([]byte{0x10, 22, 0, 4, 'M', 'Q', 'T', 'T', 4, 0xC2, 0, 0}, "\x00\x04cs-a\x00\x01a\x00\x01a"...), // CONNECT (MQTT 3.1.1, 3.1)
		append([]byte{0x82, byte(5 + len(topic)), 0, 1, 0, byte(len(topic))}, append([]byte(topic), 0)...),     // SUBSCRIBE (3.8)
	} {
		if _, err := deaf.Write(packet); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := io.ReadFull(deaf, make([]byte, 9)); err != nil { // CONNACK and SUBACK, and then never again
		t.Fatal(err)
	}
	loud := connect(t, func() link.Options { o := options(url, "c", "c"); return o }())
	stop := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		noise := make([]byte, 1024)
		for {
			select {
			case <-stop:
				return
			default:
				_ = loud.Publish(wire.Topic("c", wire.Up), noise, false)
			}
		}
	}()
	big := strings.Repeat("x", 200<<10)
	for i := range 150 { // 30 MB, beyond what broker and kernel keep for one reader
		publish(t, hub, topic, big, false)
		publish(t, hub, wire.Topic("b", wire.Down), fmt.Sprint(i), false)
		expect(t, b, wire.Topic("b", wire.Down), fmt.Sprint(i))
		publish(t, b, wire.Topic("b", wire.Up), fmt.Sprint(i), false)
		expect(t, hub, wire.Topic("b", wire.Up), fmt.Sprint(i))
	}
	close(stop)
	<-done
	select {
	case <-said:
	case <-time.After(time.Minute):
		t.Error("the one that read nothing was not cut off")
	}
}

// spoken hears a broker say that it cuts off a slow reader.
type spoken chan struct{}

func (s spoken) Enabled(context.Context, slog.Level) bool { return true }
func (s spoken) WithAttrs([]slog.Attr) slog.Handler       { return s }
func (s spoken) WithGroup(string) slog.Handler            { return s }
func (s spoken) Handle(_ context.Context, r slog.Record) error {
	r.Attrs(func(a slog.Attr) bool {
		if text := a.Value.String(); strings.Contains(text, "MaxPending") || strings.Contains(text, "WriteDeadline") {
			select {
			case s <- struct{}{}:
			default:
			}
		}
		return true
	})
	return nil
}

// TestMosquitto: the configuration that is shipped makes Debian's Mosquitto keep
// the same rules, and a revoked station out.
func TestMosquitto(t *testing.T) {
	program := "/usr/sbin/mosquitto"
	if _, err := os.Stat(program); err != nil {
		if os.Getenv("REAL") != "" {
			t.Fatal(err)
		}
		t.Skip("no mosquitto here; REAL=1 makes that a failure")
	}
	h := newHouse(t, "maple-house", "birch-house")
	folder := t.TempDir()
	if err := os.Chmod(folder, 0o755); err != nil { // Mosquitto gives up root
		t.Fatal(err)
	}
	in := func(name string) string { return filepath.Join(folder, name) }
	write := func(name string, content []byte, err error) {
		t.Helper()
		if err == nil {
			err = os.WriteFile(in(name), content, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	pair, err := h.authority.Server([]string{"127.0.0.1"}, identity.BrokerLife, time.Now())
	if err == nil {
		err = identity.WriteKeyPair(in("broker.crt"), in("broker.key"), pair)
	}
	write("authority.crt", h.authority.PEM(), err)
	crl, err := h.authority.RevocationList(nil, time.Now())
	write("revoked.crl", crl, err)
	acl, err := os.ReadFile("../../../packaging/mosquitto/coldstation.acl")
	write("coldstation.acl", acl, err)
	config, err := os.ReadFile("../../../packaging/mosquitto/coldstation.conf")
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	text := strings.ReplaceAll(string(config), "/etc/mosquitto/coldstation/", folder+"/")
	text = strings.Replace(text, "listener 8883", "user root\nlistener "+strings.TrimPrefix(address, "127.0.0.1:")+" 127.0.0.1", 1)
	write("mosquitto.conf", []byte(text), nil)
	process := exec.Command(program, "-c", in("mosquitto.conf"))
	var said strings.Builder
	process.Stderr = &said
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = process.Process.Kill()
		_ = process.Wait()
		if t.Failed() {
			t.Log(said.String())
		}
	})
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if c, err := net.Dial("tcp", address); err == nil {
			c.Close()
			break
		}
		if time.Now().After(end) {
			t.Fatal("mosquitto does not listen")
		}
	}
	url := "mqtts://" + address
	rules(t, h, url)
	hub := connect(t, h.hub(url))
	huge := connect(t, h.station(url, "birch-house"))
	publish(t, huge, wire.Topic("birch-house", wire.Up), strings.Repeat("x", broker.MaxPayload), false)
	for {
		if m := linktest.Next[link.Message](t, hub); m.Topic == wire.Topic("birch-house", wire.Up) {
			if len(m.Payload) != broker.MaxPayload {
				t.Errorf("%d bytes, want %d", len(m.Payload), broker.MaxPayload)
			}
			break
		}
	}
	publish(t, huge, wire.Topic("birch-house", wire.Up), strings.Repeat("x", broker.MaxPayload+16<<10), false)
	linktest.Next[link.Down](t, huge)

	crl, err = h.authority.RevocationList([]*big.Int{h.serials["maple-house"]}, time.Now())
	write("revoked.crl", crl, err)
	if err := process.Process.Signal(syscall.SIGHUP); err != nil { // systemctl reload mosquitto
		t.Fatal(err)
	}
	for late := time.Now().Add(20 * time.Second); !refused(t, h.station(url, "maple-house"), "revoked"); {
		if time.Now().After(late) {
			t.Fatal("a revoked station is let in")
		}
	}
	connect(t, h.station(url, "birch-house"))
}

// refused tells whether a broker turns a station away and says why.
func refused(t *testing.T, o link.Options, why string) bool {
	said := make(chan error, 100)
	o.Log = slog.New(faults{said})
	l := open(t, o)
	defer l.Close()
	for late := time.After(5 * time.Second); ; {
		select {
		case err := <-said:
			if strings.Contains(err.Error(), why) { // as TLS says, where the end of the connection does not come first
				return true
			}
		case <-l.Events():
			return false
		case <-late:
			return false
		}
	}
}
