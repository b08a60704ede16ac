// Package koha reads and writes a Koha library system through its REST API,
// api/v1. It stands alone; its records turn into those of circ where circ has
// one.
//
// # Endpoints
//
//	token          POST   /oauth/token                        form grant_type=client_credentials, client_id, client_secret
//	patrons        GET    /patrons, /patrons/{id}
//	categories     GET    /patron_categories
//	items          GET    /items, /items/{id}
//	records        GET    /biblios/{id}                       application/json or application/marc-in-json
//	checkouts      GET    /checkouts                          checked_in=true: those that came back
//	  may they     GET    /checkouts/availability             patron_id, item_id
//	  lend         POST   /checkouts                          patron_id, item_id; ?confirmation=token
//	  renew        POST   /checkouts/{id}/renewals            before that existed: /renewal
//	               GET    /checkouts/{id}/allows_renewal
//	holds          GET    /holds; POST /holds; DELETE /holds/{id}
//	libraries      GET    /libraries
//	transfers      GET    /biblios/{id}/items                 x-koha-embed: transfer
//	               GET    /transfer_limits
//	rules          GET    /circulation_rules                  library_id, patron_category_id, item_type_id
//
// What Koha does not offer is not here. There is no checkin in any release that was
// read (work towards one exists, POST /checkins), and none keeps the true time of a
// loan: the body's dates are ignored and it begins now ([Offline], beside this API,
// keeps it). There is no way to start a
// transfer; PUT /biblios/{id}/items/{id} could set the holding library, but it
// replaces the item and, as its source says, empties extended_subfields, so it is
// not used. Items move to a station, which is a branch, by a SIP2 checkin with AP.
//
// # Versions
//
// Run: 19.06, which has the token, patrons, checkouts (list, renewal), holds and
// libraries, without filters by q. Read in source: 19.06 to about 24.05, and newer
// work towards the next release. Nothing is asked about the version. A list is
// asked for in the best way, and when Koha answers 400 "Malformed query string"
// about a parameter, in the next: see the walk below. An endpoint that is missing
// is [ErrNotFound].
//
// # Permissions
//
// The API key belongs to a patron of Koha whose permissions apply (More, Manage
// API keys; system preference RESTOAuth2ClientCredentials on). It needs
//
//	catalogue                                    items, records, libraries
//	borrowers: list_borrowers                    patrons; in older versions edit_borrowers
//	parameters: manage_patron_categories         categories
//	circulate: circulate_remaining_permissions   checkouts, renewals, circulation rules
//	reserveforothers: place_holds                holds
//	parameters: manage_transfers                 transfer limits
//
// and no more; each only where its list is asked for. One that is missing shows as
// [ErrForbidden] with its name in [Error.Reasons]. Koha leaves out patrons of
// libraries that the key's patron may not see (view_borrower_infos_from_any_libraries).
//
// # The walk
//
// A list is walked page by page, as its rows change. From the best way to the
// plainest:
//
//	by key     q={"item_id":{">":last},…}&_order_by=item_id&_page=1&_per_page=n
//	ordered    _page=i&_per_page=n&_order_by=item_id&_match=exact&card…
//	numbered   _page=i&_per_page=n
//	bare       no parameter at all
//
// By key nothing is missed or met twice, whatever is added or deleted meanwhile.
// By number, rows are met once; when X-Total-Count shrinks the page before is read
// again, since what is deleted draws later rows forward; and when the rows met are
// fewer than X-Total-Count, the walk starts over, three times at most. In each way
// a walk ends: a page that brings nothing new, and a list that grows to twice its
// size while it is read, are [ErrPaging]. Link tells whether there is a next page
// and is not followed: behind a proxy it names an inner host.
//
// Every filter is also checked here, since a plain parameter without _match=exact
// means "contains" in newer Koha: patron_id=5 also finds 15.
//
// # Changes
//
// Since asks for rows changed at or after a time, less [Settings.Overlap]. Take the
// time before the walk begins; the overlap covers clocks that differ. The fields:
//
//	patrons     updated_on    in the database and the API of every version
//	items       timestamp     read in the definitions of the API, 22.11 and newer
//	checkouts   timestamp     the same
//
// Others are set by [Settings.Changed]. Deletions are in no such list: walk without
// Since from time to time and compare. A change of the bibliographic record does
// not touch its items.
//
// Newer Koha parses the time in q as RFC 3339 and turns it to its own zone; older
// Koha hands it to the database, which ignores the offset or not. Written as RFC
// 3339 in Koha's own zone, [Settings.Zone], it means the same to all of them.
//
// # How fields map
//
//	circ.Patron.ID         cardnumber; a patron without one cannot come to a station
//	           FirstName   preferred_name, else firstname
//	           Policy      category_id
//	           Staff       category_type S of that category
//	           Blocked     restricted, or debarred until a later day, patron_card_lost,
//	                       incorrect_address, or expiry_date passed
//	           Language    lang without its region; "default" is none
//	circ.Item.ID           external_id, the barcode
//	         Title, Author, Year, Subject, Parts    the MARC record, as package marc reads it
//	         Language      041, else 008/35-37
//	         Marks         the MARC record (leader, 007, 008/23, 300, 336, 340, 655), and
//	                       Settings.Marks by item type or collection code
//	         Home          Settings.Stations of home_library_id, else of holding_library_id
//	circ.Loan.At, Due      checkout_date, due_date
//	         Renewed       renewals_count; renewals in 19.06
//	circ.Policy.ID         patron category
//	           LoanDays    issuelength; hours are rounded up to days
//	           Limit       maxissueqty; empty is no limit
//	           Renewals    renewalsallowed
//
// Records must be MARC 21: in UNIMARC the same fields mean other things. Guarantors
// are in the API of 19.06 only (guarantor_id, relationship_type); later versions
// keep them and do not give them out, and no version lets one patron borrow for
// another.
//
// # Answers
//
// Unknown fields are ignored, missing and null ones are zero, numbers and booleans
// are also taken as strings. A record that makes no sense is an error of its own
// ([ErrRecord]) and the walk goes on. Answers are read to [Settings.MaxBody].
//
// # Privacy
//
// A [Patron] and a [PatronNumber] print as digests. An error says which request
// failed without what stood in it, and keeps Koha's own words out of its text:
// they are in [Error.Text]. Card numbers do stand in the addresses that Koha logs.
package koha
