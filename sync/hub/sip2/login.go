package sip2

// LoginRequest (93) names the account of a station. It is the first message.
type LoginRequest struct {
	NameCipher, PasswordCipher Flag // '0', no cipher; no library system watched knows another
	Name, Password             string
	Location                   string // CP; only some systems look at it
	More                       []Field
}

// LoginReply (94). A library system that refuses the login hangs up after it.
type LoginReply struct {
	OK   bool
	More []Field
}

func (r *LoginRequest) layout(c *codec) {
	c.flag(&r.NameCipher, '0')
	c.flag(&r.PasswordCipher, '0')
	c.field("CN", &r.Name)
	c.field("CO", &r.Password)
	c.maybe("CP", &r.Location)
	c.more(&r.More)
}

func (r *LoginReply) layout(c *codec) {
	c.bit(&r.OK, "10")
	c.more(&r.More)
}

// Append writes the request's line, without its end. Errors: [*FieldError].
func (r LoginRequest) Append(dst []byte, f Format) ([]byte, error) {
	c := encode(dst, CodeLogin, f)
	r.layout(&c)
	return c.done()
}

// Parse takes the request from a message.
func (r *LoginRequest) Parse(m *Message) error {
	c := decode(m, CodeLogin)
	r.layout(&c)
	return c.err
}

// Append writes the reply's line, without its end. Errors: [*FieldError].
func (r LoginReply) Append(dst []byte, f Format) ([]byte, error) {
	c := encode(dst, CodeLoginReply, f)
	r.layout(&c)
	return c.done()
}

// Parse takes the reply from a message.
func (r *LoginReply) Parse(m *Message) error {
	c := decode(m, CodeLoginReply)
	r.layout(&c)
	return c.err
}
