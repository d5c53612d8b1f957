package audience

import (
	"fmt"
	"strconv"

	"github.com/muster-go/muster/internal/network"
	"github.com/muster-go/muster/profile"
)

// Sample is a share of all profiles, always the same ones: for a test on a tenth of the
// users, or a control group. Who is in it follows from the id that the profile is kept under
// (of a user Profile.ID, of an account the group id) and the salt alone:
//
//	n = the first 8 hexadecimal digits of SHA-256(salt + ":" + id), as a number
//	in the share: n × 100 < percent × 2^32
//
// so that a warehouse can compute it as well; in DuckDB, for 10 percent of the salt spring:
//
//	SELECT id FROM users WHERE ('0x' || sha256('spring:' || id)[1:8])::BIGINT * 100 < 10 * 4294967296
//
// The share of a smaller percentage is a part of that of a larger one with the same salt.
// Shares of different salts have nothing to do with each other: choose one for each purpose.
//
// Profiles that are made one are in the share if the id that is kept is: by that id both go
// on. An anonymous visitor who becomes known is so judged anew, by the user's id.
type Sample struct {
	Percent float64 `json:"percent"` // more than 0, at most 100
	Salt    string  `json:"salt,omitempty"`
}

// Share is the condition of being in a share of all profiles; see Sample.
func Share(percent float64, salt string) Node {
	return Node{Sample: &Sample{Percent: percent, Salt: salt}}
}

// Takes reports whether the profile that is kept under an id is in the share.
func (s Sample) Takes(id string) bool { return network.Sample(s).Takes(id) }

func (s Sample) validate() error {
	if !(s.Percent > 0 && s.Percent <= 100) { // NaN is neither
		return fmt.Errorf("%w: %s percent, want more than 0 and at most 100", profile.ErrInvalid, s.percent())
	}
	if len(s.Salt) > MaxKey {
		return fmt.Errorf("%w: a salt of %d bytes, want at most %d", profile.ErrInvalid, len(s.Salt), MaxKey)
	}
	return nil
}

func (s Sample) percent() string { return strconv.FormatFloat(s.Percent, 'g', -1, 64) }

func (s Sample) describe() string {
	if s.Salt == "" {
		return "in a share of " + s.percent() + " %"
	}
	return fmt.Sprintf("in a share of %s %% by %q", s.percent(), s.Salt)
}

// sample checks a share.
func (pl *planner) sample(s *Sample, path string) (*network.Plan, error) {
	if err := s.validate(); err != nil {
		return nil, &pathError{path, err}
	}
	return &network.Plan{Kind: network.KindSample, Of: pl.of, Path: path, Sample: network.Sample(*s)}, nil
}
