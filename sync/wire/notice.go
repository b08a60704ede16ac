package wire

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/fxamacker/cbor/v2"

	"coldstation/sync/circ"
)

// noticeKinds numbers the kinds of notices. A number is never used twice.
var noticeKinds = newKinds(map[uint64]any{
	1:  patron{},
	2:  patronGone{},
	3:  circ.ItemPut{},
	4:  circ.ItemGone{},
	5:  circ.PolicyPut{},
	6:  proxy{},
	7:  circ.ProxyCancelled{},
	8:  loan{},
	9:  circ.LoanGone{},
	10: circ.LoanConfirmed{},
	11: circ.LoanRefused{},
	12: circ.ConsignmentPut{},
	13: circ.RecallPut{},
	14: circ.PicksPut{},
	15: circ.MessagePut{},
	16: circ.SettingsPut{},
	17: circ.Command{},
	18: circ.CardFilterPut{},
})

// LastNotice is the highest kind of notice that this version knows.
var LastNotice = slices.Max(slices.Collect(maps.Keys(noticeKinds.types)))

// KnowsCardFilter is what a Hello says at least of a station that can be told of
// a card filter; an older one would wait for its update.
const KnowsCardFilter = 18

// The notices that name a patron, as they are written.
type (
	patron struct {
		ID        string   `cbor:"1,keyasint"`
		FirstName string   `cbor:"2,keyasint,omitzero"`
		Policy    string   `cbor:"3,keyasint,omitzero"`
		Staff     bool     `cbor:"4,keyasint,omitzero"`
		Blocked   bool     `cbor:"5,keyasint,omitzero"`
		Language  string   `cbor:"6,keyasint,omitzero"`
		Cards     []string `cbor:"7,keyasint,omitempty"`
		Picture   string   `cbor:"8,keyasint,omitzero"`
		Recalls   bool     `cbor:"9,keyasint,omitzero"`
		Secret    string   `cbor:"10,keyasint,omitzero"`
	}
	patronGone struct {
		ID string `cbor:"1,keyasint"`
	}
	proxy struct {
		ID        string      `cbor:"1,keyasint"`
		Principal string      `cbor:"2,keyasint"`
		Agent     string      `cbor:"3,keyasint"`
		Scopes    circ.Scopes `cbor:"4,keyasint,omitzero"`
		Once      bool        `cbor:"5,keyasint,omitzero"`
		From      time.Time   `cbor:"6,keyasint,omitzero"`
		To        time.Time   `cbor:"7,keyasint,omitzero"`
		Fresh     time.Time   `cbor:"8,keyasint,omitzero"`
	}
	loan struct {
		Item   circ.ItemID `cbor:"1,keyasint"`
		Patron string      `cbor:"2,keyasint"`
		At     time.Time   `cbor:"3,keyasint,omitzero"`
		Due    time.Time   `cbor:"4,keyasint,omitzero"`
	}
)

type notice struct {
	_       struct{} `cbor:",toarray"`
	Version uint64
	Kind    uint64
	Body    cbor.RawMessage
}

// AppendNotice appends the encoding of n to dst; n.Seq is not part of it. What no
// station could take is not written: the error is circ.ErrLimit then.
func AppendNotice(dst []byte, n circ.Notice) ([]byte, error) {
	if err := circ.CheckNotice(n.Body); err != nil {
		return dst, fmt.Errorf("encode a %T: %w", n.Body, err)
	}
	var body any = n.Body
	switch b := n.Body.(type) {
	case circ.PatronPut:
		p := b.Patron
		body = patron{p.ID.Plaintext(), p.FirstName, p.Policy, p.Staff, p.Blocked, p.Language, p.Cards, p.Picture, p.Recalls, p.Secret}
	case circ.PatronGone:
		body = patronGone{b.ID.Plaintext()}
	case circ.ProxyPut:
		p := b.Proxy
		body = proxy{p.ID, p.Principal.Plaintext(), p.Agent.Plaintext(), p.Scopes, p.Once, p.From, p.To, p.Fresh}
	case circ.LoanPut:
		body = loan{b.Item, b.Patron.Plaintext(), b.At, b.Due}
	}
	kind, raw, err := noticeKinds.encode(body)
	if err != nil {
		return dst, err
	}
	encoded, err := encoding.Marshal(notice{Version: version, Kind: kind, Body: raw})
	if err != nil {
		return dst, err
	}
	if len(encoded) > MaxEvent {
		return dst, fmt.Errorf("encode a %T: %d bytes, at most %d fit", n.Body, len(encoded), MaxEvent)
	}
	return append(dst, encoded...), nil
}

// ParseNotice decodes a notice. The error is ErrNewer or ErrMalformed.
func ParseNotice(raw []byte) (circ.Notice, error) {
	if err := checkHead(raw, 3); err != nil {
		return circ.Notice{}, err
	}
	var in notice
	if err := decoding.Unmarshal(raw, &in); err != nil {
		return circ.Notice{}, malformed(err)
	}
	written, err := noticeKinds.decode(in.Kind, in.Body)
	if err != nil {
		return circ.Notice{}, err
	}
	body := said(written)
	if err := circ.CheckNotice(body); err != nil {
		return circ.Notice{}, malformed(err)
	}
	return circ.Notice{Body: body}, nil
}

// said is the notice that was written as body.
func said(body any) circ.NoticeBody {
	switch b := body.(type) {
	case patron:
		return circ.PatronPut{Patron: circ.Patron{ID: circ.NewPatronID(b.ID), FirstName: b.FirstName,
			Policy: b.Policy, Staff: b.Staff, Blocked: b.Blocked, Language: b.Language, Cards: b.Cards,
			Picture: b.Picture, Recalls: b.Recalls, Secret: b.Secret}}
	case patronGone:
		return circ.PatronGone{ID: circ.NewPatronID(b.ID)}
	case proxy:
		return circ.ProxyPut{Proxy: circ.Proxy{ID: b.ID, Principal: circ.NewPatronID(b.Principal),
			Agent: circ.NewPatronID(b.Agent), Scopes: b.Scopes, Once: b.Once, From: b.From, To: b.To, Fresh: b.Fresh}}
	case loan:
		return circ.LoanPut{Item: b.Item, Patron: circ.NewPatronID(b.Patron), At: b.At, Due: b.Due}
	}
	return body.(circ.NoticeBody)
}
