package profile

import (
	"fmt"

	"github.com/muster-go/muster/internal/strictjson"
)

// strictJSON decodes exactly one JSON value and refuses unknown fields.
func strictJSON(text []byte, into any) error {
	if err := strictjson.Decode(text, into); err != nil {
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return nil
}
