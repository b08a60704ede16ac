// Package kiosk is one station, assembled, without a window: readers, ledger and
// screen around the pure visit of package flow.
//
//	pad, scanner ──▶ what is it? ──▶ flow.Step ──▶ record, write tags, show, say
//
// One goroutine owns the state and the ledger's writing end. It takes one message
// at a time from Station.Send, from the pads and from timers, shows the new view,
// and then carries out the effects; a Record is answered before the next message
// is taken. A goroutine for each pad asks its reader everything, in turns, and one
// for each scanner waits for lines.
//
// What a thing is, card or item, is told by what stands on it and by the patterns
// of the library's numbers, never by what the screen shows.
package kiosk
