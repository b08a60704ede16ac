// Package rl866 speaks the protocol of the RL866, RL8600 and M201 readers, pads
// for ISO 15693 tags that come under many names; the Finnish Lainuri self-check
// uses one.
//
// The line runs at 38400 baud, 8 data bits, even parity, 1 stop bit (8E1).
//
//	FA LEN RID PCB INF… CRCL CRCH                          6 to 256 bytes
//
// LEN counts everything after FA, itself too. The check is CRC-16/MCRF4XX over
// LEN to the end of INF, low byte first. RID is the node asked, FF for any; in an
// answer it is the node that answers, 01 as delivered. Words are low byte first,
// and so are UIDs. PCB says what kind of block this is, as in the T=1 protocol of
// smart cards:
//
//	C0    resynchronise → E0       sequence numbers begin again at 0
//	0 n c 00000   information      n alternates from request to request, and the
//	                               answer repeats it; c: INF goes on in the next block
//	1 0 0 n 0000  acknowledgement  of a block that goes on; n is the number expected
//
// INF is a command and its parameters, or the command, a status (2 bytes, 0 when
// all is well) and the results:
//
//	01 address n            → n (block[14])×n                 configuration; address b7: in ROM
//	31 flags                → stop total[2] n report×n        inventory
//	32 antenna air type length parameters → handle            connect
//	33 handle               →                                 disconnect; 00 means all
//	34 handle (length code[2] parameters)… → (length code[2] done data)…
//
//	report       0E air type length UID 00    fields as bits of its first byte tell:
//	             01 antenna, 02 air, 04 type, 08 length and number, 10 bits[2] and
//	             memory, 80 length and embedded results
//	air          01 ISO 15693, 02 ISO 14443A, 03 ISO 14443B
//	parameters   01 UID[8], for an addressed ISO 15693 tag; hence length 09
//	done         01, or 00 and then data is a status[2]
//
// An inventory that stops with 01 has found more tags than the reader's memory
// holds: it goes on with flags 08. The lengths in a 34 are of 7 bits, or longer
// with b7 set in all bytes but the last (EBV).
//
//	0003 security first[2] n[2]     → n[2] ([lock] data)×n    read
//	0004 first[2] n[2] data         write          0006 AFI   write AFI
//	004F security block[2] → [lock] data           0050 block[2] data
//	0001 reset to ready    0002 select             000C, 000D EAS on, off
//	000A system information → flags UID DSFID AFI blocks-1 size-1 ICref
//	000F EAS alarm, done when the tag sounds
//
// Traps. The size of blocks and their number are one less than they are, as on
// the air. A read may bring fewer blocks than it asked for. Lengths are kept
// under 128 and reads under 250 bytes here, for neither longer lengths nor blocks
// that go on have been seen on hardware; the driver understands both. An answer
// does not name the tag, so handles are taken anew for each operation, and after
// any disturbance the reader is resynchronised and all handles are dropped.
//
// Source: exchanges with an RL866 recorded by the Lainuri project (Hypernova Oy,
// tests/02-iblock_test.py) and the remarks in its sources, since the maker
// publishes no document of the protocol. EAS has not been tried on hardware.
package rl866
