package wire

import (
	"crypto/hpke"
	"errors"
	"fmt"

	"coldstation/sync/circ"
)

// Sealer hides identifiers of patrons so that only the library can read them.
type Sealer struct{ Key hpke.PublicKey }

// Opener reads what a Sealer hid.
type Opener struct{ Key hpke.PrivateKey }

// sealedMet is circ.PatronMet as it is written.
type sealedMet struct {
	circ.PatronMet
	Sealed []byte `cbor:"2,keyasint,omitzero"`
}

// sealedAlias is circ.AliasLinked as it is written.
type sealedAlias struct {
	circ.AliasLinked
	Sealed []byte `cbor:"4,keyasint,omitzero"`
}

func (s *Sealer) hide(body circ.EventBody) (circ.EventBody, error) {
	var err error
	switch body := body.(type) {
	case circ.PatronMet:
		sealed := sealedMet{PatronMet: body}
		sealed.Sealed, err = s.seal(body.Ref, body.ID)
		return sealed, err
	case circ.AliasLinked:
		sealed := sealedAlias{AliasLinked: body}
		sealed.Sealed, err = s.seal(body.Patron, body.Alias)
		return sealed, err
	}
	return body, nil
}

func (o *Opener) reveal(body circ.EventBody) (circ.EventBody, error) {
	var err error
	switch body := body.(type) {
	case sealedMet:
		body.ID, err = o.open(body.Ref, body.Sealed)
		return body.PatronMet, err
	case sealedAlias:
		body.Alias, err = o.open(body.Patron, body.Sealed)
		return body.AliasLinked, err
	}
	return body, nil
}

func info(ref circ.Ref) []byte { return append([]byte("coldstation/1 patron "), ref[:]...) }

const padding = 32 // the length of an identifier is told only in multiples of this

func (s *Sealer) seal(ref circ.Ref, id circ.PatronID) ([]byte, error) {
	if s == nil {
		return nil, errors.New("seal an identifier: no key of the library")
	}
	plain := id.Plaintext()
	if plain == "" || len(plain) > circ.MaxPatronID {
		return nil, fmt.Errorf("seal an identifier of %d bytes: 1 to %d fit", len(plain), circ.MaxPatronID)
	}
	padded := make([]byte, (1+len(plain)+padding-1)/padding*padding)
	padded[0] = byte(len(plain))
	copy(padded[1:], plain)
	return hpke.Seal(s.Key, hpke.HKDFSHA256(), hpke.ChaCha20Poly1305(), info(ref), padded)
}

func (o *Opener) open(ref circ.Ref, sealed []byte) (circ.PatronID, error) {
	if o == nil {
		return circ.PatronID{}, nil
	}
	padded, err := hpke.Open(o.Key, hpke.HKDFSHA256(), hpke.ChaCha20Poly1305(), info(ref), sealed)
	if err != nil {
		return circ.PatronID{}, fmt.Errorf("open an identifier: %w: %w", ErrMalformed, err)
	}
	if len(padded) == 0 || int(padded[0]) == 0 || 1+int(padded[0]) > len(padded) {
		return circ.PatronID{}, fmt.Errorf("open an identifier: %w", ErrMalformed)
	}
	return circ.NewPatronID(string(padded[1 : 1+padded[0]])), nil
}
