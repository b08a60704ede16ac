package hub

import "time"

// allowance lets something happen a few times at once, and then once in a while.
type allowance struct {
	most int           // at once
	each time.Duration // until one more is allowed
	used int
	at   time.Duration // since when used falls; on the hub's clock
}

// take reports whether it may happen now, and counts it.
func (a *allowance) take(now time.Duration) bool {
	back := int((now - a.at) / a.each)
	a.used -= min(back, a.used)
	a.at += time.Duration(back) * a.each
	if a.used == a.most {
		return false
	}
	a.used++
	return true
}
