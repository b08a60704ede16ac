// Package touch lets one finger through at a time. It stands between a touch panel
// and whoever shows the screen, and keeps from it what is no finger: a palm or a
// sleeve on the glass. X makes a pointer of the first contact alone, and so a hand
// at rest would block every tap of the other.
//
//	panel ─▶ slots ─▶ Frame ─▶ Step ─▶ Stroke ─▶ a panel of one finger
//
// [Step] is pure. The panel is grabbed: nobody else hears it any more, and what is let
// through comes from a panel that uinput makes, with the same measures. When this
// program ends, however it ends, the kernel undoes both.
//
// # What the kernel says
//
// An event is 24 bytes: the time (two words of 8), the type and the code (2 each),
// the value (4, signed), in the machine's order. A report ends with SYN_REPORT. Of
// a panel that tells its contacts apart ("type B"):
//
//	ABS_MT_SLOT         whose values follow
//	ABS_MT_TRACKING_ID  the number of a contact that came; -1: it went
//	ABS_MT_POSITION_X, Y  in units of the panel
//	ABS_MT_TOUCH_MAJOR  the longer axis of what is covered, in the same units
//	ABS_MT_TOOL_TYPE    2: the panel itself knows it as a palm
//
// Sources: Linux, Documentation/input/multi-touch-protocol.rst and uinput.rst,
// include/uapi/linux/input.h, input-event-codes.h and uinput.h.
package touch
