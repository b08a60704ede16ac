package sip2

// Code is a message's two digits. Those of requests come from the station.
type Code string

// Codes of requests and, beside each, of its reply.
const (
	CodeLogin, CodeLoginReply                 Code = "93", "94"
	CodeStatus, CodeStatusReply               Code = "99", "98"
	CodePatronStatus, CodePatronStatusReply   Code = "23", "24"
	CodePatron, CodePatronReply               Code = "63", "64"
	CodeItem, CodeItemReply                   Code = "17", "18"
	CodeCheckout, CodeCheckoutReply           Code = "11", "12"
	CodeCheckin, CodeCheckinReply             Code = "09", "10"
	CodeRenew, CodeRenewReply                 Code = "29", "30"
	CodeEndSession, CodeEndSessionReply       Code = "35", "36"
	CodeResend, CodeResendReply               Code = "97", "96" // either side's "send that again"
	CodeFeePaid, CodeFeePaidReply             Code = "37", "38" // refused: see ErrPayment
	dateWidth, flagsWidth, patronHead, counts      = 18, 14, 14 + 3 + 18, 6 * 4
)

// layout of a code: the width of its fixed part, and which side says it.
func (c Code) layout() (width int, reply, known bool) {
	switch c {
	case CodeLogin:
		return 2, false, true
	case CodeLoginReply:
		return 1, true, true
	case CodeStatus:
		return 8, false, true
	case CodeStatusReply:
		return 6 + 3 + 3 + dateWidth + 4, true, true
	case CodePatronStatus:
		return 3 + dateWidth, false, true
	case CodePatronStatusReply:
		return patronHead, true, true
	case CodePatron:
		return 3 + dateWidth + 10, false, true
	case CodePatronReply:
		return patronHead + counts, true, true
	case CodeItem, CodeEndSession:
		return dateWidth, false, true
	case CodeItemReply:
		return 6 + dateWidth, true, true
	case CodeCheckout, CodeRenew:
		return 2 + 2*dateWidth, false, true
	case CodeCheckin:
		return 1 + 2*dateWidth, false, true
	case CodeCheckoutReply, CodeCheckinReply, CodeRenewReply:
		return 4 + dateWidth, true, true
	case CodeEndSessionReply:
		return 1 + dateWidth, true, true
	case CodeResend:
		return 0, false, true
	case CodeResendReply:
		return 0, true, true
	}
	return 0, false, false
}

// Changes reports whether a request of this code changes the library's books:
// one that must never be sent again without asking first.
func (c Code) Changes() bool {
	return c == CodeCheckout || c == CodeCheckin || c == CodeRenew
}
