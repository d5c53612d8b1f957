package pebblestore_test

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/muster-go/muster/pebblestore"
	"github.com/muster-go/muster/profile"
	"github.com/stretchr/testify/require"
)

// changes makes random changes of all kinds, of few profiles, so that they meet.
type changes struct {
	rand *rand.Rand
	now  time.Time
	keys int
	n    int
}

func newChanges(seed uint64) *changes {
	return &changes{rand: rand.New(rand.NewPCG(seed, 7)), now: shopStart}
}

func (c *changes) user() string { return fmt.Sprintf("user\x00%d", c.rand.IntN(12)) }

func (c *changes) ref() profile.Ref {
	if c.rand.IntN(5) == 0 {
		return profile.AccountRef(fmt.Sprint("account ", c.rand.IntN(3)))
	}
	return profile.UserRef(c.user())
}

func (c *changes) batch() []profile.Change {
	c.now = c.now.Add(time.Duration(c.rand.IntN(100)) * time.Second)
	var batch []profile.Change
	for range 1 + c.rand.IntN(4) {
		batch = append(batch, c.change())
	}
	return batch
}

func (c *changes) change() profile.Change {
	c.n++
	id := fmt.Sprintf("%08x-8d3b-4c7f-9a10-0b2d4e6f8a1c", c.rand.IntN(5000))
	object, err := profile.NewObject(map[string]any{"n": c.n, fmt.Sprint("k", c.rand.IntN(40)): []any{"x", 1.5}})
	if err != nil {
		panic(err) // of the test's own data
	}
	at := c.now.Add(-time.Duration(c.rand.IntN(1000)) * time.Second)
	switch n := c.rand.IntN(100); {
	case n < 40:
		e := profile.Event{Profile: c.user(), Name: fmt.Sprint("event ", c.rand.IntN(4)), Time: at, MessageID: id, Properties: object}
		if n < 10 {
			e.Account = fmt.Sprint("account ", c.rand.IntN(3))
		}
		return &profile.PutEvent{Event: e}
	case n < 50:
		return &profile.PutTraits{Ref: c.ref(), Traits: object, Time: at, MessageID: id}
	case n < 55:
		return &profile.PutIDs{Ref: c.ref(), IDs: []profile.ExternalID{{Type: "email", Value: fmt.Sprint(c.rand.IntN(30))}}}
	case n < 59:
		return &profile.Merge{From: c.user(), Into: c.user(), MessageID: id}
	case n < 62:
		return &profile.Delete{Ref: c.ref()}
	case n < 66:
		return &profile.Join{User: c.user(), Account: fmt.Sprint("account ", c.rand.IntN(3)), MessageID: id}
	case n < 68:
		return &profile.Leave{User: c.user(), Account: fmt.Sprint("account ", c.rand.IntN(3))}
	case n < 80:
		return &profile.SetMember{Member: c.rand.IntN(3) > 0, Membership: profile.Membership{
			Audience: fmt.Sprint("audience ", c.rand.IntN(3)), Ref: c.ref(), Since: c.now}}
	case n < 86:
		return &profile.SetValue{Value: profile.ComputedValue{Key: fmt.Sprint("trait ", c.rand.IntN(2)), Ref: c.ref(),
			Value: profile.IntValue(int64(c.n)), Since: c.now}}
	case n < 87:
		return &profile.DropMembers{Audience: fmt.Sprint("audience ", c.rand.IntN(3))}
	case n < 88:
		return &profile.DropValues{Key: fmt.Sprint("trait ", c.rand.IntN(2))}
	case n < 93:
		w := profile.Wake{Ref: c.ref(), At: at, Version: uint32(c.n), Marks: []uint64{1, uint64(c.n) + 1}}
		if c.n%2 == 0 {
			w.Counts, w.Counted = []profile.UsersCount{{Mark: 1, Users: uint32(c.n), Meet: 3}, {Mark: 1 << 63}}, uint32(c.n)
		}
		return &profile.SetWake{Wake: w}
	case n < 96:
		return &profile.Tell{Bodies: [][]byte{[]byte(fmt.Sprint("told ", c.n)), {byte(c.n)}}}
	case n < 97:
		return &profile.SetRecord{Subscriber: fmt.Sprint("subscriber ", c.rand.IntN(2)),
			Record: profile.Record{Key: fmt.Sprint(c.rand.IntN(5)), Value: []byte(fmt.Sprint(c.n))[c.rand.IntN(2):]}}
	case n < 98:
		return &profile.SetCursor{Subscriber: fmt.Sprint("subscriber ", c.rand.IntN(2)), UpTo: uint64(c.rand.IntN(c.n))}
	}
	c.keys++
	return &profile.UseKey{Record: profile.KeyRecord{Key: fmt.Sprint("key ", c.n), Definition: []byte("{}"), Version: 3}}
}

// fill makes n random batches.
func fill(t testing.TB, s profile.Store, seed uint64, n int) {
	c := newChanges(seed)
	for range n {
		batch := c.batch()
		require.NoError(t, profile.Apply(context.Background(), s, c.now, batch...))
	}
}

// dump returns all that a reader answers, a line for each fact, or an error.
func dump(r profile.Reader) (lines []string, err error) {
	ctx := context.Background()
	d := dumper{add: func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }}
	seq, now, err := r.Position(ctx)
	d.check(err)
	d.add("position %d %s", seq, now)
	each(&d, r.Keys(ctx), func(k profile.KeyRecord) { d.add("key %+v", k) })
	o, err := r.Outbox(ctx)
	d.check(err)
	d.add("outbox {Last:%d Notices:%d Bytes:%d Cursors:%v}", o.Last, o.Notices, o.Bytes, o.Cursors)
	for _, name := range slices.Sorted(maps.Keys(o.Positions)) {
		d.add("position of %q: %+v", name, o.Positions[name])
	}
	each(&d, r.Notices(ctx, 0), func(n profile.Notice) { d.add("notice %d %q", n.ID, n.Body) })
	for i := range 3 {
		name := fmt.Sprint("subscriber ", i)
		each(&d, r.Records(ctx, name), func(r profile.Record) { d.add("record of %s: %q %q", name, r.Key, r.Value) })
	}
	for s := profile.User; s <= profile.Account; s++ {
		n, err := r.Count(ctx, s)
		d.check(err)
		d.add("%d of %s", n, s)
		each(&d, r.Profiles(ctx, s, ""), func(id string) { d.profile(ctx, r, profile.Ref{Subject: s, ID: id}) })
	}
	for i := range 12 {
		id, exists, err := r.Resolve(ctx, profile.UserRef(fmt.Sprintf("user\x00%d", i)))
		d.check(err)
		d.add("%d is %q %t", i, id, exists)
	}
	for i := range 3 {
		each(&d, r.Users(ctx, fmt.Sprint("account ", i)), func(id string) { d.add("account %d has %q", i, id) })
		each(&d, r.Senders(ctx, fmt.Sprint("account ", i)), func(id string) { d.add("account %d sent by %q", i, id) })
		key := fmt.Sprint("audience ", i)
		n, err := r.MemberCount(ctx, key)
		d.check(err)
		d.add("%d members of %s", n, key)
		each(&d, r.Members(ctx, key, ""), func(m profile.Membership) { d.add("member %+v", m) })
		each(&d, r.Holders(ctx, key, profile.User, ""), func(o profile.Holder) { d.add("holder %+v", o) })
		each(&d, r.Values(ctx, fmt.Sprint("trait ", i), ""), func(v profile.ComputedValue) {
			d.add("value %s %v %s %s", v.Key, v.Ref, v.Value, v.Since)
		})
	}
	page := make([]profile.Wake, 100)
	for lane := range profile.Lanes {
		n, err := r.Wakes(ctx, lane, profile.Wake{}, page)
		d.check(err)
		for _, w := range page[:n] {
			d.add("wake %v %s", w.Ref, w.At)
		}
	}
	return lines, d.err
}

type dumper struct {
	add func(format string, args ...any)
	err error
}

func (d *dumper) check(err error) {
	if d.err == nil {
		d.err = err
	}
}

func each[T any](d *dumper, seq iter.Seq2[T, error], do func(T)) {
	for item, err := range seq {
		if d.check(err); err == nil {
			do(item)
		}
	}
}

func (d *dumper) profile(ctx context.Context, r profile.Reader, ref profile.Ref) {
	ids, err := r.IDs(ctx, ref)
	d.check(err)
	wake, err := r.Wake(ctx, ref)
	d.check(err)
	members, err := r.Memberships(ctx, ref)
	d.check(err)
	d.add("%v has %v wakes %v in %v", ref, ids, wake, members)
	writes, err := r.Traits(ctx, ref)
	d.check(err)
	for _, w := range writes {
		d.add("%v trait %s=%s %s %q %d", ref, w.Name, w.Value, w.Time, w.MessageID, w.Seq)
	}
	values, err := r.ValuesOf(ctx, ref)
	d.check(err)
	for _, v := range values {
		d.add("%v value %s=%s %s", ref, v.Key, v.Value, v.Since)
	}
	if ref.Subject == profile.Account {
		return
	}
	known, err := r.Known(ctx, ref.ID)
	d.check(err)
	accounts, err := r.Accounts(ctx, ref.ID)
	d.check(err)
	d.add("%v known %t accounts %q", ref, known, accounts)
	each(d, r.EventNames(ctx, ref.ID), func(name string) {
		each(d, r.Events(ctx, ref.ID, name, time.Time{}), func(e profile.Event) {
			d.add("%v event %q %s %q %q %s %s %d", ref, name, e.Time, e.MessageID, e.Account, e.Properties, e.Context, e.Seq)
		})
	})
}

// sound fails the test unless Verify finds nothing.
func sound(t testing.TB, s *pebblestore.Store) {
	t.Helper()
	report, err := s.Verify(context.Background())
	require.NoError(t, err)
	require.Empty(t, report.Damages)
}
