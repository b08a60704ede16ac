package store

import (
	"slices"

	"coldstation/sync/circ"
)

// Role is what somebody may do on the pages; each includes those before it.
type Role string

// The roles.
const (
	Viewer        Role = "viewer"        // sees stations, loans, the collection, figures
	Librarian     Role = "librarian"     // decides
	Administrator Role = "administrator" // sees to accounts, settings and what was done
)

// Roles are all of them, the least first.
var Roles = []Role{Viewer, Librarian, Administrator}

// Includes reports whether who has r may do what other allows. A role of no kind
// includes nothing and is included in nothing.
func (r Role) Includes(other Role) bool {
	have, want := slices.Index(Roles, r), slices.Index(Roles, other)
	return want >= 0 && have >= want
}

// Grant is a role at one station, or ("") in the whole library.
type Grant struct {
	Role    Role
	Station circ.StationID
}
