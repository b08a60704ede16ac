package rfid

import (
	"context"
	"errors"
	"time"
)

// Watch takes an inventory of r every interval, feeds a Field with it and sends
// what changed. Rounds that last longer than the interval follow one another
// without a pause. The channel is closed when ctx ends or r has been closed;
// Watch does not close r. Other goroutines may use r meanwhile.
func Watch(ctx context.Context, r Reader, every time.Duration, p Patience) <-chan Event {
	out := make(chan Event)
	go func() {
		defer close(out)
		f := NewField(p)
		var tags []Tag
		var events []Event
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			var err error
			tags, err = r.Inventory(tags[:0])
			if errors.Is(err, ErrClosed) {
				return
			}
			events = f.Step(events[:0], tags, err, time.Now())
			for _, e := range events {
				select {
				case out <- e:
				case <-ctx.Done():
					return
				}
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
	}()
	return out
}
