package funnel

import (
	"encoding/json"
	"fmt"

	"github.com/muster-go/muster/internal/strictjson"
	"github.com/muster-go/muster/profile"
)

type funnelJSON struct {
	Window profile.Window `json:"window,omitzero"`
	Steps  []Step         `json:"steps"`
}

// MarshalJSON writes {"window": WINDOW, "steps": [STEP...]}.
func (f Funnel) MarshalJSON() ([]byte, error) { return json.Marshal(funnelJSON(f)) }

// UnmarshalJSON reads what MarshalJSON writes, strictly. It does not validate.
func (f *Funnel) UnmarshalJSON(text []byte) error {
	var j funnelJSON
	if err := strictjson.Decode(text, &j); err != nil {
		return fmt.Errorf("%w: funnel: %w", profile.ErrInvalid, err)
	}
	*f = Funnel(j)
	return nil
}

type stepJSON struct {
	Name    string  `json:"name"`
	Event   string  `json:"event"`
	Filter  string  `json:"where,omitempty"`
	Within  *string `json:"within,omitempty"`
	Not     bool    `json:"not,omitempty"`
	Pending bool    `json:"pending,omitempty"`
}

// MarshalJSON writes {"name": "ordered", "event": "Order Completed", "where":
// "CEL", "within": "7d", "not": true, "pending": true}, without what is not
// set.
func (s Step) MarshalJSON() ([]byte, error) {
	j := stepJSON{Name: s.Name, Event: s.Event, Filter: s.Filter, Not: s.Not, Pending: s.Pending}
	if s.Within != 0 {
		within := profile.FormatDuration(s.Within)
		j.Within = &within
	}
	return json.Marshal(j)
}

// UnmarshalJSON reads what MarshalJSON writes, strictly.
func (s *Step) UnmarshalJSON(text []byte) error {
	var j stepJSON
	if err := strictjson.Decode(text, &j); err != nil {
		return fmt.Errorf("%w: step: %w", profile.ErrInvalid, err)
	}
	read := Step{Name: j.Name, Event: j.Event, Filter: j.Filter, Not: j.Not, Pending: j.Pending}
	if j.Within != nil {
		d, err := profile.ParseDuration(*j.Within)
		if err != nil {
			return fmt.Errorf("step %q: within: %w", j.Name, err)
		}
		if d <= 0 {
			return fmt.Errorf("%w: step %q: within %s, leave it out for any time later", profile.ErrInvalid, j.Name, *j.Within)
		}
		read.Within = d
	}
	*s = read
	return nil
}
