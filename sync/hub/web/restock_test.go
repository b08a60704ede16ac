package web

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"coldstation/sync/circ"
	"coldstation/sync/hub/store"
	"coldstation/sync/hub/store/storetest"
	"coldstation/sync/identity"
)

// depot is pages of a hub with two stations and books whose words are hostile.
type depot struct {
	*office
	log     *storetest.Log
	cookies map[string]string
}

func (d *depot) cookie(who string) string {
	if d.cookies[who] == "" {
		d.cookies[who] = d.session(who, now, now)
	}
	return d.cookies[who]
}

func newDepot(t *testing.T) *depot {
	o := newPeople(t, Settings{})
	for _, id := range []circ.StationID{"birch-house", "maple-house"} {
		o.ok(o.store.Enrol(t.Context(), identity.Enrolled{Station: id, Password: []byte("x"), Signing: make([]byte, 32)}, now))
	}
	var items []circ.Item
	for i := range 9 {
		items = append(items, circ.Item{ID: circ.ItemID(fmt.Sprint(i + 1)), Title: fmt.Sprint("Book ", i+1, hostile), Author: hostile, Subject: hostile, Language: "fi", Home: "main"})
	}
	_, err := o.store.Import(t.Context(), store.Collection{Items: items})
	o.ok(err)
	d := &depot{o, storetest.NewLog("maple-house"), make(map[string]string)}
	d.log.Began = now.Add(time.Hour)
	return d
}

// says has the station tell something.
func (d *depot) says(bodies ...circ.EventBody) {
	d.t.Helper()
	_, err := d.store.Find(d.t.Context(), d.log.Station, d.log.ID, now)
	d.ok(err)
	d.log.Add(bodies...)
	_, err = d.store.TakeIn(d.t.Context(), d.log.All())
	d.ok(err)
}

// post sends a form and gives where to look next.
func (d *depot) post(who, path string, form url.Values) reply {
	d.t.Helper()
	return post(d.h, path, form, "Cookie", d.cookie(who))
}

func (d *depot) get(who, path string, headers ...string) reply {
	d.t.Helper()
	return get(d.h, path, append([]string{"Cookie", d.cookie(who)}, headers...)...)
}

// shows fails the test unless a page has a text.
func (d *depot) shows(path string, texts ...string) {
	d.t.Helper()
	for i, lang := range []string{"en", "fi", "sv"} {
		r := d.get("librarian", path, "Accept-Language", lang)
		if r.StatusCode != http.StatusOK {
			d.t.Fatalf("%s: %d", path, r.StatusCode)
		}
		checkPage(d.t, path+" "+lang, lang, r.text)
		for _, text := range texts {
			if i == 0 && !strings.Contains(r.text, text) {
				d.t.Errorf("%s does not say %q", path, text)
			}
		}
	}
}

// goes fails the test unless a form leads on, and says where to.
func (d *depot) goes(path string, form url.Values) string {
	d.t.Helper()
	r := d.post("librarian", path, form)
	if r.StatusCode != http.StatusSeeOther {
		d.t.Fatalf("%s: %d", path, r.StatusCode)
	}
	return r.Header.Get("Location")
}

// TestRestock packs, sends, resolves, counts and rotates as a librarian does.
func TestRestock(t *testing.T) {
	d := newDepot(t)
	path := d.goes("/consignments", url.Values{"station": {"maple-house"}, "title": {"Winter " + hostile}})
	for _, tt := range []struct{ scan, says string }{
		{"1", "Book 1"}, {" 2 ", "is packed."}, {"3", "is packed."}, {"2", "is packed already."}, {"404", "No item here has the barcode 404"}, {hostile, "No item here"},
	} {
		next := d.goes(path+"/pack", url.Values{"item": {tt.scan}})
		d.shows(next, tt.says, "autofocus")
	}
	other := d.goes("/consignments", url.Values{"station": {"birch-house"}})
	d.shows(d.goes(other+"/pack", url.Values{"item": {"1"}}), "is packed in another box")
	d.shows(d.goes(other+"/send", nil), "Nothing is packed yet.")
	if next := d.goes(other+"/drop", nil); next != "/consignments" || d.get("librarian", other).StatusCode != http.StatusNotFound {
		t.Errorf("a consignment that was given up leads to %s and is there", next)
	}
	d.shows(d.goes(path+"/unpack", url.Values{"item": {"3"}}), "2 items packed.")
	d.goes(path+"/pack", url.Values{"item": {"4"}})
	id := strings.TrimPrefix(path, "/consignments/")
	d.shows(path+"/list", id, `class="barcode"`, "Book 4")
	d.goes(path+"/send", nil)
	d.shows(path, "On its way", "Nothing more will come")
	d.says(circ.Placed{Item: "1", Consignment: id}, circ.ConsignmentChecked{Consignment: id, Seen: []circ.ItemID{"1"}, Missing: []circ.ItemID{"2", "4"}, Extra: []circ.ItemID{"7"}})
	d.shows(path, "Received, 3 differences to resolve", "Still in the box", "It belongs here now")
	d.shows("/consignments", "3 differences to resolve", "1 of 3 seen")
	d.shows("/", "1 consignment has differences.")
	for _, one := range []string{"lost 2", "box 4", "back 7"} {
		d.goes(path+"/resolve", url.Values{"one": {one}})
	}
	if next := d.goes(path+"/resolve", url.Values{"one": {"lost 2"}}); !strings.HasSuffix(next, "trouble=state") {
		t.Errorf("resolved twice leads to %s", next)
	}
	d.shows(path, "Done")
	d.shows("/losses", "Book 2", "on the way, "+id)
	d.goes("/recalls", url.Values{"items": {"8\n9"}, "title": {hostile}})
	d.goes("/recalls", url.Values{"end": {"9"}})
	d.shows("/recalls", "Book 8")
	d.goes("/shelves", url.Values{"station": {"maple-house"}, "capacity": {"40"}})
	d.shows("/shelves", `value="40"`)

	d.says(circ.Placed{Item: "5"}, circ.CheckedOut{Item: "6", Patron: circ.Ref{1}}, circ.ShelfCounted{Seen: []circ.ItemID{"1", "5", "6", "99"}, Whole: true})
	d.shows("/stations/maple-house/count", "The whole shelf was counted", "On the shelf, but lent", "Belongs elsewhere", "It came back")
	d.goes("/stations/maple-house/count", url.Values{"one": {"here 6"}})
	d.goes("/stations/maple-house/count", url.Values{"one": {"stays 5"}})
	if loans, err := d.store.Loans(t.Context(), ""); err != nil || len(loans) != 0 {
		t.Errorf("on loan after it came back: %v, %v", loans, err)
	}
	if next := d.goes("/stations/maple-house/count", url.Values{"one": {"here 6"}}); !strings.HasSuffix(next, "trouble=1") {
		t.Errorf("judged twice leads to %s", next)
	}

	rota := d.goes("/rotas", url.Values{"title": {"Round " + hostile}, "station": {"maple-house", "", "birch-house"}, "days": {"30", "", "60"}, "cyclical": {"1"}, "active": {"1"}})
	d.shows(d.goes(rota+"/items", url.Values{"items": {"1 2 404"}}), "2 items were known")
	d.shows(rota, "Items on this rota: 2")
	d.shows("/rotas", "Round")
	d.now = now.AddDate(0, 0, 60)
	later := d.session("librarian", d.now, d.now)
	r := get(d.h, "/rotation", "Cookie", later)
	checkPage(t, "/rotation", "en", r.text)
	if !strings.Contains(r.text, "days at this stage") || !strings.Contains(r.text, `value="birch-house 1"`) {
		t.Error("no move is proposed of what has been long enough")
	}
	r = post(d.h, "/rotation", url.Values{"title": {"Spring"}, "key": {"birch-house 1"}}, "Cookie", later)
	boxes, err := d.store.Consignments(t.Context(), "birch-house", 9)
	d.ok(err)
	if r.StatusCode != http.StatusSeeOther || len(boxes) != 1 || boxes[0].Counts[store.LinePlanned] != 1 || boxes[0].MadeBy != "librarian" {
		t.Fatalf("accepted: %d, %+v", r.StatusCode, boxes)
	}
	d.now = now
	d.shows("/consignments/"+boxes[0].ID, "Still to come")
	d.goes(rota+"/remove", nil)
}

// TestRestockForms: what is wrong is said, and what was typed stays.
func TestRestockForms(t *testing.T) {
	d := newDepot(t)
	long := strings.Repeat("x", 300)
	rota := d.goes("/rotas", url.Values{"title": {"R"}, "station": {"maple-house", "birch-house"}, "days": {"1", "2"}})
	for _, tt := range []struct {
		name, path string
		form       url.Values
		status     int
		says       string
	}{
		{"no station", "/consignments", url.Values{"station": {"nowhere"}, "title": {"Typed"}}, 422, `value="Typed"`},
		{"a long title", "/consignments", url.Values{"station": {"maple-house"}, "title": {long}}, 422, "This is too long"},
		{"no such consignment", "/consignments/none/pack", url.Values{"item": {"1"}}, 404, ""},
		{"no barcodes", "/recalls", url.Values{"title": {"Typed"}}, 422, `value="Typed"`},
		{"a long barcode", "/recalls", url.Values{"items": {long}}, 422, long},
		{"no number", "/shelves", url.Values{"station": {"maple-house"}, "capacity": {"many"}}, 422, `value="many"`},
		{"a number below", "/shelves", url.Values{"station": {"maple-house"}, "capacity": {"-1"}}, 422, "whole number"},
		{"nothing ticked", "/rotation", url.Values{"title": {"Typed"}}, 422, "Tick at least one"},
		{"a key of another kind", "/rotation", url.Values{"key": {"x"}}, 400, ""},
		{"a rota without a name", "/rotas", url.Values{"station": {"maple-house", "birch-house"}, "days": {"7", "14"}}, 422, `value="14"`},
		{"a rota of one stage", rota, url.Values{"title": {"T"}, "station": {"maple-house"}, "days": {"7"}}, 422, "at least two"},
		{"days that are none", rota, url.Values{"title": {"T"}, "station": {"maple-house", "birch-house"}, "days": {"0", "soon"}}, 422, `value="soon"`},
		{"no such rota", "/rotas/99", url.Values{"title": {"T"}, "station": {"maple-house", "birch-house"}, "days": {"1", "1"}}, 404, ""},
		{"items on no rota", "/rotas/99/items", url.Values{"items": {"1"}}, 404, ""},
		{"no items", rota + "/items", nil, 422, "at least one barcode"},
		{"an outcome of another kind", "/stations/maple-house/count", url.Values{"one": {"x"}}, 400, ""},
	} {
		r := d.post("librarian", tt.path, tt.form)
		if r.StatusCode != tt.status || !strings.Contains(r.text, tt.says) && tt.says != long {
			t.Errorf("%s: %d, want %d and %q", tt.name, r.StatusCode, tt.status, tt.says)
		}
	}
}

// TestRestockWithin: who may act at one station sees and changes nothing of another.
func TestRestockWithin(t *testing.T) {
	d := newDepot(t)
	path := d.goes("/consignments", url.Values{"station": {"maple-house"}})
	for _, tt := range []struct {
		who, path string
		form      url.Values // a form when it is set
		want      int
	}{
		{"librarian-birch", path, nil, 404},
		{"librarian-birch", path + "/list", nil, 404},
		{"librarian-birch", path + "/pack", url.Values{"item": {"1"}}, 404},
		{"librarian-birch", path + "/drop", url.Values{}, 404},
		{"librarian-birch", "/consignments", url.Values{"station": {"maple-house"}}, 422},
		{"librarian-birch", "/shelves", url.Values{"station": {"maple-house"}, "capacity": {"1"}}, 403},
		{"viewer-maple", path, nil, 200},
		{"viewer-maple", path + "/pack", url.Values{"item": {"1"}}, 403},
		{"librarian-maple", path + "/pack", url.Values{"item": {"1"}}, 303},
	} {
		ask := func() reply { return d.get(tt.who, tt.path) }
		if tt.form != nil {
			ask = func() reply { return d.post(tt.who, tt.path, tt.form) }
		}
		if r := ask(); r.StatusCode != tt.want {
			t.Errorf("%s %s: %d, want %d", tt.who, tt.path, r.StatusCode, tt.want)
		}
	}
	id := strings.TrimPrefix(path, "/consignments/")
	for _, page := range []string{"/consignments", "/shelves", "/recalls", "/losses"} {
		if r := d.get("librarian-birch", page); strings.Contains(r.text, id) || strings.Contains(r.text, "maple") {
			t.Errorf("%s shows another station to who has none there", page)
		}
	}
}

// TestBarcode reads the bars back: a start, each sign as three bars and three gaps of
// eleven modules, a check sign and the stop, as ISO/IEC 15417 has them.
func TestBarcode(t *testing.T) {
	for _, text := range []string{"K7Q2-0001", "P8N6-12345"} {
		bars, width := code128Bars(text)
		at, modules := 0, ""
		for _, b := range bars {
			modules += strings.Repeat("0", b.X-at) + strings.Repeat("1", b.Width)
			at = b.X + b.Width
		}
		modules += strings.Repeat("0", width-at)
		if !regexp.MustCompile(`^0{10}110100(10000|00100|11100)[01]*11000111010110{10}$`).MatchString(modules) {
			t.Errorf("%s: %s has no start, stop or quiet zone", text, modules)
		}
		if inner := len(modules) - 20 - 13; inner%11 != 0 {
			t.Errorf("%s: %d modules are no whole signs", text, inner)
		}
	}
	if bars, _ := code128Bars("ä"); bars != nil {
		t.Error("a letter that it has not was drawn")
	}
}
