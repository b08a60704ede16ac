package sip2

// CheckoutRequest (11) lends an item. Never send one twice: a repeated checkout
// is a renewal on every library system watched.
type CheckoutRequest struct {
	Renewal          bool // SC renewal; leave it, and renew by a RenewRequest
	NoBlock          bool // it has happened already and is not to be refused; needs Due
	At               Date // when it happened; no system watched keeps it
	Due              Date // the due date that was promised, with NoBlock
	Institution      string
	Patron           string
	Item             string
	TerminalPassword string
	Properties       string // CH
	PatronPassword   string
	FeeAccepted      bool
	Cancel           bool
	More             []Field
}

// CheckoutReply (12). OK alone says whether the item is lent: newer Koha writes
// "Issue failed" into Screen of a no-block checkout that it has done.
type CheckoutReply struct {
	OK            bool
	RenewalOK     Flag // it was a renewal, or one would be accepted
	Magnetic      Flag
	Desensitize   Flag
	At            Date
	Institution   string
	Patron        string // as it was sent
	Item          string // as it was sent
	Title         string
	Due           Date // blank when refused; some systems write it for people
	FeeType       string
	Inhibit       Flag // CI
	Currency      string
	Fee           string
	Media         string
	Properties    string
	Transaction   string
	ValidPatron   Flag
	ValidPassword Flag
	Screen        []string
	Print         []string
	More          []Field
}

func (r *CheckoutRequest) layout(c *codec) {
	c.bit(&r.Renewal, "YN")
	c.bit(&r.NoBlock, "YN")
	c.mustDate(&r.At, "transaction date")
	if r.NoBlock {
		c.mustDate(&r.Due, "no-block due date") // newer Koha takes no block from its being there
	} else {
		c.date(&r.Due)
	}
	c.field("AO", &r.Institution)
	c.id("AA", &r.Patron) // before AB: a request that is cut in AA has no item and lends nothing
	c.id("AB", &r.Item)
	c.field("AC", &r.TerminalPassword)
	c.maybe("CH", &r.Properties)
	c.maybe("AD", &r.PatronPassword)
	c.yes("BO", &r.FeeAccepted)
	c.yes("BI", &r.Cancel)
	c.more(&r.More)
}

func (r *CheckoutReply) layout(c *codec) {
	c.bit(&r.OK, "10")
	c.flag(&r.RenewalOK, No)
	c.flag(&r.Magnetic, 'U')
	c.flag(&r.Desensitize, No)
	c.date(&r.At)
	c.field("AO", &r.Institution)
	c.field("AA", &r.Patron)
	c.field("AB", &r.Item)
	c.field("AJ", &r.Title)
	c.dateField("AH", &r.Due)
	c.each("AF", &r.Screen)
	c.each("AG", &r.Print)
	c.answer("CI", &r.Inhibit)
	c.maybe("CK", &r.Media)
	c.maybe("CH", &r.Properties)
	c.answer("BL", &r.ValidPatron)
	c.answer("CQ", &r.ValidPassword)
	c.maybe("BV", &r.Fee)
	c.maybe("BH", &r.Currency)
	c.maybe("BT", &r.FeeType)
	c.maybe("BK", &r.Transaction)
	c.more(&r.More)
}

// Append writes the request's line, without its end. Errors: [*FieldError].
func (r CheckoutRequest) Append(dst []byte, f Format) ([]byte, error) {
	c := encode(dst, CodeCheckout, f)
	r.layout(&c)
	return c.done()
}

// Parse takes the request from a message.
func (r *CheckoutRequest) Parse(m *Message) error {
	c := decode(m, CodeCheckout)
	r.layout(&c)
	return c.err
}

// Append writes the reply's line, without its end. Errors: [*FieldError].
func (r CheckoutReply) Append(dst []byte, f Format) ([]byte, error) {
	c := encode(dst, CodeCheckoutReply, f)
	r.layout(&c)
	return c.done()
}

// Parse takes the reply from a message.
func (r *CheckoutReply) Parse(m *Message) error {
	c := decode(m, CodeCheckoutReply)
	r.layout(&c)
	return c.err
}
