package sip2

// ResendRequest (97) asks the library system for its last reply once more. It is
// asked by this package itself, after a broken reply, and carries no AY.
type ResendRequest struct{}

// ResendReply (96) is the library system asking for the last request once more.
type ResendReply struct{}

func (ResendRequest) layout(*codec) {}
func (ResendReply) layout(*codec)   {}

// Append writes the request's line, without its end. Errors: [*FieldError].
func (r ResendRequest) Append(dst []byte, f Format) ([]byte, error) {
	c := encode(dst, CodeResend, Format{Guard: Guard{Check: f.Check}})
	r.layout(&c)
	return c.done()
}

// Parse takes the request from a message.
func (r *ResendRequest) Parse(m *Message) error {
	c := decode(m, CodeResend)
	r.layout(&c)
	return c.err
}

// Append writes the reply's line, without its end. Errors: [*FieldError].
func (r ResendReply) Append(dst []byte, f Format) ([]byte, error) {
	c := encode(dst, CodeResendReply, Format{Guard: Guard{Check: f.Check}})
	r.layout(&c)
	return c.done()
}

// Parse takes the reply from a message.
func (r *ResendReply) Parse(m *Message) error {
	c := decode(m, CodeResendReply)
	r.layout(&c)
	return c.err
}
