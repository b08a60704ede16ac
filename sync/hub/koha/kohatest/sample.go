package kohatest

import (
	"encoding/json"
	"fmt"
	"maps"
	"time"
)

// Changed is when the rows that follow last changed.
var Changed = time.Date(2026, 11, 20, 9, 30, 0, 0, time.FixedZone("", 2*3600))

// Person is a patron with every field that the API shows.
func Person(number int64, card, surname, firstname, category, library string) Row {
	row := Row{
		"patron_id": number, "cardnumber": card, "surname": surname, "firstname": firstname, "preferred_name": firstname,
		"category_id": category, "library_id": library, "date_of_birth": "1936-05-02", "date_enrolled": "2019-01-15",
		"expiry_date": "2028-01-15", "date_renewed": nil, "incorrect_address": false, "patron_card_lost": false, "restricted": false,
		"userid": "u" + card, "lang": "default", "updated_on": Changed.Format(time.RFC3339), "last_seen": nil,
		"autorenew_checkouts": true, "anonymized": false, "protected": false, "login_attempts": 0, "privacy": 1,
		"privacy_guarantor_checkouts": 0, "privacy_guarantor_fines": false, "check_previous_checkout": "inherit",
		"sms_provider_id": nil, "relationship_type": nil,
	}
	for _, name := range []string{"title", "middle_name", "other_name", "initials", "pronouns", "street_number", "street_type", "address", "address2",
		"city", "state", "postal_code", "country", "email", "phone", "mobile", "fax", "secondary_email", "secondary_phone", "staff_notes", "opac_notes",
		"gender", "statistics_1", "statistics_2", "altcontact_firstname", "altcontact_surname", "sms_number", "overdrive_auth_token"} {
		row[name] = nil
	}
	return row
}

// Thing is an item on the shelf of a library.
func Thing(number, biblio int64, barcode, home, holding string) Row {
	row := Row{
		"item_id": number, "biblio_id": biblio, "external_id": barcode, "home_library_id": home, "holding_library_id": holding,
		"item_type_id": "BK", "effective_item_type_id": "BK", "callnumber": "84.2 LIN", "checkouts_count": 3, "renewals_count": nil, "holds_count": nil,
		"not_for_loan_status": 0, "effective_not_for_loan_status": 0, "damaged_status": 0, "lost_status": 0, "withdrawn": 0, "restricted_status": nil,
		"checked_out_date": nil, "last_seen_date": Changed.Format(time.RFC3339), "timestamp": Changed.Format(time.RFC3339),
		"purchase_price": 28.9, "replacement_price": 30.0, "bookable": false, "exclude_from_local_holds_priority": nil,
	}
	for _, name := range []string{"acquisition_date", "acquisition_source", "call_number_sort", "call_number_source", "coded_location_qualifier",
		"collection_code", "copy_number", "damaged_date", "extended_subfields", "internal_notes", "inventory_number", "last_checkout_date", "location",
		"lost_date", "materials_notes", "new_status", "permanent_location", "public_notes", "replacement_price_date", "serial_issue_number", "uri", "withdrawn_date"} {
		row[name] = nil
	}
	return row
}

// With is row with other values, as pairs of field and value.
func (row Row) With(pairs ...any) Row {
	row = maps.Clone(row)
	for i := 0; i < len(pairs); i += 2 {
		row[pairs[i].(string)] = pairs[i+1]
	}
	return row
}

// Branch is a library.
func Branch(id, name string) Row {
	return Row{"library_id": id, "name": name, "address1": nil, "city": "Tampere", "email": nil, "pickup_location": true, "public": true, "marc_org_code": nil}
}

// Group is a patron category.
func Group(id, name, kind string) Row {
	return Row{"patron_category_id": id, "name": name, "category_type": kind, "enrolment_period": 99, "upper_age_limit": nil, "can_be_guarantee": false, "default_privacy": "default"}
}

// Loan is a running checkout.
func Loan(number, patron, item int64, library string) Row {
	return Row{
		"checkout_id": number, "patron_id": patron, "item_id": item, "library_id": library, "issuer_id": nil, "auto_renew": false, "auto_renew_error": nil,
		"checkout_date": "2026-11-02T14:05:09+02:00", "due_date": "2026-11-30T23:59:00+02:00", "checkin_date": nil, "last_renewed_date": nil,
		"renewals_count": 0, "unseen_renewals": 0, "onsite_checkout": false, "note": nil, "note_date": nil, "note_seen": nil,
		"timestamp": Changed.Format(time.RFC3339),
	}
}

// MARC is a record in MARC-in-JSON: a novel in Finnish, with further fields as
// pairs of tag and text of subfield a.
func MARC(title, author string, pairs ...string) string {
	fields := []Row{
		{"001": "123"}, {"008": "100315s2009    fi ||||j      |0|0|0|fin|c"},
		{"100": subfield("1", author)}, {"245": subfield("1", title)}, {"300": subfield(" ", "412 s. ;")},
	}
	for i := 0; i < len(pairs); i += 2 {
		fields = append(fields, Row{pairs[i]: subfield(" ", pairs[i+1])})
	}
	text, err := json.Marshal(Row{"leader": "00706cam a22002178i 4500", "fields": fields})
	if err != nil {
		panic(err) // only texts are in it
	}
	return string(text)
}

func subfield(ind1, text string) Row {
	return Row{"ind1": ind1, "ind2": " ", "subfields": []Row{{"a": text}}}
}

// Fill puts a small library in: the branches KIRJ and STN, three categories, two
// residents and a librarian, a rule, and n items of as many titles at STN.
func (s *System) Fill(n int) {
	s.Put(Libraries, Branch("KIRJ", "Pääkirjasto"), Branch("STN", "Palvelutalo Koivikko"))
	s.Put(Categories, Group("PT", "Aikuinen", "A"), Group("ERI", "Erityisasiakas", "A"), Group("HENK", "Henkilökunta", "S"))
	s.Put(Patrons,
		Person(5, "2960001", "Virtanen", "Aino", "ERI", "STN").With("lang", "sv-SE"),
		Person(15, "2960015", "Äijälä", "Matti", "PT", "STN"),
		Person(51, "2960051", "Korhonen", "Liisa", "HENK", "KIRJ"))
	s.Put(Rules, Row{"context": Row{"library_id": "*", "patron_category_id": "*", "item_type_id": "*"},
		"issuelength": "28", "lengthunit": "days", "maxissueqty": "", "renewalsallowed": "2", "fine": "0.00", "lost_fine": nil})
	for i := int64(1); i <= int64(n); i++ {
		s.Put(Items, Thing(i, 100+i, fmt.Sprintf("301%05d", i), "KIRJ", "STN"))
		s.Put(Biblios, Row{"biblio_id": 100 + i, "title": fmt.Sprintf("Kirja %d", i), "subtitle": nil, "author": "Linna, Väinö", "copyright_date": 2009, "item_type": "BK", "isbn": nil})
		s.PutRecord(100+i, MARC(fmt.Sprintf("Kirja %d /", i), "Linna, Väinö,"))
	}
}
