package sip2test

import (
	"bufio"
	"net"
	"strings"
	"testing"
	"time"
)

const d = "20261124    090000"

// station speaks to a system by hand, so that it is judged without package sip2.
type station struct {
	t *testing.T
	net.Conn
	r *bufio.Reader
}

func call(t *testing.T, s *System, login bool) *station {
	t.Helper()
	conn, err := s.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	c := &station{t, conn, bufio.NewReader(conn)}
	if login {
		if got := c.say("9300CNstation|COsecret|", true); !strings.HasPrefix(got, "941") {
			t.Fatalf("login: got %q", got)
		}
	}
	return c
}

// say sends a request, checked when told to, and returns the reply with its end;
// "" when the system hung up.
func (c *station) say(request string, check bool) string {
	c.t.Helper()
	if check {
		request += "AY7AZ"
		request += sum([]byte(request))
	}
	if _, err := c.Write([]byte(request + "\r")); err != nil {
		return ""
	}
	reply, err := c.r.ReadString('\r')
	if err != nil {
		return ""
	}
	if c.r.Buffered() > 0 {
		if next, _ := c.r.Peek(1); next[0] == '\n' {
			c.r.ReadByte()
			reply += "\n"
		}
	}
	return reply
}

func library(t *testing.T, name string) *System {
	t.Helper()
	q, err := Named(name)
	if err != nil {
		t.Fatal(err)
	}
	s := New(q)
	s.Now = func() time.Time { return time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC) }
	s.AddPatron(Patron{Card: "p1", Userid: "aino", Password: "1234", Name: "Aino"})
	s.AddPatron(Patron{Card: "p2", Userid: "", Name: "Nobody in particular"})
	s.AddPatron(Patron{Card: "p3", Userid: "expired", Name: "Late", Expired: true})
	s.AddItem(Item{Barcode: "i1", Title: "One|two"})
	s.AddItem(Item{Barcode: "x1", Title: "Elsewhere", Branch: "north"})
	s.AddItem(Item{Barcode: "h1", Title: "Wanted", Hold: "p1", HoldAt: "south"})
	s.AddItem(Item{Barcode: "h2", Title: "Wanted", Branch: "south", Hold: "p1", HoldAt: "south"})
	return s
}

const (
	out    = "11NN" + d + "20261222    235900AOmain|AAp1|ABi1|AC|"
	back   = "09N" + d + d + "APmain|AOmain|ABi1|AC|"
	nobody = "11NN" + d + "20261222    235900AOmain|ABi1|AC|"
)

// Every quirk that was watched, by the name of the system that has it.
func TestQuirks(t *testing.T) {
	for _, c := range []struct {
		system, name string
		before       []string
		say          string
		want         string // the reply begins with it, and after * contains the rest; "" for hanging up
		loans        string // afterwards, as item:patron:renewals
		more         func(*testing.T, *System)
	}{
		{"koha", "a repeated checkout renews", []string{out}, out, "121Y", "i1:p1:1", nil},
		{"koha24", "a repeated checkout renews", []string{out}, out, "121Y", "i1:p1:1", nil},
		{"evergreen", "a repeated checkout renews", []string{out}, out, "121Y", "i1:p1:1", nil},
		{"strict", "a repeated checkout is refused", []string{out}, out, "120N", "i1:p1:0", nil},
		{"koha", "a repeated checkin", []string{out, back}, back, "100*AFItem not checked out|", "", nil},
		{"koha", "no patron is some patron", nil, nobody, "121", "i1:p2:0", nil},
		{"koha24", "no patron is no patron", nil, nobody, "120", "", nil},
		{"evergreen", "no patron is no patron", nil, nobody, "120", "", nil},
		{"strict", "no patron ends the talk", nil, nobody, "", "", nil},
		{"koha", "an empty patron", nil, strings.Replace(out, "AAp1", "AA", 1), "120*AFInvalid Patron|", "", nil},
		{"koha", "a userid, in another case", nil, strings.Replace(out, "AAp1", "AAAINO", 1), "121*AAAINO|", "i1:p1:0", nil},
		{"koha", "the true card in 64", nil, "63000" + d + "          AOmain|AAaino|AC|", "64*AAp1|", "", nil},
		{"evergreen", "a userid is nobody", nil, strings.Replace(out, "AAp1", "AAaino", 1), "120", "", nil},
		{"koha", "no block is ignored", nil, "11NY" + d + "20261222    235900AOmain|AAp3|ABi1|AC|", "120*AFPatron Blocked|", "", nil},
		{"evergreen", "no block is ignored", nil, "11NY" + d + "20261222    235900AOmain|AAp3|ABi1|AC|", "120", "", nil},
		{"koha24", "no block is honoured, and AF lies", nil, "11NY" + d + "20261222    235900AOmain|AAp3|ABi1|AC|", "121*AH20261222    235900|AFIssue failed : EXPIRED|", "i1:p3:0",
			func(t *testing.T, s *System) {
				if got := s.Loans()[0].At; got.Hour() != 12 {
					t.Errorf("recorded at %s, want the time of posting", got)
				}
			}},
		{"koha24", "no block without a due date is none", nil, "11NY" + d + strings.Repeat(" ", 18) + "AOmain|AAp3|ABi1|AC|", "120", "", nil},
		{"koha24", "no block takes it from another", []string{strings.Replace(out, "AAp1", "AAp2", 1)}, "11NY" + d + "20261222    235900AOmain|AAp1|ABi1|AC|", "121", "i1:p1:0", nil},
		{"koha", "on loan to another", []string{strings.Replace(out, "AAp1", "AAp2", 1)}, out, "120", "i1:p2:0", nil},
		{"strict", "no block keeps its time", nil, "11NY" + d + "20261222    235900AOmain|AAp3|ABi1|AC|", "121", "i1:p3:0",
			func(t *testing.T, s *System) {
				if got := s.Loans()[0].At; got.Hour() != 9 {
					t.Errorf("recorded at %s, want the transaction's", got)
				}
			}},
		{"koha", "the return date is kept with its time", []string{out}, back, "101", "",
			func(t *testing.T, s *System) {
				if h := s.History(); h[1].At.Hour() != 9 {
					t.Errorf("recorded at %s", h[1].At)
				}
			}},
		{"koha", "a zone is taken and ignored", []string{out}, strings.Replace(back, d+"AP", "20261124   Z090000AP", 1), "101", "",
			func(t *testing.T, s *System) {
				if h := s.History(); h[1].At.Hour() != 9 {
					t.Errorf("recorded at %s", h[1].At)
				}
			}},
		{"evergreen", "the return date is ignored", []string{out}, back, "101", "",
			func(t *testing.T, s *System) {
				if h := s.History(); h[1].At.Hour() != 12 {
					t.Errorf("recorded at %s", h[1].At)
				}
			}},
		{"koha", "a blank return date kills", []string{out}, "09N" + d + strings.Repeat(" ", 18) + "APmain|AOmain|ABi1|AC|", "", "i1:p1:0", nil},
		{"koha", "another library's item: transfer made, and dead", nil, strings.Replace(back, "ABi1", "ABx1", 1), "", "",
			func(t *testing.T, s *System) {
				if i, _ := s.Item("x1"); i.Transit != "north" {
					t.Errorf("got %+v, want a transfer", i)
				}
			}},
		{"koha24", "another library's item", nil, strings.Replace(back, "ABi1", "ABx1", 1), "100*CTnorth|CV04|", "", nil},
		{"koha", "a hold elsewhere", nil, strings.Replace(back, "ABi1", "ABh1", 1), "100NUY*CTsouth|CYC4::SIP::SIPServer=HASH(", "", nil},
		{"koha", "a hold here, by AP", nil, strings.Replace(strings.Replace(back, "ABi1", "ABh2", 1), "APmain", "APsouth", 1), "100NUY*CV01|", "",
			func(t *testing.T, s *System) {
				if i, _ := s.Item("h2"); !i.Captured || i.Current != "south" {
					t.Errorf("got %+v, want it captured", i)
				}
			}},
		{"evergreen", "a checkin of an unknown item", nil, strings.Replace(back, "ABi1", "ABnone", 1), "", "", nil},
		{"koha", "a checkin of an unknown item", nil, strings.Replace(back, "ABi1", "ABnone", 1), "100", "", nil},
		{"koha", "an unknown code", nil, "01N" + d, "96\r", "", nil},
		{"evergreen", "an unknown code", nil, "01N" + d, "", "", nil},
		{"koha", "fee paid", nil, "37" + d + "0101EURBV1|AOmain|AAp1|", "", "", nil},
		{"koha", "CRLF", nil, "17" + d + "AOmain|ABi1|", "18*\r\n", "", nil},
		{"evergreen", "98 denies what it does", nil, "9900402.00", "98YNNY", "", nil},
		{"koha", "a bar is an entity", nil, "17" + d + "AOmain|ABi1|", "18*AJOne&#124;two|", "", nil},
		{"koha", "expired", nil, "23000" + d + "AOmain|AAp3|AC|AD|", "24YYYY  *AELate|AAp3|BLY|", "", nil},
		{"evergreen", "order", nil, "23000" + d + "AOmain|AAp1|AC|AD1234|", "24    *AOmain|AAp1|AEAino|BLY|CQY|", "", nil},
		{"koha", "order", nil, "23000" + d + "AOmain|AAp1|AC|AD1234|", "24    *AEAino|AAp1|BLY|CQY|AOmain|", "", nil},
		{"koha", "a fields twice: the first", nil, strings.Replace(out, "AAp1", "AAp1|AAp2", 1), "121", "i1:p1:0", nil},
		{"koha", "97 repeats, with AY0", []string{out}, "97", "121*", "i1:p1:0", nil},
	} {
		t.Run(c.system+"/"+c.name, func(t *testing.T) {
			s := library(t, c.system)
			at := call(t, s, true)
			for _, before := range c.before {
				if at.say(before, true) == "" {
					t.Fatalf("hung up at %q", before)
				}
			}
			got := at.say(c.say, c.say != "97")
			head, rest, _ := strings.Cut(c.want, "*")
			if !strings.HasPrefix(got, head) || !strings.Contains(got, rest) || c.want == "" && got != "" {
				t.Errorf("got %q, want %q", got, c.want)
			}
			var loans []string
			for _, l := range s.Loans() {
				loans = append(loans, l.Item+":"+l.Patron+":"+string(rune('0'+l.Renewals)))
			}
			if got := strings.Join(loans, " "); got != c.loans {
				t.Errorf("loans: got %q, want %q", got, c.loans)
			}
			if c.more != nil {
				c.more(t, s)
			}
		})
	}
}

func TestLines(t *testing.T) {
	s := library(t, "evergreen")
	first := call(t, s, true)
	if got := first.say("63000"+d+"          AOmain|AAp1|AC|", true); !strings.Contains(got, "AEAino|") {
		t.Fatalf("got %q", got)
	}
	// Before login, 97 gets the last reply to somebody else, name and all.
	if got := call(t, s, false).say("97AZFEF5", false); !strings.Contains(got, "AEAino|") {
		t.Errorf("97 before login: got %q, want another's reply", got)
	}
	if got := call(t, s, false).say("9900402.00", true); !strings.HasPrefix(got, "98") {
		t.Errorf("99 before login: got %q", got)
	}
	koha := library(t, "koha")
	if got := call(t, koha, false).say("97AZFEF5", false); got != "" {
		t.Errorf("koha, 97 before login: got %q, want it to hang up", got)
	}
	at := call(t, koha, true)
	if got := at.say("17"+d+"AOmain|ABi1|AY1AZ0000", false); got != "96AZFEF6\r" {
		t.Errorf("wrong checksum: got %q", got)
	}
	if got := at.say("17"+d+"AOmain|ABi1|", false); strings.Contains(got, "AZ") {
		t.Errorf("without AY and AZ: got %q", got)
	}
	at.Write([]byte("\n"))
	if got := at.say("17"+d+"AOmain|ABi1|", true); !strings.HasPrefix(got, "18") || !strings.Contains(got, "AY7AZ") {
		t.Errorf("a line feed first: got %q", got)
	}
	if got := at.say("17"+d+"AOmain|ABå|", true); !strings.Contains(got, "ABÃ¥|") {
		t.Errorf("an identifier beyond ASCII: got %q, want it encoded twice", got)
	}
	if got := call(t, koha, false).say("9300CNstation|COwrong|", true); !strings.HasPrefix(got, "940") {
		t.Errorf("wrong password: got %q", got)
	}
	if got := call(t, library(t, "strict"), false).say("9300CNstation|COsecret|", false); got != "96AZFEF6\r" {
		t.Errorf("strict, without a check: got %q", got)
	}
	if _, err := Named("alma"); err == nil {
		t.Error("an unknown system has quirks")
	}
	long := library(t, "evergreen")
	long.AddItem(Item{Barcode: "l1", Title: strings.Repeat("ä", 300)})
	if got := call(t, long, true).say("17"+d+"AOmain|ABl1|", true); strings.Count(got, "a\u0308") != 255 {
		t.Errorf("got %d characters of a title, want 255", strings.Count(got, "a\u0308"))
	}
}

// A request without its end is acted on when the stream ends, as in Perl.
func TestUnended(t *testing.T) {
	for name, want := range map[string]int{"koha": 1, "evergreen": 1, "strict": 0} {
		s := library(t, name)
		line, system := net.Pipe()
		ended := make(chan struct{})
		go func() { s.Talk(system); close(ended) }()
		c := &station{t, line, bufio.NewReader(line)}
		if c.say("9300CNstation|COsecret|", true) == "" {
			t.Fatal("no login")
		}
		request := out + "AY1AZ"
		line.Write([]byte(request + sum([]byte(request))))
		line.Close()
		<-ended
		if got := len(s.Loans()); got != want {
			t.Errorf("%s: got %d loans, want %d", name, got, want)
		}
	}
}
