package audience

import (
	"fmt"
	"time"

	"github.com/muster-go/muster/internal/strictjson"
	"github.com/muster-go/muster/profile"
)

// Regularly asks for events in at least so many of the last periods: period i, from 0, is the
// ages in [i*Of, (i+1)*Of), so the newest ends now. "On 15 of the last 30 days" is 15 of
// 30 periods of a day. The zero Regularly asks for nothing.
type Regularly struct {
	AtLeast, Periods int
	Of               time.Duration
}

// MaxPeriods is how many periods there are at most.
const MaxPeriods = 1000

// IsZero reports whether r asks for nothing.
func (r Regularly) IsZero() bool { return r == Regularly{} }

func (r Regularly) validate(e *Event) error {
	switch {
	case !e.Count.IsZero() || !e.Window.IsZero():
		return fmt.Errorf("%w: regularly has its own count and window", profile.ErrInvalid)
	case r.Periods < 1 || r.Periods > MaxPeriods:
		return fmt.Errorf("%w: %d periods, want 1 to %d", profile.ErrInvalid, r.Periods, MaxPeriods)
	case r.AtLeast < 1 || r.AtLeast > r.Periods:
		return fmt.Errorf("%w: at least %d of %d periods", profile.ErrInvalid, r.AtLeast, r.Periods)
	case r.Of <= 0 || r.Of > profile.MaxWindow/time.Duration(r.Periods):
		return fmt.Errorf("%w: periods of %s, want all to be of at most %s", profile.ErrInvalid,
			profile.FormatDuration(r.Of), profile.FormatDuration(profile.MaxWindow))
	}
	return nil
}

// Reach returns the window of the events that the condition looks at.
func (e *Event) Reach() profile.Window {
	if e.Regularly.IsZero() {
		return e.Window
	}
	return profile.Within(time.Duration(e.Regularly.Periods) * e.Regularly.Of)
}

func (r Regularly) describe() string {
	return fmt.Sprintf("in at least %d of the last %d periods of %s", r.AtLeast, r.Periods, profile.FormatDuration(r.Of))
}

type regularlyJSON struct {
	AtLeast int    `json:"at_least"`
	Periods int    `json:"periods"`
	Of      string `json:"of"`
}

// MarshalJSON writes {"at_least": 15, "periods": 30, "of": "1d"}.
func (r Regularly) MarshalJSON() ([]byte, error) {
	return strictjson.Encode(regularlyJSON{r.AtLeast, r.Periods, profile.FormatDuration(r.Of)})
}

// UnmarshalJSON reads what MarshalJSON writes, strictly.
func (r *Regularly) UnmarshalJSON(text []byte) error {
	var j regularlyJSON
	if err := strictjson.Decode(text, &j, profile.ErrInvalid); err != nil {
		return err
	}
	of, err := profile.ParseDuration(j.Of)
	if err != nil {
		return strictjson.At("of", err)
	}
	read := Regularly{j.AtLeast, j.Periods, of}
	if err := read.validate(&Event{}); err != nil {
		return err
	}
	*r = read
	return nil
}
