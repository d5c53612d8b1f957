package profileapi

import (
	"cmp"
	"context"
	"crypto/sha256"
	"slices"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/internal/traitset"
	"github.com/muster-go/muster/profile"
)

// traits returns the traits after a key, in the order of names.
func (l *list) traits(ctx context.Context, after string) ([]item, error) {
	taken := map[string]bool{} // a name is of one class
	var items []item
	add := func(c class, name string, v profile.Value) {
		if taken[name] {
			return
		}
		taken[name] = true
		if !l.includes(name) || l.class != anyClass && l.class != c {
			return
		}
		if key := traitKey(name); l.next == "" || key > after {
			items = append(items, item{name, key, v})
		}
	}
	member, err := l.memberships(ctx)
	if err != nil {
		return nil, err
	}
	for i := range l.live {
		if d := &l.live[i]; concerns(d, l.ref.Subject) {
			add(audienceClass, d.Key, profile.BoolValue(member[d.Key]))
		}
	}
	values, err := l.ValuesOf(ctx, l.ref)
	if err != nil {
		return nil, err
	}
	for _, v := range values {
		add(computedClass, v.Key, v.Value)
	}
	writes, err := l.Traits(ctx, l.ref)
	if err != nil {
		return nil, err
	}
	custom := traitset.At(writes, 0, l.now.UnixNano())
	for name, v := range custom.All() {
		add(customClass, name, v)
	}
	slices.SortFunc(items, func(a, b item) int { return cmp.Compare(a.key, b.key) })
	return items, nil
}

// memberships returns the keys of the audiences that the profile is in.
func (l *list) memberships(ctx context.Context) (map[string]bool, error) {
	members, err := l.Memberships(ctx, l.ref)
	if err != nil {
		return nil, err
	}
	in := make(map[string]bool, len(members))
	for _, m := range members {
		in[m.Audience] = true
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
