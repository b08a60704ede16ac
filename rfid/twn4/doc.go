// Package twn4 speaks the Simple Protocol of Elatec TWN4 readers, which read
// nearly every kind of card at 125 kHz and 13.56 MHz, one at a time.
//
// The reader is a USB serial port (09D8:0420), for which speed means nothing, or
// hangs on a serial line at 9600 8N1. A request is a function's number, two bytes,
// and its parameters; an answer is an error byte and the function's results. They
// travel in one of four ways, chosen when the reader's firmware was set up:
//
//	ASCII           hexadecimal digits, CR
//	ASCII, CRC      hexadecimal digits of message and check, CR
//	binary          LENL LENH message
//	binary, CRC     LENL LENH message CRCL CRCH      LEN counts the check too
//
// The check is CRC-16/MCRF4XX over the message, low byte first. All numbers of
// several bytes come low byte first.
//
//	error 00 none   01 unknown function   02 parameter missing
//	      03 too many parameters   04 invalid function   05 cannot be parsed
//
//	00 04 max                   version           → n text[n]
//	04 00 bits pull type        set up outputs;  04 02 bits on, 04 03 bits off
//	04 07 volume hz[2] on[2] off[2]               beep, times in ms
//	05 00 max                   search a tag      → 00, or 01 type bits n id[n]
//	05 02 lf[4] hf[4]           tag types to look for, a bit for each
//	0B 00 key[6] AB sector      MIFARE Classic: log in with key A (0) or B (1) → 01
//	0B 01 block                 read              → 01 data[16]
//	0D 01                       ISO 15693: system information
//	                            → 01 flags uid[8] dsfid afi size blocks[2] icref
//	0D 05 block[2] max          read              → 01 n data[n]
//	0D 07 block[2] n data[n]    write             → 01
//
// A result of 00 in place of 01 says that it did not work and not why. Tag types
// are 40 EM4102, 80 ISO 14443A, 81 ISO 14443B, 82 ISO 15693; a type's bit is the
// low five bits of its number.
//
// An answer does not say what it answers. So after a silence the line is brought
// into step with a request for the version, whose answer resembles no other. And
// without a check a disturbed digit is a digit still, so without one an answer
// that differs from what was known is believed when it comes twice.
//
// Two ways not tried on hardware: whether size and blocks of the system
// information count from 0 or from 1 is found out by reading a block, and UIDs of
// ISO 15693 chips are taken in either order. The generic ISO 15693 command 0D 00
// has parameters that are not described, so AFIs are not written.
//
// Source: Elatec, TWN4 Simple Protocol, DocRev17; numbers of functions, tag types
// and the layout of the system information from Elatec's twn4.sys.h.
package twn4
