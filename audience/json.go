package audience

import (
	"encoding/json"
	"fmt"

	"github.com/muster-go/muster/internal/strictjson"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
)

// File is a definitions file.
type File struct {
	Traits    []trait.Computed `json:"traits,omitzero"`
	Audiences []Definition     `json:"audiences,omitzero"`
}

// ParseFile reads a definitions file, strictly: unknown fields are errors. The
// definitions are not compiled.
func ParseFile(text []byte) (File, error) {
	var f File
	if err := strictjson.Decode(text, &f); err != nil {
		return File{}, fmt.Errorf("%w: definitions: %w", profile.ErrInvalid, err)
	}
	return f, nil
}

// definitionJSON is the JSON form of a Definition; backfill is true by default.
type definitionJSON struct {
	Key      string `json:"key"`
	Name     string `json:"name,omitempty"`
	Of       string `json:"of,omitempty"`
	PerUser  bool   `json:"per_user,omitempty"`
	Backfill *bool  `json:"backfill,omitempty"`
	Batch    string `json:"batch,omitempty"`
	Where    Node   `json:"where"`
}

// MarshalJSON writes the JSON form, which UnmarshalJSON reads back to an equal
// Definition.
func (d Definition) MarshalJSON() ([]byte, error) {
	j := definitionJSON{Key: d.Key, Name: d.Name, PerUser: d.PerUser, Where: d.Where}
	if d.Of == profile.Account {
		j.Of = "accounts"
	}
	switch {
	case d.Batch == OnRequest:
		j.Batch = onRequest
	case d.Batch != 0:
		j.Batch = profile.FormatDuration(d.Batch)
	}
	if d.NoBackfill {
		no := false
		j.Backfill = &no
	}
	return json.Marshal(j)
}

// UnmarshalJSON reads the JSON form, strictly.
func (d *Definition) UnmarshalJSON(text []byte) error {
	var j definitionJSON
	if err := strictjson.Decode(text, &j); err != nil {
		return fmt.Errorf("%w: audience: %w", profile.ErrInvalid, err)
	}
	if j.Of != "" && j.Of != "users" && j.Of != "accounts" {
		return fmt.Errorf(`%w: audience %q: of %q, want "users" or "accounts"`, profile.ErrInvalid, j.Key, j.Of)
	}
	*d = Definition{
		Key:        j.Key,
		Name:       j.Name,
		PerUser:    j.PerUser,
		NoBackfill: j.Backfill != nil && !*j.Backfill,
		Where:      j.Where,
	}
	if j.Of == "accounts" {
		d.Of = profile.Account
	}
	switch j.Batch {
	case "":
	case onRequest:
		d.Batch = OnRequest
	default:
		interval, err := profile.ParseDuration(j.Batch)
		if err != nil {
			return fmt.Errorf("audience %q: batch: %w", j.Key, err)
		}
		d.Batch = interval
	}
	return nil
}

// onRequest is OnRequest in JSON.
const onRequest = "on request"

type countJSON struct {
	AtLeast *int `json:"at_least,omitempty"`
	AtMost  *int `json:"at_most,omitempty"`
	Exactly *int `json:"exactly,omitempty"`
}

// MarshalJSON writes {"at_least": 3}, {"at_most": 2} or {"exactly": 1}.
func (c Count) MarshalJSON() ([]byte, error) {
	switch c.Comparison {
	case AtMost:
		return json.Marshal(countJSON{AtMost: &c.N})
	case Exactly:
		return json.Marshal(countJSON{Exactly: &c.N})
	}
	n := max(c.N, 1)
	return json.Marshal(countJSON{AtLeast: &n})
}

// UnmarshalJSON reads what MarshalJSON writes, strictly.
func (c *Count) UnmarshalJSON(text []byte) error {
	var j countJSON
	if err := strictjson.Decode(text, &j); err != nil {
		return fmt.Errorf("%w: count: %w", profile.ErrInvalid, err)
	}
	switch {
	case j.AtLeast != nil && j.AtMost == nil && j.Exactly == nil:
		*c = Count{AtLeast, *j.AtLeast}
	case j.AtMost != nil && j.AtLeast == nil && j.Exactly == nil:
		*c = Count{AtMost, *j.AtMost}
	case j.Exactly != nil && j.AtLeast == nil && j.AtMost == nil:
		*c = Count{Exactly, *j.Exactly}
	default:
		return fmt.Errorf(`%w: a count is one of {"at_least": n}, {"at_most": n}, {"exactly": n}`, profile.ErrInvalid)
	}
	if c.IsZero() {
		return fmt.Errorf("%w: count at_least 0 always holds", profile.ErrInvalid)
	}
	return nil
}

// MarshalText writes "users" or "group".
func (s Scope) MarshalText() ([]byte, error) {
	if s == OfGroup {
		return []byte("group"), nil
	}
	return []byte("users"), nil
}

// UnmarshalText reads what MarshalText writes.
func (s *Scope) UnmarshalText(text []byte) error {
	switch string(text) {
	case "users":
		*s = OfUsers
	case "group":
		*s = OfGroup
	default:
		return fmt.Errorf(`%w: scope %q, want "users" or "group"`, profile.ErrInvalid, text)
	}
	return nil
}
