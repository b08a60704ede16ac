// Package collection reads what a library exports, items as MARCXML, ISO 2709, CSV
// or JSON, patrons, policies and authorisations as CSV or JSON, and writes the same
// as CSV and JSON.
//
// A file is taken whole or not at all. A reader answers every fault it found,
// joined; each names its place (record and field, or row and column) and what
// to do about it. Faults never repeat what a cell about a person contains.
package collection
