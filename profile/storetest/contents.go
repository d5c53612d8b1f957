package storetest

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/muster-go/muster/profile"
	"github.com/stretchr/testify/require"
)

// The names that random changes are made of: few, so that they meet.
var (
	someUsers     = []string{"a", "b", "c", "d", "e", "f", "g", "h"}
	someAccounts  = []string{"acme", "beta", "a"}
	someNames     = []string{"A", "B", "C"}
	someAudiences = []string{"x", "y"}
	someComputed  = []string{"v", "w"}
	someIDs       = ids("email", "a@x", "email", "b@x", "phone", "1")
)

// contents returns all that a reader answers, a line for each fact.
func contents(h *harness, r profile.Reader) (lines []string) {
	h.Helper()
	add := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	seq, now, err := r.Position(h.ctx())
	require.NoError(h, err)
	add("position %d %s", seq, now)
	for _, s := range []profile.Subject{profile.User, profile.Account} {
		n, err := r.Count(h.ctx(), s)
		require.NoError(h, err)
		add("%s count %d", s, n)
		add("%s profiles %q", s, all(h, r.Profiles(h.ctx(), s, "")))
		for _, id := range someIDs {
			found, err := r.Find(h.ctx(), s, id)
			require.NoError(h, err)
			add("%s find %v %q", s, id, found)
		}
	}
	for _, id := range someUsers {
		lines = append(lines, refContents(h, r, profile.UserRef(id))...)
		for _, name := range all(h, r.EventNames(h.ctx(), id)) {
			add("%s has %q", id, name)
			for _, e := range all(h, r.Events(h.ctx(), id, name, time.Time{})) {
				add("%s event %s", id, describe(e))
			}
		}
		accounts, err := r.Accounts(h.ctx(), id)
		require.NoError(h, err)
		known, err := r.Known(h.ctx(), id)
		require.NoError(h, err)
		add("%s known %t accounts %q", id, known, accounts)
	}
	for _, id := range someAccounts {
		lines = append(lines, refContents(h, r, profile.AccountRef(id))...)
		add("%s users %q senders %q", id, all(h, r.Users(h.ctx(), id)), all(h, r.Senders(h.ctx(), id)))
	}
	for _, key := range someAudiences {
		n, err := r.MemberCount(h.ctx(), key)
		require.NoError(h, err)
		add("%s members %d %v", key, n, all(h, r.Members(h.ctx(), key, "")))
	}
	for _, key := range someComputed {
		add("%s values %v", key, describeValues(all(h, r.Values(h.ctx(), key, ""))))
	}
	for _, key := range slices.Concat(someAudiences, someComputed) {
		for _, s := range []profile.Subject{profile.User, profile.Account} {
			most, err := r.MaxIDs(h.ctx(), key, s)
			require.NoError(h, err)
			add("%s of %s %q, ids at most %v", key, s, describeHolders(all(h, r.Holders(h.ctx(), key, s, ""))), most)
		}
	}
	for lane := range profile.Lanes {
		for _, w := range wakesOf(h, r, lane) {
			lines = append(lines, wakeLine(w))
		}
	}
	return append(lines, keyLines(all(h, r.Keys(h.ctx())))...)
}

func refContents(h *harness, r profile.Reader, ref profile.Ref) (lines []string) {
	h.Helper()
	id, exists, err := r.Resolve(h.ctx(), ref)
	require.NoError(h, err)
	writes, err := r.Traits(h.ctx(), ref)
	require.NoError(h, err)
	ids, err := r.IDs(h.ctx(), ref)
	require.NoError(h, err)
	wake, err := r.Wake(h.ctx(), ref)
	require.NoError(h, err)
	memberships, err := r.Memberships(h.ctx(), ref)
	require.NoError(h, err)
	values, err := r.ValuesOf(h.ctx(), ref)
	require.NoError(h, err)
	return append(refLines(ref, id, exists, writes, ids, memberships, values), wakeLine(wake))
}

func wakeLine(w profile.Wake) string {
	return fmt.Sprintf("%s %s wakes at %s version %d marks %v counts %v of %d", w.Ref.Subject, w.Ref.ID, w.At.UTC(), w.Version, w.Marks, w.Counts, w.Counted)
}

func refLines(ref profile.Ref, id string, exists bool, writes []profile.TraitWrite,
	ids []profile.ExternalID, memberships []profile.Membership, values []profile.ComputedValue) (lines []string) {
	lines = append(lines, fmt.Sprintf("%v is %q %t ids %v in %v has %v", ref, id, exists, ids, memberships, describeValues(values)))
	for _, w := range writes {
		lines = append(lines, fmt.Sprintf("%v trait %s=%s %s %q seq %d", ref, w.Name, w.Value,
			w.Time.UTC().Format(time.RFC3339Nano), w.MessageID, w.Seq))
	}
	return lines
}

func keyLines(keys []profile.KeyRecord) (lines []string) {
	for _, k := range keys {
		lines = append(lines, fmt.Sprintf("key %s %q %d %d %t", k.Key, k.Definition, k.Since, k.Version, k.Pending))
	}
	return lines
}

// contents is what contents returns of a store that holds the same.
func (m *model) contents() (lines []string) {
	add := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	add("position %d %s", m.seq, m.now)
	for _, s := range []profile.Subject{profile.User, profile.Account} {
		list := m.refs(s, func(*modelProfile) bool { return true })
		add("%s count %d", s, len(list))
		add("%s profiles %q", s, list)
		for _, id := range someIDs {
			add("%s find %v %q", s, id, m.refs(s, func(p *modelProfile) bool { return p.ids[id] }))
		}
	}
	for _, id := range someUsers {
		ref := m.resolve(profile.UserRef(id))
		lines = append(lines, m.refLines(profile.UserRef(id), ref)...)
		p := m.profiles[ref]
		if p == nil {
			p = &modelProfile{}
		}
		for _, name := range someNames {
			events := p.named(ref.ID, name)
			if len(events) > 0 {
				add("%s has %q", id, name)
			}
			for _, e := range events {
				add("%s event %s", id, describe(e))
			}
		}
		add("%s known %t accounts %q", id, p.known, slices.Sorted(maps.Keys(p.accounts)))
	}
	for _, id := range someAccounts {
		lines = append(lines, m.refLines(profile.AccountRef(id), profile.AccountRef(id))...)
		add("%s users %q senders %q", id,
			m.refs(profile.User, func(p *modelProfile) bool { return p.accounts[id] }),
			m.refs(profile.User, func(p *modelProfile) bool { return p.senders[id] }))
	}
	for _, key := range someAudiences {
		var members []profile.Membership
		for ref, since := range m.members[key] {
			members = append(members, profile.Membership{Audience: key, Ref: ref, Since: since})
		}
		slices.SortFunc(members, func(a, b profile.Membership) int {
			return cmp.Or(cmp.Compare(a.Ref.Subject, b.Ref.Subject), cmp.Compare(a.Ref.ID, b.Ref.ID))
		})
		add("%s members %d %v", key, len(members), members)
	}
	for _, key := range someComputed {
		values := slices.SortedFunc(maps.Values(m.values[key]), func(a, b profile.ComputedValue) int {
			return cmp.Or(cmp.Compare(a.Ref.Subject, b.Ref.Subject), cmp.Compare(a.Ref.ID, b.Ref.ID))
		})
		add("%s values %v", key, describeValues(values))
	}
	for _, key := range slices.Concat(someAudiences, someComputed) {
		for _, s := range []profile.Subject{profile.User, profile.Account} {
			add("%s of %s %q, ids at most %v", key, s, describeHolders(m.holders(key, s)), m.maxIDs(key, s))
		}
	}
	for lane := range profile.Lanes {
		for _, w := range m.wakes(lane) {
			lines = append(lines, wakeLine(w))
		}
	}
	return append(lines, keyLines(m.keys)...)
}

func (m *model) refs(s profile.Subject, with func(*modelProfile) bool) (list []string) {
	for ref, p := range m.profiles {
		if ref.Subject == s && with(p) {
			list = append(list, ref.ID)
		}
	}
	slices.Sort(list)
	return list
}

func (m *model) refLines(asked, ref profile.Ref) []string {
	var memberships []profile.Membership
	for _, key := range slices.Sorted(maps.Keys(m.members)) {
		if since, in := m.members[key][ref]; in {
			memberships = append(memberships, profile.Membership{Audience: key, Ref: ref, Since: since})
		}
	}
	var values []profile.ComputedValue
	for _, key := range slices.Sorted(maps.Keys(m.values)) {
		if v, ok := m.values[key][ref]; ok {
			values = append(values, v)
		}
	}
	return append(refLines(asked, ref.ID, m.profiles[ref] != nil, m.traits(ref), m.ids(ref), memberships, values), wakeLine(m.wake(ref)))
}

func (m *model) wake(ref profile.Ref) profile.Wake {
	w := profile.Wake{}
	if p := m.profiles[ref]; p != nil {
		w = p.wake
	}
	w.Ref = ref
	return w
}

// wakes returns those of a lane, in their order.
func (m *model) wakes(lane int) (wakes []profile.Wake) {
	for ref, p := range m.profiles {
		if profile.Lane(ref.ID) == lane && !p.wake.At.IsZero() {
			wakes = append(wakes, profile.Wake{Ref: ref, At: p.wake.At})
		}
	}
	slices.SortFunc(wakes, profile.CompareWakes)
	return wakes
}

// ids returns the external ids of a profile, in their order.
func (m *model) ids(ref profile.Ref) (list []profile.ExternalID) {
	if p := m.profiles[ref]; p != nil {
		list = slices.Collect(maps.Keys(p.ids))
	}
	slices.SortFunc(list, func(a, b profile.ExternalID) int {
		return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.Value, b.Value))
	})
	return list
}

// named returns the events of a name, in their order, as those of a profile.
func (p *modelProfile) named(id, name string) (list []profile.Event) {
	for _, e := range p.events {
		if e.Name == name {
			e.Profile = id
			list = append(list, e)
		}
	}
	slices.SortFunc(list, func(a, b profile.Event) int { return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.Seq, b.Seq)) })
	return list
}
