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
type door struct{ options Options }

// Check is server.Authentication.
func (d *door) Check(c server.ClientAuthentication) bool {
	o := c.GetOpts()
	role, ok := d.options.Authenticate(o.Username, o.Password)
	if !ok {
		d.options.Log.Warn("turned away at the broker", "name", fmt.Sprintf("%.64q", o.Username), "from", c.RemoteAddress())
		return false
	}
	c.RegisterUser(&server.User{Username: o.Username, Permissions: role.permissions()})
	return true
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
