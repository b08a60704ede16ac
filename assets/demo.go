package assets

import "embed"

// Demo is a small library to try things with, in the folder demo:
//
//	collection.xml  61 titles as MARCXML; the year is that of the first
//	                publication in the title's language, marks (large print,
//	                audio) belong to the demo's own copies
//	items.csv       the same items as CSV
//	patrons.csv     invented people of every kind
//	policies.csv    how they borrow
//	proxies.csv     who may act for whom
//	table.json      their cards and the items' tags as a simulated reader's
//	                table: ISO 28560-3 in 28 blocks of 4 bytes, owner FI-Demo,
//	                an ISIL that no library has; and a blank and a damaged tag
//
//go:embed demo
var Demo embed.FS
