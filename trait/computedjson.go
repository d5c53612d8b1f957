package trait

import (
	"encoding/json"
	"fmt"

	"github.com/muster-go/muster/internal/strictjson"
	"github.com/muster-go/muster/profile"
)

// computedJSON is the JSON form of a Computed. Of is "users" by default,
// backfill is true by default.
type computedJSON struct {
	Key          string         `json:"key"`
	Name         string         `json:"name,omitempty"`
	Of           string         `json:"of,omitempty"`
	Type         Type           `json:"type"`
	Event        string         `json:"event"`
	Property     string         `json:"property,omitempty"`
	Filter       string         `json:"where,omitempty"`
	Window       profile.Window `json:"window,omitzero"`
	MinFrequency *int           `json:"min_frequency,omitempty"`
	Backfill     *bool          `json:"backfill,omitempty"`
}

// MarshalJSON writes the JSON form, which UnmarshalJSON reads back to an equal
// Computed.
func (c Computed) MarshalJSON() ([]byte, error) {
	j := computedJSON{
		Key:      c.Key,
		Name:     c.Name,
		Type:     c.Type,
		Event:    c.Event,
		Property: c.Property,
		Filter:   c.Filter,
		Window:   c.Window,
	}
	if c.Of == profile.Account {
		j.Of = "accounts"
	}
	if c.MinFrequency != 0 {
		j.MinFrequency = &c.MinFrequency
	}
	if c.NoBackfill {
		no := false
		j.Backfill = &no
	}
	return json.Marshal(j)
}

// UnmarshalJSON reads the JSON form, strictly. It does not validate.
func (c *Computed) UnmarshalJSON(text []byte) error {
	var j computedJSON
	if err := strictjson.Decode(text, &j); err != nil {
		return fmt.Errorf("%w: computed trait: %w", profile.ErrInvalid, err)
	}
	read := Computed{
		Key:        j.Key,
		Name:       j.Name,
		Type:       j.Type,
		Event:      j.Event,
		Property:   j.Property,
		Filter:     j.Filter,
		Window:     j.Window,
		NoBackfill: j.Backfill != nil && !*j.Backfill,
	}
	switch j.Of {
	case "", "users":
	case "accounts":
		read.Of = profile.Account
	default:
		return fmt.Errorf(`%w: computed trait %q: of %q, want "users" or "accounts"`, profile.ErrInvalid, j.Key, j.Of)
	}
	if j.MinFrequency != nil {
		if *j.MinFrequency < 1 {
			return fmt.Errorf("%w: computed trait %q: min_frequency %d, want at least 1", profile.ErrInvalid, j.Key, *j.MinFrequency)
		}
		read.MinFrequency = *j.MinFrequency
	}
	*c = read
	return nil
}
