package web

import (
	"fmt"
	"net/http"
	"time"

	"coldstation/sync/circ"
	"coldstation/sync/hub/store"
)

// live tells a page that something changed: an event "change" whose data is the
// station's name. ?station= keeps to one. A comment every 20 s keeps proxies
// from thinking that nobody is there. It ends with the session.
func (s *site) live(w http.ResponseWriter, r *http.Request) {
	only := circ.StationID(r.URL.Query().Get("station"))
	control := http.NewResponseController(w)
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no")
	v, err := asking(r), error(nil)
	changes := s.Watch(r.Context())
	beat := time.NewTicker(20 * time.Second)
	defer beat.Stop()
	send := func(text string) bool {
		// A reader that is gone without a word must not hold us for ever.
		_ = control.SetWriteDeadline(time.Now().Add(10 * time.Second)) // not every writer has one
		_, err := fmt.Fprint(w, text)
		return err == nil && control.Flush() == nil
	}
	if !send("retry: 3000\n\n") {
		return
	}
	for {
		select {
		case <-r.Context().Done():
			return
		case station, open := <-changes:
			if !open {
				return
			}
			if only != "" && station != only || !v.may(store.Viewer, station) {
				continue
			}
			if !station.Valid() || !send("event: change\ndata: "+string(station)+"\n\n") {
				return
			}
		case <-beat.C:
			// Who was signed out meanwhile is told nothing more.
			if v, err = s.visitor(r, ""); err != nil || !v.somewhere(store.Viewer) || !send(": still here\n\n") {
				return
			}
		}
	}
}
