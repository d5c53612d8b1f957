package profile

import (
	"cmp"
	"context"
	"encoding/binary"
	"slices"
)

// Contents implements Reader.
func (r *reader) Contents(ctx context.Context, ref Ref) (Contents, error) {
	c := Contents{Ref: ref, Wake: Wake{Ref: ref}}
	st, err := r.enterRef(ctx, ref.Subject)
	if err != nil {
		return c, err
	}
	sh, id, rec, err := r.view(st, ref)
	if err != nil {
		return c, err
	}
	defer r.unlock(sh)
	c.Ref.ID, c.Wake.Ref.ID = id, id
	if rec == nil {
		return c, nil
	}
	l := rec.linked()
	c.Known = rec.known
	c.IDs, c.Accounts, c.Senders, c.Merged = slices.Clone(l.ids), slices.Clone(l.accounts), slices.Clone(l.senders), slices.Clone(l.aliases)
	slices.Sort(c.Merged)
	for i := range rec.series {
		c.Messages = rec.series[i].appendMessages(c.Messages, id, st.dict)
	}
	c.Traits = unpackTraits(rec.traits, st.dict)
	for _, m := range rec.members {
		c.Members = append(c.Members, Membership{st.audiences.key(m.audience), c.Ref, fromNano(m.since)})
	}
	slices.SortFunc(c.Members, func(a, b Membership) int { return cmp.Compare(a.Audience, b.Audience) })
	for _, v := range rec.values() {
		c.Values = append(c.Values, st.value(st.audiences.key(v.key), c.Ref, v))
	}
	slices.SortFunc(c.Values, func(a, b ComputedValue) int { return cmp.Compare(a.Key, b.Key) })
	c.Wake.Version = rec.version
	if rec.wake != never {
		c.Wake.At = fromNano(rec.wake)
	}
	if rec.marks != nil {
		c.Wake.Marks = *rec.marks // they are replaced, never changed in place
	}
	return c, nil
}

// appendMessages appends what a series has.
func (s *series) appendMessages(list []KeptMessage, profile string, dict *Dict) []KeptMessage {
	u := unpacker{profile: profile, name: s.name.Value(), dict: dict}
	for w := s.walk(); w.next(); {
		if u.name != "" {
			list = append(list, KeptMessage{Event: u.event(&w.cursor)})
			continue
		}
		m := KeptMessage{Event: Event{Profile: profile, Time: fromNano(w.time), Seq: w.seq}}
		raw, rest := idOf(w.body)
		m.Event.MessageID = string(appendIDText(nil, w.body[0]&idMask, raw))
		if m.Call = w.body[0]&hasTraits != 0; m.Call {
			t, n := binary.Uvarint(rest)
			m.Time, m.Traits = fromNano(minNano+int64(t)), PackedObject(rest[n:], dict)
		}
		list = append(list, m)
	}
	return list
}
