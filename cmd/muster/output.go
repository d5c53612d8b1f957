package main

import (
	"encoding/json"
	"fmt"
	"io"
)

// writeJSON writes one value, for scripts and for people to read.
func writeJSON(to io.Writer, v any) error {
	encoder := json.NewEncoder(to)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(v)
}

// plural returns "1 script" or "2 scripts".
func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
