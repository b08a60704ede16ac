package identity

import (
	"strings"

	"coldstation/sync/circ"
)

// A broker casts out an older connection for a newer one of the same client id.
// So each goes by an id that is its own, and a broker that can holds it to it.

// ClientID is a station's at a broker.
func ClientID(station circ.StationID) string { return "cs-st-" + string(station) }

// HubClientID is a hub's; of several, or of one started anew, each has its own.
func HubClientID(instance string) string { return hubClient + instance }

// IsHubClient reports whether a client id is a hub's.
func IsHubClient(id string) bool { return strings.HasPrefix(id, hubClient) }

const hubClient = "cs-hub-"
