// Package rfid is what lies on the table: tags and cards, the readers that see
// them, and the moments they arrive and leave.
//
// Three ideas carry it:
//
//	Port     bytes to and from a reader: a serial line, a socket, a pipe
//	Reader   a protocol on a Port: which tags are there, what is in their memory
//	Watch    successive inventories turned into Arrived and Left
//
// A reader knows tags and has never heard of a loan. What is written inside a
// tag is the business of package iso28560; how a port is opened, of package port.
package rfid
