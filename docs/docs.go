// Package docs is what the hub serves of its own documents.
package docs

import _ "embed"

// OpenAPI describes the JSON for scripts (OpenAPI 3.1, YAML).
//
//go:embed openapi.yaml
var OpenAPI []byte
