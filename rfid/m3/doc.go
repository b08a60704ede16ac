// Package m3 speaks the protocol of the 3M (now Bibliotheca) RFID reader models
// 210 and 810, pads for ISO 15693 tags that many libraries bought with their
// self-service machines.
//
// The line is a USB adapter with a COM port, at 19200 baud, 8 data bits, no
// parity, 1 stop bit (8N1).
//
//	request   D6 LENH LENL CMD data… BCCH BCCL
//	answer    D6 LENH LENL CMD ERR data… BCCH BCCL
//
// LEN counts everything after itself. The check is CRC-16/GENIBUS over LEN to
// the last byte of data, high byte first. A UID goes high byte first; the bytes
// of a block stand as they lie in the tag. ERR is 00 or the reason of a refusal.
// Commands that name a tag are answered with its UID after ERR, refused or not.
//
// The reader answers one request at a time and ignores what it is sent before it
// has answered. Broken requests are ignored too.
//
//	FE afi options [protocols]   → afi options N ([DSFID] UID)×N      find tags
//	11                           → 0A major minor build               version
//	14 send[2] receive[2] control[2] data → flags receive[2] data     raw ISO 15693
//	02 UID first n [options]     → UID n (block lock data[4])×n       options absent or 00
//	                             → UID first n (lock data[4])×n       04
//	                             → UID first n (data[4])×n            0C
//	04 UID first n 00 data[4×n]  → UID last+1, or the block that failed
//	05 UID block data[4]         → UID                                write
//	07 UID block data[4]         → UID                                write and lock
//	01 UID   quiet    08 UID block   lock a block                     → UID
//	0A UID   AFI      → UID AFI      09 UID AFI     06 UID lock AFI    → UID
//	0F UID   DSFID    → UID DSFID    0B UID DSFID   0E UID lock DSFID  → UID
//	03 UID   EAS      → UID EAS, or ERR 06 when it is off
//	0C UID EAS        → UID
//	0D UID mask       → UID mask [DSFID] [AFI] [size-1 blocks-1] [ICref[2]]
//
// Options of FE: 01 with UIDs, 02 with DSFIDs, 20 no second poll, 40 a byte of
// protocols follows. The mask of 0D: 01 DSFID, 02 AFI, 04 memory, 08 IC reference.
//
// Two more requests belong to 3M's own software and are in no document: a probe
// with another first byte, answered with the version, and 13, which seems to ask
// for parameters.
//
//	D5 00 05 04 00 11 8C 66   → D5 00 09 04 00 11 0A 05 00 02 72 50
//
// Traps. FE polls twice, and a tag that answers both polls is listed twice. A tag
// that refuses often keeps silent, and then the reader says 06, no transponder.
// This driver reads with options absent: that form is known from real readers,
// and it numbers every block.
//
// Source: 3M, RFID Reader Model 210 Protocol Specification 1.0.0 (2009);
// exchanges recorded from model 810 by Dobrica Pavlinušić (Biblio-RFID,
// koha-rfid-3m810-js); the widths in 0D and the name of 0A as read by the label
// printer of Helsinki's libraries. 03, 0C and 0D have not been tried on hardware.
package m3
