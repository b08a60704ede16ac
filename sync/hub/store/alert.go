package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"coldstation/sync/circ"
)

// Alerts are the rules by which people are told of conditions, what they were told,
// and what is on its way to them. Nothing here names a patron.
type Alerts interface {
	// AlertRules are all, by title; AlertRule is one, ErrNoRule.
	AlertRules(ctx context.Context) ([]AlertRule, error)
	AlertRule(ctx context.Context, id string) (AlertRule, error)
	// SetAlertRule keeps a rule: one with Rev 0 is new, another takes the place of the
	// one with that Rev. ErrStale when it was changed meanwhile, or is there no more.
	SetAlertRule(ctx context.Context, r AlertRule) error
	// RemoveAlertRule removes one; what it told of is over, and nobody is told that.
	// ErrNoRule.
	RemoveAlertRule(ctx context.Context, id string, at time.Time) error

	// OpenAlerts are those that are not over. Alerts are all, the last told first, at
	// most limit of those before another; the zero Alert begins at the end.
	OpenAlerts(ctx context.Context) ([]Alert, error)
	Alerts(ctx context.Context, before Alert, limit int) ([]Alert, error)
	// SaveAlerts keeps what began and what is over together with the letters that tell
	// so, all or nothing. One that is kept already is changed in Ended alone.
	SaveAlerts(ctx context.Context, changed []Alert, letters []Letter) error
	// AlertSeen notes who saw to one, the first time; ErrNoAlert.
	AlertSeen(ctx context.Context, id, by string, at time.Time) error
	// ForgetAlerts drops what was over, and letters that were sent, before a time.
	ForgetAlerts(ctx context.Context, before time.Time) error

	// Letters are those that wait and may be sent at a time, the oldest first.
	Letters(ctx context.Context, at time.Time, limit int) ([]Letter, error)
	// LetterSent notes that one arrived, LetterFailed that it did not, why, and when
	// it is to be tried again: a zero time gives it up.
	LetterSent(ctx context.Context, id string, at time.Time) error
	LetterFailed(ctx context.Context, id, why string, again time.Time) error
	// Undelivered are the letters that were tried in vain and made before a time.
	Undelivered(ctx context.Context, before time.Time) ([]Letter, error)
	// DropLetters lets go of those that were given up or failed, of one target.
	DropLetters(ctx context.Context, way Way, target string) error
}

// What a caller of Alerts tells apart.
var (
	ErrNoRule  = errors.New("store: no such rule")
	ErrNoAlert = errors.New("store: no such alert")
	ErrStale   = errors.New("store: it was changed meanwhile")
)

// AlertRule says which conditions people are told of, and how.
type AlertRule struct {
	ID         string
	Title      string
	Conditions []string         // names; none: all. "fault-" stands for every fault
	Stations   []circ.StationID // none: all, and what concerns the library as a whole
	Delay      time.Duration    // how long a condition lasts until anybody is told
	// QuietFrom and QuietTo are times since midnight between which nobody is told but
	// of what is Loud; the same for no such hours.
	QuietFrom, QuietTo time.Duration
	Loud               []string
	Mail               []string // addresses
	Hook               string   // a hook's name; "" for none
	Language           string
	Rev                int64 // rises with each change
}

// Alert is that people were told of a condition.
type Alert struct {
	ID        string
	Rule      string
	Station   circ.StationID // "": it concerns the library as a whole
	Condition string
	Since     time.Time // when the condition began
	Told      time.Time
	Seen      time.Time // somebody sees to it; zero: nobody said so
	SeenBy    string
	Ended     time.Time // zero: it lasts
}

// Way is how a letter goes.
type Way string

// The ways.
const (
	ByMail Way = "mail"
	ByHook Way = "hook"
)

// Letter is what is on its way to somebody.
type Letter struct {
	ID      string
	Rule    string
	Way     Way
	Target  string
	Subject string
	Body    string
	Made    time.Time
	Again   time.Time // not before; zero: given up
	Tries   int
	Why     string // it failed last
}

// array is a column that holds a JSON array.
func array[T ~string](all []T) string {
	if len(all) == 0 {
		return "[]"
	}
	text, _ := json.Marshal(all) // of strings, which never fails
	return string(text)
}

// fromArray reads a column that only array has written.
func fromArray[T ~string](text string) (all []T) {
	_ = json.Unmarshal([]byte(text), &all)
	if len(all) == 0 {
		return nil
	}
	return all
}

const ruleColumns = `SELECT id, title, conditions, stations, delay, quiet_from, quiet_to, loud, mail, hook, language, rev FROM alert_rules `

func scanRule(scan func(...any) error) (r AlertRule, err error) {
	var conditions, stations, loud, mail string
	var delay, from, to int64
	err = scan(&r.ID, &r.Title, &conditions, &stations, &delay, &from, &to, &loud, &mail, &r.Hook, &r.Language, &r.Rev)
	r.Conditions, r.Stations, r.Loud, r.Mail = fromArray[string](conditions), fromArray[circ.StationID](stations), fromArray[string](loud), fromArray[string](mail)
	r.Delay, r.QuietFrom, r.QuietTo = ms(delay), ms(from), ms(to)
	return r, err
}

func (s *base) AlertRules(ctx context.Context) ([]AlertRule, error) {
	return collect(ctx, s.read, scanRule, ruleColumns+`ORDER BY title, id`)
}

func (s *base) AlertRule(ctx context.Context, id string) (AlertRule, error) {
	r, err := scanRule(s.read.QueryRowContext(ctx, ruleColumns+`WHERE id = ?`, id).Scan)
	return r, found(err, ErrNoRule)
}

func (s *base) SetAlertRule(ctx context.Context, r AlertRule) error {
	values := []any{r.Title, array(r.Conditions), array(r.Stations), r.Delay.Milliseconds(), r.QuietFrom.Milliseconds(), r.QuietTo.Milliseconds(),
		array(r.Loud), array(r.Mail), r.Hook, r.Language, r.Rev + 1, r.ID}
	if r.Rev == 0 {
		result, err := s.write.ExecContext(ctx, `INSERT INTO alert_rules (title, conditions, stations, delay, quiet_from, quiet_to, loud, mail, hook, language, rev, id)
			VALUES (`+marksFor(values)+`) ON CONFLICT (id) DO NOTHING`, values...)
		return known(result, err, ErrStale)
	}
	result, err := s.write.ExecContext(ctx, `UPDATE alert_rules SET title = ?, conditions = ?, stations = ?, delay = ?, quiet_from = ?, quiet_to = ?,
		loud = ?, mail = ?, hook = ?, language = ?, rev = ? WHERE id = ? AND rev = ?`, append(values, r.Rev)...)
	return known(result, err, ErrStale)
}

func (s *base) RemoveAlertRule(ctx context.Context, id string, at time.Time) error {
	return s.change(ctx, "remove a rule", func(tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, `DELETE FROM alert_rules WHERE id = ?`, id)
		if err := known(result, err, ErrNoRule); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE alerts SET ended = ? WHERE rule = ? AND ended = 0`, millis(at), id); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `DELETE FROM letters WHERE rule = ? AND sent = 0`, id)
		return err
	})
}

const alertColumns = `SELECT id, rule, station, condition, since, told, seen, seen_by, ended FROM alerts `

func scanAlert(scan func(...any) error) (a Alert, err error) {
	var since, told, seen, ended int64
	err = scan(&a.ID, &a.Rule, &a.Station, &a.Condition, &since, &told, &seen, &a.SeenBy, &ended)
	a.Since, a.Told, a.Seen, a.Ended = fromMillis(since), fromMillis(told), fromMillis(seen), fromMillis(ended)
	return a, err
}

func (s *base) OpenAlerts(ctx context.Context) ([]Alert, error) {
	return collect(ctx, s.read, scanAlert, alertColumns+`WHERE ended = 0 ORDER BY told, id`)
}

func (s *base) Alerts(ctx context.Context, before Alert, limit int) ([]Alert, error) {
	told := millis(before.Told)
	return collect(ctx, s.read, scanAlert, alertColumns+`WHERE (? = 0 OR told < ? OR told = ? AND id < ?) ORDER BY told DESC, id DESC LIMIT ?`, told, told, told, before.ID, limit)
}

func (s *base) SaveAlerts(ctx context.Context, changed []Alert, letters []Letter) error {
	return s.change(ctx, "save alerts", func(tx *sql.Tx) error {
		for _, a := range changed {
			if _, err := tx.ExecContext(ctx, `INSERT INTO alerts (id, rule, station, condition, since, told, ended) VALUES (?, ?, ?, ?, ?, ?, ?)
				ON CONFLICT (id) DO UPDATE SET ended = excluded.ended WHERE alerts.ended = 0`,
				a.ID, a.Rule, a.Station, a.Condition, millis(a.Since), millis(a.Told), millis(a.Ended)); err != nil {
				return err
			}
		}
		for _, l := range letters {
			if _, err := tx.ExecContext(ctx, `INSERT INTO letters (id, rule, way, target, subject, body, made, again) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`,
				l.ID, l.Rule, l.Way, l.Target, l.Subject, l.Body, millis(l.Made), millis(l.Again)); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *base) AlertSeen(ctx context.Context, id, by string, at time.Time) error {
	result, err := s.write.ExecContext(ctx, `UPDATE alerts SET seen_by = CASE WHEN seen = 0 THEN ? ELSE seen_by END, seen = CASE WHEN seen = 0 THEN ? ELSE seen END WHERE id = ?`,
		by, millis(at), id)
	return known(result, err, ErrNoAlert)
}

func (s *base) ForgetAlerts(ctx context.Context, before time.Time) error {
	return s.change(ctx, "forget alerts", func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM alerts WHERE ended > 0 AND ended < ?`, millis(before)); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `DELETE FROM letters WHERE sent > 0 AND sent < ?`, millis(before))
		return err
	})
}

func (s *base) letters(ctx context.Context, where string, args ...any) ([]Letter, error) {
	return collect(ctx, s.read, func(scan func(...any) error) (l Letter, err error) {
		var made, again int64
		err = scan(&l.ID, &l.Rule, &l.Way, &l.Target, &l.Subject, &l.Body, &made, &again, &l.Tries, &l.Why)
		l.Made, l.Again = fromMillis(made), fromMillis(again)
		return l, err
	}, `SELECT id, rule, way, target, subject, body, made, again, tries, why FROM letters WHERE sent = 0 AND `+where, args...)
}

func (s *base) Letters(ctx context.Context, at time.Time, limit int) ([]Letter, error) {
	return s.letters(ctx, `again > 0 AND again <= ? ORDER BY made, id LIMIT ?`, millis(at), limit)
}

func (s *base) Undelivered(ctx context.Context, before time.Time) ([]Letter, error) {
	return s.letters(ctx, `tries > 0 AND made < ? ORDER BY made, id LIMIT 1000`, millis(before))
}

func (s *base) LetterSent(ctx context.Context, id string, at time.Time) error {
	_, err := s.write.ExecContext(ctx, `UPDATE letters SET sent = ?, body = '' WHERE id = ?`, millis(at), id)
	return err
}

func (s *base) LetterFailed(ctx context.Context, id, why string, again time.Time) error {
	_, err := s.write.ExecContext(ctx, `UPDATE letters SET tries = tries + 1, why = ?, again = ? WHERE id = ? AND sent = 0`, why, millis(again), id)
	return err
}

func (s *base) DropLetters(ctx context.Context, way Way, target string) error {
	_, err := s.write.ExecContext(ctx, `DELETE FROM letters WHERE way = ? AND target = ? AND sent = 0 AND tries > 0`, way, target)
	return err
}

// Holds reports whether a rule speaks of a condition at a station.
func (r AlertRule) Holds(station circ.StationID, condition string) bool {
	return (len(r.Stations) == 0 || slices.Contains(r.Stations, station)) && (len(r.Conditions) == 0 || named(r.Conditions, condition))
}

// IsLoud reports whether people are told of a condition in quiet hours too.
func (r AlertRule) IsLoud(condition string) bool { return named(r.Loud, condition) }

func named(names []string, condition string) bool {
	return slices.ContainsFunc(names, func(name string) bool {
		return name == condition || name == FaultPrefix && len(condition) > len(name) && condition[:len(name)] == name
	})
}
