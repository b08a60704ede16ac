package web

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"coldstation/sync/circ"
	"coldstation/sync/hub/store"
)

// moveLine is a move that is proposed, and why.
type moveLine struct {
	store.Move
	Key, Name, Why string
}

func (s *site) rotationPage(r *http.Request, w *words) (string, any, error) {
	page := struct {
		restocking
		Moves        []moveLine
		Title, Days  string
		idle         int
		Done, NoMove string
	}{}
	var err error
	if page.restocking, err = s.restocking(r, w, "rotation"); err != nil {
		return "", nil, err
	}
	page.idle = 90
	if text := r.FormValue("days"); text != "" {
		if page.idle, err = strconv.Atoi(text); err != nil || page.idle < 1 || page.idle > 3650 {
			return "", nil, errAsked
		}
	}
	page.Days = strconv.Itoa(page.idle)
	page.Title = cmp.Or(page.Typed("title"), w.T("rotation.title", page.Date(page.now)))
	moves, err := s.Restock.Propose(r.Context(), store.MoveQuery{At: s.Now(), Idle: page.idle})
	for _, m := range moves {
		line := moveLine{Move: m, Key: string(m.To) + " " + string(m.ID), Name: cmp.Or(m.Title, string(m.ID))}
		if m.Rota != "" {
			line.Why = w.T("move.stage", m.Rota, m.Days)
		} else {
			line.Why = w.T("move.idle", m.Days, page.Name(m.To), w.N("move.loans", m.Loans), w.like(m.Like), m.Shelf)
		}
		page.Moves = append(page.Moves, line)
	}
	return "rotation", page, err
}

// like is what items have in common.
func (w *words) like(l store.Likeness) string {
	for _, m := range marks {
		if l.Mark == m.mark {
			return w.T("mark." + m.name)
		}
	}
	if l.Subject != "" {
		return w.T("like.subject", l.Subject)
	}
	if key := "language." + l.Language; w.T(key) != key {
		return w.T("like.language", w.T(key))
	}
	return w.T("like.language", l.Language)
}

// rotate accepts the moves that are ticked ("key": STATION ITEM).
func (s *site) rotate(_ http.ResponseWriter, r *http.Request) (string, error) {
	title := strings.TrimSpace(r.PostForm.Get("title"))
	if len(title) > maxTitle {
		return "", complaint{"title": "form.long"}
	}
	keys := r.PostForm["key"]
	if len(keys) == 0 {
		return "", complaint{"key": "rotation.none"}
	}
	if len(keys) > circ.MaxList {
		return "", errAsked
	}
	var moves []store.Move
	for _, key := range keys {
		station, item, found := strings.Cut(key, " ")
		if !found || circ.CheckNotice(circ.ItemGone{ID: circ.ItemID(item)}) != nil {
			return "", errAsked
		}
		moves = append(moves, store.Move{Item: circ.Item{ID: circ.ItemID(item)}, To: circ.StationID(station)})
	}
	ids, err := s.Restock.Rotate(r.Context(), moves, title, asking(r).name, s.Now())
	asking(r).about = ids
	return "/consignments", err
}

type rotasPage struct {
	restocking
	Rotas  []store.Rota
	Rota   store.Rota
	Path   string
	Stages []stageLine
	Done   string
}

// stageLine is a line of the form for a rota's stages.
type stageLine struct {
	Number  int
	Days    string
	Choices []choiceLine
	Items   int
}

// moreStages are how many empty lines the form has.
const moreStages = 3

func (s *site) rotasPage(r *http.Request, w *words) (string, any, error) {
	return s.showRotas(r, w, 0)
}

func (s *site) rotaPage(r *http.Request, w *words) (string, any, error) {
	id, err := strconv.ParseInt(r.PathValue("rota"), 10, 64)
	if err != nil || id < 1 {
		return "", nil, errMissing
	}
	return s.showRotas(r, w, id)
}

func (s *site) showRotas(r *http.Request, w *words, id int64) (string, any, error) {
	page := rotasPage{Path: "/rotas"}
	var err error
	if page.restocking, err = s.restocking(r, w, "rotas"); err != nil {
		return "", nil, err
	}
	if page.Rotas, err = s.Restock.Rotas(r.Context()); err != nil {
		return "", nil, err
	}
	page.Rota.Active, page.Rota.Cyclical = true, true
	if id > 0 {
		page.Path = "/rotas/" + strconv.FormatInt(id, 10)
		for _, one := range page.Rotas {
			if one.ID == id {
				page.Rota = one
			}
		}
		if page.Rota.ID == 0 {
			return "", nil, errMissing
		}
	}
	if n, err := strconv.ParseUint(r.URL.Query().Get("put"), 10, 16); err == nil {
		page.Done = w.N("rota.put.done", n)
	}
	shown := page.Rota.Stages
	if page.Refused() {
		page.Rota.Title, page.Rota.Cyclical, page.Rota.Active = page.Typed("title"), page.Typed("cyclical") != "", page.Typed("active") != ""
		shown = make([]store.Stage, len(r.PostForm["station"]))
	}
	for i := range max(len(shown)+moreStages, 0) {
		line := stageLine{Number: i + 1}
		var at circ.StationID
		switch {
		case page.Refused() && i < len(shown):
			at = circ.StationID(r.PostForm["station"][i])
			if days := r.PostForm["days"]; i < len(days) {
				line.Days = days[i]
			}
		case i < len(shown):
			at, line.Days, line.Items = shown[i].Station, strconv.Itoa(shown[i].Days), shown[i].Items
		}
		for _, c := range page.Mine {
			line.Choices = append(line.Choices, choiceLine{c.Value, c.Name, c.Value == string(at)})
		}
		page.Stages = append(page.Stages, line)
	}
	return "rotas", page, nil
}

func (s *site) saveRota(_ http.ResponseWriter, r *http.Request) (string, error) {
	rota := store.Rota{Title: strings.TrimSpace(r.PostForm.Get("title")), Cyclical: r.PostForm.Get("cyclical") != "", Active: r.PostForm.Get("active") != ""}
	if text := r.PathValue("rota"); text != "" {
		id, err := strconv.ParseInt(text, 10, 64)
		if err != nil || id < 1 {
			return "", errMissing
		}
		rota.ID = id
	}
	wrong := complaint{}
	switch {
	case rota.Title == "":
		wrong["title"] = "form.empty"
	case len(rota.Title) > maxTitle:
		wrong["title"] = "form.long"
	}
	known, err := s.places(r, "")
	if err != nil {
		return "", err
	}
	days := r.PostForm["days"]
	for i, station := range r.PostForm["station"] {
		if station == "" {
			continue
		}
		n := 0
		if i < len(days) {
			n, err = strconv.Atoi(strings.TrimSpace(days[i]))
		}
		if _, found := known.names[circ.StationID(station)]; !found || err != nil || n < 1 || n > 3650 {
			wrong["stages"] = "rota.days.wrong"
		}
		rota.Stages = append(rota.Stages, store.Stage{Station: circ.StationID(station), Days: n})
	}
	if len(rota.Stages) < 2 && wrong["stages"] == "" {
		wrong["stages"] = "rota.stages.few"
	}
	if len(wrong) > 0 {
		return "", wrong
	}
	id, err := s.Restock.SaveRota(r.Context(), rota)
	if errors.Is(err, store.ErrNoRota) {
		return "", errMissing
	}
	asking(r).about = []string{"rota " + strconv.FormatInt(id, 10)}
	return "/rotas/" + strconv.FormatInt(id, 10), err
}

// rotaID is the rota of a form's path.
func rotaID(r *http.Request) (int64, string, error) {
	id, err := strconv.ParseInt(r.PathValue("rota"), 10, 64)
	if err != nil || id < 1 {
		return 0, "", errMissing
	}
	asking(r).about = []string{"rota " + strconv.FormatInt(id, 10)}
	return id, "/rotas/" + strconv.FormatInt(id, 10), nil
}

func (s *site) putOnRota(_ http.ResponseWriter, r *http.Request) (string, error) {
	id, path, err := rotaID(r)
	if err != nil {
		return "", err
	}
	items, wrong := barcodes(r.PostForm.Get("items"))
	if wrong != "" {
		return "", complaint{"items": wrong}
	}
	onto := id
	if r.PostForm.Get("off") != "" {
		onto = 0
	}
	n, err := s.Restock.PutOnRota(r.Context(), onto, items, s.Now())
	if errors.Is(err, store.ErrNoRota) {
		return "", errMissing
	}
	return path + "?" + url.Values{"put": {strconv.Itoa(n)}}.Encode(), err
}

func (s *site) removeRota(_ http.ResponseWriter, r *http.Request) (string, error) {
	id, _, err := rotaID(r)
	if err != nil {
		return "", err
	}
	if err = s.Restock.RemoveRota(r.Context(), id); errors.Is(err, store.ErrNoRota) {
		err = errMissing
	}
	return "/rotas", err
}
