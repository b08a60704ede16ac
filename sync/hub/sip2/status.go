package sip2

// StatusRequest (99) asks how the library system is and says which version of
// the protocol is spoken: without it, and without a login, Evergreen's server
// speaks 1.00.
type StatusRequest struct {
	State   Flag   // '0' well, '1' out of paper, '2' closing
	Width   int    // characters of the printer's line
	Version string // "" for 2.00
	More    []Field
}

// StatusReply (98). Its flags are what the library system is set to say; the
// systems watched do what they deny here, so nothing should depend on them.
type StatusReply struct {
	Online, Checkin, Checkout, Renewal, Update, Offline Flag
	Timeout                                             int // tenths of a second to wait for a reply; 999 unknown, -1 blank
	Retries                                             int // 999 unknown, -1 blank
	At                                                  Date
	Version                                             string
	Institution, Library                                string
	Supported                                           Supported
	Terminal                                            string
	Screen, Print                                       []string
	More                                                []Field
}

// Supported is field BX: for each kind of request Y or N, in the order of the
// specification. Some systems send fewer.
type Supported string

// supportedOrder of BX; those we do not speak are their codes too.
var supportedOrder = [...]Code{CodePatronStatus, CodeCheckout, CodeCheckin, "01", CodeStatus, CodeResend, CodeLogin, CodePatron,
	CodeEndSession, CodeFeePaid, CodeItem, "19", "25", "15", CodeRenew, "65"}

// Of is whether requests of a code are supported: 0 where nothing is said.
func (s Supported) Of(c Code) Flag {
	for i, code := range supportedOrder {
		if code == c && i < len(s) {
			return Flag(s[i])
		}
	}
	return 0
}

func (r *StatusRequest) layout(c *codec) {
	c.flag(&r.State, '0')
	c.number(&r.Width, 3)
	c.text(&r.Version, 4, "2.00")
	c.more(&r.More)
}

func (r *StatusReply) layout(c *codec) {
	for _, p := range [...]*Flag{&r.Online, &r.Checkin, &r.Checkout, &r.Renewal, &r.Update, &r.Offline} {
		c.flag(p, No)
	}
	c.number(&r.Timeout, 3)
	c.number(&r.Retries, 3)
	c.date(&r.At)
	c.text(&r.Version, 4, "2.00")
	c.field("AO", &r.Institution)
	c.maybe("AM", &r.Library)
	supported := string(r.Supported)
	c.field("BX", &supported)
	r.Supported = Supported(supported)
	c.maybe("AN", &r.Terminal)
	c.each("AF", &r.Screen)
	c.each("AG", &r.Print)
	c.more(&r.More)
}

// Append writes the request's line, without its end. Errors: [*FieldError].
func (r StatusRequest) Append(dst []byte, f Format) ([]byte, error) {
	c := encode(dst, CodeStatus, f)
	r.layout(&c)
	return c.done()
}

// Parse takes the request from a message.
func (r *StatusRequest) Parse(m *Message) error {
	c := decode(m, CodeStatus)
	r.layout(&c)
	return c.err
}

// Append writes the reply's line, without its end. Errors: [*FieldError].
func (r StatusReply) Append(dst []byte, f Format) ([]byte, error) {
	c := encode(dst, CodeStatusReply, f)
	r.layout(&c)
	return c.done()
}

// Parse takes the reply from a message.
func (r *StatusReply) Parse(m *Message) error {
	c := decode(m, CodeStatusReply)
	r.layout(&c)
	return c.err
}
