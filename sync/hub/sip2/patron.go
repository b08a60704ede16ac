package sip2

// PatronFlags are the 14 of a patron, each Y when it holds, else blank. Koha and
// Evergreen show an expired, restricted or indebted patron alike, by the first
// four; the reason is in Screen.
type PatronFlags string

// Places in PatronFlags.
const (
	CheckoutDenied = iota
	RenewalDenied
	RecallDenied
	HoldDenied
	CardLost
	TooManyCharged
	TooManyOverdue
	TooManyRenewals
	TooManyClaimsReturned
	TooManyLost
	ExcessiveFines
	ExcessiveFees
	RecallOverdue
	TooManyBilled
)

// Has reports one of them.
func (p PatronFlags) Has(place int) bool { return place < len(p) && p[place] == 'Y' }

const noFlags = "              "

// Summary says which of a patron's items a reply is to list; a library system
// lists one kind at a time.
type Summary int

const (
	NoItems Summary = iota
	HoldItems
	OverdueItems
	ChargedItems
	FineItems
	RecallItems
	UnavailableHolds
)

// PatronStatusRequest (23).
type PatronStatusRequest struct {
	Language         string // three digits, "" for 000
	At               Date
	Institution      string
	Patron           string // also a name by which the patron signs in, where the system takes that
	TerminalPassword string
	Password         string
	More             []Field
}

// PatronStatusReply (24).
type PatronStatusReply struct {
	Flags         PatronFlags
	Language      string
	At            Date
	Institution   string
	Patron        string // the true card number, where the system knows it
	Name          string
	Valid         Flag // BL
	ValidPassword Flag // CQ
	Currency, Fee string
	Screen, Print []string
	More          []Field
}

// PatronRequest (63).
type PatronRequest struct {
	Language         string
	At               Date
	Summary          Summary
	Institution      string
	Patron           string
	TerminalPassword string
	Password         string
	First, Last      string // BP, BQ: which of the list, from 1
	More             []Field
}

// Counts of a patron's items; -1 where the system does not say.
type Counts struct {
	Holds, Overdue, Charged, Fines, Recalls, UnavailableHolds int
}

// PatronReply (64). Of the lists, the one that was asked for is filled: item
// identifiers from Koha, and from Evergreen what it is set to send.
type PatronReply struct {
	Flags                                                     PatronFlags
	Language                                                  string
	At                                                        Date
	Counts                                                    Counts
	Institution                                               string
	Patron                                                    string // the true card number, where the system knows it
	Name                                                      string
	HoldLimit, OverdueLimit, ChargedLimit                     string
	Valid                                                     Flag // BL
	ValidPassword                                             Flag // CQ
	Currency, Fee, FeeLimit                                   string
	Holds, Overdue, Charged, Fines, Recalls, UnavailableHolds []string
	Address, Email, Telephone                                 string
	Expires, Born, Class                                      string // PA, PB, PC; Koha 19.06 sends no PA
	Screen, Print                                             []string
	More                                                      []Field
}

func (r *PatronStatusRequest) layout(c *codec) {
	c.text(&r.Language, 3, "000")
	c.date(&r.At)
	c.field("AO", &r.Institution)
	c.id("AA", &r.Patron)
	c.field("AC", &r.TerminalPassword)
	c.field("AD", &r.Password)
	c.more(&r.More)
}

func (r *PatronStatusReply) layout(c *codec) {
	flags := string(r.Flags)
	c.text(&flags, flagsWidth, noFlags)
	r.Flags = PatronFlags(flags)
	c.text(&r.Language, 3, "000")
	c.date(&r.At)
	c.field("AO", &r.Institution)
	c.field("AA", &r.Patron)
	c.field("AE", &r.Name)
	c.answer("BL", &r.Valid)
	c.answer("CQ", &r.ValidPassword)
	c.maybe("BH", &r.Currency)
	c.maybe("BV", &r.Fee)
	c.each("AF", &r.Screen)
	c.each("AG", &r.Print)
	c.more(&r.More)
}

func (r *PatronRequest) layout(c *codec) {
	c.text(&r.Language, 3, "000")
	c.date(&r.At)
	c.summary(&r.Summary)
	c.field("AO", &r.Institution)
	c.id("AA", &r.Patron)
	c.field("AC", &r.TerminalPassword)
	c.maybe("AD", &r.Password) // a given password is judged, also an empty one
	c.maybe("BP", &r.First)
	c.maybe("BQ", &r.Last)
	c.more(&r.More)
}

// summary is ten characters with Y in the place of what is asked for.
func (c *codec) summary(p *Summary) {
	const none = "          "
	if c.writing {
		text := []byte(none)
		if *p < NoItems || *p > UnavailableHolds {
			c.fail("summary", "unknown")
		} else if *p > NoItems {
			text[*p-1] = 'Y'
		}
		c.dst = append(c.dst, text...)
		return
	}
	*p = NoItems
	for i, b := range c.take(len(none)) {
		if b == 'Y' && Summary(i) < UnavailableHolds {
			*p = Summary(i) + 1
			return
		}
	}
}

func (r *PatronReply) layout(c *codec) {
	flags := string(r.Flags)
	c.text(&flags, flagsWidth, noFlags)
	r.Flags = PatronFlags(flags)
	c.text(&r.Language, 3, "000")
	c.date(&r.At)
	n := &r.Counts
	for _, p := range [...]*int{&n.Holds, &n.Overdue, &n.Charged, &n.Fines, &n.Recalls, &n.UnavailableHolds} {
		c.number(p, 4)
	}
	c.field("AO", &r.Institution)
	c.field("AA", &r.Patron)
	c.field("AE", &r.Name)
	c.maybe("BZ", &r.HoldLimit)
	c.maybe("CA", &r.OverdueLimit)
	c.maybe("CB", &r.ChargedLimit)
	c.answer("BL", &r.Valid)
	c.answer("CQ", &r.ValidPassword)
	c.maybe("BH", &r.Currency)
	c.maybe("BV", &r.Fee)
	c.maybe("CC", &r.FeeLimit)
	c.each("AS", &r.Holds)
	c.each("AT", &r.Overdue)
	c.each("AU", &r.Charged)
	c.each("AV", &r.Fines)
	c.each("BU", &r.Recalls)
	c.each("CD", &r.UnavailableHolds)
	c.maybe("BD", &r.Address)
	c.maybe("BE", &r.Email)
	c.maybe("BF", &r.Telephone)
	c.maybe("PA", &r.Expires)
	c.maybe("PB", &r.Born)
	c.maybe("PC", &r.Class)
	c.each("AF", &r.Screen)
	c.each("AG", &r.Print)
	c.more(&r.More)
}

// Append writes the request's line, without its end. Errors: [*FieldError].
func (r PatronStatusRequest) Append(dst []byte, f Format) ([]byte, error) {
	c := encode(dst, CodePatronStatus, f)
	r.layout(&c)
	return c.done()
}

// Parse takes the request from a message.
func (r *PatronStatusRequest) Parse(m *Message) error {
	c := decode(m, CodePatronStatus)
	r.layout(&c)
	return c.err
}

// Append writes the reply's line, without its end. Errors: [*FieldError].
func (r PatronStatusReply) Append(dst []byte, f Format) ([]byte, error) {
	c := encode(dst, CodePatronStatusReply, f)
	r.layout(&c)
	return c.done()
}

// Parse takes the reply from a message.
func (r *PatronStatusReply) Parse(m *Message) error {
	c := decode(m, CodePatronStatusReply)
	r.layout(&c)
	return c.err
}

// Append writes the request's line, without its end. Errors: [*FieldError].
func (r PatronRequest) Append(dst []byte, f Format) ([]byte, error) {
	c := encode(dst, CodePatron, f)
	r.layout(&c)
	return c.done()
}

// Parse takes the request from a message.
func (r *PatronRequest) Parse(m *Message) error {
	c := decode(m, CodePatron)
	r.layout(&c)
	return c.err
}

// Append writes the reply's line, without its end. Errors: [*FieldError].
func (r PatronReply) Append(dst []byte, f Format) ([]byte, error) {
	c := encode(dst, CodePatronReply, f)
	r.layout(&c)
	return c.done()
}

// Parse takes the reply from a message.
func (r *PatronReply) Parse(m *Message) error {
	c := decode(m, CodePatronReply)
	r.layout(&c)
	return c.err
}
