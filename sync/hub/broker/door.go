package broker

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	"github.com/nats-io/nats-server/v2/server"

	"coldstation/sync/wire"
)

// door lets clients in and tells the broker what each may do.
type door struct {
	options Options
	server  *server.Server
}

// Check is server.Authentication. The user it registers is who the visitor was
// found to be, by whatever name it came.
func (d *door) Check(c server.ClientAuthentication) bool {
	o := c.GetOpts()
	visitor := Visitor{Name: o.Username, Password: o.Password, ClientID: d.clientID(c.GetID())}
	if state := c.GetTLSConnectionState(); state != nil && len(state.VerifiedChains) > 0 {
		visitor.Certificate = state.VerifiedChains[0][0]
	}
	role, ok := d.options.Authenticate(visitor)
	if !ok {
		d.options.Log.Warn("turned away at the broker", "name", fmt.Sprintf("%.64q", o.Username), "from", c.RemoteAddress())
		return false
	}
	c.RegisterUser(&server.User{Username: role.name(), Permissions: role.permissions()})
	return true
}

// clientID is MQTT's, which the server shows nowhere else.
func (d *door) clientID(connection uint64) string {
	open, err := d.server.Connz(&server.ConnzOptions{CID: connection})
	if err != nil || len(open.Conns) != 1 {
		return ""
	}
	return open.Conns[0].MQTTClient
}

// name is a station's, or the hub's with a character that no station's has.
func (r Role) name() string {
	if r.Hub {
		return "cs.hub"
	}
	return string(r.Station)
}

func (r Role) permissions() *server.Permissions {
	if r.Hub {
		all := []string{"cs.v1", "cs.v1.>"} // cs/v1/# is both
		return may(all, all)
	}
	return may(
		[]string{subject(wire.Topic(r.Station, wire.Up)), subject(wire.Topic(r.Station, wire.Birth))},
		[]string{subject(wire.Topic(r.Station, wire.Down)), subject(wire.HubState)})
}

func may(publish, subscribe []string) *server.Permissions {
	return &server.Permissions{
		Publish:   &server.SubjectPermission{Allow: publish},
		Subscribe: &server.SubjectPermission{Allow: subscribe},
	}
}

// subject is a topic as NATS spells it. Topics of ours hold no character that
// would need more.
func subject(topic string) string { return strings.ReplaceAll(topic, "/", ".") }

// voice turns the broker's log into ours, and keeps what was fatal while it
// started, which the broker tells nobody else.
type voice struct {
	log   *slog.Logger
	fatal error
}

func (v *voice) say(level slog.Level, format string, args []any) {
	v.log.Log(context.Background(), level, "broker", "says", fmt.Sprintf(format, args...))
}

func (v *voice) Noticef(format string, args ...any) { v.say(slog.LevelDebug, format, args) }
func (v *voice) Warnf(format string, args ...any)   { v.say(slog.LevelWarn, format, args) }
func (v *voice) Fatalf(format string, args ...any)  { v.fatal = fmt.Errorf(format, args...) }
func (v *voice) Errorf(format string, args ...any)  { v.say(slog.LevelError, format, args) }
func (v *voice) Debugf(format string, args ...any)  { v.say(slog.LevelDebug, format, args) }
func (v *voice) Tracef(format string, args ...any)  { v.say(slog.LevelDebug, format, args) }
