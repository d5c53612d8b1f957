package funnel

import (
	"fmt"

	"github.com/muster-go/muster/internal/strictjson"
	"github.com/muster-go/muster/profile"
)

type funnelJSON struct {
	Window profile.Window `json:"window,omitzero"`
	Steps  []Step         `json:"steps"`
}

// MarshalJSON writes {"window": WINDOW, "steps": [STEP...]}.
func (f Funnel) MarshalJSON() ([]byte, error) { return strictjson.Encode(funnelJSON(f)) }

// UnmarshalJSON reads what MarshalJSON writes, strictly. It does not validate.
func (f *Funnel) UnmarshalJSON(text []byte) error {
	var j funnelJSON
	if err := strictjson.Decode(text, &j, profile.ErrInvalid); err != nil {
		return err
	}
	*f = Funnel(j)
	return nil
}

type stepJSON struct {
	Name    string   `json:"name"`
	Event   string   `json:"event,omitempty"`
	Names   []string `json:"names,omitempty"`
	Prefix  string   `json:"prefix,omitempty"`
	Any     bool     `json:"any,omitempty"`
	Filter  string   `json:"where,omitempty"`
	Within  *string  `json:"within,omitempty"`
	Not     bool     `json:"not,omitempty"`
	Pending bool     `json:"pending,omitempty"`

	UntilNext bool `json:"until_next,omitempty"`
	Next      bool `json:"next,omitempty"`
}

// MarshalJSON writes {"name": "ordered", "event": "Order Completed", "where":
// "CEL", "within": "7d", "not": true, "pending": true}, without what is not
// set.
func (s Step) MarshalJSON() ([]byte, error) {
	j := stepJSON{Name: s.Name, Event: s.Event, Names: s.Names, Prefix: s.Prefix, Any: s.Any, Filter: s.Filter, Not: s.Not, Pending: s.Pending, UntilNext: s.UntilNext, Next: s.Next}
	if s.Within != 0 {
		within := profile.FormatDuration(s.Within)
		j.Within = &within
	}
	return strictjson.Encode(j)
}

// UnmarshalJSON reads what MarshalJSON writes, strictly.
func (s *Step) UnmarshalJSON(text []byte) error {
	var j stepJSON
	if err := strictjson.Decode(text, &j, profile.ErrInvalid); err != nil {
		return err
	}
	read := Step{Name: j.Name, Event: j.Event, Names: j.Names, Prefix: j.Prefix, Any: j.Any, Filter: j.Filter, Not: j.Not, Pending: j.Pending, UntilNext: j.UntilNext, Next: j.Next}
	if j.Within != nil {
		d, err := profile.ParseDuration(*j.Within)
		if err != nil {
			return strictjson.At("within", err)
		}
		if d <= 0 {
			return strictjson.At("within", fmt.Errorf("%w: %s, leave it out for any time later", profile.ErrInvalid, *j.Within))
		}
		read.Within = d
	}
	*s = read
	return nil
}
