package hub_test

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"coldstation/sync/circ"
	"coldstation/sync/hub"
	"coldstation/sync/hub/ils"
	"coldstation/sync/hub/koha"
	"coldstation/sync/hub/sip2"
	"coldstation/sync/hub/store"
	"coldstation/sync/link"
)

// row is a loan as a library system keeps it.
type row struct {
	number                int
	item, card            string
	issued, due, returned time.Time // returned: zero while it runs
	renewals              int
}

// tables are a library system of its own, which shares nothing with sip2test and
// kohatest: Koha from 24.05.08 on, as it was read. A loan that is told twice is a
// renewal; no block with a due date is honoured; by SIP2 the time of a loan is lost
// and that of a return kept; the offline service keeps both. It is judged by its
// rows, and not by what it answered.
type tables struct {
	mu     sync.Mutex
	random *rand.Rand
	cuts   float64 // how many of the requests that change something lose their connection, done or not
	loans  []*row
}

const barred = "999A3" // may not borrow, by the rules

func known(list, id string) int { return slices.Index(strings.Fields(list), id) + 1 }
func cardNumber(card string) int {
	return known("999A1 999A2 999A3 999A4", card)
}
func itemNumber(item string) int { return known("1 2 3 4 5 6", item) }

func (s *tables) out(item string) *row {
	for _, r := range s.loans {
		if r.item == item && r.returned.IsZero() {
			return r
		}
	}
	return nil
}

// issue is ProcessOfflineIssue: the same patron's is renewed, another's ended first.
func (s *tables) issue(item, card string, at, due time.Time) {
	if r := s.out(item); r != nil && r.card == card {
		r.due, r.renewals = due, r.renewals+1
		return
	} else if r != nil {
		r.returned = at
	}
	s.loans = append(s.loans, &row{number: len(s.loans) + 1, item: item, card: card, issued: at, due: due})
}

// cut is whether this request's connection breaks, and whether it is done before.
func (s *tables) cut() (breaks, done bool) {
	return s.random.Float64() < s.cuts, s.random.IntN(2) == 0
}

const sipDate = "20060102    150405"

func sipTime(text string) time.Time {
	at, _ := time.ParseInLocation(sipDate, text, time.UTC)
	return at
}

func (s *tables) dial(context.Context) (net.Conn, error) {
	near, far := net.Pipe()
	go s.talk(far)
	return near, nil
}

func (s *tables) talk(c net.Conn) {
	defer c.Close()
	for r := bufio.NewReader(c); ; {
		line, err := r.ReadString('\r')
		if err != nil {
			return
		}
		line = strings.Trim(line, "\r\n")
		reply, open := s.answer(line)
		if !open {
			return
		}
		if _, after, found := strings.Cut(line, "AY"); found {
			reply += "AY" + after[:1] + "AZ"
			sum := 0
			for _, b := range []byte(reply) {
				sum += int(b)
			}
			reply += fmt.Sprintf("%04X", -sum&0xFFFF)
		}
		if _, err := c.Write([]byte(reply + "\r\n")); err != nil {
			return
		}
	}
}

// answer is the reply; false when the connection ends instead.
func (s *tables) answer(line string) (reply string, open bool) {
	fixed := map[string]int{"93": 4, "99": 10, "17": 20, "63": 33, "11": 40, "09": 39}[line[:2]]
	if fixed == 0 {
		return "96", true
	}
	fields := make(map[string]string)
	for _, f := range strings.Split(line[fixed:], "|") {
		if len(f) > 2 {
			fields[f[:2]] = f[2:]
		}
	}
	item, card, now := fields["AB"], fields["AA"], time.Now().UTC()
	s.mu.Lock()
	defer s.mu.Unlock()
	breaks, done := false, true
	if code := line[:2]; code == "11" || code == "09" {
		breaks, done = s.cut()
	}
	if breaks && !done {
		return "", false
	}
	at := now.Format(sipDate)
	switch line[:2] {
	case "93":
		return "941", true
	case "99":
		return "98YYYYNN600005" + at + "2.00AOmain|BXYYYYYYYYYYYYYYYY|", true
	case "17":
		switch {
		case itemNumber(item) == 0:
			return "18010001" + at + "AB" + item + "|AJ|", true
		case s.out(item) != nil:
			return "18040001" + at + "AB" + item + "|AJIs|AH" + s.out(item).due.Format(sipDate) + "|", true
		}
		return "18030001" + at + "AB" + item + "|AJIs|", true
	case "63":
		if cardNumber(card) == 0 {
			return "64YYYY          000" + at + "000000000000000000000000AE|AA" + card + "|BLN|AOmain|", true
		}
		list, count := "", 0
		for _, r := range s.loans {
			if r.card == card && r.returned.IsZero() {
				list, count = list+"AU"+r.item+"|", count+1
			}
		}
		status := strings.Repeat(" ", 14)
		if card == barred {
			status = "YYYY          "
		}
		return "64" + status + "000" + at + fmt.Sprintf("00000000%04d000000000000", count) + "AEHelmi|AA" + card + "|BLY|" + list + "AOmain|", true
	case "11":
		due, ok := sipTime(line[22:40]), "1"
		switch noBlock := line[3] == 'Y' && !due.IsZero(); {
		case itemNumber(item) == 0, cardNumber(card) == 0, !noBlock && (card == barred || s.out(item) != nil && s.out(item).card != card):
			ok = "0"
		case !noBlock:
			s.issue(item, card, now, now.AddDate(0, 0, 21))
		default:
			s.issue(item, card, now, due)
		}
		reply = "12" + ok + "NNY" + at + "AOmain|AA" + card + "|AB" + item + "|AJIs|"
		if r := s.out(item); ok == "1" && r != nil {
			reply += "AH" + r.due.Format(sipDate) + "|"
		}
		return reply, !breaks
	}
	back, ok := sipTime(line[21:39]), "0"
	if r := s.out(item); r != nil {
		ok, r.returned = "1", back
		if back.IsZero() {
			r.returned = now
		}
	}
	reply = "10" + ok + "YNN" + at + "AOmain|AB" + item + "|AQMAIN|AJIs|"
	if ok == "0" {
		reply += "AFItem not checked out|"
	}
	return reply, !breaks
}

// ServeHTTP is what of Koha's staff side the poster needs.
func (s *tables) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	number := 0
	_, _ = fmt.Sscanf(r.URL.Path, "/api/v1/biblios/%d", &number)
	switch {
	case strings.HasSuffix(r.URL.Path, "/service.pl"):
		s.offline(w, r)
	case r.URL.Path == "/api/v1/oauth/token":
		_, _ = fmt.Fprint(w, `{"access_token":"t","expires_in":3600,"token_type":"Bearer"}`)
	case r.URL.Path == "/api/v1/patrons":
		var all []map[string]any
		for _, card := range strings.Fields("999A1 999A2 999A3 999A4") {
			all = append(all, map[string]any{"patron_id": cardNumber(card), "cardnumber": card, "firstname": "Helmi", "category_id": "A", "library_id": "MAIN", "restricted": card == barred})
		}
		list(w, r, all)
	case r.URL.Path == "/api/v1/items":
		var all []map[string]any
		for _, item := range strings.Fields("1 2 3 4 5 6") {
			all = append(all, map[string]any{"item_id": itemNumber(item), "biblio_id": itemNumber(item), "external_id": item})
		}
		list(w, r, all)
	case r.URL.Path == "/api/v1/checkouts":
		var all []map[string]any
		for _, l := range s.loans {
			if l.returned.IsZero() {
				all = append(all, map[string]any{"checkout_id": l.number, "patron_id": cardNumber(l.card), "item_id": itemNumber(l.item), "checkout_date": l.issued.Format(time.RFC3339),
					"due_date": l.due.Format(time.RFC3339), "renewals_count": l.renewals})
			}
		}
		list(w, r, all)
	case number > 0:
		_, _ = fmt.Fprintf(w, `{"biblio_id":%d,"title":"Is"}`, number)
	default:
		http.NotFound(w, r)
	}
}

// list is the rows that fit q.
func list(w http.ResponseWriter, r *http.Request, all []map[string]any) {
	var q map[string]any
	if err := json.Unmarshal([]byte(cmp.Or(r.FormValue("q"), "{}")), &q); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	fit := make([]map[string]any, 0)
	for _, row := range all {
		fits := true
		for field, want := range q {
			more, ranged := want.(map[string]any)
			if ranged {
				n, is := row[field].(int)
				fits = fits && is && float64(n) > more[">"].(float64)
			} else {
				fits = fits && fmt.Sprint(row[field]) == fmt.Sprint(want)
			}
		}
		if fits {
			fit = append(fit, row)
		}
	}
	w.Header().Set("X-Total-Count", fmt.Sprint(len(fit)))
	_ = json.NewEncoder(w).Encode(fit)
}

func (s *tables) offline(w http.ResponseWriter, r *http.Request) {
	breaks, done := s.cut()
	if breaks && !done {
		panic(http.ErrAbortHandler)
	}
	at, err := time.ParseInLocation(time.DateTime, r.FormValue("timestamp"), time.UTC)
	item, card, said := r.FormValue("barcode"), r.FormValue("cardnumber"), "Success."
	switch open := s.out(item); {
	case err != nil || r.FormValue("branchcode") == "" || r.FormValue("pending") == "true":
		said = "Added."
	case itemNumber(item) == 0:
		said = "Barcode not found."
	case r.FormValue("action") == "issue" && cardNumber(card) == 0:
		said = "Borrower not found."
	case r.FormValue("action") == "issue":
		s.issue(item, card, at, at.AddDate(0, 0, 28))
	case open == nil:
		said = "Item not issued."
	default:
		open.returned = at
	}
	if breaks {
		panic(http.ErrAbortHandler)
	}
	_, _ = fmt.Fprintln(w, said)
}

// doors are a listener whose connections are pipes.
type doors chan net.Conn

func (d doors) Accept() (net.Conn, error) {
	if c, open := <-d; open {
		return c, nil
	}
	return nil, net.ErrClosed
}
func (d doors) Close() error   { return nil }
func (d doors) Addr() net.Addr { return &net.UnixAddr{Name: "door"} }
func (d doors) dial(context.Context, string, string) (net.Conn, error) {
	near, far := net.Pipe()
	d <- far
	return near, nil
}

// systems are the two ways of getting at the tables.
var systems = map[string]func(t *testing.T, s *tables) ils.ILS{
	"by SIP2": func(_ *testing.T, s *tables) ils.ILS { return s.line() },
	"by the offline service": func(t *testing.T, s *tables) ils.ILS {
		open := make(doors)
		server := &http.Server{Handler: s}
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			_ = server.Serve(open)
		}()
		t.Cleanup(func() {
			close(open)
			_ = server.Close()
			<-ended
		})
		api, err := koha.New(koha.Settings{URL: "http://localhost", ID: "key", Secret: "secret", Zone: time.UTC, Rate: 1e6, Burst: 1e6, Dial: open.dial})
		if err != nil {
			t.Fatal(err)
		}
		return ils.Koha{KohaSettings: ils.KohaSettings{Name: "branch", API: api, Offline: koha.NewOffline(api, "librarian", "secret"), SIP2: s.line(), Branch: "MAIN"}}
	},
}

func (s *tables) line() *ils.SIP2 {
	return ils.NewSIP2(ils.SIP2Settings{Name: "branch", Abilities: ils.Kinds["koha24"], Account: sip2.Account{Name: "station", Password: "secret", Institution: "main"},
		Line: sip2.Settings{Zone: time.UTC, Dial: s.dial}})
}

// happened is one loan as it truly was.
type happened struct {
	item, card     string
	lent, returned time.Time
}

// day is thirty things that happen to six items at two houses, one after the other,
// whoever of the two can be reached. An item that is out is brought to either house,
// or lies on a pad for somebody else without having been brought back.
func day(random *rand.Rand, houses [2]*house) (truth []*happened) {
	out := make(map[string]*happened)
	shelf := make(map[string]int)
	cards := strings.Fields("999A1 999A2 999A3 999A4")
	for range 30 {
		time.Sleep(time.Duration(3+random.IntN(20)) * time.Minute)
		item, card := fmt.Sprint(1+random.IntN(6)), cards[random.IntN(len(cards))]
		at, now := random.IntN(2), time.Now().Truncate(time.Second)
		loan := out[item]
		if loan != nil && (loan.card == card || random.IntN(3) > 0) {
			theirs, _, err := houses[at].Loan(circ.ItemID(item)) // which may be of long ago, or nobody's
			houses[at].ok(err)
			houses[at].do(circ.CheckedIn{Item: circ.ItemID(item), Patron: theirs.Patron, Belongs: true})
			loan.returned, shelf[item] = now, at
			delete(out, item)
			continue
		}
		if loan == nil {
			at = shelf[item]
		} else {
			loan.returned = now
		}
		houses[at].lend(circ.ItemID(item), card)
		out[item] = &happened{item: item, card: card, lent: now}
		truth = append(truth, out[item])
	}
	return truth
}

// judge compares the rows with what happened, and answers how many loans are not
// there.
func (s *tables) judge(truth []*happened, keepsTime bool) (missing int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	left := make(map[string][]*row)
	for _, r := range s.loans {
		left[r.item] = append(left[r.item], r)
		if r.renewals > 0 {
			err = errors.Join(err, fmt.Errorf("%s was renewed for %s", r.item, r.card))
		}
	}
	for _, h := range truth {
		rows := left[h.item]
		if len(rows) == 0 || rows[0].card != h.card || !rows[0].returned.Equal(h.returned) || keepsTime && !rows[0].issued.Equal(h.lent) {
			missing++
			continue
		}
		left[h.item] = rows[1:]
	}
	for item, rows := range left {
		for _, r := range rows {
			err = errors.Join(err, fmt.Errorf("%s to %s from %v to %v, which did not happen", item, r.card, r.issued, r.returned))
		}
	}
	return missing, err
}

// judgeLate wants each loan that happened either in the rows or elsewhere: with a
// person, or one with the patron's loan before, whose end was heard of too late. Of each
// item the row of its last loan is as it is.
func (s *tables) judgeLate(truth []*happened, elsewhere []store.Posting) (err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	last := make(map[string]*happened)
	found := 0
	for _, h := range truth {
		last[h.item] = h
		rowed := slices.ContainsFunc(s.loans, func(r *row) bool {
			return r.item == h.item && r.card == h.card && (r.issued.Equal(h.lent) || r.due.Equal(h.lent.AddDate(0, 0, 28))) && r.renewals == 0 && !r.returned.IsZero() == !h.returned.IsZero()
		})
		other := slices.ContainsFunc(elsewhere, func(p store.Posting) bool {
			return (p.Rule == string(ils.Superseded) && p.Person || p.Note == hub.NoteTheirs) && p.Op == store.PostLend && string(p.Item) == h.item && p.Patron.Plaintext() == h.card && p.At.Sub(h.lent).Abs() < time.Second
		})
		if rowed == other {
			err = errors.Join(err, fmt.Errorf("%s to %s at %v: in the tables %v, elsewhere %v", h.item, h.card, h.lent, rowed, other))
		}
		if rowed {
			found++
		}
	}
	if found != len(s.loans) {
		err = errors.Join(err, fmt.Errorf("%d rows, of which %d happened", len(s.loans), found))
	}
	for item, h := range last {
		if r := s.out(item); (r != nil) != h.returned.IsZero() || r != nil && r.card != h.card {
			err = errors.Join(err, fmt.Errorf("%s is out by %+v, and by %+v in truth", item, r, h))
		}
	}
	return err
}

// eachDay runs do on a day at each of the systems, by seeds that name the test; LONG
// tries more of them.
func eachDay(t *testing.T, do func(*testing.T, *tabled)) {
	seeds := uint64(1)
	if os.Getenv("LONG") != "" {
		seeds = 5
	}
	for name, open := range systems {
		for seed := range seeds {
			t.Run(fmt.Sprintf("%s, seed %d", name, seed), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					c := newTabled(t, seed, open)
					defer c.stop()
					do(t, c)
				})
			})
		}
	}
}

// TestTables: thirty things happen at two stations that are cut off, which arrive in
// either order over a link that loses, doubles and reorders; the library system hangs
// up on a quarter of what changes something, done or not, and the poster is started
// again meanwhile. The system's tables are then what happened.
func TestTables(t *testing.T) {
	eachDay(t, func(t *testing.T, c *tabled) {
		c.system.cuts = 0.25
		truth := day(c.system.random, c.houses)
		defer c.arrives(0)()
		defer c.arrives(1)()
		for range 4 { // it is stopped while at it
			c.post(time.Duration(1+c.system.random.IntN(10)) * time.Minute)
		}
		c.post(2 * time.Hour)
		missing, err := c.system.judge(truth, c.keepsTime)
		if err = errors.Join(err, (&branch{library: c.library}).settled(0)()); err != nil || missing > 0 {
			t.Errorf("%d loans are missing: %v", missing, err)
		}
	})
}

// TestTablesLate: what the first station tells is posted before anything is heard of
// the other. A loan that others have followed is then not made up for: each that the
// tables lack is with a person, and who has an item now is who does.
func TestTablesLate(t *testing.T) {
	eachDay(t, func(t *testing.T, c *tabled) {
		truth := day(c.system.random, c.houses)
		defer c.arrives(0)()
		c.post(time.Hour)
		defer c.arrives(1)()
		c.post(time.Hour)
		open, err1 := c.store.Decisions(t.Context(), "branch", 50)
		theirs, err2 := c.store.Written(t.Context(), "branch", hub.NoteTheirs)
		if err := errors.Join(err1, err2, c.system.judgeLate(truth, append(open, theirs...))); err != nil {
			t.Error(err)
		}
	})
}

// tabled is a hub, two stations that are cut off, and a library system of tables.
type tabled struct {
	*library
	houses    [2]*house // in the order they will arrive
	system    *tables
	open      func(*testing.T, *tables) ils.ILS
	keepsTime bool
}

func newTabled(t *testing.T, seed uint64, open func(*testing.T, *tables) ils.ILS) *tabled {
	broker := link.NewMemory(seed)
	broker.Fail(link.Faults{Lose: 0.05, Double: 0.2, Reorder: 0.2})
	l := newLibrary(t, memory(broker))
	c := &tabled{library: l, system: &tables{random: rand.New(rand.NewPCG(seed, 7))}, open: open}
	c.houses = [2]*house{l.enrol("maple-house"), l.enrol("birch-house")}
	return c
}

// arrives has a station reach the hub and tell all.
func (c *tabled) arrives(which int) (stop func()) {
	stop = c.houses[which].start()
	for range 10 {
		if time.Sleep(time.Minute); c.houses[which].delivered() == nil {
			return stop
		}
	}
	c.t.Error(c.houses[which].delivered())
	return stop
}

// post has a poster run for so long. No chance is large enough to meet a request
// twelve times.
func (c *tabled) post(long time.Duration) {
	c.t.Helper()
	system := c.open(c.t, c.system)
	c.keepsTime = system.Abilities().KeepsTime
	p := hub.NewPoster(hub.PosterSettings{Store: c.store, ILS: system, Log: c.log, Look: 10 * time.Second, PostRules: hub.PostRules{Sends: 12}})
	ctx, cancel := context.WithTimeout(c.t.Context(), long)
	defer cancel()
	if err := errors.Join(p.Run(ctx), system.Close()); err != nil {
		c.t.Error(err)
	}
}
