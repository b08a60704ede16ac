package flow

// Remote is what the library asked for from afar, as far as a screen shows it.
type Remote struct {
	Paused bool // nothing is lent; what is brought is taken
	Census bool // the staff are asked to count the shelf
}

// RemoteSet: the library asks for this from now on.
type RemoteSet struct{ Remote Remote }

// Identify: the screen is to say which station this is. It comes only to a station
// that is Free.
type Identify struct{}

// Forgiven: a secret number that was shut may be tried again.
type Forgiven struct{}

func (RemoteSet) msg() {}
func (Forgiven) msg()  {}
func (Identify) msg()  {}

// Free reports whether nobody is there and nothing lies on the pad: the time to do what
// the library asks for. Of a pad that does not answer nobody knows what lies there.
func (s State) Free() bool {
	return s.Visit.ID == 0 && s.Desk == nil && s.Page == Welcome && s.Look == s.Rules.Look && (s.Resting || len(s.Pad) == 0)
}

func (t *turn) identify() {
	if t.Free() {
		t.moved() // it goes away by itself, as an open help page does
		t.Page = Identifying
	}
}

// houses reports whether books may be taken into use in the house now.
func (s State) houses() bool { return s.Rules.House && !s.Remote.Paused }
