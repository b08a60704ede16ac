package sip2

// Circulation status of an item, as in the specification.
const (
	CirculationOther           = 1 // also an item that is not known
	CirculationOnOrder         = 2
	CirculationAvailable       = 3
	CirculationCharged         = 4
	CirculationChargedNoRecall = 5
	CirculationInProcess       = 6
	CirculationRecalled        = 7
	CirculationOnHoldShelf     = 8
	CirculationToBeReshelved   = 9
	CirculationInTransit       = 10
	CirculationClaimedReturned = 11
	CirculationLost            = 12
	CirculationMissing         = 13
)

// ItemRequest (17).
type ItemRequest struct {
	At               Date
	Institution      string
	Item             string
	TerminalPassword string
	More             []Field
}

// ItemReply (18).
type ItemReply struct {
	Circulation int // -1 where the system does not say
	Security    int
	FeeType     int
	At          Date
	Queue       string // CF, holds waiting
	Due         Date
	Recall      Date
	PickUp      Date
	Item, Title string
	Owner       string
	Currency    string
	Fee         string
	Media       string
	Permanent   string // AQ, where it belongs
	Current     string // AP, where it is
	Properties  string
	CallNumber  string
	Collection  string
	Destination string
	Screen      []string
	Print       []string
	More        []Field
}

func (r *ItemRequest) layout(c *codec) {
	c.date(&r.At)
	c.field("AO", &r.Institution)
	c.id("AB", &r.Item)
	c.field("AC", &r.TerminalPassword)
	c.more(&r.More)
}

func (r *ItemReply) layout(c *codec) {
	c.number(&r.Circulation, 2)
	c.number(&r.Security, 2)
	c.number(&r.FeeType, 2)
	c.date(&r.At)
	c.maybe("CF", &r.Queue)
	c.maybeDate("AH", &r.Due)
	c.maybeDate("CJ", &r.Recall)
	c.maybeDate("CM", &r.PickUp)
	c.field("AB", &r.Item)
	c.field("AJ", &r.Title)
	c.maybe("BG", &r.Owner)
	c.maybe("BH", &r.Currency)
	c.maybe("BV", &r.Fee)
	c.maybe("CK", &r.Media)
	c.maybe("AQ", &r.Permanent)
	c.maybe("AP", &r.Current)
	c.maybe("CH", &r.Properties)
	c.maybe("CS", &r.CallNumber)
	c.maybe("CR", &r.Collection)
	c.maybe("CT", &r.Destination)
	c.each("AF", &r.Screen)
	c.each("AG", &r.Print)
	c.more(&r.More)
}

// Append writes the request's line, without its end. Errors: [*FieldError].
func (r ItemRequest) Append(dst []byte, f Format) ([]byte, error) {
	c := encode(dst, CodeItem, f)
	r.layout(&c)
	return c.done()
}

// Parse takes the request from a message.
func (r *ItemRequest) Parse(m *Message) error {
	c := decode(m, CodeItem)
	r.layout(&c)
	return c.err
}

// Append writes the reply's line, without its end. Errors: [*FieldError].
func (r ItemReply) Append(dst []byte, f Format) ([]byte, error) {
	c := encode(dst, CodeItemReply, f)
	r.layout(&c)
	return c.done()
}

// Parse takes the reply from a message.
func (r *ItemReply) Parse(m *Message) error {
	c := decode(m, CodeItemReply)
	r.layout(&c)
	return c.err
}
