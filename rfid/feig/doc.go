// Package feig speaks the ISO-Host protocol of FEIG OBID readers: ID CPR.M02,
// CPR.02, CPR.04, CPR40, ISC.MR101 and MR102, PRH. They read ISO 15693 items and
// ISO 14443A cards on one pad.
//
// The line runs at 38400 baud, 8 data bits, even parity, 1 stop bit (8E1); TCP
// readers listen on port 10001 and take the same frames. There are two forms:
//
//	standard   LEN ADR CMD [STATUS] data… CRCL CRCH            5 to 255 bytes
//	advanced   02 LENH LENL ADR CMD [STATUS] data… CRCL CRCH   7 bytes and more
//
// LEN counts the whole frame. STATUS is in answers only. ADR FF in a request means
// any reader. The check is CRC-16/MCRF4XX over all bytes before it, low byte
// first. A first byte of 02 can only be the advanced form. A reader answers in
// the form it was asked in, and not at all when a request is broken.
//
// Bytes of one frame follow within 12 ms; a request comes at least 5 ms after
// the last answer. A reader may take its TR-RESPONSE-TIME, 1 s as delivered.
//
//	52 00          detect the line's speed    65         software version
//	63             reset the processor        66 00      reader information
//	69             RF reset, 15 ms            6A 00/01   RF off/on
//	B0 sub MODE…   ISO host command           BF …       ISO 15693 transparent
//
// ISO host commands; MODE 01 means that a UID follows, high byte first:
//
//	01 MODE                          → N records; MODE 80 continues after status 94
//	23 01 UID first n                → n size (security data[size])…
//	24 01 UID first n size data…
//	27 01 UID AFI
//	2B 01 UID                        → DSFID UID AFI size-1 blocks-1 ICref
//
//	record   03 DSFID UID[8]             ISO 15693
//	         04 info 00 UID[7 or 10]     ISO 14443A, shorter UIDs with zeros before
//
// The bytes inside each block are in reverse order. At most 128 bytes are read
// at once.
//
// Two traps. As delivered (CFG5.ONT 05), an inventory names only tags that are
// new since the field was last off, so each full inventory begins with an RF
// reset. And an answer names neither the tag nor the sub-command it belongs to,
// so after a silence the line is brought into step with command 52 before
// anything is asked again: readers answer in order, hence whatever comes before
// the answer to 52 is old.
//
// Source: FEIG, system manual H20800-16e-ID-B (frames chapter 3, ONT pages 49
// and 81, block order annex F). EAS through the transparent command is laid out
// after the manual and has not been tried on hardware.
package feig
