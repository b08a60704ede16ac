package courier

import "github.com/google/uuid"

// Condition is how a stream stands between two ends.
type Condition uint8

// The conditions of a stream. All but Sound are for a person to see. In those
// marked (held) nothing is delivered until a person decides.
const (
	Sound   Condition = iota // in order
	Ahead                    // (held) the receiver holds more than the sender ever wrote: a disk was rolled back
	Forked                   // (held) both hold an event of one number, and not the same: a disk was cloned or rolled back
	Missing                  // (held) the receiver asks for events that the sender no longer keeps
	Foreign                  // (held) the receiver does not know the stream and will not take it
	Newer                    // the sender speaks a newer version; what it sends waits there
)

var conditions = [...]string{"sound", "ahead", "forked", "missing", "foreign", "newer"}

func (c Condition) String() string {
	if int(c) < len(conditions) {
		return conditions[c]
	}
	return "unknown"
}

// Held reports whether nothing is delivered in c.
func (c Condition) Held() bool { return c != Sound && c != Newer }

// Standing is the effect that a stream's condition changed.
type Standing struct {
	Stream    uuid.UUID
	Condition Condition
	Cursor    uint64 // where the receiver stands
	Last      uint64 // the newest event the sender has, 0 when the receiver was not told
}
