package sip2

// CheckinRequest (09) takes an item back.
type CheckinRequest struct {
	NoBlock          bool
	At               Date   // the transaction
	Returned         Date   // when the item came back; Koha keeps it with its time, Evergreen its day
	Current          string // AP, where it is; stands for the login's branch on Koha and Evergreen
	Institution      string
	Item             string
	TerminalPassword string
	Properties       string
	Cancel           bool
	More             []Field
}

// Alert types (CV) of a checkin.
const (
	AlertHoldHere       = "01"
	AlertHoldElsewhere  = "02" // Koha has made a transfer
	AlertIllHold        = "03"
	AlertOtherBranch    = "04" // Destination says where to
	AlertDataCorruption = "98"
	AlertRefused        = "99"
)

// CheckinReply (10). A reply that is not OK may yet have done something: Koha
// captures a hold on an item that was "not checked out", with AlertHoldHere.
type CheckinReply struct {
	OK          bool
	Resensitize Flag
	Magnetic    Flag
	Alert       Flag
	At          Date
	Institution string
	Item        string // as it was sent
	Permanent   string // AQ
	Title       string
	SortBin     string
	Patron      string // from whom it came back
	Media       string
	Properties  string
	Collection  string
	CallNumber  string
	Destination string // CT
	HoldPatron  string // CY; junk on Koha 19.06
	HoldName    string // DA; the same
	AlertType   string // CV
	Screen      []string
	Print       []string
	More        []Field
}

func (r *CheckinRequest) layout(c *codec) {
	c.bit(&r.NoBlock, "YN")
	c.mustDate(&r.At, "transaction date")
	c.mustDate(&r.Returned, "return date") // a blank one kills Koha's worker
	c.field("AP", &r.Current)
	c.field("AO", &r.Institution)
	c.id("AB", &r.Item)
	c.field("AC", &r.TerminalPassword)
	c.maybe("CH", &r.Properties)
	c.yes("BI", &r.Cancel)
	c.more(&r.More)
}

func (r *CheckinReply) layout(c *codec) {
	c.bit(&r.OK, "10")
	c.flag(&r.Resensitize, No)
	c.flag(&r.Magnetic, 'U')
	c.flag(&r.Alert, No)
	c.date(&r.At)
	c.field("AO", &r.Institution)
	c.field("AB", &r.Item)
	c.field("AQ", &r.Permanent)
	c.maybe("AJ", &r.Title)
	c.maybe("CL", &r.SortBin)
	c.maybe("AA", &r.Patron)
	c.maybe("CK", &r.Media)
	c.maybe("CH", &r.Properties)
	c.maybe("CR", &r.Collection)
	c.maybe("CS", &r.CallNumber)
	c.maybe("CT", &r.Destination)
	c.maybe("CY", &r.HoldPatron)
	c.maybe("DA", &r.HoldName)
	c.maybe("CV", &r.AlertType)
	c.each("AF", &r.Screen)
	c.each("AG", &r.Print)
	c.more(&r.More)
}

// Append writes the request's line, without its end. Errors: [*FieldError].
func (r CheckinRequest) Append(dst []byte, f Format) ([]byte, error) {
	c := encode(dst, CodeCheckin, f)
	r.layout(&c)
	return c.done()
}

// Parse takes the request from a message.
func (r *CheckinRequest) Parse(m *Message) error {
	c := decode(m, CodeCheckin)
	r.layout(&c)
	return c.err
}

// Append writes the reply's line, without its end. Errors: [*FieldError].
func (r CheckinReply) Append(dst []byte, f Format) ([]byte, error) {
	c := encode(dst, CodeCheckinReply, f)
	r.layout(&c)
	return c.done()
}

// Parse takes the reply from a message.
func (r *CheckinReply) Parse(m *Message) error {
	c := decode(m, CodeCheckinReply)
	r.layout(&c)
	return c.err
}
