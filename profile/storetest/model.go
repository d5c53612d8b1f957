package storetest

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/muster-go/muster/profile"
)

// model is a store made of slices and maps, too simple to be wrong: what the
// documentation says, done the slow way. It keeps everything, and never fails.
type model struct {
	profiles map[profile.Ref]*modelProfile
	merged   map[string]string
	deleted  map[profile.Ref]map[string]bool // message ids of deleted profiles, by each of their ids
	members  map[string]map[profile.Ref]time.Time
	values   map[string]map[profile.Ref]profile.ComputedValue
	keys     []profile.KeyRecord
	seq      uint64
	now      time.Time
}

type modelProfile struct {
	events   []profile.Event
	writes   []profile.TraitWrite
	calls    map[string]uint64 // message ids of what is no event, with their arrival
	ids      map[profile.ExternalID]bool
	accounts map[string]bool
	senders  map[string]bool
	known    bool
	pruned   time.Time // when traits were set last
	wake     profile.Wake
}

func newModel() *model {
	return &model{
		profiles: map[profile.Ref]*modelProfile{},
		merged:   map[string]string{},
		deleted:  map[profile.Ref]map[string]bool{},
		members:  map[string]map[profile.Ref]time.Time{},
		values:   map[string]map[profile.Ref]profile.ComputedValue{},
	}
}

func (m *model) resolve(ref profile.Ref) profile.Ref {
	if into, ok := m.merged[ref.ID]; ok && ref.Subject == profile.User {
		return profile.UserRef(into)
	}
	return ref
}

// make returns the profile of ref, and whether it was made.
func (m *model) make(ref profile.Ref) (*modelProfile, bool) {
	p, ok := m.profiles[ref]
	if !ok {
		p = &modelProfile{calls: map[string]uint64{}, ids: map[profile.ExternalID]bool{},
			accounts: map[string]bool{}, senders: map[string]bool{}}
		m.profiles[ref] = p
	}
	return p, !ok
}

// seen reports whether a message sent for a profile is a duplicate.
func (m *model) seen(ref profile.Ref, messageID string) bool {
	return m.deleted[ref][messageID] || m.profiles[m.resolve(ref)].seen(messageID)
}

func (p *modelProfile) seen(messageID string) bool {
	return p != nil && messageID != "" && (p.calls[messageID] > 0 || p.event(messageID) >= 0)
}

// remember keeps the id of a message that is no event.
func (m *model) remember(p *modelProfile, messageID string) {
	if messageID != "" && !p.seen(messageID) {
		m.seq++
		p.calls[messageID] = m.seq
	}
}

// event returns the place of an event, -1 if there is none.
func (p *modelProfile) event(messageID string) int {
	return slices.IndexFunc(p.events, func(e profile.Event) bool { return messageID != "" && e.MessageID == messageID })
}

// apply makes one change, and returns it as it must come back from a store.
func (m *model) apply(now time.Time, c profile.Change) profile.Change {
	if now.After(m.now) {
		m.now = now
	}
	switch c := c.(type) {
	case *profile.PutEvent:
		return m.putEvent(*c)
	case *profile.PutTraits:
		return m.putTraits(*c)
	case *profile.PutIDs:
		out, ref := *c, m.resolve(c.Ref)
		p, created := m.make(ref)
		had := len(p.ids)
		for _, id := range c.IDs {
			p.ids[id] = true
		}
		p.known = p.known || !c.Visitor
		out.OutID, out.Created, out.Changed = ref.ID, created, len(p.ids) > had
		return &out
	case *profile.Merge:
		return m.merge(*c)
	case *profile.Delete:
		return m.delete(*c)
	case *profile.Join:
		out, ref := *c, m.resolve(profile.UserRef(c.User))
		out.OutUser = ref.ID
		if out.Duplicate = m.seen(profile.UserRef(c.User), c.MessageID); out.Duplicate {
			return &out
		}
		var p *modelProfile
		p, out.CreatedUser = m.make(ref)
		_, out.CreatedAccount = m.make(profile.AccountRef(c.Account))
		out.Changed = !p.accounts[c.Account]
		p.accounts[c.Account] = true
		p.known = p.known || !c.Visitor
		m.remember(p, c.MessageID)
		return &out
	case *profile.Leave:
		out, ref := *c, m.resolve(profile.UserRef(c.User))
		out.OutUser = ref.ID
		if p := m.profiles[ref]; p != nil {
			out.Changed = p.accounts[c.Account]
			delete(p.accounts, c.Account)
		}
		return &out
	case *profile.SetMember:
		key, ref := c.Membership.Audience, m.resolve(c.Membership.Ref)
		if m.members[key] == nil {
			m.members[key] = map[profile.Ref]time.Time{}
		}
		if delete(m.members[key], ref); c.Member && m.profiles[ref] != nil {
			m.members[key][ref] = c.Membership.Since
		}
	case *profile.DropMembers:
		delete(m.members, c.Audience)
	case *profile.SetValue:
		v := c.Value
		v.Ref = m.resolve(v.Ref)
		if m.values[v.Key] == nil {
			m.values[v.Key] = map[profile.Ref]profile.ComputedValue{}
		}
		if delete(m.values[v.Key], v.Ref); !v.Value.IsNull() && m.profiles[v.Ref] != nil {
			m.values[v.Key][v.Ref] = v
		}
	case *profile.SetWake:
		w := c.Wake
		w.Ref = m.resolve(w.Ref)
		if p := m.profiles[w.Ref]; p != nil {
			p.wake = w
		}
	case *profile.DropValues:
		delete(m.values, c.Key)
	case *profile.UseKey:
		m.keys = append(m.keys, c.Record)
	case *profile.SetKey:
		i := slices.IndexFunc(m.keys, func(k profile.KeyRecord) bool { return k.Key == c.Record.Key })
		m.keys[i] = c.Record
	}
	return c
}

func (m *model) putEvent(c profile.PutEvent) profile.Change {
	ref := m.resolve(profile.UserRef(c.Event.Profile))
	c.OutID = ref.ID
	if c.Duplicate = m.seen(profile.UserRef(c.Event.Profile), c.Event.MessageID); c.Duplicate {
		return &c
	}
	p, created := m.make(ref)
	p.known = p.known || !c.Visitor
	m.seq++
	c.OutSeq, c.Created = m.seq, created
	e := c.Event
	e.Seq = m.seq
	p.events = append(p.events, e)
	if e.Account != "" {
		p.senders[e.Account] = true
	}
	return &c
}

func (m *model) putTraits(c profile.PutTraits) profile.Change {
	ref := m.resolve(c.Ref)
	c.OutID = ref.ID
	if c.Duplicate = m.seen(c.Ref, c.MessageID); c.Duplicate {
		return &c
	}
	p, created := m.make(ref)
	p.known = p.known || !c.Visitor
	m.seq++
	c.OutSeq, c.Created = m.seq, created
	for name, v := range c.Traits.All() {
		p.writes = append(p.writes, profile.TraitWrite{Name: name, Value: v, Time: c.Time, MessageID: c.MessageID, Seq: m.seq})
	}
	p.pruned = m.now
	if c.MessageID != "" {
		p.calls[c.MessageID] = m.seq
	}
	return &c
}

func (m *model) merge(c profile.Merge) profile.Change {
	from, into := m.resolve(profile.UserRef(c.From)), m.resolve(profile.UserRef(c.Into))
	c.OutFrom, c.OutInto = from.ID, into.ID
	if c.Duplicate = m.seen(profile.UserRef(c.Into), c.MessageID); c.Duplicate || from == into {
		return &c
	}
	f, _ := m.make(from)
	p, created := m.make(into)
	c.Created = created
	for _, e := range f.events {
		if i := p.event(e.MessageID); i >= 0 {
			e = slices.MinFunc([]profile.Event{e, p.events[i]}, func(a, b profile.Event) int { return cmp.Compare(a.Seq, b.Seq) })
			p.events = slices.Delete(p.events, i, i+1)
		}
		p.events = append(p.events, e)
	}
	p.writes = append(p.writes, f.writes...)
	p.pruned = m.now
	for id, seq := range f.calls {
		if first := p.calls[id]; first == 0 || seq < first {
			p.calls[id] = seq
		}
	}
	p.dropRepeated()
	p.known = true
	m.remember(p, c.MessageID)
	maps.Copy(p.ids, f.ids)
	maps.Copy(p.accounts, f.accounts)
	maps.Copy(p.senders, f.senders)
	m.remove(from)
	m.merged[from.ID] = into.ID
	for id, to := range m.merged {
		if to == from.ID {
			m.merged[id] = into.ID
		}
	}
	return &c
}

// dropRepeated keeps of all messages with the same id the one that arrived
// first, whatever its kind.
func (p *modelProfile) dropRepeated() {
	for id, seq := range p.calls {
		i := p.event(id)
		switch {
		case i >= 0 && p.events[i].Seq < seq:
			delete(p.calls, id)
			seq = p.events[i].Seq
		case i >= 0:
			p.events = slices.Delete(p.events, i, i+1)
		}
		p.writes = slices.DeleteFunc(p.writes, func(w profile.TraitWrite) bool { return w.MessageID == id && w.Seq > seq })
	}
}

func (m *model) delete(c profile.Delete) profile.Change {
	ref := m.resolve(c.Ref)
	c.OutID, c.Existed = ref.ID, m.profiles[ref] != nil
	if c.Existed {
		m.bury(ref)
	}
	m.remove(ref)
	if ref.Subject == profile.User {
		maps.DeleteFunc(m.merged, func(_, into string) bool { return into == ref.ID })
		return &c
	}
	for _, p := range m.profiles {
		delete(p.accounts, ref.ID)
	}
	return &c
}

// bury remembers the messages of a profile that is deleted, under all its ids.
func (m *model) bury(ref profile.Ref) {
	refs := []profile.Ref{ref}
	for id, into := range m.merged {
		if into == ref.ID && ref.Subject == profile.User {
			refs = append(refs, profile.UserRef(id))
		}
	}
	p := m.profiles[ref]
	for _, ref := range refs {
		if m.deleted[ref] == nil {
			m.deleted[ref] = map[string]bool{}
		}
		for id := range p.calls {
			m.deleted[ref][id] = true
		}
		for _, e := range p.events {
			if e.MessageID != "" {
				m.deleted[ref][e.MessageID] = true
			}
		}
	}
}

// remove removes a profile with what the engine has made of it.
func (m *model) remove(ref profile.Ref) {
	delete(m.profiles, ref)
	for _, refs := range m.members {
		delete(refs, ref)
	}
	for _, refs := range m.values {
		delete(refs, ref)
	}
}

// traits returns the writes that can still matter, by trying every instant and
// every arrival number.
func (m *model) traits(ref profile.Ref) []profile.TraitWrite {
	p := m.profiles[ref]
	if p == nil {
		return nil
	}
	instants, arrivals := []time.Time{p.pruned}, []uint64{0}
	for _, w := range p.writes {
		arrivals = append(arrivals, w.Seq)
		if w.Time.After(p.pruned) {
			instants = append(instants, w.Time)
		}
	}
	var matter []profile.TraitWrite
	for i, w := range p.writes {
		if slices.ContainsFunc(instants, func(t time.Time) bool {
			return slices.ContainsFunc(arrivals, func(n uint64) bool { return p.greatest(w.Name, t, n) == i })
		}) {
			matter = append(matter, w)
		}
	}
	slices.SortStableFunc(matter, func(a, b profile.TraitWrite) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), a.Compare(b))
	})
	return matter
}

// greatest returns the place of the write that counts: of equal ones, which
// only a merge makes, the last to arrive.
func (p *modelProfile) greatest(name string, t time.Time, n uint64) int {
	best := -1
	for i, w := range p.writes {
		if w.Name != name || w.Time.After(t) || w.Seq <= n {
			continue
		}
		if best < 0 || w.Compare(p.writes[best]) > 0 {
			best = i
		}
	}
	return best
}

// describeValues writes computed values, in their order, with what kinds they are.
func describeValues(values []profile.ComputedValue) (list []string) {
	for _, v := range values {
		list = append(list, fmt.Sprintf("%s of %s %s: %s %s since %s", v.Key, v.Ref.Subject, v.Ref.ID,
			v.Value.Kind(), v.Value, v.Since.Format(time.RFC3339Nano)))
	}
	return list
}

// describe writes an event in one line.
func describe(e profile.Event) string {
	return fmt.Sprintf("%s %q %s %q account %q %s %s seq %d", e.Profile, e.Name, e.Time.UTC().Format(time.RFC3339Nano),
		e.MessageID, e.Account, e.Properties, e.Context, e.Seq)
}
