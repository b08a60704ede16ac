// Package assets holds what the programs carry inside themselves: typefaces,
// icons, words and a demo library. It only embeds; one file for each kind.
package assets
