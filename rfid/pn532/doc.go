// Package pn532 speaks to NXP's PN532 chip over its high speed UART. It reads
// ISO 14443A cards: their UIDs, and sectors of MIFARE Classic cards. It cannot
// read ISO 15693 items.
//
// The line runs at 115200 baud, 8 data bits, no parity, 1 stop bit (8N1). Frames:
//
//	information   00 00 FF LEN LCS TFI data… DCS 00
//	extended      00 00 FF FF FF LENH LENL LCS TFI data… DCS 00
//	ACK           00 00 FF 00 FF 00
//	NACK          00 00 FF FF 00 00
//	error         00 00 FF 01 FF 7F 81 00
//
// LEN counts TFI and data, 1 to 255; extended frames carry up to 265. LEN and LCS
// add up to 0 modulo 256, as do LENH, LENL and LCS, and TFI to DCS. TFI is D4
// from the host and D5 from the chip. Any number of zeros may come before a
// frame.
//
// The chip answers a command with ACK within 15 ms and then with the frame D5,
// command+1. It answers in order, one command at a time; an ACK from the host
// breaks a command off. A command that it does not know, or whose data make no
// sense, is answered with the error frame. A frame with a wrong sum is answered
// with nothing.
//
// Asleep, as after power-on, it needs some edges on the line: 55 55 and zeros
// until it listens, then SAMConfiguration.
//
//	00 00 data…           Diagnose: the same data come back
//	02                    GetFirmwareVersion: IC 32, version, revision, support
//	14 01 14 01           SAMConfiguration: normal mode, time-out unused
//	32 01 00, 32 01 01    RFConfiguration: field off, on
//	32 05 00 01 02        RFConfiguration: three attempts to find a card
//	4A 02 00              InListPassiveTarget: at most two cards, 106 kbit/s type A
//	  → count, for each: Tg ATQA[2] SAK n UID[n] [ATS, its length first, if SAK has bit 20]
//	40 Tg 60|61 block key[6] UID[4]   InDataExchange: authenticate with key A or B
//	40 Tg 30 block                    InDataExchange: read 16 bytes
//	  → status, data; status 01 no answer from the card, 14 wrong key
//
// The chip handles two cards at once. Listing a second one halts the first, and
// a halted card stays silent until the field has been off for 5 ms; a wrong key
// halts a card too. So the field goes off and on before a round whose
// predecessor may have left a halted card, and not otherwise, since telephones
// draw a new UID each time.
//
// Source: NXP, PN532 User Manual, UM0701-02 rev. 02, chapters 6 and 7; and what
// libnfc 1.8.0 sends and expects.
package pn532
