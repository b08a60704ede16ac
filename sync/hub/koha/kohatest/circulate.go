package kohatest

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// judge is what CanBookBeIssued says: what makes a checkout impossible, and what
// has to be confirmed. As in Koha, data about the patron who has the item stands
// among the words.
func (s *System) judge(patron, item Row) (impossible, confirm Row) {
	impossible, confirm = Row{}, Row{}
	if patron["restricted"] == true {
		impossible["USERBLOCKEDNOENDDATE"] = "9999-12-31"
	}
	if patron["patron_card_lost"] == true {
		impossible["CARD_LOST"] = 1
	}
	if day, _ := patron["expiry_date"].(string); day != "" && day < s.now().Format(time.DateOnly) {
		impossible["EXPIRED"] = 1
	}
	if loan := s.loan(item); loan != nil {
		if word(loan["patron_id"]) == word(patron["patron_id"]) {
			confirm["RENEW_ISSUE"] = 1
		} else {
			confirm["ISSUED_TO_ANOTHER"] = 1
			other := s.find(Patrons, word(loan["patron_id"]))
			confirm["issued_surname"], confirm["issued_cardnumber"] = other["surname"], other["cardnumber"]
		}
	}
	return impossible, confirm
}

func (s *System) now() time.Time { return time.Now().In(s.Zone) }

// loan is the item's running checkout.
func (s *System) loan(item Row) Row {
	for _, loan := range s.tables[Checkouts] {
		if word(loan["item_id"]) == word(item["item_id"]) {
			return loan
		}
	}
	return nil
}

// token confirms just these words for this item.
func token(item, confirm Row) string {
	return strings.Join(append([]string{"jwt", word(item["item_id"])}, slices.Sorted(maps.Keys(confirm))...), ".")
}

func (s *System) available(r *http.Request) answer {
	patron, item := s.find(Patrons, r.URL.Query().Get("patron_id")), s.find(Items, r.URL.Query().Get("item_id"))
	if patron == nil || item == nil {
		return refuse(http.StatusInternalServerError, "Something went wrong, check Koha logs for details.")
	}
	impossible, confirm := s.judge(patron, item)
	return say(http.StatusOK, Row{"blockers": impossible, "confirms": confirm, "warnings": Row{}, "confirmation_token": token(item, confirm)})
}

// lend ignores every date in the body.
func (s *System) lend(r *http.Request) answer {
	if s.Release == Older {
		return refuse(http.StatusNotFound, "Not Found")
	}
	body := body(r)
	item := s.find(Items, word(body["item_id"]))
	if item == nil {
		return say(http.StatusConflict, Row{"error": "Item not found", "error_code": "ITEM_NOT_FOUND"})
	}
	patron := s.find(Patrons, word(body["patron_id"]))
	if patron == nil {
		return say(http.StatusConflict, Row{"error": "Patron not found", "error_code": "PATRON_NOT_FOUND"})
	}
	impossible, confirm := s.judge(patron, item)
	if len(impossible) > 0 {
		return refuse(http.StatusForbidden, "Checkout not authorized ("+strings.Join(slices.Sorted(maps.Keys(impossible)), " ")+")")
	}
	if len(confirm) > 0 && r.URL.Query().Get("confirmation") != token(item, confirm) {
		return refuse(http.StatusPreconditionFailed, "Confirmation error")
	}
	if loan := s.loan(item); loan != nil {
		if confirm["RENEW_ISSUE"] != nil {
			return say(http.StatusCreated, s.prolong(loan))
		}
		s.delete(Checkouts, word(loan["checkout_id"]))
		loan = maps.Clone(loan)
		loan["checkin_date"] = s.now().Format(time.RFC3339)
		s.put(Returned, loan)
	}
	s.last++
	loan := Row{
		"checkout_id": s.last, "patron_id": patron["patron_id"], "item_id": item["item_id"], "library_id": item["holding_library_id"],
		"checkout_date": s.now().Format(time.RFC3339), "due_date": s.due(), "timestamp": s.now().Format(time.RFC3339),
		"checkin_date": nil, "last_renewed_date": nil, "renewals_count": 0, "auto_renew": false, "onsite_checkout": false, "issuer_id": nil,
	}
	s.put(Checkouts, loan)
	item = maps.Clone(item)
	item["checked_out_date"], item["timestamp"] = s.now().Format(time.DateOnly), s.now().Format(time.RFC3339)
	s.put(Items, item)
	a := say(http.StatusCreated, loan)
	a.header.Set("Location", "/api/v1/checkouts/"+word(loan["checkout_id"]))
	return a
}

func (s *System) due() string {
	y, m, d := s.now().AddDate(0, 0, 28).Date()
	return time.Date(y, m, d, 23, 59, 0, 0, s.Zone).Format(time.RFC3339)
}

// count is the field that counts renewals.
func (s *System) count() string {
	if s.Release == Older {
		return "renewals"
	}
	return "renewals_count"
}

func (s *System) prolong(loan Row) Row {
	loan = maps.Clone(loan)
	loan[s.count()] = number(word(loan[s.count()]), 0) + 1
	loan["due_date"], loan["last_renewed_date"], loan["timestamp"] = s.due(), s.now().Format(time.RFC3339), s.now().Format(time.RFC3339)
	s.put(Checkouts, loan)
	return loan
}

const renewalsAllowed = 2

func (s *System) renewal(method, key, verb string) answer {
	loan := s.find(Checkouts, key)
	known := verb == "renewal" || verb == "allows_renewal" || verb == "renewals" && s.Release != Older
	if loan == nil || !known {
		return refuse(http.StatusNotFound, "Checkout not found")
	}
	made := number(word(loan[s.count()]), 0)
	switch {
	case method == http.MethodGet && verb == "allows_renewal":
		row := Row{"allows_renewal": made < renewalsAllowed, "max_renewals": "2", "current_renewals": made, "unseen_renewals": 0, "error": nil}
		if made >= renewalsAllowed {
			row["error"] = "too_many"
		}
		return say(http.StatusOK, row)
	case method == http.MethodPost && made >= renewalsAllowed:
		return refuse(http.StatusForbidden, "Renewal not authorized (too_many)")
	case method == http.MethodPost:
		return say(http.StatusCreated, s.prolong(loan))
	}
	return refuse(http.StatusNotFound, "Not Found")
}

func (s *System) hold(r *http.Request) answer {
	body := body(r)
	for _, name := range []string{"patron_id", "pickup_library_id"} {
		if body[name] == nil {
			return malformed("/body/"+name, "Missing property.")
		}
	}
	if s.find(Libraries, word(body["pickup_library_id"])) == nil {
		return refuse(http.StatusBadRequest, "The supplied pickup location is not valid")
	}
	for _, held := range s.tables[Holds] {
		if word(held["patron_id"]) == word(body["patron_id"]) && word(held["biblio_id"]) == word(body["biblio_id"]) {
			return refuse(http.StatusForbidden, "Hold cannot be placed. Reason: itemAlreadyOnHold")
		}
	}
	s.last++
	hold := Row{
		"hold_id": s.last, "patron_id": body["patron_id"], "biblio_id": body["biblio_id"], "item_id": body["item_id"],
		"pickup_library_id": body["pickup_library_id"], "hold_date": s.now().Format(time.DateOnly), "priority": 1, "status": nil,
		"timestamp": s.now().Format(time.RFC3339), "waiting_date": nil, "expiration_date": nil, "suspended": false,
	}
	s.put(Holds, hold)
	return say(http.StatusCreated, hold)
}

func body(r *http.Request) Row {
	var row Row
	_ = json.NewDecoder(r.Body).Decode(&row)
	return row
}
