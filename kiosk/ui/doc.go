// Package ui is the touchscreen: it draws a flow.View and turns touches into
// flow.Msgs, and decides nothing.
//
//	flow.View ─▶ compose ─▶ page ─▶ sheet ─▶ touch ─▶ flow.Msg
//
// [compose] is a pure function from a view, its words and a size to a page: where
// every face, picture, line of text and target stands. The sheet holds a fixed
// stock of Fyne objects and moves them to where the page says, so that a screen
// that runs for weeks builds nothing anew. Only bridge.go crosses goroutines.
//
// # Sizes
//
// One Fyne unit is one pixel: the window is opened with FYNE_SCALE=1 and without
// Fyne's own guess at the screen. Every size comes from [Display] in millimetres,
// times what the staff measured with a card (flow.View.Scale):
//
//	capital letters   0.7° of view or more: 5.5 mm at 450 mm, 7.3 mm at 600 mm
//	targets           20 mm, the main ones 25 mm, 6 mm between them
//
// Choices, which are people or purposes, are 25 mm high too, with a picture and its
// words; what does not fit is on further sheets, and nothing scrolls.
//
// The person's text size (three steps) enlarges all text but that of the rail,
// whose buttons stay where they are. A step is honoured as far as the screen
// holds it without cutting anything.
//
// Sources: EN 301 549 V3.2.1, 5.1.4; W3C mobile accessibility task force on
// target sizes; WCAG 2.2, 1.4.6 and 1.4.11; ISO/IEC 7810:2019, format ID-1.
package ui
