package sip2

// RenewRequest (29) renews a loan. Never send one twice: each is a renewal more.
type RenewRequest struct {
	ThirdParty       bool // another may renew for the patron
	NoBlock          bool
	At, Due          Date // as in CheckoutRequest
	Institution      string
	Patron           string
	PatronPassword   string
	Item             string
	Title            string
	TerminalPassword string
	Properties       string
	FeeAccepted      bool
	More             []Field
}

// RenewReply (30) has the parts of a CheckoutReply.
type RenewReply CheckoutReply

func (r *RenewRequest) layout(c *codec) {
	c.bit(&r.ThirdParty, "YN")
	c.bit(&r.NoBlock, "YN")
	c.mustDate(&r.At, "transaction date")
	if r.NoBlock {
		c.mustDate(&r.Due, "no-block due date")
	} else {
		c.date(&r.Due)
	}
	c.field("AO", &r.Institution)
	c.id("AA", &r.Patron)
	c.maybe("AD", &r.PatronPassword)
	c.id("AB", &r.Item)
	c.maybe("AJ", &r.Title)
	c.field("AC", &r.TerminalPassword)
	c.maybe("CH", &r.Properties)
	c.yes("BO", &r.FeeAccepted)
	c.more(&r.More)
}

func (r *RenewReply) layout(c *codec) { (*CheckoutReply)(r).layout(c) }

// Append writes the request's line, without its end. Errors: [*FieldError].
func (r RenewRequest) Append(dst []byte, f Format) ([]byte, error) {
	c := encode(dst, CodeRenew, f)
	r.layout(&c)
	return c.done()
}

// Parse takes the request from a message.
func (r *RenewRequest) Parse(m *Message) error {
	c := decode(m, CodeRenew)
	r.layout(&c)
	return c.err
}

// Append writes the reply's line, without its end. Errors: [*FieldError].
func (r RenewReply) Append(dst []byte, f Format) ([]byte, error) {
	c := encode(dst, CodeRenewReply, f)
	r.layout(&c)
	return c.done()
}

// Parse takes the reply from a message.
func (r *RenewReply) Parse(m *Message) error {
	c := decode(m, CodeRenewReply)
	r.layout(&c)
	return c.err
}
