package circ

import "github.com/google/uuid"

// What a station can be told to do once: the names of Commands.
const (
	Restart  = "restart"  // the kiosk ends and is started again
	Census   = "census"   // the staff are asked to count the shelf; done when they have
	SendLog  = "logs"     // LogSent answers
	Pause    = "pause"    // nothing is lent until Resume; what is brought is taken
	Resume   = "resume"   // lend again
	Unlock   = "unlock"   // secret numbers that were shut after wrong ones may be tried again
	Identify = "identify" // the screen says for a while which station this is
)

// Commands are all of them.
var Commands = []string{Restart, Census, SendLog, Pause, Resume, Unlock, Identify}

// NewCommand is a command that is carried out once.
func NewCommand(name string) Command { return Command{Name: name, ID: uuid.NewString()} }
