// Package sip2 speaks the Standard Interchange Protocol 2.00, by which a
// self-service station (the SC) and a library system (the ACS) lend, take back
// and renew items over one TCP or TLS connection. It stands alone: nothing else
// of this program is needed to use it.
//
// A message is one line of text:
//
//	11NY20261124    09000020261222    120000AOmain|AAp1|ABi1|AC|BON|BIN|AY4AZED86↵
//	│ │                                     │                          │  │     └ CR; also CRLF, and a stray LF
//	│ │                                     │                          │  └ checksum, 4 hex digits
//	│ │                                     │                          └ sequence number 0 to 9, echoed in the reply
//	│ │                                     └ fields: two letters, a value of at most 255 characters, and |
//	│ └ fixed part, as wide as the code says
//	└ code: two digits
//
// The checksum is the negative of the sum of all bytes through "AZ", modulo
// 65536, over the bytes as they are encoded. AY and AZ come together or not at
// all; only 96, 97 and a reply that is sent again carry AZ alone.
//
// # Codes and fixed parts
//
// Widths in characters. A date is always 18.
//
//	request                     reply
//	93 login            2       94     1   ok
//	99 status           8       98    34   6 flags, timeout 3, retries 3, date, version 4
//	23 patron status   21       24    35   14 patron flags, language 3, date
//	63 patron          31       64    59   14 patron flags, language 3, date, 6 counts of 4
//	17 item            18       18    24   circulation 2, security 2, fee type 2, date
//	11 checkout        38       12    22   ok, renewal ok, magnetic, desensitize, date
//	09 checkin         37       10    22   ok, resensitize, magnetic, alert, date
//	29 renew           38       30    22   as 12
//	35 end session     18       36    19   ended, date
//	97 send again       0       96     0   send again, asked by the library system
//	37 fee paid                 38         refused here, see [ErrPayment]
//
// Fixed parts of requests, in order: 93 two cipher digits; 99 state 1, print
// width 3, version 4; 23 language 3, date; 63 language 3, date, summary 10; 17
// and 35 date; 11 SC renewal, no block, date, no-block due date; 09 no block,
// date, return date; 29 third party, no block, date, no-block due date.
//
// # Dates
//
//	20261124    091500    YYYYMMDD, zone of 4 characters, HHMMSS
//
// Four blanks are the library's local time and three blanks with Z are UTC. The
// servers watched accept Z in a return date and then ignore it, so this package
// writes local time only: see [DateIn].
//
// # Fields
//
//	AA patron            AB item              AC terminal password  AD patron password
//	AE name              AF screen message*   AG print line*        AH due
//	AJ title             AM library           AN terminal           AO institution
//	AP current location  AQ permanent place   AS AT AU AV BU CD     items of a patron*
//	BD address           BE e-mail            BF telephone          BG owner
//	BH currency          BI cancel            BK transaction        BL patron valid
//	BO fee accepted      BP BQ first, last    BT fee type           BV fee
//	BX supported         BZ CA CB CC limits   CF holds in queue     CH item properties
//	CI security inhibit  CJ recall date       CK media              CL sort bin
//	CM pick-up date      CN CO login          CP location           CQ password valid
//	CR collection        CS call number       CT destination        CV alert
//	CY DA holder of the hold                  PA PB PC expiry, birth date, class
//
// Starred ones may repeat. Fields are told by their code, never by their place;
// those not named here are kept in order in More.
//
// # Values
//
// A | in the value of a reply is sent as &#124; by both servers whose source was
// read, and undone here. Neither undoes it in what it receives, so an identifier
// with | would reach them as another one: in a request it is refused, and so are
// control characters and values over 255 characters, where Evergreen cuts its own.
// Patron and item identifiers are refused unless they are printable ASCII: Koha
// reads requests as Latin-1 even where it answers in UTF-8, and Evergreen encodes
// them twice. Checkout, checkin and renewal are refused with an empty identifier:
// without AA, Koha 19.06 lends to whichever patron has no userid.
//
// A line feed inside a reply's value is kept: Koha turns carriage returns in its
// texts to blanks and leaves line feeds. A reply therefore ends at CR, unless the
// very first, which has no free text, ended at LF.
//
// # Canonical form
//
// What [Parse] accepts, [Message.Append] writes again in canonical form, and
// parsing that gives the same message. Canonical lines come back byte for byte.
// The canonical form has | after every field, no empty fields between bars,
// upper-case hex digits, U+FFFD for bytes that are no text in UTF-8, and, in
// replies, composed characters (NFC; Evergreen sends them taken apart).
//
// # What was watched
//
// Koha 19.06 and Evergreen's SIPServer with its dummy library were run and their
// database rows compared; for newer Koha (bug 38486; 24.05.08, 24.11.02) and
// OpenILS::SIP the source was read.
//
//   - A repeated 11 RENEWS, also with SC renewal N, also with the same AY (Koha
//     19.06 and dummy, run). AY is no key against doubles.
//   - A repeated 09 is answered 10 0… with AF "Item not checked out".
//   - A closed connection does not mean that nothing was done: Koha 19.06 writes a
//     transfer and dies before it replies (run).
//   - Koha and Evergreen take what precedes the end of the stream for a message,
//     CR or not (read): a request cut on its way may still be acted on, and
//     without its checksum. So each is handed to the network in one piece, with AA
//     before AB, and counts as sent from its first byte on.
//   - No block on 11 and 09 is ignored by Koha 19.06 to about 22.11 and by
//     Evergreen (template CCA18A18, unpack 'C'); newer Koha honours it on 11, and
//     only with a due date beside it. So a no-block checkout without one is refused
//     here. No version keeps the transaction date of a loan.
//   - The return date of 09 is used: with its time by Koha, its date by OpenILS. A
//     blank one kills Koha 19.06's worker: it is refused here.
//   - 12 with ok and AF "Issue failed : EXPIRED" is a success in newer Koha: the ok
//     byte decides, never AF. 10 with ok 0 and CV 01 has captured a hold.
//   - 98's flags are not to be relied on: the dummy denies checkin and checkout and
//     does both. They are parsed and change nothing.
//   - 97 repeats the last reply of the same connection. Before login Koha closes on
//     it and Evergreen answers with another connection's last reply. So it is asked
//     here only after a broken reply, on the same connection.
//   - Resent replies carry AY0 on Evergreen and should carry none.
//   - A wrong checksum is answered 96 before anything is done (read in both); Koha
//     answers 96 also to codes it does not know, where the dummy closes.
//   - LF alone does not end a request. Koha replies with CRLF, or CR when set so,
//     and its 96 always with CR; Evergreen with CR.
//   - AP in 09 replaces the branch of the login; 11 has no such field, so that each
//     station needs an account of its own: see [Pool].
//   - Koha 19.06 sends CY and DA as C4::SIP::SIPServer=HASH(0x…), and no PA.
//
// # What is never done
//
// No checkout, checkin or renewal is ever sent twice by this package, not even
// when 96 asks for it: over TCP what could not be read once cannot be read again,
// and a library system that asks for what it has done would do it twice. When
// there is no good reply, [OutcomeOf] the error tells whether the request was
// [NotSent], [Unread], [Refused] or [Unknown]. After Unknown ask with [Conn.Item]
// or [Conn.Patron] where the item is, and decide then: not at once, since a slow
// library system may still be at it.
package sip2
