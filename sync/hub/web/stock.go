package web

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"coldstation/sync/circ"
	"coldstation/sync/hub/store"
)

type itemLine struct {
	store.Item
	Marks    []string
	Language string
	Where    string
	Name     string // of the station
	SeenAge  string
}

const itemsOfPage = 100

// unseen are the days for which something may not have been seen.
var unseen = []string{"30", "60", "180", "365"}

// stockPlaces are what may be asked for, as places of items.
var stockPlaces = []string{"shelf", "loan", "house", "box", "away", "lost"}

type itemsPage struct {
	frame
	Find, Station string
	Places, Days  []choiceLine
	Choices       []store.Station
	Items         []itemLine
	Back, Next    string
}

// items is the stock: ?q= finds, ?station=, ?place=, ?unseen= days, ?skip= pages.
func (s *site) items(r *http.Request, w *words) (string, any, error) {
	asked := r.URL.Query()
	page := itemsPage{frame: s.frame(r, w, "items"), Find: strings.TrimSpace(asked.Get("q")), Station: asked.Get("station")}
	q := store.StockQuery{Find: page.Find, Station: circ.StationID(page.Station), Place: asked.Get("place"), Limit: itemsOfPage + 1}
	var err error
	if q.Skip, err = number(asked.Get("skip")); err != nil {
		return "", nil, err
	}
	if q.Place != "" && !slices.Contains(stockPlaces, q.Place) {
		return "", nil, errAsked
	}
	if days := asked.Get("unseen"); days != "" {
		n, err := number(days)
		if err != nil || n > 36500 {
			return "", nil, errAsked
		}
		q.Unseen = s.Now().AddDate(0, 0, -n)
	}
	if page.Choices, err = s.source(r).Stations(r.Context()); err != nil {
		return "", nil, err
	}
	all, err := s.source(r).Stock(r.Context(), q)
	if err != nil {
		return "", nil, err
	}
	at := func(skip int) string {
		query := url.Values{"q": {page.Find}, "station": {page.Station}, "place": {q.Place}, "unseen": {asked.Get("unseen")}, "skip": {strconv.Itoa(skip)}}
		return "?" + query.Encode()
	}
	if q.Skip > 0 {
		page.Back = at(max(0, q.Skip-itemsOfPage))
	}
	if len(all) > itemsOfPage {
		all, page.Next = all[:itemsOfPage], at(q.Skip+itemsOfPage)
	}
	names := titles(page.Choices)
	for _, i := range all {
		page.Items = append(page.Items, s.itemLine(w, i, names))
	}
	for _, place := range stockPlaces {
		page.Places = append(page.Places, choiceLine{place, w.T("place." + place), place == q.Place})
	}
	for _, days := range unseen {
		page.Days = append(page.Days, choiceLine{days, w.T("items.unseen.days", days), days == asked.Get("unseen")})
	}
	return "items", page, nil
}

// titles are what people call stations.
func titles(all []store.Station) map[circ.StationID]string {
	names := make(map[circ.StationID]string, len(all))
	for _, st := range all {
		names[st.ID] = cmp.Or(st.Title, string(st.ID))
	}
	return names
}

func (s *site) itemLine(w *words, i store.Item, names map[circ.StationID]string) itemLine {
	l := itemLine{Item: i, Language: i.Language, Where: w.T(w.or("place."+i.Place, "place.")), Name: cmp.Or(names[i.Station], string(i.Station))}
	if key := "language." + i.Language; w.or(key) == key && w.T(key) != key {
		l.Language = w.T(key)
	}
	for _, m := range marks {
		if i.Marks.Has(m.mark) {
			l.Marks = append(l.Marks, w.T("mark."+m.name))
		}
	}
	if !i.Seen.IsZero() {
		l.SeenAge = w.age(s.Now(), i.Seen)
	}
	return l
}

type pastLine struct {
	ISO, When, Sentence, Name string
	Station                   circ.StationID
	Undone                    bool
}

type itemPage struct {
	frame
	Item    itemLine
	Past    []pastLine
	Recall  *store.Recall // open
	Asked   string        // of whom
	Recalls bool          // the visitor may
}

const pastOfItem = 100

// item is one of the stock: where it is, and what happened to it, without anybody.
func (s *site) item(r *http.Request, w *words) (string, any, error) {
	id := circ.ItemID(r.PathValue("item"))
	found, err := s.source(r).Stock(r.Context(), store.StockQuery{ID: id, Limit: 1})
	if err != nil {
		return "", nil, err
	}
	if len(found) == 0 {
		return "", nil, errMissing
	}
	stations, err := s.source(r).Stations(r.Context())
	if err != nil {
		return "", nil, err
	}
	events, err := s.source(r).ItemEvents(r.Context(), id, pastOfItem)
	if err != nil {
		return "", nil, err
	}
	recalls, err := s.source(r).RecallsNow(r.Context())
	if err != nil {
		return "", nil, err
	}
	names := titles(stations)
	page := itemPage{frame: s.frame(r, w, "items"), Item: s.itemLine(w, found[0], names), Recalls: asking(r).may(store.Librarian, found[0].Station)}
	page.Still = true
	for i, recall := range recalls {
		if recall.ID == id {
			page.Recall, page.Asked = &recalls[i], names[recall.Station]
		}
	}
	for _, e := range events {
		page.Past = append(page.Past, pastLine{iso(e.At), w.when(s.Now(), e.At, s.Place), w.event(e.Event), cmp.Or(names[e.Station], string(e.Station)), e.Station, e.Undone})
	}
	return "item", page, nil
}

// recallOne asks for an item, or ("end") no longer.
func (s *site) recallOne(_ http.ResponseWriter, r *http.Request) (string, error) {
	id := circ.ItemID(r.PathValue("item"))
	found, err := s.source(r).Stock(r.Context(), store.StockQuery{ID: id, Limit: 1})
	if err != nil {
		return "", err
	}
	v := asking(r)
	if len(found) == 0 {
		return "", errMissing
	}
	if !v.may(store.Librarian, found[0].Station) {
		return "", errClosed
	}
	v.about = append(v.about, string(id))
	next := "/items/" + url.PathEscape(string(id))
	if r.PostForm.Get("end") != "" {
		return next, s.source(r).EndRecall(r.Context(), id, s.Now())
	}
	why := strings.TrimSpace(r.PostForm.Get("for"))
	if len(why) > circ.MaxText {
		return "", errAsked
	}
	return next, s.source(r).Recall(r.Context(), store.Recall{Item: found[0].Item, For: why, At: s.Now().Truncate(time.Millisecond), By: v.name})
}
