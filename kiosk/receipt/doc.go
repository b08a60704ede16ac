// Package receipt prints what was borrowed, and until when, in letters that an
// old eye can read: titles and days, a closing sentence of the station's own, and
// nothing about the person.
//
// # What is sent
//
// Printers disagree about how å, ä and ö are encoded and about the size of their
// letters, so a receipt is a picture, drawn here and sent as dots. Of Epson's
// ESC/POS, which receipt printers of all makes understand, that takes five
// commands:
//
//	ESC @      1B 40                          initialise
//	GS v 0     1D 76 30 00 xL xH yL yH data   print raster: xL+256·xH bytes a row,
//	                                          yL+256·yH rows from the top; the high
//	                                          bit is the dot at the left, 1 is black
//	ESC d n    1B 64 n                        feed n lines of 1/6 inch
//	GS V 66 n  1D 56 42 00                    feed to the cutter and cut, if there is one
//	DLE EOT n  10 04 n                        answer at once with a byte, 0xx1xx10:
//	             n=1  bit 3 offline
//	             n=2  bit 2 cover open, bit 5 stopped for want of paper, bit 6 error
//	             n=4  bits 5 and 6 no paper
//
// A receipt goes as bands of 128 rows, which fit the smallest buffers. A byte 10
// in the data followed by 04, 05 or 14 would be obeyed in the middle of a picture
// (as DLE EOT, DLE ENQ or DLE DC4) and gets one more dot.
//
// When a printer stops taking a receipt half way, it still waits for the rest of a
// band. Before the next receipt it gets a band of zeros, which print nothing, and
// are ignored by a printer that waits for none.
//
// Source: Epson, ESC/POS Command Reference for TM printers; the tables of DLE EOT
// also stand in the manuals of the Epson TM-U220 and the Bixolon SRP-350, GS v 0 in
// that of the Zebra EM 220, which takes up to 128 bytes a row.
package receipt
