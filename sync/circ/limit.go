package circ

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// The limits of what may be said, in bytes of UTF-8. They are set by the ends: an
// item's identifier is a field of a tag and of SIP2, a patron's travels sealed
// behind one byte of length, and a station keeps identifiers as keys of a tree
// whose pages have 4096 bytes, where long ones waste the disk.
const (
	MaxItemID   = 255
	MaxPatronID = 127
	MaxKey      = 255      // names of policies, proxies, consignments, recalls, faults, screens, settings; a chip's UID
	MaxText     = 1000     // a title, a name, a subject
	MaxWords    = 4096     // words for people: messages, notes, details of a fault, the value of a setting
	MaxList     = 4096     // items, cards or words in one list
	MaxLog      = 48 << 10 // compressed lines of a log: an event has to hold them
)

// ErrLimit is what goes beyond a limit, or lacks what it is known by.
var ErrLimit = errors.New("circ: beyond its limit")

// CheckNotice tells whether a station can take b. The error is ErrLimit and says
// which field is wrong, and nobody's name.
func CheckNotice(b NoticeBody) error {
	var c check
	switch b := b.(type) {
	case PatronPut:
		c.patron("patron", b.Patron.ID)
		c.text("first name", b.Patron.FirstName, MaxText)
		c.text("policy", b.Patron.Policy, MaxKey)
		c.text("language", b.Patron.Language, MaxKey)
		c.text("picture", b.Patron.Picture, MaxKey)
		c.text("secret", b.Patron.Secret, MaxKey)
		c.length("cards", len(b.Patron.Cards))
		for _, card := range b.Patron.Cards {
			c.text("card", card, MaxPatronID)
		}
	case PatronGone:
		c.patron("patron", b.ID)
	case ItemPut:
		c.item(b.Item.ID)
		c.text("title", b.Item.Title, MaxText)
		c.text("author", b.Item.Author, MaxText)
		c.text("language", b.Item.Language, MaxKey)
		c.text("subject", b.Item.Subject, MaxText)
		c.text("home", string(b.Item.Home), MaxKey)
	case ItemGone:
		c.item(b.ID)
	case PolicyPut:
		c.key("policy", b.Policy.ID)
	case ProxyPut:
		c.key("proxy", b.Proxy.ID)
		c.patron("principal", b.Proxy.Principal)
		c.patron("agent", b.Proxy.Agent)
		c.date("from", b.Proxy.From)
		c.date("to", b.Proxy.To)
		c.date("fresh", b.Proxy.Fresh)
	case ProxyCancelled:
		c.key("proxy", b.ID)
	case LoanPut:
		c.item(b.Item)
		c.patron("patron", b.Patron)
		c.date("at", b.At)
		c.date("due", b.Due)
	case LoanGone:
		c.item(b.Item)
	case LoanConfirmed:
		c.date("due", b.Due)
	case LoanRefused:
		c.date("due", b.Due)
	case ConsignmentPut:
		c.key("consignment", b.ID)
		c.items("items", b.Items)
		c.text("title", b.Title, MaxText)
	case RecallPut:
		c.key("recall", b.ID)
		c.items("items", b.Items)
		c.text("title", b.Title, MaxText)
	case PicksPut:
		c.key("picks", b.Name)
		c.items("items", b.Items)
	case MessagePut:
		c.key("message", b.ID)
		c.words("words", b.Words)
	case SettingsPut:
		c.words("settings", b.Values)
	case Command:
		c.key("command", b.Name)
		c.text("ID", b.ID, MaxKey)
		if strings.ContainsRune(b.Name, 0) {
			c.fault("a command's name with a zero byte")
		}
	case CardFilterPut:
		if b.Filter.IsZero() {
			c.fault("no filter")
		}
	}
	return c.err
}

// CheckEvent tells whether b may be written to a log. The error is ErrLimit. Of an
// identifier that is sealed nothing is known but to who sealed it.
func CheckEvent(b EventBody) error {
	var c check
	switch b := b.(type) {
	case PatronMet:
		c.text("patron", b.ID.Plaintext(), MaxPatronID)
	case CheckedOut:
		c.item(b.Item)
		c.date("due", b.Due)
	case CheckedIn:
		c.item(b.Item)
	case Renewed:
		c.item(b.Item)
		c.date("due", b.Due)
	case LentToHouse:
		c.item(b.Item)
	case ReadHere:
		c.item(b.Item)
	case Placed:
		c.item(b.Item)
		c.text("consignment", b.Consignment, MaxKey)
	case TakenOut:
		c.item(b.Item)
		c.text("consignment", b.Consignment, MaxKey)
	case ConsignmentChecked:
		c.text("consignment", b.Consignment, MaxKey)
		c.items("seen", b.Seen)
		c.items("missing", b.Missing)
		c.items("extra", b.Extra)
	case ShelfCounted:
		c.items("seen", b.Seen)
		if b.Part < 0 || b.Part > b.Parts {
			c.fault("part %d of %d", b.Part, b.Parts)
		}
	case TagSecured: // of an item, if it is known which
		c.text("item", string(b.Item), MaxItemID)
		c.text("UID", b.UID, MaxKey)
	case TagUnsecured:
		c.text("item", string(b.Item), MaxItemID)
		c.text("UID", b.UID, MaxKey)
	case TagFailed:
		c.item(b.Item)
		c.text("UID", b.UID, MaxKey)
	case AliasLinked:
		c.text("alias", b.Alias.Plaintext(), MaxPatronID)
	case HelpAsked:
		c.text("screen", b.Screen, MaxKey)
	case FaultRaised:
		c.key("fault", b.Fault)
		c.text("detail", b.Detail, MaxWords)
	case FaultCleared:
		c.key("fault", b.Fault)
	case Started:
		c.text("version", b.Version, MaxKey)
	case NoticeTaken:
		c.text("note", b.Note, MaxWords)
		c.text("command", b.Command, MaxKey)
	case SettingsApplied:
		c.length("fixed settings", len(b.Fixed))
		for _, name := range b.Fixed {
			c.key("setting", name)
		}
	case LogSent:
		c.text("command", b.Command, MaxKey)
		if len(b.Lines) > MaxLog {
			c.fault("lines of %d bytes, at most %d fit", len(b.Lines), MaxLog)
		}
	}
	return c.err
}

// check keeps the first fault it meets.
type check struct{ err error }

func (c *check) fault(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf("%w: "+format, append([]any{ErrLimit}, args...)...)
	}
}

func (c *check) text(field, text string, most int) {
	switch {
	case len(text) > most:
		c.fault("%s of %d bytes, at most %d fit", field, len(text), most)
	case !utf8.ValidString(text):
		c.fault("%s is not UTF-8", field)
	}
}

func (c *check) named(field, text string, most int) {
	if text == "" {
		c.fault("no %s", field)
	}
	c.text(field, text, most)
}

func (c *check) key(field, text string)           { c.named(field, text, MaxKey) }
func (c *check) item(id ItemID)                   { c.named("item", string(id), MaxItemID) }
func (c *check) patron(field string, id PatronID) { c.named(field, id.Plaintext(), MaxPatronID) }

func (c *check) length(field string, n int) {
	if n > MaxList {
		c.fault("%d %s, at most %d fit", n, field, MaxList)
	}
}

func (c *check) items(field string, items []ItemID) {
	c.length(field, len(items))
	for _, id := range items {
		c.item(id)
	}
}

func (c *check) words(field string, words map[string]string) {
	c.length(field, len(words))
	for key, text := range words {
		c.key(field, key)
		c.text(field, text, MaxWords)
	}
}

// date: years beyond those of four digits are a clock gone wrong, and no encoding
// of ours holds them.
func (c *check) date(field string, at time.Time) {
	if year := at.Year(); year < 1 || year > 9999 {
		c.fault("%s in the year %d", field, year)
	}
}
