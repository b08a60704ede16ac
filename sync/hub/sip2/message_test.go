package sip2_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"coldstation/sync/hub/sip2"
)

// Lines with their checksums from the 3M developer's guide, as they stand in the
// tests of other implementations. (Its login, with EC78, is misprinted: EC7B.)
func TestForeignLines(t *testing.T) {
	for _, line := range []string{
		"9300CNLoginUserID|COLoginPassword|CPLocationCode|AY5AZEC7B",
		"9900302.00AY1AZFCA5",
		"97AZFEF5",
		"96AZFEF6",
		"09N19980821    085721                  APCertification Terminal Location|AOCertification Institute ID|ABCheckInBook|ACTPWord|BIN|AY2AZD6A5",
		"941AY3AZFDFA",
		"101YNN19980821    085721AOCertification Institute ID|ABCheckInBook|AQPermanent Location for CheckinBook, Language 1|AJTitle For CheckinBook|AAGoodPatron1|CK001|CHCheckinBook Properties|CLsort bin A1|AFScreen Message for CheckInBook|AGPrint Line for CheckInBook|AY2AZA3FF",
	} {
		m, err := sip2.Parse([]byte(line), sip2.UTF8)
		if err != nil {
			t.Errorf("%s: %v", line, err)
			continue
		}
		if got, err := m.Append(nil, sip2.UTF8); string(got) != line || err != nil {
			t.Errorf("got %q, %v, want %q", got, err, line)
		}
		for i := range line { // any one byte changed is noticed, or is no check any more
			spoilt := []byte(line)
			spoilt[i] ^= 1
			if m, err := sip2.Parse(spoilt, sip2.UTF8); err == nil && m.Check {
				t.Errorf("%s: byte %d changed: got no error", line, i)
			}
		}
	}
}

func TestParse(t *testing.T) {
	const d = "20261124    120000"
	for _, c := range []struct {
		name, line, want string // in canonical form; "" to be refused
		err              error
	}{
		{"repeated field", "24              000" + d + "AEx|AFone|AFtwo|", "24              000" + d + "AEx|AFone|AFtwo|", nil},
		{"unknown field", "941ZZ9|", "941ZZ9|", nil},
		{"last field not ended", "36Y" + d + "AOmain|AFbye", "36Y" + d + "AOmain|AFbye|", nil},
		{"not ended, with check", "941AFbyeAY0AZFC36", "941AFbye|AY0AZFBBA", nil},
		{"empty segments", "941||AFx|||", "941AFx|", nil},
		{"odd segments", "941A|AFx|é|", "941A|AFx|é|", nil},
		{"a field that looks like a check", "941AFAZFDFD", "941AFAZFDFD|", nil},
		{"check of another case", "941AY0AZfdfd", "941AY0AZFDFD", nil},
		{"check without sequence", "941AZFEDF", "", sip2.ErrChecksum},
		{"wrong check", "941AY0AZFDFC", "", sip2.ErrChecksum},
		{"bar sent as its entity", "941AFa&#124;b|", "941AFa&#124;b|", nil},
		{"line feed in a reply", "941AFone\ntwo|", "941AFone\ntwo|", nil},
		{"carriage return", "941AFone\rtwo|", "", sip2.ErrFormat},
		{"control in a request", "17" + d + "ABi\x011|", "", sip2.ErrFormat},
		{"apart", "941AFA\u030ake|", "941AFÅke|", nil},
		{"apart in a request", "17" + d + "ABA\u030a|", "17" + d + "ABA\u030a|", nil},
		{"no text", "941AF\xe5ke|", "941AF\ufffdke|", nil},
		{"Kelvin in front", "941\u212aKx|", "941\u212aKx|", nil},
		{"unknown code", "01N", "", sip2.ErrFormat},
		{"short fixed part", "121NUY20261124", "", sip2.ErrFormat},
		{"bar in the fixed part", "121NUY20261124|   120000", "", sip2.ErrFormat},
		{"letters beyond ASCII in the fixed part", "36Å20261124    12000", "", sip2.ErrFormat},
		{"nothing", "", "", sip2.ErrFormat},
		{"one byte", "9", "", sip2.ErrFormat},
		{"fee paid", "37" + d + "0101EURBV1.00|", "", sip2.ErrPayment},
		{"fee paid reply", "38Y" + d, "", sip2.ErrPayment},
	} {
		m, err := sip2.Parse([]byte(c.line), sip2.UTF8)
		if !errors.Is(err, c.err) || (err == nil) != (c.err == nil) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.err)
			continue
		}
		if err != nil {
			continue
		}
		if got, err := m.Append(nil, sip2.UTF8); string(got) != c.want || err != nil {
			t.Errorf("%s: got %q, %v, want %q", c.name, got, err, c.want)
		}
	}
	m, err := sip2.Parse([]byte("941AFa&#124;b|AF\xc3\xa5|"), sip2.Latin1)
	if got, _ := m.First("AF"); got != "a|b" || m.Fields[1].Value != "Ã¥" || err != nil {
		t.Errorf("Latin-1: got %+v, %v", m, err)
	}
	if got, err := m.Append(nil, sip2.Latin1); string(got) != "941AFa&#124;b|AF\xc3\xa5|" || err != nil {
		t.Errorf("Latin-1: got %q, %v", got, err)
	}
	if _, found := m.First("AG"); found {
		t.Error("a field that is not there was found")
	}
}

// Every type, by the line it stands for, both ways.
func TestTypes(t *testing.T) {
	const d, u = "20261124    120000", "20261222    235900"
	for _, c := range []struct {
		line string
		want any
	}{
		{"9300CNn|COp|CPl|", &sip2.LoginRequest{NameCipher: '0', PasswordCipher: '0', Name: "n", Password: "p", Location: "l"}},
		{"941", &sip2.LoginReply{OK: true}},
		{"940AFno|", &sip2.LoginReply{More: []sip2.Field{{Code: "AF", Value: "no"}}}},
		{"9900402.00", &sip2.StatusRequest{State: '0', Width: 40, Version: "2.00"}},
		{"98YYYNNN600003" + d + "2.00AOmain|AMLibrary|BXYYYYYYYYYNYNYYYN|AN3|AFhello|", &sip2.StatusReply{
			Online: 'Y', Checkin: 'Y', Checkout: 'Y', Renewal: 'N', Update: 'N', Offline: 'N', Timeout: 600, Retries: 3, At: d, Version: "2.00",
			Institution: "main", Library: "Library", Supported: "YYYYYYYYYNYNYYYN", Terminal: "3", Screen: []string{"hello"}}},
		{"23001" + d + "AOmain|AAp1|ACt|ADs|", &sip2.PatronStatusRequest{Language: "001", At: d, Institution: "main", Patron: "p1", TerminalPassword: "t", Password: "s"}},
		{"24YYYYY     YY  000" + d + "AOmain|AAp1|AEÅke|BLY|CQN|BHEUR|BV1.50|AFexpired|", &sip2.PatronStatusReply{
			Flags: "YYYYY     YY  ", Language: "000", At: d, Institution: "main", Patron: "p1", Name: "Åke", Valid: 'Y', ValidPassword: 'N',
			Currency: "EUR", Fee: "1.50", Screen: []string{"expired"}}},
		{"63000" + d + "  Y       AOmain|AAp1|AC|BP1|BQ9|", &sip2.PatronRequest{Language: "000", At: d, Summary: sip2.ChargedItems, Institution: "main", Patron: "p1", First: "1", Last: "9"}},
		{"64              000" + d + "000100020003    00050006AOmain|AAp1|AEx|BLY|AUi1|AUi2|CDh1|PA20271231|XX1|XX2|", &sip2.PatronReply{
			Flags: "              ", Language: "000", At: d, Counts: sip2.Counts{Holds: 1, Overdue: 2, Charged: 3, Fines: -1, Recalls: 5, UnavailableHolds: 6},
			Institution: "main", Patron: "p1", Name: "x", Valid: 'Y', Charged: []string{"i1", "i2"}, UnavailableHolds: []string{"h1"}, Expires: "20271231",
			More: []sip2.Field{{Code: "XX", Value: "1"}, {Code: "XX", Value: "2"}}}},
		{"17" + d + "AOmain|ABi1|AC|", &sip2.ItemRequest{At: d, Institution: "main", Item: "i1"}},
		{"18040201" + d + "CF2|AH" + u + "|ABi1|AJT|AQmain|APnorth|CTsouth|", &sip2.ItemReply{Circulation: sip2.CirculationCharged, Security: 2, FeeType: 1, At: d,
			Queue: "2", Due: u, Item: "i1", Title: "T", Permanent: "main", Current: "north", Destination: "south"}},
		{"11NY" + d + u + "AOmain|AAp1|ABi1|AC|BON|BIN|", &sip2.CheckoutRequest{NoBlock: true, At: d, Due: u, Institution: "main", Patron: "p1", Item: "i1"}},
		{"121YUY" + d + "AOmain|AAp1|ABi1|AJT|AH" + u + "|AFIssue failed : EXPIRED|CIN|", &sip2.CheckoutReply{OK: true, RenewalOK: 'Y', Magnetic: 'U', Desensitize: 'Y', At: d,
			Institution: "main", Patron: "p1", Item: "i1", Title: "T", Due: u, Inhibit: 'N', Screen: []string{"Issue failed : EXPIRED"}}},
		{"09Y" + d + u + "APnorth|AOmain|ABi1|AC|BIN|", &sip2.CheckinRequest{NoBlock: true, At: d, Returned: u, Current: "north", Institution: "main", Item: "i1"}},
		{"100NUY" + d + "AOmain|ABi1|AQmain|AJT|CYC4::SIP::SIPServer=HASH(0x55d0)|CV01|AFItem not checked out|", &sip2.CheckinReply{Resensitize: 'N', Magnetic: 'U', Alert: 'Y', At: d,
			Institution: "main", Item: "i1", Permanent: "main", Title: "T", HoldPatron: "C4::SIP::SIPServer=HASH(0x55d0)", AlertType: sip2.AlertHoldHere, Screen: []string{"Item not checked out"}}},
		{"29NN" + d + strings.Repeat(" ", 18) + "AOmain|AAp1|ABi1|AC|BON|", &sip2.RenewRequest{At: d, Institution: "main", Patron: "p1", Item: "i1"}},
		{"301YUN" + d + "AOmain|AAp1|ABi1|AJT|AH2026-12-22|", &sip2.RenewReply{OK: true, RenewalOK: 'Y', Magnetic: 'U', Desensitize: 'N', At: d,
			Institution: "main", Patron: "p1", Item: "i1", Title: "T", Due: "2026-12-22"}},
		{"35" + d + "AOmain|AAp1|AC|", &sip2.EndSessionRequest{At: d, Institution: "main", Patron: "p1"}},
		{"36Y" + d + "AOmain|AAp1|AGbye|", &sip2.EndSessionReply{Ended: true, At: d, Institution: "main", Patron: "p1", Print: []string{"bye"}}},
		{"97", &sip2.ResendRequest{}},
		{"96", &sip2.ResendReply{}},
	} {
		m, err := sip2.Parse([]byte(c.line), sip2.UTF8)
		if err != nil {
			t.Errorf("%s: %v", c.line, err)
			continue
		}
		got := typeOf(m.Code)
		if err := got.Parse(&m); err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: got %+v, %v, want %+v", c.line, got, err, c.want)
		}
		if line, err := got.Append([]byte("before"), sip2.Format{}); string(line) != "before"+c.line || err != nil {
			t.Errorf("written again: got %q, %v, want %q", line, err, c.line)
		}
		other := sip2.Message{Code: "01"}
		if err := typeOf(m.Code).Parse(&other); err == nil {
			t.Errorf("%s: took a message of another code", m.Code)
		}
		// The order of the fields does not matter.
		for i, j := 0, len(m.Fields)-1; i < j; i, j = i+1, j-1 {
			m.Fields[i], m.Fields[j] = m.Fields[j], m.Fields[i]
		}
		if backwards := typed(t, &m); len(backwards) != len(c.line) {
			t.Errorf("backwards: got %q, want the length of %q", backwards, c.line)
		}
	}
}

// What would reach a library system as something else is not sent.
func TestRefusedRequests(t *testing.T) {
	const d = sip2.Date("20261124    120000")
	good := sip2.CheckoutRequest{NoBlock: true, At: d, Due: d, Patron: "p1", Item: "i1"}
	if _, err := good.Append(nil, sip2.Format{}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, field string
		break_      func(*sip2.CheckoutRequest)
		latin1      bool
	}{
		{"no patron", "AA", func(r *sip2.CheckoutRequest) { r.Patron = "" }, false},
		{"blank patron", "AA", func(r *sip2.CheckoutRequest) { r.Patron = "  " }, false},
		{"no item", "AB", func(r *sip2.CheckoutRequest) { r.Item = "" }, false},
		{"patron beyond ASCII", "AA", func(r *sip2.CheckoutRequest) { r.Patron = "på" }, false},
		{"bar in an item", "AB", func(r *sip2.CheckoutRequest) { r.Item = "i|ABi2" }, false},
		{"end of line in an item", "AB", func(r *sip2.CheckoutRequest) { r.Item = "i1\r11" }, false},
		{"bell in a password", "AD", func(r *sip2.CheckoutRequest) { r.PatronPassword = "\a" }, false},
		{"bar in a password", "AD", func(r *sip2.CheckoutRequest) { r.PatronPassword = "a|b" }, false},
		{"no UTF-8", "AD", func(r *sip2.CheckoutRequest) { r.PatronPassword = "\xff" }, false},
		{"not in Latin-1", "AD", func(r *sip2.CheckoutRequest) { r.PatronPassword = "Ж" }, true},
		{"too long", "CH", func(r *sip2.CheckoutRequest) { r.Properties = strings.Repeat("å", 256) }, false},
		{"no date", "transaction date", func(r *sip2.CheckoutRequest) { r.At = "" }, false},
		{"a date for people", "date", func(r *sip2.CheckoutRequest) { r.At = "24.11.2026 12.00  " }, false},
		{"no block without a due date", "no-block due date", func(r *sip2.CheckoutRequest) { r.Due = "" }, false},
		{"odd extra field", "field code", func(r *sip2.CheckoutRequest) { r.More = []sip2.Field{{Code: "A|", Value: "x"}} }, false},
	} {
		r, f := good, sip2.Format{}
		c.break_(&r)
		if c.latin1 {
			f.Encoding = sip2.Latin1
		}
		_, err := r.Append(nil, f)
		var bad *sip2.FieldError
		if !errors.As(err, &bad) || bad.Field != c.field {
			t.Errorf("%s: got %v, want the field %s", c.name, err, c.field)
			continue
		}
		for _, value := range []string{r.Patron, r.Item, r.PatronPassword} {
			if len(value) > 2 && strings.Contains(err.Error(), value) {
				t.Errorf("%s: the error holds the value: %v", c.name, err)
			}
		}
	}
	r := good
	r.PatronPassword, r.Properties = "å", strings.Repeat("å", 255)
	if b, err := r.Append(nil, sip2.Format{Encoding: sip2.Latin1}); err != nil || !strings.Contains(string(b), "AD\xe5|") {
		t.Errorf("Latin-1: got %q, %v", b, err)
	}
	if _, err := (sip2.CheckinRequest{At: d, Item: "i1"}).Append(nil, sip2.Format{}); err == nil {
		t.Error("a checkin with a blank return date was written")
	}
	if _, err := (sip2.FeePaidRequest{}).Append(nil, sip2.Format{}); !errors.Is(err, sip2.ErrPayment) {
		t.Errorf("fee paid: got %v, want %v", err, sip2.ErrPayment)
	}
}

func TestDates(t *testing.T) {
	helsinki := time.FixedZone("EET", 2*60*60)
	at := time.Date(2026, 11, 24, 10, 30, 5, 0, time.UTC)
	if got, want := sip2.DateIn(at, helsinki), sip2.Date("20261124    123005"); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	for _, c := range []struct {
		date sip2.Date
		want time.Time
	}{
		{"20261124    123005", at},
		{"20261124   Z103005", at},
		{"20261124 EST053005", time.Time{}}, // another zone is not guessed
		{"20261324    123005", time.Time{}},
		{"                  ", time.Time{}},
		{"24.11.2026", time.Time{}},
		{"", time.Time{}},
	} {
		got, ok := c.date.Time(helsinki)
		if !got.Equal(c.want) || ok == c.want.IsZero() {
			t.Errorf("%q: got %s, %t, want %s", c.date, got, ok, c.want)
		}
	}
}

func TestSupported(t *testing.T) {
	s := sip2.Supported("YYYYYYYYYNYN")
	for code, want := range map[sip2.Code]sip2.Flag{sip2.CodeCheckout: sip2.Yes, sip2.CodeFeePaid: sip2.No, sip2.CodeItem: sip2.Yes, sip2.CodeRenew: 0, "77": 0} {
		if got := s.Of(code); got != want {
			t.Errorf("%s: got %q, want %q", code, got, want)
		}
	}
}

// A request costs no memory when there is room for it.
func TestAppendAllocatesNothing(t *testing.T) {
	r := checkout("21234000012345", "31234000054321")
	buffer := make([]byte, 0, 256)
	if got := testing.AllocsPerRun(100, func() {
		if _, err := r.Append(buffer[:0], sip2.Format{Guard: sip2.Guard{Check: true, Seq: '1'}}); err != nil {
			t.Fatal(err)
		}
	}); got != 0 {
		t.Errorf("got %v allocations", got)
	}
}
