// Package noticebody is what the body of a notice begins with, as the store keeps it: of
// whom it is and of what. The engine writes it, and who verifies a store reads it.
package noticebody

import (
	"encoding/json"
	"fmt"

	"github.com/muster-go/muster/profile"
)

// About is the part of a body that says of whom it is and of what.
type About struct {
	Audience string          `json:"audience,omitempty"` // one of the two is set, but of a change of ids
	Trait    string          `json:"trait,omitempty"`
	Subject  profile.Subject `json:"subject,omitempty"`
	Profile  string          `json:"profile"`
	Exited   bool            `json:"exited,omitempty"` // of an audience
}

// Ref returns the profile.
func (a About) Ref() profile.Ref { return profile.Ref{Subject: a.Subject, ID: a.Profile} }

// Read reads that part of a body. ok is false of one that no engine has written.
func Read(body []byte) (a About, ok bool, err error) {
	if len(body) == 0 || body[0] != '{' {
		return a, false, nil
	}
	if err := json.Unmarshal(body, &a); err != nil {
		return a, true, fmt.Errorf("body of a notice: %w", err)
	}
	return a, true, nil
}
