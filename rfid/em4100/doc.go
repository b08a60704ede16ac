// Package em4100 reads 125 kHz cards of the EM4100 family through readers that
// only send: RDM6300 and its copies, ID-Innovations ID-2LA, ID-12LA and ID-20LA.
//
// The line runs at 9600 baud, 8 data bits, no parity, 1 stop bit (8N1). A frame:
//
//	RDM6300   02 VV TTTTTTTT XX 03            14 bytes
//	ID-12LA   02 VV TTTTTTTT XX 0D 0A 03      16 bytes
//
// All but the control characters are digits 0-9 A-F: VV the version or customer
// byte, T the four bytes of the tag, XX the exclusive or of these five bytes. The
// five bytes together are the UID. What is printed on cards is its last three or
// four bytes as a decimal number, in one of several forms.
//
// An RDM6300 repeats the frame about every 65 ms while the card is there; an
// ID-12LA sends it once when the card comes. Nothing can be asked, so a reader
// that is broken looks like one without a card.
//
// Source: ID-Innovations, ID-2LA/12LA/20LA data sheet; frames recorded from
// RDM6300 modules by the Tasmota project. The period of the RDM6300 was not
// measured by us.
package em4100
