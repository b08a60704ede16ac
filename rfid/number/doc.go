// Package number says what a number becomes that a reader read: a patron's or an
// item's identifier, as the library system writes it. It is pure. It knows
// neither readers nor loans.
//
// # Rules
//
// A library's rules are text, one rule on a line; # begins a remark.
//
//	rule    = kind from pattern { step }
//	kind    = "patron" | "item"
//	from    = "line"  what a scanner or a card reader typed
//	        | "tag"   the identifier written inside a tag or a card
//	        | "chip"  a chip's own number, in hexadecimal, high byte first
//	        | "any"   any of them
//	pattern = a regular expression (RE2) for the whole text, without spaces;
//	          in it \s is a space and # must be \x23
//
// The first rule decides whose from fits, whose pattern matches, and whose steps
// all succeed. A text that no rule takes is nobody's number.
//
//	# cards are Codabar of 14 digits; an older one bears its number after a P
//	patron  line  2\d{13}            check=luhn
//	patron  line  P\d{7}             prefix=P pad=14
//	item    any   \d{3}N\d{8}
//	item    line  3\d{13}            check=luhn
//	item    line  97[89]\d{10}       check=ean13
//	patron  chip  [0-9A-F]{8}        reversed decimal pad=10
//
// # Steps
//
// Steps happen from left to right, each on what the one before left.
//
//	check=NAME   go on only if the last character is the right check digit
//	add=NAME     append the check digit
//	prefix=TEXT  take TEXT off the beginning, where it must stand
//	suffix=TEXT  take TEXT off the end, where it must stand
//	before=TEXT  put TEXT in front
//	first=N      keep the first N characters, of at least N
//	last=N       keep the last N characters, of at least N
//	drop=N       take N characters off the beginning, of more than N
//	cut=N        take N characters off the end, of more than N: a check digit, say
//	pad=N        put zeros in front until there are N characters
//	trim         take zeros off the front, all but the last
//	upper lower  change the letters A to Z
//	plain        take out spaces, hyphens, colons and dots
//	reversed     hexadecimal: the bytes in the opposite order
//	decimal      hexadecimal to decimal, without zeros in front
//	hex          decimal to hexadecimal, of whole bytes
//	facility     hexadecimal, the last 3 bytes: as 3 and 5 digits (8 and 16 bits)
//
// # Check digits
//
//	luhn    digits; doubled from the right, modulus 10. Library "Codabar" of 14
//	        digits: 2 patron or 3 item, 4 institution, 8 serial, 1 check
//	mod43   Code 39, the optional check character
//	ean13   12 digits and one: EAN-13 and ISBN-13
//	isbn10  9 digits and one, which may be X
//
// Printed numbers often carry no check digit, or one made in a way of the
// library's own, so nothing is checked unless a rule says so.
//
// # A chip's number in decimal
//
// Card readers and library systems disagree on how to write a UID. The usual ways,
// for the card A1B2C3D4 and the 125 kHz card 62E3086CED:
//
//	reversed               D4C3B2A1      ED6C08E362
//	decimal                2712847316    424715775213
//	reversed decimal       3569595041    1019719770978
//	last=8 decimal pad=10  2712847316    3808980205      low 4 bytes
//	last=6 decimal pad=8   11715540      00552173        low 3 bytes
//	facility               17850132      00827885        printed as 008,27885
//
// # Sources
//
// Luhn: ISO/IEC 7812-1 annex B. Modulus 43: ISO/IEC 16388 annex A. EAN-13: GS1
// General Specifications 7.9. ISBN-10: ISO 2108:1992. The forms of a UID: what
// card readers of several makers offer in their settings.
package number
