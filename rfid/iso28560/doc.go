// Package iso28560 reads and writes what a library keeps in the memory of an
// item's tag. It is pure: bytes in, values out. It does not know readers, and
// nothing it returns shares memory with what it was given.
//
// # What a tag can hold
//
//	Format          name            told by
//	Empty           empty           every byte 00, or every byte 55 (3M blanks); the counter of an ICODE SLIX2 does not count
//	NDEF            ndef            E1 or E2, then a byte 4x: a phone's Type 5 capability container
//	Part3           iso28560-3      version nibble 1, CRC over 34 bytes
//	Part3Short      iso28560-3/32   the same cut to 32 bytes, and memory ends there
//	Finland2005     finland-2005    the same cut to 32 bytes, and other blocks follow at byte 32
//	Part2           iso28560-2      first object is OID 1, and the rest follows the rules
//	Legacy3M        3m-legacy       04 xx 00 xx, then 16 bytes of text
//	Unknown         unknown         anything else
//
// They are tried in this order. The DSFID (06 for part 2, 3E for part 3) is a
// hint: real tags often carry 00, so it only settles a draw and never closes a
// door. What is not understood is Unknown, never a guess, and neither Unknown
// nor NDEF memory may be written over (Format.MayOverwrite).
//
// Memory that is read in pieces is asked for by First and Need: nine blocks tell a
// part 3 item and most of part 2, and what they announce is read after.
//
// Every byte is kept, whatever the format, so Tag.Encode gives back what Decode
// was given: padding, unknown objects, local blocks, old data behind the end.
//
// # Part 3: fixed layout
//
// ISO 28560-3, the same as the Danish data model DS/INF 163-1:
//
//	 0    1     2     3               19    21                  34
//	+----+-----+-----+---------------+-----+-------------------+-----------------
//	|v u |parts|part | item, 00 fill | CRC | country(2) own(11)| extension blocks
//	+----+-----+-----+---------------+-----+-------------------+-----------------
//	  1     1     1     16             2 LE   13
//
// v, the high nibble, is the version (1) and u the type of usage; tags written by
// Bibliotheca have the two nibbles swapped (21, 71), which shows since only one
// of them is 1. parts comes before part; some decoders in use have them swapped,
// and are wrong. Text is UTF-8, in practice ASCII.
//
// CRC is CRC-16/CCITT-FALSE over bytes 0-18 then 21-33, stored low byte first.
//
// The ISIL loses its first hyphen: DK-718500 is kept as DK 718500. An ISIL whose
// prefix is not two letters, or which is too long, and an item identifier of more
// than 16 bytes, stand in a library extension block instead. [How a one-letter
// prefix is kept in the basic block is not known to us; it is not written there,
// and a read one is given as it stands.]
//
// A tag of 32 bytes has its last two owner bytes cut off; the CRC is computed as
// if they were 00 00. The Finnish KATVE model of 2005 uses this 32-byte block on
// tags of any size, so that it can be locked, and begins its optional blocks at
// byte 32.
//
// Some stations wrote every 4-byte block with its bytes reversed (seen on tags
// written by FKI machines). When only the reversed reading has a right CRC, that
// is the reading.
//
// If no reading has a right CRC, but the memory has the shape of this layout, the
// tag is reported as Part3 with a bad check and ErrCRC. Its item is for eyes only.
//
//	extension:   LEN  IDlo IDhi  XOR  payload…          until a LEN of 00
//	2005 model:  LEN  IDlo IDhi  payload…  XOR
//
// LEN counts the whole block; the XOR of all its bytes is 0. Since that holds for
// both, the place of the XOR cannot be told from the block: it is taken to be the
// fourth byte after a 34-byte block and the last after a 32-byte block, or the
// other way round when only that makes a known block legible. [The 2005 place is
// known from one implementation only.] IDs: 1 library (a media format byte, then
// item, ISIL), 2 acquisition, 3 library supplement, 4 title, 5 ILL; 100 and above
// are local and are never looked into. Fields end with 00, and empty ones at the
// end may be missing.
//
// # Part 2: objects
//
// ISO 28560-2, with the rules of ISO/IEC 15962, "no directory":
//
//	OID 1-14:   precursor          [offset]  length  data  [padding]
//	OID 15-:    precursor [offset] OID-15    length  data  [padding]
//
//	precursor:  b7 an offset byte follows   b6-4 compaction   b3-0 OID, or 15
//
// offset is the number of padding bytes behind the data; their content means
// nothing. A precursor of 80 is a null byte, to skip; 00 ends the data. PII, OID
// 1, comes first; the content parameter, OID 2, comes second, a bit for each OID
// present, the highest bit of its first byte being OID 3.
//
// [Whether offset comes before or after the byte OID-15 is not settled between
// implementations. Reading takes the order that the content parameter confirms,
// and else offset first; writing never needs both.] [A length of 128 or more takes
// several bytes in a form we could not verify: reading stops there and keeps the
// rest as it is, and writing refuses.]
//
//	compaction  0 application defined
//	            1 unsigned integer, high byte first: 2-19 digits, no leading 0
//	            2 digits, a nibble each, filled with F
//	            3 five bits each, 41-5F, filled with 0
//	            4 six bits each, 20-5F, filled from 100000
//	            5 seven bits each, 00-7E, filled with 1
//	            6 ISO 8859-1      7 UTF-8
//
// [Text under compaction 0, for which the application defines nothing, is taken as
// it stands, an item identifier only if something else says that this is part 2.
// It is never written.]
//
// An ISIL (OIDs 3 and 11, compaction 0) is written with three tables, beginning
// in the first, and filled with 1:
//
//	upper  5 bits  0 -   1-26 A-Z  27 :  28 latch lower  29 shift lower  30 latch digit  31 shift digit
//	lower  5 bits  0 -   1-26 a-z  27 /  28 latch upper  29 shift upper  30 latch digit  31 shift digit
//	digit  4 bits  0-9   10 -      11 :  12 latch upper  13 shift upper  14 latch lower  15 shift lower
//
// OIDs: 1 item (PII), 2 content parameter, 3 owner ISIL, 4 set information, 5 type
// of usage, 6 shelf, 7 ONIX and 8 MARC media format, 9 supplier, 10 order, 11 ILL
// borrower ISIL, 12 ILL transaction, 13 GS1, 14 alternative unique identifier, 15,
// 16 local, 17 title, 18 local product, 19 other media format, 20 supply chain
// stage, 21 invoice, 22 alternative item, 23 alternative owner, 24 subsidiary, 25
// alternative ILL borrower, 26 local.
//
// Set information is the number of parts, then this part's number, with the same
// count of digits: 1203 is part 3 of 12, 52 is part 2 of 5. An odd count of digits
// is not interpreted. Type of usage is one byte: the class of part 3's u in the
// high nibble, a finer class in the low.
//
// Chance must not make an item out of foreign bytes. So part 2 is only believed
// with an identifier that expands, and with one of: a content parameter in second
// place; a DSFID of 06; objects that are known, sound and unrepeated up to the end;
// an identifier alone, with nothing but 00 behind it. A whole record with one of
// the first two comes before a part 3 with a bad check.
//
// # Legacy 3M
//
//	04  part|parts  00  kind  barcode[16], 00 fill  …
//
// The second byte has the part's number in its high and the count in its low
// nibble. It has no check.
//
// # Sources
//
// DS/INF 163-1 (Annex B gives the two vectors of testdata/v1/annex-b*.hex, and
// CRC 1AEE of the text "RFID tag data model"); ISO 28560-1, -2, -3 and ISO/IEC
// 15962, whose texts we could not read, through the clarifications published at
// biblstandard.dk/rfid/docs and the open implementations libdanrfid, dp2 (which
// carries the example of part 2, testdata/v1/part2-example.hex), node
// ISO28560-3js, je4, lainuri, Biblio::RFID and HelMet's tag reader; kiwi.fi's pages
// of the Finnish working group. What stands in square brackets is uncertain.
package iso28560
