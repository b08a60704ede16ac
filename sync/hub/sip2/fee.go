package sip2

import "errors"

// ErrPayment refuses fee paid (37 and 38), on principle: a station in a care home
// takes no money, so nothing that passes through here may claim that somebody has
// paid. A library that takes payments does so at its own desk.
var ErrPayment = errors.New("sip2: fee paid is refused: no payments are taken here")

// FeePaidRequest (37) exists to be refused.
type FeePaidRequest struct{}

// Append always fails with ErrPayment.
func (FeePaidRequest) Append([]byte, Format) ([]byte, error) { return nil, ErrPayment }
