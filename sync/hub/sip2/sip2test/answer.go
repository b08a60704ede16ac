package sip2test

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"coldstation/sync/hub/sip2"
)

var errUnknown = errors.New("unknown code")

// Widths of fixed parts, of the specification.
var (
	requestWidth = map[sip2.Code]int{"93": 2, "99": 8, "23": 21, "63": 31, "17": 18, "11": 38, "09": 37, "29": 38, "35": 18, "37": 25}
	replyWidth   = map[sip2.Code]int{"94": 1, "98": 34, "24": 35, "64": 59, "18": 24, "12": 22, "10": 22, "30": 22, "36": 19}
)

// must are the fields without which a pedant does not go on.
var must = map[sip2.Code][]string{
	"93": {"CN", "CO"}, "23": {"AO", "AA", "AC", "AD"}, "63": {"AO", "AA"}, "17": {"AO", "AB"},
	"11": {"AO", "AA", "AB", "AC"}, "09": {"AP", "AO", "AB", "AC"}, "29": {"AO", "AA"}, "35": {"AO", "AA"},
}

const stamp = "20060102    150405"

// field adds one, as both systems do.
func (t *talk) field(r *reply, code, value string) {
	value = strings.ReplaceAll(strings.ReplaceAll(value, "\r", " "), "|", "&#124;")
	if runes := []rune(value); t.AtMost > 0 && len(runes) > t.AtMost {
		value = string(runes[:t.AtMost])
	}
	r.text.WriteString(code + value + "|")
}

func (t *talk) maybe(r *reply, code, value string) {
	if value != "" {
		t.field(r, code, value)
	}
}

func bit(b bool) string {
	if b {
		return "1"
	}
	return "0"
}

func yes(b bool) string {
	if b {
		return "Y"
	}
	return "N"
}

// handle does what a request asks. A reply together with an error is sent before
// the system hangs up.
func (t *talk) handle(code sip2.Code, text string) (*reply, error) {
	width, known := requestWidth[code]
	if !known {
		return nil, errUnknown
	}
	if code == "37" || len(text) < width {
		return nil, errHangUp
	}
	fixed, fields := text[:width], make(map[string]string)
	has := make(map[string]bool)
	for part := range strings.SplitSeq(text[width:], "|") {
		if len(part) >= 2 && !has[part[:2]] {
			has[part[:2]], fields[part[:2]] = true, part[2:]
		}
	}
	if t.Pedant && slices.ContainsFunc(must[code], func(f string) bool { return !has[f] }) {
		return nil, errHangUp
	}
	if t.account == "" && code != "93" && (code != "99" || !t.Talkative) {
		return nil, errHangUp
	}
	now := t.now().Format(stamp)
	switch code {
	case "93":
		password, ok := t.Accounts[fields["CN"]]
		if ok = ok && password == fields["CO"] && fixed == "00"; !ok {
			return in("94", "0"), errHangUp
		}
		t.account = fields["CN"]
		return in("94", "1"), nil
	case "99":
		flags := "YYYYNN"
		if t.Denies {
			flags = "YNNYNN"
		}
		r := in("98", flags+"100005"+now+"2.00")
		t.field(r, "AO", t.Institution)
		t.field(r, "BX", "YYYYYYYYYNYNYYYN")
		return r, nil
	case "23", "63":
		return t.about(code, fixed, fields, now), nil
	case "17":
		return t.item(fields["AB"], now), nil
	case "11":
		return t.checkout(fixed, fields, has, now)
	case "09":
		return t.checkin(fixed, fields, now)
	case "29":
		return t.renew(fields, now), nil
	case "35":
		r := in("36", "Y"+now)
		t.field(r, "AO", t.Institution)
		t.field(r, "AA", fields["AA"])
		return r, nil
	}
	return nil, errUnknown
}

func (t *talk) about(code sip2.Code, fixed string, fields map[string]string, now string) *reply {
	p := t.patron(fields["AA"])
	flags := strings.Repeat(" ", 14)
	if p == nil || p.blocked() {
		flags = "YYYY          "
	}
	if p != nil && p.LostCard {
		flags = flags[:4] + "Y" + flags[5:]
	}
	if p != nil && p.Fines != "" {
		flags = flags[:10] + "YY" + flags[12:]
	}
	head := flags + fixed[:3] + now
	answer := func(r *reply) {
		t.field(r, "BL", yes(p != nil))
		if password, asked := fields["AD"]; p != nil && (asked || code == "23") {
			t.field(r, "CQ", yes(p.Password == password))
		}
	}
	name, card := "", fields["AA"]
	if p != nil {
		name, card = p.Name, p.Card
	}
	if code == "23" {
		r := in("24", head)
		if t.NameFirst {
			t.field(r, "AE", name)
			t.field(r, "AA", card)
			answer(r)
			t.screens(r, p)
			t.field(r, "AO", fields["AO"])
			return r
		}
		t.field(r, "AO", fields["AO"])
		t.field(r, "AA", card)
		t.field(r, "AE", name)
		answer(r)
		t.screens(r, p)
		return r
	}
	var charged []string
	for _, l := range t.loans {
		if p != nil && l.Patron == p.Card {
			charged = append(charged, l.Item)
		}
	}
	slices.Sort(charged)
	r := in("64", head+fmt.Sprintf("%04d%04d%04d%04d%04d%04d", 0, 0, len(charged), 0, 0, 0))
	t.field(r, "AO", t.Institution)
	t.field(r, "AA", card)
	t.field(r, "AE", name)
	if t.NameFirst {
		answer(r)
	}
	if p != nil {
		t.maybe(r, "BV", p.Fines)
	}
	if fixed[3+18+2] == 'Y' && strings.IndexByte(fixed[21:], 'Y') == 2 {
		for _, item := range charged {
			t.field(r, "AU", item)
		}
	}
	if !t.NameFirst {
		answer(r)
	}
	t.screens(r, p)
	return r
}

func (t *talk) screens(r *reply, p *Patron) {
	if p == nil {
		return
	}
	for _, text := range p.Screen {
		t.maybe(r, "AF", text)
	}
}

func (t *talk) item(id, now string) *reply {
	i := t.items[id]
	if i == nil {
		r := in("18", "010101"+now)
		t.field(r, "AB", id)
		t.field(r, "AJ", "")
		return r
	}
	status, due := "03", ""
	switch l := t.loans[id]; {
	case l != nil:
		status, due = "04", l.Due.Format(stamp)
	case i.Captured:
		status = "08"
	case i.Transit != "":
		status = "10"
	}
	r := in("18", status+"0201"+now)
	t.field(r, "AB", i.Barcode)
	t.field(r, "AJ", i.Title)
	t.maybe(r, "AQ", i.Branch)
	t.maybe(r, "AP", i.Current)
	t.maybe(r, "AH", due)
	return r
}

func (t *talk) checkout(fixed string, fields map[string]string, has map[string]bool, now string) (*reply, error) {
	noBlock := fixed[1] == 'Y' && t.NoBlock && strings.TrimSpace(fixed[20:]) != ""
	at, err := time.ParseInLocation(stamp, fixed[2:20], t.zone())
	if err != nil && t.Pedant {
		return nil, errHangUp
	}
	p := t.patron(fields["AA"])
	if !has["AA"] && t.NobodyLends {
		if i := slices.IndexFunc(t.patrons, func(p *Patron) bool { return p.Userid == "" }); i >= 0 {
			p = t.patrons[i]
		}
	}
	i, l := t.items[fields["AB"]], t.loans[fields["AB"]]
	said, ok, renewal := "", false, false
	switch {
	case p == nil:
		said = "Invalid Patron"
	case i == nil:
		said = "Invalid Item"
	case p.blocked() && !noBlock:
		said = "Patron Blocked"
	case l != nil && l.Patron == p.Card && t.Renews:
		renewal, ok = true, true
	case l != nil && l.Patron == p.Card:
		said = "Item is already on loan to this patron"
	case l != nil && !noBlock:
		said = "Item checked out to another patron"
	default:
		ok = true
	}
	due := ""
	if ok {
		done := Transaction{Code: "11", Renewal: renewal, Patron: p.Card, Item: i.Barcode, At: t.now(), Account: t.account}
		if noBlock && t.KeepsTime {
			done.At = at
		}
		if l != nil && !renewal { // no-block takes it from whoever has it
			t.history = append(t.history, Transaction{Code: "09", Patron: l.Patron, Item: l.Item, At: done.At, Account: t.account})
			l = nil
		}
		until := t.due()
		if promised, err := time.ParseInLocation(stamp, fixed[20:], t.zone()); err == nil && noBlock {
			until = promised
		}
		if l == nil {
			l = &Loan{Patron: p.Card, Item: i.Barcode, At: done.At}
			t.loans[i.Barcode] = l
		} else {
			l.Renewals++
			until = until.AddDate(0, 0, l.Renewals) // so that a renewal shows
		}
		l.Due, i.Transit, i.Captured = until, "", false
		t.history = append(t.history, done)
		due = l.Due.Format(stamp)
		if noBlock && p.blocked() && t.NameFirst {
			said = "Issue failed : EXPIRED" // newer Koha, of what it has done
		}
	}
	r := in("12", bit(ok)+yes(renewal)+"U"+yes(ok)+now)
	t.field(r, "AO", t.Institution)
	t.field(r, "AA", fields["AA"])
	t.field(r, "AB", fields["AB"])
	title := ""
	if i != nil {
		title = i.Title
	}
	t.field(r, "AJ", title)
	t.field(r, "AH", due)
	t.maybe(r, "AF", said)
	if !ok {
		t.field(r, "BL", yes(p != nil))
	}
	return r, nil
}

// due is the end of a day, as Koha has it.
func (t *talk) due() time.Time {
	day := t.now().AddDate(0, 0, t.LoanDays)
	return time.Date(day.Year(), day.Month(), day.Day(), 23, 59, 0, 0, day.Location())
}

func (t *talk) checkin(fixed string, fields map[string]string, now string) (*reply, error) {
	returned, err := time.ParseInLocation(stamp, fixed[19:], t.zone())
	if zoned := strings.TrimSpace(fixed[27:31]); err != nil && zoned == "Z" { // taken, and the zone ignored
		returned, err = time.ParseInLocation(stamp, fixed[19:27]+"    "+fixed[31:], t.zone())
	}
	if blank := strings.TrimSpace(fixed[19:]) == ""; blank && t.BlankKills || err != nil && t.Pedant {
		return nil, errHangUp
	}
	i, l := t.items[fields["AB"]], t.loans[fields["AB"]]
	here := cmp.Or(fields["AP"], t.Institution)
	if i == nil {
		if t.UnknownKills {
			return nil, errHangUp
		}
		r := in("10", "0NUN"+now)
		t.field(r, "AO", fields["AO"])
		t.field(r, "AB", fields["AB"])
		t.field(r, "AQ", "")
		t.field(r, "AF", "Invalid Item")
		return r, nil
	}
	if l == nil && i.Branch != here && t.TransferKills {
		i.Transit = i.Branch
		return nil, errHangUp
	}
	said, ok, patron := "", l != nil, ""
	if ok {
		at := t.now()
		switch {
		case err != nil || t.Returned == ReturnedNow:
		case t.Returned == ReturnedTime:
			at = returned
		default:
			at = time.Date(returned.Year(), returned.Month(), returned.Day(), 0, 0, 0, 0, t.zone())
		}
		patron = l.Patron
		delete(t.loans, i.Barcode)
		t.history = append(t.history, Transaction{Code: "09", Patron: patron, Item: i.Barcode, At: at, Account: t.account})
	} else {
		said = "Item not checked out"
	}
	i.Current = here
	alert, destination := "", ""
	switch {
	case i.Hold != "" && i.HoldAt == here:
		alert, i.Captured = "01", true
	case i.Hold != "":
		alert, destination, i.Transit = "02", i.HoldAt, i.HoldAt
	case i.Branch != here:
		alert, destination, i.Transit = "04", i.Branch, i.Branch
	}
	r := in("10", bit(ok)+yes(ok)+"U"+yes(alert != "")+now)
	t.field(r, "AO", fields["AO"])
	t.field(r, "AB", fields["AB"])
	t.field(r, "AQ", i.Branch)
	t.maybe(r, "AJ", i.Title)
	t.maybe(r, "AA", patron)
	t.maybe(r, "CT", destination)
	if i.Hold != "" {
		holder, name := i.Hold, ""
		if p := t.patron(i.Hold); p != nil {
			name = p.Name
		}
		if t.Junk {
			holder, name = "C4::SIP::SIPServer=HASH(0x55d0c6a3b1a8)", "C4::SIP::SIPServer=HASH(0x55d0c6a3b1a8)"
		}
		t.maybe(r, "CY", holder)
		t.maybe(r, "DA", name)
	}
	t.maybe(r, "CV", alert)
	t.maybe(r, "AF", said)
	return r, nil
}

func (t *talk) renew(fields map[string]string, now string) *reply {
	p, i, l := t.patron(fields["AA"]), t.items[fields["AB"]], t.loans[fields["AB"]]
	said, due, title := "", "", ""
	ok := p != nil && l != nil && l.Patron == p.Card
	if i != nil {
		title = i.Title
	}
	switch {
	case !ok:
		said = "Item not on loan to this patron"
	case p.blocked():
		ok, said = false, "Renewals not allowed."
	default:
		l.Renewals++
		l.Due = t.due().AddDate(0, 0, l.Renewals)
		due = l.Due.Format(stamp)
		t.history = append(t.history, Transaction{Code: "29", Renewal: true, Patron: p.Card, Item: l.Item, At: t.now(), Account: t.account})
	}
	r := in("30", bit(ok)+yes(ok)+"U"+"N"+now)
	t.field(r, "AA", fields["AA"])
	t.field(r, "AB", fields["AB"])
	t.field(r, "AJ", title)
	t.field(r, "AH", due)
	t.field(r, "AO", t.Institution)
	t.maybe(r, "AF", said)
	return r
}
