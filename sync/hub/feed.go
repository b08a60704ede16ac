package hub

import (
	"context"
	"sync"

	"coldstation/sync/circ"
)

// feed tells watchers which stations changed. A slow watcher holds up nobody and
// hears of each station once for all that happened since it last read.
type feed struct {
	mu       sync.Mutex
	watchers map[*watcher]bool
}

type watcher struct {
	mu    sync.Mutex
	queue []circ.StationID
	wake  chan struct{}
}

func (f *feed) changed(station circ.StationID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for w := range f.watchers {
		w.add(station)
	}
}

func (w *watcher) add(station circ.StationID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, waiting := range w.queue {
		if waiting == station {
			return
		}
	}
	w.queue = append(w.queue, station)
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

func (w *watcher) next() (station circ.StationID, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.queue) == 0 {
		return "", false
	}
	station, w.queue = w.queue[0], w.queue[1:]
	return station, true
}

func (f *feed) watch(ctx context.Context) <-chan circ.StationID {
	w := &watcher{wake: make(chan struct{}, 1)}
	f.mu.Lock()
	if f.watchers == nil {
		f.watchers = make(map[*watcher]bool)
	}
	f.watchers[w] = true
	f.mu.Unlock()
	out := make(chan circ.StationID)
	go func() {
		defer close(out)
		defer func() {
			f.mu.Lock()
			delete(f.watchers, w)
			f.mu.Unlock()
		}()
		for {
			select {
			case <-ctx.Done():
				return
			case <-w.wake:
			}
			for station, ok := w.next(); ok; station, ok = w.next() {
				select {
				case <-ctx.Done():
					return
				case out <- station:
				}
			}
		}
	}()
	return out
}
