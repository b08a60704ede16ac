package sip2

import (
	"strings"
	"time"
)

const (
	datePart, timePart = "20060102", "150405"
	localZone          = "    "
	utcZone            = "   Z"
)

// Date is a moment as it is written: YYYYMMDD, four characters of zone, HHMMSS.
// The empty Date stands for 18 blanks. In a field, where servers may be set to
// write a date for people, it is whatever text they sent.
type Date string

// DateIn is a moment in the library's local time, which the servers watched take
// every date for.
func DateIn(t time.Time, library *time.Location) Date {
	return Date(t.In(library).Format(datePart + localZone + timePart))
}

// Time is the moment of a date; false when it is blank, no date, or names a zone
// other than local and UTC.
func (d Date) Time(library *time.Location) (time.Time, bool) {
	if !d.valid() {
		return time.Time{}, false
	}
	if d[8:12] == utcZone {
		library = time.UTC
	} else if d[8:12] != localZone {
		return time.Time{}, false
	}
	t, err := time.ParseInLocation(datePart+timePart, string(d[:8]+d[12:]), library)
	return t, err == nil
}

// valid tells digits and blanks in their places.
func (d Date) valid() bool {
	if len(d) != dateWidth {
		return false
	}
	for i := range len(d) {
		if digit := d[i] >= '0' && d[i] <= '9'; !digit && (i < 8 || i >= 12) {
			return false
		}
	}
	return true
}

func blank(s string) bool { return strings.Trim(s, " ") == "" }
