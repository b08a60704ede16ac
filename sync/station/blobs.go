package station

import (
	"time"

	"coldstation/sync/blob"
	"coldstation/sync/circ"
	"coldstation/sync/wire"
)

// The times between two looks at which blobs are wanted: after the hub told
// something, since more of it may be on its way, and when nothing was told, since
// things come onto the shelf by themselves.
const (
	soonWanted = time.Second
	lateWanted = 10 * time.Minute
)

// carrier keeps blobs in the station's folder and asks the hub for them.
type carrier struct {
	*blob.Folder
	station *Station
}

func (c carrier) Send(want wire.Want) error { return c.station.publish(want) }

func (c carrier) Finish(id circ.BlobID) error {
	if err := c.Folder.Finish(id); err != nil {
		return err
	}
	c.station.Logger.Info("a blob is here", "blob", id)
	return nil
}

func (s *Station) ask(in blob.Input) error {
	if s.Blobs == nil {
		return nil
	}
	return blob.Ask(&s.asker, s.clock, carrier{s.Blobs, s}, in)
}

// lookSoon has the station look before long at what is wanted; without a folder
// there is nothing to look for.
func (s *Station) lookSoon(in time.Duration) {
	if s.Blobs != nil {
		s.look.Reset(in)
	}
}

// lookWanted asks for what is wanted now and not here.
func (s *Station) lookWanted() error {
	s.lookSoon(lateWanted)
	wanted, err := s.Wanted()
	if err != nil {
		return err
	}
	return s.ask(blob.Lacking{Blobs: s.Blobs.Want(wanted)})
}
