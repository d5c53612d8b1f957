package trait

import (
	"fmt"

	"github.com/muster-go/muster/internal/strictjson"
	"github.com/muster-go/muster/profile"
)

// computedJSON is the JSON form of a Computed. Of is "users" by default,
// backfill is true by default.
type computedJSON struct {
	Key          string         `json:"key"`
	Name         string         `json:"name,omitempty"`
	Description  string         `json:"description,omitempty"`
	Of           string         `json:"of,omitempty"`
	Type         Type           `json:"type"`
	Formula      string         `json:"formula,omitempty"`
	Event        string         `json:"event,omitempty"`
	Names        []string       `json:"names,omitempty"`
	Prefix       string         `json:"prefix,omitempty"`
	Any          bool           `json:"any,omitempty"`
	Property     string         `json:"property,omitempty"`
	Filter       string         `json:"where,omitempty"`
	Window       profile.Window `json:"window,omitzero"`
	Zone         string         `json:"zone,omitempty"`
	MinFrequency *int           `json:"min_frequency,omitempty"`
	Backfill     *bool          `json:"backfill,omitempty"`
}

// MarshalJSON writes the JSON form, which UnmarshalJSON reads back to an equal
// Computed.
func (c Computed) MarshalJSON() ([]byte, error) {
	j := computedJSON{
		Key:         c.Key,
		Name:        c.Name,
		Description: c.Description,
		Type:        c.Type,
		Formula:     c.Formula,
		Event:       c.Event,
		Names:       c.Names,
		Prefix:      c.Prefix,
		Any:         c.Any,
		Property:    c.Property,
		Filter:      c.Filter,
		Window:      c.Window,
		Zone:        c.Zone,
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
	return strictjson.Encode(j)
}

// UnmarshalJSON reads the JSON form, strictly. It does not validate.
func (c *Computed) UnmarshalJSON(text []byte) error {
	var j computedJSON
	if err := strictjson.Decode(text, &j, profile.ErrInvalid); err != nil {
		return err
	}
	read := Computed{
		Key:         j.Key,
		Name:        j.Name,
		Description: j.Description,
		Type:        j.Type,
		Formula:     j.Formula,
		Event:       j.Event,
		Names:       j.Names,
		Prefix:      j.Prefix,
		Any:         j.Any,
		Property:    j.Property,
		Filter:      j.Filter,
		Window:      j.Window,
		Zone:        j.Zone,
		NoBackfill:  j.Backfill != nil && !*j.Backfill,
	}
	switch j.Of {
	case "", "users":
	case "accounts":
		read.Of = profile.Account
	default:
		return strictjson.At("of", fmt.Errorf(`%w: %q, want "users" or "accounts"`, profile.ErrInvalid, j.Of))
	}
	if j.MinFrequency != nil {
		if *j.MinFrequency < 1 {
			return strictjson.At("min_frequency", fmt.Errorf("%w: %d, want at least 1", profile.ErrInvalid, *j.MinFrequency))
		}
		read.MinFrequency = *j.MinFrequency
	}
	*c = read
	return nil
}
