package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/peterbourgon/ff/v3"

	"coldstation/cmd/internal/conf"
	"coldstation/sync/circ"
	"coldstation/sync/hub"
	"coldstation/sync/hub/ils"
	"coldstation/sync/hub/koha"
	"coldstation/sync/hub/sip2"
	"coldstation/sync/hub/store"
)

// ilsSettings say which library system the hub posts to. The file has one setting
// a line, a name, a space and a value; every secret is a file of its own.
type ilsSettings struct {
	kind, file string
	since      time.Time
	house      circ.PatronID
	wait       time.Duration
	silence    time.Duration
}

func (s *ilsSettings) flags(set *flag.FlagSet) {
	set.StringVar(&s.kind, "ils", "none", "the library system that loans are posted to: `none`, sip2 or koha")
	set.StringVar(&s.file, "ils-config", "", "`file` with its settings; see hub ils --help")
}

// ilsFile is what the file may say.
type ilsFile struct {
	set                                                          *flag.FlagSet
	name, system, since, zone                                    string
	address, ca, account, password, institution, branch, charset string
	tls, crlf                                                    bool
	abilities                                                    map[string]string
	url, key, secret, librarian, librarianPassword               string
	loans, returns, house                                        string
	wait, silence                                                time.Duration
	learn                                                        learnFile
	stations                                                     map[circ.StationID]ils.Counter
}

func readILS(path string) (*ilsFile, error) {
	set := flag.NewFlagSet("ils-config", flag.ContinueOnError)
	set.SetOutput(io.Discard)
	f := &ilsFile{set: set, abilities: make(map[string]string), stations: make(map[circ.StationID]ils.Counter)}
	text := func(to *string, name, value, usage string) { set.StringVar(to, name, value, usage) }
	text(&f.name, "name", "library", "`name` of this system; under a new name everything is posted anew")
	text(&f.since, "since", "", "`day`, as 2026-11-24: what happened before is never posted")
	text(&f.zone, "zone", "Local", "the system's time `zone`, as Europe/Helsinki")
	text(&f.system, "system", "other", "what it is by SIP2: `koha` (to 22.11), koha24 (from 24.05.08), evergreen or other; sets what follows")
	for name, what := range map[string]string{
		"no-block":     "a loan that has happened is taken whatever the card's state: `yes or no`",
		"keeps-due":    "the due date that the station promised stands: `yes or no`",
		"keeps-time":   "a loan begins when it was made: `yes or no`",
		"returned":     "what is kept of when an item came back: `now, day or time`",
		"lists":        "a patron's loans are listed by item number: `yes or no`",
		"account-each": "each station needs an account of its own: `yes or no`",
	} {
		set.Func(name, what, func(value string) error {
			f.abilities[name] = value
			return nil
		})
	}
	text(&f.address, "address", "", "`host:port` of SIP2, mostly port 6001")
	set.BoolVar(&f.tls, "tls", false, "speak TLS there")
	text(&f.ca, "ca", "", "`file` of certificates that vouch for it")
	text(&f.account, "account", "", "the hub's `name` there, for stations that have none of their own")
	text(&f.password, "password-file", "", "`file` with its password")
	text(&f.institution, "institution", "", "the institution's `code` (AO)")
	text(&f.branch, "branch", "", "the library's `code` where items come back (AP), of stations that have none of their own; none: by SIP2 that of the account")
	text(&f.charset, "encoding", "utf-8", "`utf-8` or latin-1")
	set.BoolVar(&f.crlf, "crlf", false, "end requests with CR and LF")
	set.Func("station", "`NAME BRANCH [ACCOUNT PASSWORD-FILE]`, once for each station that has its own", f.station)
	text(&f.url, "url", "", "`address` of Koha's staff side")
	text(&f.key, "key-id", "", "`ID` of Koha's API key")
	text(&f.secret, "key-secret-file", "", "`file` with its secret")
	text(&f.librarian, "librarian", "", "Koha `userid` for its offline service")
	text(&f.librarianPassword, "librarian-password-file", "", "`file` with its password")
	text(&f.loans, "loans", "offline", "how loans get into Koha: `offline`, which keeps their time, or sip2")
	text(&f.returns, "returns", "sip2", "how returns do: `sip2`, which captures holds and moves items, or offline")
	text(&f.house, "house-card", "", "`card` that what is lent to the house is lent to; without one such a loan stays the hub's own")
	set.DurationVar(&f.wait, "wait", 2*time.Minute, "how long what happened waits until it is posted; no shorter than a station lets people take it back")
	set.DurationVar(&f.silence, "silence", 15*time.Minute, "how long it may give no answer until the hub's first page says so")
	f.learn.flags(set)
	if path == "" {
		return f, nil
	}
	if err := ff.Parse(set, nil, ff.WithConfigFile(path), ff.WithConfigFileParser(ff.PlainParser)); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return f, nil
}

func (f *ilsFile) station(line string) error {
	words := strings.Fields(line)
	if len(words) != 2 && len(words) != 4 || !circ.StationID(words[0]).Valid() {
		return errors.New("want NAME BRANCH, or NAME BRANCH ACCOUNT PASSWORD-FILE")
	}
	c := ils.Counter{Branch: words[1]}
	if len(words) == 4 {
		password, err := secret(words[3])
		if err != nil {
			return err
		}
		c.Account = sip2.Account{Name: words[2], Password: password}
	}
	f.stations[circ.StationID(words[0])] = c
	return nil
}

// secret is the first line of a file; "" for no file.
func secret(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	text, err := os.ReadFile(path)
	line, _, _ := strings.Cut(string(text), "\n")
	return strings.TrimRight(line, "\r"), err
}

func (f *ilsFile) able() (a ils.Abilities, err error) {
	a, known := ils.Kinds[f.system]
	if !known {
		return a, fmt.Errorf("system %q: it is one of %s", f.system, strings.Join(slices.Sorted(maps.Keys(ils.Kinds)), ", "))
	}
	for name, to := range map[string]*bool{"no-block": &a.NoBlock, "keeps-due": &a.KeepsDue, "keeps-time": &a.KeepsTime, "lists": &a.Lists, "account-each": &a.AccountEach} {
		switch said := f.abilities[name]; said {
		case "":
		case "yes", "no":
			*to = said == "yes"
		default:
			return a, fmt.Errorf("%s %q: yes or no", name, said)
		}
	}
	switch p := ils.Precision(f.abilities["returned"]); p {
	case "":
	case ils.ReturnedNow, ils.ReturnedDay, ils.ReturnedTime:
		a.Returned = p
	default:
		return a, fmt.Errorf("returned %q: now, day or time", p)
	}
	return a, nil
}

func (f *ilsFile) sip2() (*ils.SIP2, error) {
	if f.address == "" {
		return nil, errors.New("give the address, host:port, of SIP2")
	}
	able, err := f.able()
	if err != nil {
		return nil, err
	}
	zone, err := time.LoadLocation(f.zone)
	if err != nil {
		return nil, err
	}
	password, err := secret(f.password)
	if err != nil {
		return nil, err
	}
	line := sip2.Settings{Address: f.address, Zone: zone}
	switch f.charset {
	case "utf-8":
	case "latin-1":
		line.Encoding = sip2.Latin1
	default:
		return nil, fmt.Errorf("encoding %q: utf-8 or latin-1", f.charset)
	}
	if f.crlf {
		line.Terminator = "\r\n"
	}
	if f.tls {
		line.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
		if f.ca != "" {
			roots, err := os.ReadFile(f.ca)
			if err != nil {
				return nil, err
			}
			line.TLS.RootCAs = x509.NewCertPool()
			if !line.TLS.RootCAs.AppendCertsFromPEM(roots) {
				return nil, fmt.Errorf("%s: no certificate in it", f.ca)
			}
		}
	} else if f.ca != "" {
		return nil, errors.New("ca is for tls")
	}
	account := sip2.Account{Name: f.account, Password: password, Institution: f.institution}
	for station, c := range f.stations {
		if c.Account.Name == "" {
			c.Account = account
		}
		c.Account.Institution = f.institution
		f.stations[station] = c
	}
	return ils.NewSIP2(ils.SIP2Settings{Name: f.name, Line: line, Abilities: able, Account: account, Branch: f.branch, Stations: f.stations}), nil
}

func (f *ilsFile) koha() (_ ils.ILS, err error) {
	api, err := f.api()
	if err != nil {
		return nil, err
	}
	password, err := secret(f.librarianPassword)
	if err != nil {
		return nil, err
	}
	k := ils.KohaSettings{Name: f.name, API: api, Branch: f.branch, Branches: make(map[circ.StationID]string), LoansBySIP2: f.loans == "sip2"}
	for station, c := range f.stations {
		k.Branches[station] = c.Branch
	}
	for name, way := range map[string]string{"loans": f.loans, "returns": f.returns} {
		if way != "sip2" && way != "offline" {
			return nil, fmt.Errorf("%s %q: offline or sip2", name, way)
		}
	}
	if f.loans == "sip2" || f.returns == "sip2" {
		if k.SIP2, err = f.sip2(); err != nil {
			return nil, err
		}
	}
	if f.loans == "offline" || f.returns == "offline" {
		if f.librarian == "" {
			return nil, errors.New("give the librarian whom Koha's offline service takes")
		}
		if f.branch == "" && len(f.stations) == 0 {
			return nil, errors.New("give the branch, the library's code in Koha, or a station with its own: the offline service needs one")
		}
		k.Offline = koha.NewOffline(api, f.librarian, koha.Secret(password))
	}
	if f.loans == "sip2" && f.returns == "offline" {
		return nil, errors.New("loans by sip2 and returns by the offline service: take returns by sip2 too")
	}
	return ils.Koha{KohaSettings: k}, nil
}

// api is Koha's REST API, which is not dialled yet.
func (f *ilsFile) api() (*koha.API, error) {
	zone, err := time.LoadLocation(f.zone)
	if err != nil {
		return nil, err
	}
	key, err := secret(f.secret)
	if err != nil {
		return nil, err
	}
	var roots []byte
	if f.ca != "" {
		if roots, err = os.ReadFile(f.ca); err != nil {
			return nil, err
		}
	}
	return koha.New(koha.Settings{URL: f.url, ID: f.key, Secret: koha.Secret(key), CA: roots, Zone: zone, Rate: f.learn.rate,
		Stations: f.branches(), Marks: f.learn.marks})
}

// branches are the stations by the library that each is at the library system.
func (f *ilsFile) branches() map[string]circ.StationID {
	all := make(map[string]circ.StationID)
	for station, c := range f.stations {
		all[c.Branch] = station
	}
	return all
}

// open makes the library system; nothing is dialled.
func (s *ilsSettings) open(posts store.Posts) (ils.ILS, error) {
	f, err := readILS(s.file)
	if err != nil {
		return nil, err
	}
	if f.since != "" {
		if s.since, err = time.ParseInLocation(time.DateOnly, f.since, time.Local); err != nil {
			return nil, fmt.Errorf("%s: since: %w", s.file, err)
		}
	}
	s.house, s.wait, s.silence = circ.NewPatronID(f.house), f.wait, f.silence
	var system ils.ILS
	switch s.kind {
	case "none":
		return ils.None{Books: hub.Books{Store: posts}}, nil
	case "sip2":
		system, err = f.sip2()
	case "koha":
		system, err = f.koha()
	default:
		return nil, fmt.Errorf("--ils %s: it is none, sip2 or koha", s.kind)
	}
	if err == nil && f.name == "none" {
		err = errors.New("name none is that of a library without a system")
	}
	if err != nil {
		return nil, fmt.Errorf("--ils-config %s: %w", s.file, err)
	}
	return system, nil
}

// libraryCommand is the part of the program about the library system.
func libraryCommand(ctx context.Context, args []string) error {
	if len(args) > 0 {
		switch args[0] {
		case "check":
			return ilsCheck(ctx, os.Stdout, args[1:])
		case "post":
			return ilsPost(ctx, os.Stdout, args[1:])
		case "learn":
			return ilsLearn(ctx, os.Stdout, args[1:])
		}
	}
	fmt.Println(`usage: hub ils check --ils sip2|koha --ils-config FILE CARD ITEM
           asks the library system about itself, one patron and one item; changes nothing
       hub ils post --dry-run [--ils ... --ils-config ...]
           prints what would be posted; sends and changes nothing
       hub ils learn --ils koha --ils-config ...
           learns from the library system once, now, and says what was new

What the file of --ils-config may say, one setting a line:`)
	f, err := readILS("")
	if err != nil {
		return err
	}
	f.set.SetOutput(os.Stdout)
	f.set.PrintDefaults()
	return flag.ErrHelp
}

// ilsCheck says in plain words how the library system answers, and which of its
// abilities cannot be found out without lending something.
func ilsCheck(ctx context.Context, out io.Writer, args []string) error {
	set := flag.NewFlagSet("hub ils", flag.ContinueOnError)
	var s ilsSettings
	s.flags(set)
	station := set.String("station", "", "`name` of the station in whose name to ask")
	if err := conf.Parse(set, args); err != nil {
		return err
	}
	if set.NArg() != 2 || s.kind == "none" {
		return errors.New("usage: hub ils check --ils sip2|koha --ils-config FILE CARD ITEM")
	}
	system, err := s.open(nil)
	if err != nil {
		return err
	}
	defer system.Close()
	line, _ := system.(*ils.SIP2)
	if k, is := system.(ils.Koha); is {
		line = k.SIP2
	}
	if line != nil {
		if err := checkLine(ctx, out, line, circ.StationID(*station)); err != nil {
			return err
		}
	}
	began := time.Now()
	st, err := system.Standing(ctx, circ.StationID(*station), circ.ItemID(set.Arg(1)), circ.NewPatronID(set.Arg(0)))
	if err != nil {
		return fmt.Errorf("it could not be asked about the card and the item: %w", err)
	}
	fmt.Fprintf(out, "It answered about both in %s.\n", time.Since(began).Round(time.Millisecond))
	fmt.Fprintln(out, map[ils.Card]string{ils.CardUnknown: "It does not know the card.", ils.CardGood: "It knows the card, and lends to it.",
		ils.CardBlocked: "It knows the card, and would rather not lend to it."}[st.Card])
	if !st.Known {
		fmt.Fprintln(out, "It does not know the item.")
	} else {
		fmt.Fprintf(out, "It knows the item: %q, %s.\n", st.Title, map[ils.With]string{ils.Nobody: "not on loan", ils.Them: "on loan to this card",
			ils.Another: "on loan to another", ils.Somebody: "on loan, to whom it does not say"}[st.With])
	}
	if strings.ContainsRune(st.Title, '\uFFFD') {
		fmt.Fprintln(out, "The title has characters that could not be read: the setting encoding does not fit.")
	}
	a := system.Abilities()
	fmt.Fprintln(out, "\nSet, and not to be found out without lending something:")
	for _, l := range []struct {
		able    bool
		yes, no string
	}{
		{a.NoBlock, "a loan that has happened is taken whatever the card's state", "a loan to a blocked card is refused, and becomes a decision for a person"},
		{a.KeepsDue, "the due date that the station promised stands", "the due date is by the system's own rules; where it differs the station is told"},
		{a.KeepsTime, "a loan begins when it was made", "a loan begins when it is posted; the hub keeps its true time"},
		{a.Lists, "a patron's loans are listed by item number", "whose a loan is cannot be asked for; a lost reply becomes a decision for a person"},
		{a.AccountEach, "each station needs an account of its own", "one account serves all stations"},
	} {
		said := l.no
		if l.able {
			said = l.yes
		}
		fmt.Fprintf(out, "  - %s\n", said)
	}
	fmt.Fprintf(out, "  - of a return it keeps: %s\n", cmp.Or(a.Returned, ils.ReturnedNow))
	fmt.Fprintln(out, "\nNothing was changed.")
	return nil
}

// checkLine asks a SIP2 system for its status.
func checkLine(ctx context.Context, out io.Writer, s *ils.SIP2, station circ.StationID) error {
	conn := sip2.New(s.Line, cmp.Or(s.Stations[station].Account, s.Account))
	defer conn.Close()
	status, err := conn.Status(ctx, sip2.StatusRequest{})
	switch {
	case errors.Is(err, sip2.ErrLogin):
		return errors.New("it refuses the account or its password")
	case err != nil:
		return fmt.Errorf("it could not be reached by SIP2: %w", err)
	}
	fmt.Fprintf(out, "It is reached by SIP2 at %s, takes the account, and speaks version %s.\n", s.Line.Address, status.Version)
	for _, of := range []struct {
		code sip2.Code
		what string
	}{{sip2.CodePatron, "patrons' loans (63)"}, {sip2.CodeItem, "items (17)"}, {sip2.CodeCheckout, "loans (11)"}, {sip2.CodeCheckin, "returns (09)"}, {sip2.CodeRenew, "renewals (29)"}} {
		if status.Supported.Of(of.code) == sip2.No {
			fmt.Fprintf(out, "It says that it does not take messages about %s, which the hub needs.\n", of.what)
		}
	}
	return nil
}

// ilsPost prints what waits, as it would be sent. It names people, as the messages
// do: it is for whoever sets the system up.
func ilsPost(ctx context.Context, out io.Writer, args []string) error {
	set := flag.NewFlagSet("hub ils", flag.ContinueOnError)
	var s ilsSettings
	data := dataFlag(set)
	s.flags(set)
	dry := set.Bool("dry-run", false, "print what would be posted; the hub itself posts while it serves")
	if err := conf.Parse(set, args); err != nil {
		return err
	}
	if !*dry || set.NArg() > 0 {
		return errors.New("usage: hub ils post --dry-run; the hub itself posts while it serves")
	}
	kept, _, err := open(*data)
	if err != nil {
		return err
	}
	defer kept.Close()
	system, err := s.open(kept)
	if err != nil {
		return err
	}
	defer system.Close()
	all, err := kept.Preview(ctx, store.Queue{ILS: system.Name(), Since: s.since, House: !s.house.IsZero()})
	if err != nil {
		return err
	}
	for _, p := range all {
		p.Resident(s.house)
		fmt.Fprintf(out, "%s  %-13s %-9s %s\n", p.At.Local().Format(time.DateTime), p.Station, p.Op, message(system, p))
	}
	fmt.Fprintf(out, "%d wait. Before each the item and the patron are asked for (17, 63), and what is done already is not sent. Nothing was sent.\n", len(all))
	return nil
}

// message is a posting as it would go out.
func message(system ils.ILS, p store.Posting) string {
	who := p.Patron
	if p.Op == store.PostUndo {
		who = p.UndoesOf
	}
	loan := ils.Loan{Station: p.Station, Item: p.Item, Patron: who, At: p.At, Due: p.Due}
	back := ils.Return{Station: p.Station, Item: p.Item, At: p.At}
	plain := fmt.Sprintf("%s item %s card %s", cmp.Or(p.Act(), "nothing"), p.Item, cmp.Or(who.Plaintext(), "not known"))
	line, _ := system.(*ils.SIP2)
	if k, is := system.(ils.Koha); is && (p.Act() == store.PostTakeBack || k.LoansBySIP2) && p.Act() != store.PostRenew {
		line = k.SIP2
	}
	if line == nil {
		return plain
	}
	var text []byte
	var err error
	switch f := (sip2.Format{Encoding: line.Line.Encoding}); p.Act() {
	case store.PostLend:
		text, err = line.CheckoutRequest(loan).Append(nil, f)
	case store.PostTakeBack:
		text, err = line.CheckinRequest(back).Append(nil, f)
	case store.PostRenew:
		text, err = line.RenewRequest(loan).Append(nil, f)
	default:
		return plain
	}
	if err != nil {
		return fmt.Sprintf("%s: cannot be sent: %v", plain, err)
	}
	return string(text)
}
