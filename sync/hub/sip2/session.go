package sip2

// EndSessionRequest (35) says that a patron has gone. It ends nothing of the
// connection.
type EndSessionRequest struct {
	At               Date
	Institution      string
	Patron           string
	TerminalPassword string
	PatronPassword   string
	More             []Field
}

// EndSessionReply (36).
type EndSessionReply struct {
	Ended         bool
	At            Date
	Institution   string
	Patron        string
	Screen, Print []string
	More          []Field
}

func (r *EndSessionRequest) layout(c *codec) {
	c.date(&r.At)
	c.field("AO", &r.Institution)
	c.id("AA", &r.Patron)
	c.field("AC", &r.TerminalPassword)
	c.maybe("AD", &r.PatronPassword)
	c.more(&r.More)
}

func (r *EndSessionReply) layout(c *codec) {
	c.bit(&r.Ended, "YN")
	c.date(&r.At)
	c.field("AO", &r.Institution)
	c.field("AA", &r.Patron)
	c.each("AF", &r.Screen)
	c.each("AG", &r.Print)
	c.more(&r.More)
}

// Append writes the request's line, without its end. Errors: [*FieldError].
func (r EndSessionRequest) Append(dst []byte, f Format) ([]byte, error) {
	c := encode(dst, CodeEndSession, f)
	r.layout(&c)
	return c.done()
}

// Parse takes the request from a message.
func (r *EndSessionRequest) Parse(m *Message) error {
	c := decode(m, CodeEndSession)
	r.layout(&c)
	return c.err
}

// Append writes the reply's line, without its end. Errors: [*FieldError].
func (r EndSessionReply) Append(dst []byte, f Format) ([]byte, error) {
	c := encode(dst, CodeEndSessionReply, f)
	r.layout(&c)
	return c.done()
}

// Parse takes the reply from a message.
func (r *EndSessionReply) Parse(m *Message) error {
	c := decode(m, CodeEndSessionReply)
	r.layout(&c)
	return c.err
}
