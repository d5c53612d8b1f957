package audience

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/muster-go/muster/internal/strictjson"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
)

// File is a definitions file.
type File struct {
	Schema      string           `json:"$schema,omitempty"`     // for editors
	Description string           `json:"description,omitempty"` // for people
	Traits      []trait.Computed `json:"traits,omitzero"`
	Audiences   []Definition     `json:"audiences,omitzero"`
}

// ParseFile reads a definitions file, strictly: unknown fields, and those that are
// there twice, are errors. The error is a *FileError. The definitions are not
// compiled: see File.Check, and Locate for where in the file its errors are.
func ParseFile(text []byte) (File, error) {
	var f File
	if err := strictjson.Decode(text, &f, profile.ErrInvalid); err != nil {
		return File{}, fileError(text, err)
	}
	return f, nil
}

// FormatFile writes a definitions file that ParseFile reads back to an equal File,
// for people to read.
func FormatFile(f File) ([]byte, error) {
	text, err := strictjson.Encode(f)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := json.Indent(&b, text, "", "  "); err != nil {
		return nil, err
	}
	b.WriteByte('\n')
	return b.Bytes(), nil
}

// definitionJSON is the JSON form of a Definition; backfill is true by default.
type definitionJSON struct {
	Key         string   `json:"key"`
	Name        string   `json:"name,omitempty"`
	Description string   `json:"description,omitempty"`
	Tags        []string `json:"tags,omitempty"`
	Owner       string   `json:"owner,omitempty"`
	Of          string   `json:"of,omitempty"`
	PerUser     bool     `json:"per_user,omitempty"`
	Backfill    *bool    `json:"backfill,omitempty"`
	Batch       string   `json:"batch,omitempty"`
	Paused      bool     `json:"paused,omitempty"`
	Where       Node     `json:"where"`
}

// MarshalJSON writes the JSON form, which UnmarshalJSON reads back to an equal
// Definition.
func (d Definition) MarshalJSON() ([]byte, error) {
	j := definitionJSON{Key: d.Key, Name: d.Name, Description: d.Description, Tags: d.Tags, Owner: d.Owner, PerUser: d.PerUser, Paused: d.Paused, Where: d.Where}
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
	return strictjson.Encode(j)
}

// UnmarshalJSON reads the JSON form, strictly.
func (d *Definition) UnmarshalJSON(text []byte) error {
	var j definitionJSON
	if err := strictjson.Decode(text, &j, profile.ErrInvalid); err != nil {
		return err
	}
	if j.Of != "" && j.Of != "users" && j.Of != "accounts" {
		return strictjson.At("of", fmt.Errorf(`%w: %q, want "users" or "accounts"`, profile.ErrInvalid, j.Of))
	}
	*d = Definition{
		Key:         j.Key,
		Name:        j.Name,
		Description: j.Description,
		Tags:        j.Tags,
		Owner:       j.Owner,
		PerUser:     j.PerUser,
		Paused:      j.Paused,
		NoBackfill:  j.Backfill != nil && !*j.Backfill,
		Where:       j.Where,
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
			return strictjson.At("batch", err)
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

// MarshalJSON writes {"at_least": 3}, {"at_most": 2}, {"exactly": 1} or
// {"at_least": 2, "at_most": 5}.
func (c Count) MarshalJSON() ([]byte, error) {
	switch c.Comparison {
	case AtMost:
		return strictjson.Encode(countJSON{AtMost: &c.N})
	case Exactly:
		return strictjson.Encode(countJSON{Exactly: &c.N})
	case Range:
		return strictjson.Encode(countJSON{AtLeast: &c.N, AtMost: &c.Max})
	}
	n := max(c.N, 1)
	return strictjson.Encode(countJSON{AtLeast: &n})
}

// UnmarshalJSON reads what MarshalJSON writes, strictly.
func (c *Count) UnmarshalJSON(text []byte) error {
	var j countJSON
	if err := strictjson.Decode(text, &j, profile.ErrInvalid); err != nil {
		return err
	}
	switch {
	case j.Exactly != nil && j.AtLeast == nil && j.AtMost == nil:
		*c = Count{Comparison: Exactly, N: *j.Exactly}
	case j.Exactly != nil, j.AtLeast == nil && j.AtMost == nil:
		return fmt.Errorf(`%w: a count is one of {"at_least": n}, {"at_most": n}, {"at_least": n, "at_most": m} and {"exactly": n}`, profile.ErrInvalid)
	case j.AtMost == nil:
		*c = Count{Comparison: AtLeast, N: *j.AtLeast}
	case j.AtLeast == nil:
		*c = Count{Comparison: AtMost, N: *j.AtMost}
	default:
		*c = Count{Comparison: Range, N: *j.AtLeast, Max: *j.AtMost}
	}
	if c.IsZero() {
		return fmt.Errorf("%w: at_least 0 always holds", profile.ErrInvalid)
	}
	return c.validate()
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
