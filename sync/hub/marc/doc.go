// Package marc reads MARC 21 bibliographic records, as MARCXML, as ISO 2709 in
// UTF-8 and MARC-8, and as MARC-in-JSON, and tells what item such a record
// describes.
//
// # ISO 2709
//
//	leader     24 bytes   00-04 length of the record, 05 status (d: deleted), 06 type,
//	                      09 a: UTF-8, blank: MARC-8, 12-16 where the data begins
//	directory  12 bytes   each: tag 3, length 4, start 5; ended by 1E
//	data                  fields, each ended by 1E; 1F and a letter begin a subfield
//	                      1D ends the record
//
// Files of real libraries have lengths that count characters instead of bytes, no
// 1D, and CR, LF, NUL or blanks between records. So a record goes to its 1D, or to
// where the next one begins; its data begins after its directory, whatever the
// leader says; and its fields are where the directory says only if they end
// there, else they are taken in the order in which they stand.
// What is left over (fewer fields than the directory has, a directory that is not
// in twelves) is an error of that record, and the next one is read.
//
// # Which characters
//
// Each record tells, and many tell a lie. A field whose bytes above 7F are good
// UTF-8 is UTF-8: no text in MARC-8 or Latin-1 looks so. What remains of a record is
// MARC-8 unless, read so, more accents are left without their letter than find
// it: then it is Windows-1252, Latin-1's larger brother. Whatever is read
// otherwise than the leader says is in [Record.Notes], and what no table has is
// U+FFFD, and noted too. All texts come out in NFC.
//
// MARC-8 is read whole: ANSEL with its accents before the letter, Greek, Cyrillic,
// Arabic, Hebrew, subscripts and superscripts, and EACC for Chinese, Japanese and
// Korean. marc8.txt has a line for each table, and for each row of EACC: the last
// byte of the escape sequence that chooses the table and, of EACC, the first two
// bytes of the character, in hexadecimal, a tab, and the characters from 20 on;
// a blank where there is none. The halves of a ligature and of a double tilde are the
// Unicode mark that spans both letters, in the place of the first half.
//
// Source: www.loc.gov/marc/specifications (record structure; MARC-8, with its code
// tables, works of the Library of Congress in the public domain), checked
// against yaz-iconv 5.34; www.loc.gov/standards/marcxml;
// rossfsinger.com/blog/2010/09/a-proposal-to-serialize-marc-in-json.
package marc
