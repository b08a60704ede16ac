package web

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/boombuler/barcode/code128"

	"coldstation/sync/circ"
	"coldstation/sync/hub/store"
)

// Restock is what the pages read and change about the moving of items: a part of
// store.Store.
type Restock interface {
	store.Consignments
	store.Recalls
	store.Counts
	store.Rotations
}

const (
	consignmentsOfPage = 200
	maxTitle           = 200
)

// places are what people call the stations that the visitor may see, and those where
// the visitor is a librarian.
type places struct {
	names map[circ.StationID]string
	Mine  []choiceLine
}

// Name is what people call a station.
func (p places) Name(id circ.StationID) string { return cmp.Or(p.names[id], string(id)) }

func (s *site) places(r *http.Request, chosen circ.StationID) (p places, err error) {
	all, err := s.source(r).Stations(r.Context())
	p.names = make(map[circ.StationID]string, len(all))
	v := asking(r)
	for _, st := range all {
		p.names[st.ID] = st.Title
		if v.may(store.Librarian, st.ID) {
			p.Mine = append(p.Mine, choiceLine{string(st.ID), cmp.Or(st.Title, string(st.ID)), st.ID == chosen})
		}
	}
	slices.SortFunc(p.Mine, func(a, b choiceLine) int { return cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)) })
	return p, err
}

// boxLine is a consignment as a list shows it.
type boxLine struct {
	store.Consignment
	State, Items, When string
}

// restocking is the beginning of each page about moving items.
type restocking struct {
	frame
	places
	Part string
	now  time.Time
	at   *time.Location
}

func (s *site) restocking(r *http.Request, w *words, part string) (page restocking, err error) {
	page = restocking{frame: s.frame(r, w, "consignments"), Part: part, now: s.Now(), at: s.Place}
	page.Still = part != "consignments" && part != "shelves" && part != "losses"
	page.places, err = s.places(r, circ.StationID(r.PostForm.Get("station")))
	return page, err
}

// When and ISO are the page's times.
func (p restocking) When(t time.Time) string { return p.when(p.now, t, p.at) }
func (p restocking) ISO(t time.Time) string  { return iso(t) }
func (p restocking) Date(t time.Time) string { return p.Day(t.In(p.at)) }

// May reports whether the visitor is a librarian at a station.
func (p restocking) MayAt(station circ.StationID) bool {
	return p.visitor.may(store.Librarian, station)
}

func (s *site) consignmentsPage(r *http.Request, w *words) (string, any, error) {
	page := struct {
		restocking
		Boxes []boxLine
	}{}
	var err error
	if page.restocking, err = s.restocking(r, w, "consignments"); err != nil {
		return "", nil, err
	}
	all, err := s.Restock.Consignments(r.Context(), "", consignmentsOfPage)
	for _, c := range all {
		if page.visitor.may(store.Viewer, c.Station) {
			page.Boxes = append(page.Boxes, boxLine{c, w.box(c), w.boxItems(c), page.When(latest(c.Made, c.Sent, c.Received, c.Resolved))})
		}
	}
	return "consignments", page, err
}

func latest(all ...time.Time) (last time.Time) {
	for _, t := range all {
		if t.After(last) {
			last = t
		}
	}
	return last
}

// box is how a consignment stands, in words.
func (w *words) box(c store.Consignment) string {
	text := w.T("box.state." + string(c.State))
	if c.Open > 0 {
		text += ", " + w.N("box.open", c.Open)
	}
	return text
}

// boxItems is how many items there are, and were seen.
func (w *words) boxItems(c store.Consignment) string {
	n := -c.Counts[store.LineExtra]
	for _, some := range c.Counts {
		n += some
	}
	if c.State == store.Packing {
		return w.N("box.count", n)
	}
	return w.T("box.seen", c.Counts[store.LineSeen], n)
}

func (s *site) beginConsignment(_ http.ResponseWriter, r *http.Request) (string, error) {
	station, title := circ.StationID(r.PostForm.Get("station")), strings.TrimSpace(r.PostForm.Get("title"))
	wrong := complaint{}
	if !asking(r).may(store.Librarian, station) || !station.Valid() {
		wrong["station"] = "box.station.wrong"
	}
	if len(title) > maxTitle {
		wrong["title"] = "form.long"
	}
	if len(wrong) > 0 {
		return "", wrong
	}
	c, err := s.Restock.Begin(r.Context(), station, title, asking(r).name, s.Now())
	if errors.Is(err, store.ErrNoStation) {
		return "", complaint{"station": "box.station.wrong"}
	}
	asking(r).about = []string{c.ID}
	return boxPath(c.ID), err
}

func boxPath(id string) string { return "/consignments/" + url.PathEscape(id) }

// box is the consignment of the path, if the visitor may see it, or change it.
func (s *site) box(r *http.Request, least store.Role) (store.Consignment, error) {
	c, err := s.Restock.Consignment(r.Context(), r.PathValue("box"))
	switch {
	case errors.Is(err, store.ErrNoConsignment), err == nil && !asking(r).may(store.Viewer, c.Station):
		return c, errMissing
	case err == nil && !asking(r).may(least, c.Station):
		return c, errClosed
	}
	asking(r).about = []string{c.ID}
	return c, err
}

// lineOf is an item of a consignment as a page shows it.
type lineOf struct {
	store.Line
	Name     string
	What     string // became of it
	Outcomes []proposal
}

type boxPage struct {
	restocking
	Box                    store.Consignment
	Heading, State, Path   string
	Differs, Lines         []lineOf
	Planned                []lineOf
	Packed                 int
	Said                   string // what came of the last scan
	Sound                  string
	Bars                   []bar
	Width                  int
	Sender, Maker, Trouble string
}

// Count is how many lines are in a state.
func (p boxPage) Count(state string) int { return p.Box.Counts[store.LineState(state)] }

// bar is a dark stripe of a bar code, in modules.
type bar struct{ X, Width int }

// code128Bars are the bars of a text, with the quiet zone of ten modules on both sides.
// Source: ISO/IEC 15417.
func code128Bars(text string) (bars []bar, width int) {
	const quiet = 10
	code, err := code128.Encode(text)
	if err != nil { // no letter that it has
		return nil, 0
	}
	n := code.Bounds().Dx()
	for x := range n {
		red, _, _, _ := code.At(x, 0).RGBA()
		switch {
		case red > 0:
		case len(bars) > 0 && bars[len(bars)-1].X+bars[len(bars)-1].Width == x+quiet:
			bars[len(bars)-1].Width++
		default:
			bars = append(bars, bar{x + quiet, 1})
		}
	}
	return bars, n + 2*quiet
}

func (s *site) boxPage(r *http.Request, w *words) (string, any, error) {
	page, err := s.makeBoxPage(r, w)
	if err != nil {
		return "", nil, err
	}
	if page.Box.State == store.Packing {
		page.scanned(r)
		return "packing", page, nil
	}
	page.Still = false
	return "consignment", page, nil
}

func (s *site) boxList(r *http.Request, w *words) (string, any, error) {
	page, err := s.makeBoxPage(r, w)
	return "packing-list", page, err
}

func (s *site) makeBoxPage(r *http.Request, w *words) (page boxPage, err error) {
	if page.Box, err = s.box(r, store.Viewer); err != nil {
		return page, err
	}
	if page.restocking, err = s.restocking(r, w, "box"); err != nil {
		return page, err
	}
	c := page.Box
	page.Heading, page.State, page.Path = cmp.Or(c.Title, c.ID), w.box(c), boxPath(c.ID)
	page.Sender, page.Maker = by(w, c.SentBy), by(w, c.MadeBy)
	page.Bars, page.Width = code128Bars(c.ID)
	if trouble := r.URL.Query().Get("trouble"); trouble == "empty" || trouble == "state" {
		page.Trouble = w.T("box.trouble." + trouble)
	}
	for _, l := range c.Lines {
		line := lineOf{Line: l, Name: cmp.Or(l.Title, string(l.ID)), What: page.became(l)}
		if l.Differs() {
			for _, o := range l.Outcomes() {
				line.Outcomes = append(line.Outcomes, proposal{store.Action(o), w.T("outcome." + string(o)), w.T("outcome." + string(o) + ".means")})
			}
		}
		switch {
		case l.State == store.LinePlanned:
			page.Planned = append(page.Planned, line)
		case len(line.Outcomes) > 0:
			page.Differs = append(page.Differs, line)
		default:
			page.Lines = append(page.Lines, line)
		}
		if !l.Packed.IsZero() {
			page.Packed++
		}
	}
	if c.State == store.Packing { // what was packed last is looked at first
		slices.SortStableFunc(page.Lines, func(a, b lineOf) int { return b.Packed.Compare(a.Packed) })
	}
	return page, nil
}

// by is who did something, in the reader's language.
func by(w *words, who string) string {
	if who == atHub {
		return w.T("account.machine")
	}
	return who
}

// became is what became of an item of a consignment.
func (p boxPage) became(l store.Line) string {
	text := p.T("line." + string(l.State))
	switch {
	case l.State == store.LineMoved && l.MovedTo != "":
		text = p.T("line.moved.box", l.MovedTo)
	case l.State == store.LineMoved:
		text = p.T("line.moved.station", p.places.Name(l.Station))
	}
	if l.Outcome != "" {
		text += ". " + p.T("outcome."+string(l.Outcome)) + ": " + p.When(l.OutcomeAt) + ", " + by(p.words, l.OutcomeBy)
	}
	return text
}

// scanned says what came of the last scan, as pack noted it in the address.
func (p *boxPage) scanned(r *http.Request) {
	q := r.URL.Query()
	item, found := q.Get("item"), q.Get("found")
	if item == "" {
		return
	}
	name := item
	for _, l := range p.Box.Lines {
		if string(l.ID) == item {
			name = cmp.Or(l.Title, item)
		}
	}
	if title := q.Get("title"); title != "" {
		name = title
	}
	key := "pack." + found
	if found == "" || p.T(key) == key {
		key, found = "pack.done", ""
	}
	p.Said, p.Sound = p.T(key, name, cmp.Or(p.places.names[circ.StationID(q.Get("at"))], q.Get("at")), q.Get("box")), "good"
	switch store.PackFinding(found) {
	case "":
	case store.PackUnknown, store.PackTwice, store.PackTaken, "out":
		p.Sound = "bad"
	default:
		p.Sound = "odd"
	}
}

func (s *site) pack(_ http.ResponseWriter, r *http.Request) (string, error) {
	c, err := s.box(r, store.Librarian)
	if err != nil {
		return "", err
	}
	item := strings.TrimSpace(r.PostForm.Get("item"))
	if item == "" {
		return boxPath(c.ID), nil
	}
	if circ.CheckNotice(circ.ItemGone{ID: circ.ItemID(item)}) != nil {
		return "", errAsked
	}
	packed, err := s.Restock.Pack(r.Context(), c.ID, circ.ItemID(item), asking(r).name, s.Now())
	if errors.Is(err, store.ErrNotPacking) {
		return boxPath(c.ID) + "?trouble=state", nil
	}
	if err != nil {
		return "", err
	}
	q := url.Values{"item": {item}}
	for key, value := range map[string]string{"found": string(packed.Finding), "title": packed.Item.Title, "box": packed.Other, "at": string(packed.Station)} {
		if value != "" {
			q.Set(key, value)
		}
	}
	return boxPath(c.ID) + "?" + q.Encode(), nil
}

// boxForm is a form of a consignment's page that needs nothing but the consignment.
func (s *site) boxForm(change func(*http.Request, store.Consignment) (string, error)) func(http.ResponseWriter, *http.Request) (string, error) {
	return func(_ http.ResponseWriter, r *http.Request) (string, error) {
		c, err := s.box(r, store.Librarian)
		if err != nil {
			return "", err
		}
		next, err := change(r, c)
		switch {
		case errors.Is(err, store.ErrEmpty):
			return boxPath(c.ID) + "?trouble=empty", nil
		case errors.Is(err, store.ErrNotPacking), errors.Is(err, store.ErrNotSent), errors.Is(err, store.ErrNoDifference):
			return boxPath(c.ID) + "?trouble=state", nil // somebody was quicker
		}
		return cmp.Or(next, boxPath(c.ID)), err
	}
}

func (s *site) unpack(r *http.Request, c store.Consignment) (string, error) {
	item := r.PostForm.Get("item")
	title := ""
	for _, l := range c.Lines {
		if string(l.ID) == item {
			title = l.Title
		}
	}
	err := s.Restock.Unpack(r.Context(), c.ID, circ.ItemID(item))
	return boxPath(c.ID) + "?" + url.Values{"item": {item}, "title": {title}, "found": {"out"}}.Encode(), err
}

func (s *site) dropBox(r *http.Request, c store.Consignment) (string, error) {
	return "/consignments", s.Restock.Drop(r.Context(), c.ID)
}

func (s *site) sendBox(r *http.Request, c store.Consignment) (string, error) {
	return "", s.Restock.Send(r.Context(), c.ID, asking(r).name, s.Now())
}

func (s *site) closeBox(r *http.Request, c store.Consignment) (string, error) {
	return "", s.Restock.CloseConsignment(r.Context(), c.ID, s.Now())
}

// resolve says of a difference ("one": OUTCOME ITEM) what became of it.
func (s *site) resolve(r *http.Request, c store.Consignment) (string, error) {
	outcome, item, found := strings.Cut(r.PostForm.Get("one"), " ")
	if !found {
		return "", errAsked
	}
	return "", s.Restock.Resolve(r.Context(), c.ID, circ.ItemID(item), store.Outcome(outcome), asking(r).name, s.Now())
}

func (s *site) lossesPage(r *http.Request, w *words) (string, any, error) {
	page := struct {
		restocking
		Losses []store.Loss
	}{}
	var err error
	if page.restocking, err = s.restocking(r, w, "losses"); err != nil {
		return "", nil, err
	}
	page.Losses, err = s.Restock.Losses(r.Context(), "", consignmentsOfPage)
	page.Losses = keep(page.Losses, func(l store.Loss) bool { return page.visitor.may(store.Viewer, l.Station) })
	return "losses", page, err
}

func (s *site) recallsPage(r *http.Request, w *words) (string, any, error) {
	page := struct {
		restocking
		Recalls []store.Recall
		Done    string
	}{}
	var err error
	if page.restocking, err = s.restocking(r, w, "recalls"); err != nil {
		return "", nil, err
	}
	if n := r.URL.Query().Get("done"); n != "" {
		page.Done = w.T("recalls.done")
	}
	page.Recalls, err = s.Restock.RecallsNow(r.Context())
	page.Recalls = keep(page.Recalls, func(l store.Recall) bool { return page.visitor.may(store.Viewer, l.Station) })
	return "recalls", page, err
}

// recall asks for the items of a list of barcodes, or ("end") for one no longer.
func (s *site) recall(_ http.ResponseWriter, r *http.Request) (string, error) {
	if item := r.PostForm.Get("end"); item != "" {
		return "/recalls", s.Restock.EndRecall(r.Context(), circ.ItemID(item), s.Now())
	}
	items, wrong := barcodes(r.PostForm.Get("items"))
	if title := r.PostForm.Get("title"); len(title) > maxTitle {
		return "", complaint{"title": "form.long"}
	}
	if wrong != "" {
		return "", complaint{"items": wrong}
	}
	var all []store.Recall
	for _, item := range items {
		all = append(all, store.Recall{Item: circ.Item{ID: item}, For: strings.TrimSpace(r.PostForm.Get("title")), At: s.Now(), By: asking(r).name})
	}
	return "/recalls?done=1", s.Restock.Recall(r.Context(), all...)
}

// barcodes are those of a text, one a line or with spaces between; wrong is the key of
// a phrase.
func barcodes(text string) (items []circ.ItemID, wrong string) {
	for one := range strings.FieldsSeq(text) {
		if circ.CheckNotice(circ.ItemGone{ID: circ.ItemID(one)}) != nil {
			return nil, "form.long"
		}
		items = append(items, circ.ItemID(one))
	}
	switch {
	case len(items) == 0:
		return nil, "items.missing"
	case len(items) > circ.MaxList:
		return nil, "form.long"
	}
	return items, ""
}
