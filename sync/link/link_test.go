package link_test

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"coldstation/sync/hub/broker"
	"coldstation/sync/identity"
	"coldstation/sync/link"
	"coldstation/sync/link/linktest"
)

func TestMemory(t *testing.T) {
	linktest.Run(t, func(t *testing.T) linktest.Broker {
		b := link.NewMemory(1)
		return linktest.Broker{
			Open: func(_ *testing.T, o link.Options) link.Link { return b.Open(o) },
			Cut:  b.Cut, Mend: b.Mend,
		}
	})
}

func TestEmbedded(t *testing.T) {
	linktest.Run(t, func(t *testing.T) linktest.Broker { return over(linktest.NewCable(t, embedded(t))) })
}

// TestTLS: the same over TLS, at both ends by certificate.
func TestTLS(t *testing.T) {
	authority, err := identity.LoadAuthority(t.TempDir(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	linktest.Run(t, func(t *testing.T) linktest.Broker {
		b, err := broker.Start(t.Context(), broker.Options{
			Folder: t.TempDir(),
			TLS:    authority.ServerTLS([]string{"127.0.0.1"}, tls.RequireAndVerifyClientCert, time.Now),
			Authenticate: func(v broker.Visitor) (broker.Role, bool) {
				return broker.Role{Hub: true}, identity.Name(v.Certificate) == identity.HubName
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { b.Close() })
		cable := linktest.NewCable(t, b.Addr())
		return linktest.Broker{
			Open: func(t *testing.T, o link.Options) link.Link {
				o.Broker, o.TLS = "mqtts"+strings.TrimPrefix(cable.URL(), "mqtt"), authority.HubTLS(nil, time.Now)
				return open(t, o)
			},
			Cut: cable.Cut, Mend: cable.Mend,
		}
	})
}

func TestMosquitto(t *testing.T) {
	linktest.Run(t, func(t *testing.T) linktest.Broker {
		return over(linktest.NewCable(t, newMosquitto(t).address))
	})
}

// over is a real broker at the far end of a cable.
func over(c *linktest.Cable) linktest.Broker {
	return linktest.Broker{
		Open: func(t *testing.T, o link.Options) link.Link {
			o.Broker, o.Username, o.Password = c.URL(), "hub", "hub"
			return open(t, o)
		},
		Cut: c.Cut, Mend: c.Mend,
	}
}

func open(t *testing.T, o link.Options) link.Link {
	t.Helper()
	l, err := link.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func embedded(t *testing.T) string {
	b, err := broker.Start(t.Context(), broker.Options{
		Folder:       t.TempDir(),
		Authenticate: func(v broker.Visitor) (broker.Role, bool) { return broker.Role{Hub: true}, v.Name == "hub" },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b.Addr()
}

// mosquitto is a real one on a free port.
type mosquitto struct {
	t       *testing.T
	binary  string
	config  string
	address string
	process *exec.Cmd
}

func newMosquitto(t *testing.T) *mosquitto {
	t.Helper()
	binary, err := exec.LookPath("mosquitto")
	if err != nil {
		binary, err = exec.LookPath("/usr/sbin/mosquitto")
	}
	if err != nil {
		if os.Getenv("REAL") != "" {
			t.Fatal(err)
		}
		t.Skip(err) // make test sets REAL and installs it
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m := &mosquitto{t: t, binary: binary, address: free.Addr().String(), config: filepath.Join(t.TempDir(), "mosquitto.conf")}
	config := fmt.Sprintf("listener %d 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\npersistence false\nmax_queued_messages 100000\nmax_inflight_messages 100\n",
		free.Addr().(*net.TCPAddr).Port)
	if err := os.WriteFile(m.config, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	free.Close()
	m.start()
	t.Cleanup(m.kill)
	return m
}

func (m *mosquitto) start() {
	m.t.Helper()
	m.process = exec.Command(m.binary, "-c", m.config)
	if err := m.process.Start(); err != nil {
		m.t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if c, err := net.Dial("tcp", m.address); err == nil {
			c.Close()
			return
		}
		if time.Now().After(deadline) {
			m.t.Fatal("mosquitto does not listen")
		}
	}
}

func (m *mosquitto) kill() {
	_ = m.process.Process.Kill()
	_ = m.process.Wait()
}

// A broker that is killed and started again is found again, with nothing kept
// from before that the link relies on.
func TestBrokerKilled(t *testing.T) {
	m := newMosquitto(t)
	l := open(t, link.Options{Broker: "mqtt://" + m.address, ClientID: "cs-a", FirstRetry: 20 * time.Millisecond, LastRetry: 200 * time.Millisecond,
		Subscriptions: []link.Subscription{{Filter: "cs/v1/1/a/down", QoS: 1}}})
	linktest.Next[link.Up](t, l)
	for range 3 {
		m.kill()
		linktest.Next[link.Down](t, l)
		m.start()
		linktest.Next[link.Up](t, l)
		if err := l.Publish("cs/v1/1/a/down", []byte("here"), false); err != nil {
			t.Fatal(err)
		}
		linktest.Next[link.Message](t, l)
	}
}

// A peer that is connected and silent is noticed, whether we have nothing to say
// or more than the line takes.
func TestHalfOpen(t *testing.T) {
	for name, size := range map[string]int{"idle": 0, "busy": 64 << 10} {
		t.Run(name, func(t *testing.T) {
			cable := linktest.NewCable(t, embedded(t))
			l := open(t, link.Options{Broker: cable.URL(), Username: "hub", Password: "hub", ClientID: "cs-a",
				KeepAlive: time.Second, PingTimeout: time.Second, WriteTimeout: 2 * time.Second})
			linktest.Next[link.Up](t, l)
			cable.Hang()
			stop := make(chan struct{})
			if size > 0 {
				go func() { // blocks when the line is full, which is the point
					for {
						select {
						case <-stop:
							return
						default:
							if l.Publish("cs/v1/1/a/up", make([]byte, size), false) != nil {
								return
							}
						}
					}
				}()
			}
			linktest.Next[link.Down](t, l)
			close(stop)
		})
	}
}

// A stranger is turned away, tries again, and never believes to be connected.
func TestStranger(t *testing.T) {
	asked := make(chan string, 100)
	b, err := broker.Start(t.Context(), broker.Options{Folder: t.TempDir(), Authenticate: func(v broker.Visitor) (broker.Role, bool) {
		asked <- v.Name
		return broker.Role{}, false
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	l := open(t, link.Options{Broker: "mqtt://" + b.Addr(), Username: "nobody", ClientID: "cs-a", FirstRetry: time.Millisecond, LastRetry: 10 * time.Millisecond})
	for range 3 {
		select {
		case e := <-l.Events():
			t.Fatalf("%T %+v, want no connection for a stranger", e, e)
		case <-asked:
		case <-time.After(10 * time.Second):
			t.Fatal("does not try again")
		}
	}
	if err := l.Publish("cs/v1/1/a/up", nil, false); !errors.Is(err, link.ErrDown) {
		t.Errorf("publish: %v, want ErrDown", err)
	}
}

func TestOptions(t *testing.T) {
	for name, o := range map[string]link.Options{
		"no scheme":           {Broker: "localhost:1883", ClientID: "a"},
		"no port":             {Broker: "mqtt://localhost", ClientID: "a"},
		"a web socket":        {Broker: "ws://localhost:80", ClientID: "a"},
		"TLS without port":    {Broker: "mqtts://localhost", ClientID: "a"},
		"one way of two":      {Broker: "mqtt://localhost:1883,localhost:1884", ClientID: "a"},
		"no name":             {Broker: "mqtt://localhost:1883"},
		"half a second alive": {Broker: "mqtt://localhost:1883", ClientID: "a", KeepAlive: time.Second / 2},
	} {
		if l, err := link.Open(o); err == nil {
			l.Close()
			t.Errorf("%s: no error", name)
		}
	}
}
