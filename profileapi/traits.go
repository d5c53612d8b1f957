package profileapi

import (
	"cmp"
	"context"
	"crypto/sha256"
	"slices"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/internal/traitset"
	"github.com/muster-go/muster/profile"
)

// traits returns the traits after a key, in the order of names.
func (l *list) traits(ctx context.Context, after string) ([]item, error) {
	taken := map[string]bool{} // a name is of one class
	var items []item
	add := func(c class, name string, v profile.Value, since time.Time) {
		if taken[name] {
			return
		}
		taken[name] = true
		if !l.includes(name) || l.class != anyClass && l.class != c {
			return
		}
		if key := traitKey(name); l.next == "" || key > after {
			items = append(items, item{name, key, l.traitForm(v, since)})
		}
	}
	member, err := l.memberships(ctx)
	if err != nil {
		return nil, err
	}
	for i := range l.live {
		if d := &l.live[i]; concerns(d, l.ref.Subject) {
			since, in := member[d.Key]
			add(audienceClass, d.Key, profile.BoolValue(in), since)
		}
	}
	values, err := l.ValuesOf(ctx, l.ref)
	if err != nil {
		return nil, err
	}
	for _, v := range values {
		add(computedClass, v.Key, v.Value, v.Since)
	}
	writes, err := l.Traits(ctx, l.ref)
	if err != nil {
		return nil, err
	}
	custom, times := traitset.At(writes, 0, l.now.UnixNano()), l.winners(writes)
	for name, v := range custom.All() {
		add(customClass, name, v, times[name])
	}
	slices.SortFunc(items, func(a, b item) int { return cmp.Compare(a.key, b.key) })
	return items, nil
}

// traitJSON is the form of a trait if it is asked for verbosely.
type traitJSON struct {
	Value     profile.Value `json:"value"`
	UpdatedAt *time.Time    `json:"updated_at"`
}

// traitForm returns what the JSON of a trait is made of. The zero time is not known: since
// when somebody is no member of an audience.
func (l *list) traitForm(v profile.Value, since time.Time) any {
	switch {
	case !l.verbose:
		return v
	case since.IsZero():
		return traitJSON{Value: v}
	}
	return traitJSON{v, &since}
}

// memberships returns the keys of the audiences that the profile is in, and since when.
func (l *list) memberships(ctx context.Context) (map[string]time.Time, error) {
	members, err := l.Memberships(ctx, l.ref)
	if err != nil {
		return nil, err
	}
	in := make(map[string]time.Time, len(members))
	for _, m := range members {
		in[m.Audience] = m.Since
	}
	return in, nil
}

// concerns reports whether profiles of a subject may be members of an audience.
func concerns(d *audience.Definition, s profile.Subject) bool {
	return d.Of == s || d.PerUser && s == profile.User
}

// traitKey is the key of a trait: its name. Of one too long for a cursor it is
// the beginning and a digest: so such names have an order, if not their own.
func traitKey(name string) string {
	if len(name) <= profile.MaxID {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	return name[:profile.MaxID] + string(sum[:])
}
