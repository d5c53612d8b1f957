// Package schema has the JSON schema of a definitions file, for editors: they complete
// names and mark mistakes while the file is written. What is wrong with an expression or
// a reference only compiling it finds.
package schema

import _ "embed"

// Definitions is the schema, in the draft of 2020-12. It must not be changed.
//
//go:embed definitions.schema.json
var Definitions []byte
