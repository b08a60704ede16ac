package assets

import "embed"

// Pages are the librarians' pages: templates, one style, one script, and their
// words, a file for each language. A further language is a further file.
//
//go:embed pages
var Pages embed.FS
