package profile

import "github.com/muster-go/muster/internal/strictjson"

// strictJSON decodes exactly one JSON value and refuses unknown fields.
func strictJSON(text []byte, into any) error {
	return strictjson.Decode(text, into, ErrInvalid)
}
