// Package layout holds the promises of the tree: what may import what, and why.
// The promises are its test.
package layout
