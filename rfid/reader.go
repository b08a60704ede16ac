package rfid

// A Reader sees the chips lying in its field.
//
// Readers are safe for use by several goroutines: operations take turns, each
// ending before the next begins. Every operation ends within the reader's own
// time limit, whatever the reader does or fails to do. Close releases the port
// and any operation that is under way.
//
// What else a reader can do it says by being a Memory, a Securer or an Alarm.
type Reader interface {
	// Inventory appends the chips now in the field to dst, each UID once, and
	// returns the longer slice. An empty field is no error. It allocates nothing
	// when dst has room. On an error the tags found so far may be in the slice,
	// and it must not be taken for the whole field.
	Inventory(dst []Tag) ([]Tag, error)

	Close() error
}

// Memory is a Reader that reaches the memory of ISO 15693 chips.
//
// ErrNoTag says that the chip did not answer: it left, or it is of the many that
// stay silent instead of refusing.
type Memory interface {
	Reader

	// Info asks the chip to describe itself.
	Info(uid UID) (Info, error)

	// ReadBlocks appends count blocks, beginning with block first, to dst, in
	// the order in which they lie in the chip.
	ReadBlocks(uid UID, first, count int, dst []byte) ([]byte, error)

	// WriteBlocks writes data, a whole number of blocks of size bytes, beginning
	// with block first, and reads it back. A part may have been written when it
	// fails. A locked block gives ErrLocked.
	WriteBlocks(uid UID, first, size int, data []byte) error
}

// Securer is a Reader that writes the byte by which gates decide.
type Securer interface {
	Reader

	// WriteAFI writes the chip's AFI and reads it back, since a write at the edge
	// of the field fails silently: nil means that the chip holds afi. ErrNotWritten
	// means that it answered and holds something else; ErrNoTag that it left and
	// may hold either.
	WriteAFI(uid UID, afi AFI) error
}

// Alarm is a Reader that sets the electronic article surveillance bit of NXP
// ICODE chips, which some gates listen for instead of the AFI.
type Alarm interface {
	Reader

	// SetEAS turns the bit on (the gate sounds) or off and asks the chip again.
	SetEAS(uid UID, on bool) error
}

// A Scanner is a reader that sends lines and cannot be asked anything: a barcode
// scanner, or a card reader that types a number.
type Scanner interface {
	// Scan waits for the next line and returns it without its framing. Lines
	// damaged on the way are skipped. Close ends the wait with ErrClosed.
	Scan() (string, error)
	Close() error
}

// ReadMemory asks a chip for its size and appends its user memory to dst, at
// most limit bytes rounded up to a whole block; a limit of 0 means all.
func ReadMemory(m Memory, uid UID, limit int, dst []byte) (Info, []byte, error) {
	info, err := m.Info(uid)
	if err != nil {
		return info, dst, err
	}
	count := info.Blocks
	if limit > 0 && info.BlockSize > 0 {
		count = min(count, (limit+info.BlockSize-1)/info.BlockSize)
	}
	dst, err = m.ReadBlocks(uid, 0, count, dst)
	return info, dst, err
}
