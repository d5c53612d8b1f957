package storetest

import (
	"context"
	"fmt"
	"time"

	"github.com/muster-go/muster/profile"
	"github.com/stretchr/testify/require"
)

var applyCases = []testCase{
	{name: "a batch that fails changes nothing", run: func(h *harness) {
		h.apply(event("a", "A", "1", 0), member("x", profile.UserRef("a")), value("v", profile.UserRef("a"), 1), use("k", "1"))
		before := contents(h, h.store)
		for _, bad := range []profile.Change{
			event("", "A", "", 0), traits(profile.UserRef(""), "", 0, `{}`), value("", profile.UserRef("a"), 1), use("k", "2"), set("none", nil), merge("a", ""),
		} {
			err := profile.Apply(h.ctx(), h.store, h.now.Add(time.Hour),
				event("a", "A", "2", 0), event("b", "A", "3", 0), traits(profile.UserRef("a"), "4", 0, `{"p": 1}`),
				&profile.PutIDs{Ref: profile.UserRef("a"), IDs: someIDs}, merge("a", "b"), &profile.Delete{Ref: profile.UserRef("b")},
				&profile.Join{User: "a", Account: "acme"}, &profile.DropMembers{Audience: "x"},
				value("v", profile.UserRef("b"), 2), &profile.DropValues{Key: "v"}, use("new", "1"), set("k", nil), bad)
			require.Error(h, err)
			require.Equal(h, before, contents(h, h.store))
		}
	}},
	{name: "the changes of a batch are made in order", run: func(h *harness) {
		a := profile.UserRef("a")
		last := event("a", "A", "2", 0)
		h.apply(event("a", "A", "1", 0), &profile.Delete{Ref: a}, event("a", "B", "2", 0), merge("a", "b"), last)
		require.True(h, last.Duplicate)
		require.Equal(h, "b", last.OutID)
		require.Equal(h, []string{"B"}, all(h, h.store.EventNames(h.ctx(), "b")))
	}},
	{name: "the Out fields are those of this call", run: func(h *harness) {
		e, m := event("a", "A", "1", 0), merge("a", "b")
		h.apply(e, m)
		h.apply(e, m)
		require.False(h, e.Created)
		require.True(h, e.Duplicate)
		require.Zero(h, e.OutSeq)
		require.False(h, m.Created)
		require.Equal(h, "b", m.OutFrom)
	}},
	{name: "a change that is none is refused", run: func(h *harness) {
		h.refused(profile.ErrInvalid, nil)
		h.refused(profile.ErrInvalid, event("a", "A", "", 0), nil)
	}},
	{name: "position is the last arrival and the latest instant", run: func(h *harness) {
		seq, now, err := h.store.Position(h.ctx())
		require.NoError(h, err)
		require.Zero(h, seq)
		require.True(h, now.IsZero())
		h.apply(event("a", "A", "1", 0), event("b", "A", "1", 0))
		require.NoError(h, profile.Apply(h.ctx(), h.store, start.Add(time.Hour)))
		require.NoError(h, profile.Apply(h.ctx(), h.store, start.Add(time.Minute)))
		seq, now, err = h.store.Position(h.ctx())
		require.NoError(h, err)
		require.Equal(h, uint64(2), seq)
		require.True(h, start.Add(time.Hour).Equal(now))
	}},
	{name: "an instant that no engine has is refused", run: func(h *harness) {
		require.ErrorIs(h, profile.Apply(h.ctx(), h.store, time.Time{}, event("a", "A", "", 0)), profile.ErrTime)
		require.Zero(h, h.count(profile.User))
	}},
}

var snapshotCases = []testCase{
	{name: "a snapshot is unaffected by later changes", run: func(h *harness) {
		a := profile.UserRef("a")
		fill := func(from int) {
			for i := from; i < from+200; i++ {
				h.apply(event("a", "A", fmt.Sprint("m", i), time.Duration(i*7%100)*time.Second), event("b", "B", fmt.Sprint(i), 0))
			}
		}
		fill(0)
		h.apply(traits(a, "t", 0, `{"p": 1}`), &profile.PutIDs{Ref: a, IDs: someIDs}, &profile.Join{User: "a", Account: "acme"},
			member("x", a), value("v", a, "1"), value("w", a, "1"), merge("c", "b"), use("k", "1"))
		snap, err := h.store.Snapshot(h.ctx())
		require.NoError(h, err)
		before := contents(h, snap)
		require.Equal(h, contents(h, h.store), before)

		fill(200)
		h.apply(traits(a, "t2", 0, `{"p": 2}`), &profile.Leave{User: "a", Account: "acme"}, &profile.DropMembers{Audience: "x"},
			value("v", a, "2"), set("k", nil), use("l", "1"), event("d", "A", "", 0))
		require.Equal(h, before, contents(h, snap))
		h.apply(value("v", a, "3"), value("w", a, nil))
		h.apply(value("w", a, "4"), &profile.DropValues{Key: "v"})
		require.Equal(h, before, contents(h, snap))
		h.apply(merge("a", "b"), &profile.Delete{Ref: profile.UserRef("d")})
		require.Equal(h, before, contents(h, snap))
		h.apply(&profile.Delete{Ref: profile.UserRef("a")}, &profile.Delete{Ref: profile.AccountRef("acme")})
		require.Equal(h, before, contents(h, snap))
		require.NoError(h, snap.Close())
	}},
	{name: "whatever is the first change after it", run: func(h *harness) {
		a := profile.UserRef("a")
		exit := member("x", a)
		exit.Member = false
		late := event("a", "A", "late", profile.Day)
		late.Event.Account = "beta"
		for _, c := range []profile.Change{
			late, event("a", "A", "next", 0), event("a", "C", "new", 0), event("a", "A", "m3", 0), traits(a, "t2", 0, `{"p": 2}`),
			&profile.PutIDs{Ref: a, IDs: someIDs}, &profile.Join{User: "a", Account: "beta"}, &profile.Leave{User: "a", Account: "acme"},
			&profile.Delete{Ref: profile.AccountRef("acme")}, member("y", a), exit, &profile.DropMembers{Audience: "x"},
			value("v", a, "2"), value("w", a, "2"), value("v", a, nil), &profile.DropValues{Key: "v"}, wake(a, time.Hour),
			merge("b", "a"), merge("a", "b"), merge("f", "a"), &profile.Delete{Ref: a}, set("k", nil), use("l", ""),
		} {
			h.apply(&profile.Delete{Ref: a}, &profile.Delete{Ref: profile.UserRef("b")}, traits(a, "t", 0, `{"p": 1}`),
				&profile.PutIDs{Ref: a, IDs: someIDs[:1]}, &profile.Join{User: "a", Account: "acme"}, member("x", a),
				value("v", a, "1"), wake(a, time.Minute), merge("c", "a"))
			for i := range 60 {
				h.apply(event("a", "A", fmt.Sprint("m", i), time.Duration(60-i)*time.Minute),
					event("b", "A", fmt.Sprint("m", i+30), time.Duration(60-i)*time.Second))
			}
			if len(all(h, h.store.Keys(h.ctx()))) == 0 {
				h.apply(use("k", "1"))
			}
			snap, err := h.store.Snapshot(h.ctx())
			require.NoError(h, err)
			before := contents(h, snap)
			h.apply(c)
			require.Equal(h, before, contents(h, snap), "%T", c)
			require.NoError(h, snap.Close())
		}
	}},
	{name: "releasing one leaves the others as they are", run: func(h *harness) {
		var snaps []frozen
		for i := range 5 {
			h.apply(event("a", "A", fmt.Sprint(i), time.Duration(i)*time.Hour))
			snap, err := h.store.Snapshot(h.ctx())
			require.NoError(h, err)
			snaps = append(snaps, frozen{snap, contents(h, snap)})
		}
		for _, i := range []int{4, 1, 0, 3, 2} {
			require.NoError(h, snaps[i].Close())
			h.apply(event("a", "A", fmt.Sprint("then", i), time.Minute))
			for _, k := range []int{2, 3} {
				if _, _, err := snaps[k].Position(h.ctx()); err == nil {
					require.Equal(h, snaps[k].want, contents(h, snaps[k]))
				}
			}
		}
		require.Len(h, h.messageIDs("a", "A"), 10)
	}},
	{name: "a snapshot used after Close is ErrClosed", run: func(h *harness) {
		snap, err := h.store.Snapshot(h.ctx())
		require.NoError(h, err)
		require.NoError(h, snap.Close())
		for _, c := range readCalls {
			require.ErrorIs(h, c.call(h.ctx(), snap), profile.ErrClosed, c.name)
		}
	}},
}

// readCalls are all calls of a Reader.
var readCalls = []struct {
	name string
	call func(ctx context.Context, r profile.Reader) error
}{
	{"Resolve", func(ctx context.Context, r profile.Reader) error {
		_, _, err := r.Resolve(ctx, profile.UserRef("a"))
		return err
	}},
	{"Known", func(ctx context.Context, r profile.Reader) error {
		_, err := r.Known(ctx, "a")
		return err
	}},
	{"Profiles", func(ctx context.Context, r profile.Reader) error { return ends(r.Profiles(ctx, profile.User, "")) }},
	{"Count", func(ctx context.Context, r profile.Reader) error {
		_, err := r.Count(ctx, profile.User)
		return err
	}},
	{"EventNames", func(ctx context.Context, r profile.Reader) error { return ends(r.EventNames(ctx, "a")) }},
	{"Events", func(ctx context.Context, r profile.Reader) error { return ends(r.Events(ctx, "a", "A", time.Time{})) }},
	{"Traits", func(ctx context.Context, r profile.Reader) error {
		_, err := r.Traits(ctx, profile.UserRef("a"))
		return err
	}},
	{"IDs", func(ctx context.Context, r profile.Reader) error {
		_, err := r.IDs(ctx, profile.UserRef("a"))
		return err
	}},
	{"Find", func(ctx context.Context, r profile.Reader) error {
		_, err := r.Find(ctx, profile.User, someIDs[0])
		return err
	}},
	{"Accounts", func(ctx context.Context, r profile.Reader) error {
		_, err := r.Accounts(ctx, "a")
		return err
	}},
	{"Users", func(ctx context.Context, r profile.Reader) error { return ends(r.Users(ctx, "acme")) }},
	{"Senders", func(ctx context.Context, r profile.Reader) error { return ends(r.Senders(ctx, "acme")) }},
	{"Members", func(ctx context.Context, r profile.Reader) error { return ends(r.Members(ctx, "x", "")) }},
	{"MemberCount", func(ctx context.Context, r profile.Reader) error {
		_, err := r.MemberCount(ctx, "x")
		return err
	}},
	{"Memberships", func(ctx context.Context, r profile.Reader) error {
		_, err := r.Memberships(ctx, profile.UserRef("a"))
		return err
	}},
	{"Values", func(ctx context.Context, r profile.Reader) error { return ends(r.Values(ctx, "v", "")) }},
	{"ValuesOf", func(ctx context.Context, r profile.Reader) error {
		_, err := r.ValuesOf(ctx, profile.UserRef("a"))
		return err
	}},
	{"Wake", func(ctx context.Context, r profile.Reader) error {
		_, err := r.Wake(ctx, profile.UserRef("a"))
		return err
	}},
	{"Wakes", func(ctx context.Context, r profile.Reader) error {
		_, err := r.Wakes(ctx, profile.Lane("a"), profile.Wake{}, make([]profile.Wake, 1))
		return err
	}},
	{"Notices", func(ctx context.Context, r profile.Reader) error { return ends(r.Notices(ctx, 0)) }},
	{"Records", func(ctx context.Context, r profile.Reader) error { return ends(r.Records(ctx, "s")) }},
	{"Outbox", func(ctx context.Context, r profile.Reader) error {
		_, err := r.Outbox(ctx)
		return err
	}},
	{"Holders", func(ctx context.Context, r profile.Reader) error { return ends(r.Holders(ctx, "x", profile.User, "")) }},
	{"MaxIDs", func(ctx context.Context, r profile.Reader) error {
		_, err := r.MaxIDs(ctx, "x", profile.User)
		return err
	}},
	{"Position", func(ctx context.Context, r profile.Reader) error {
		_, _, err := r.Position(ctx)
		return err
	}},
	{"Keys", func(ctx context.Context, r profile.Reader) error { return ends(r.Keys(ctx)) }},
}

// fill puts something behind every call of readCalls.
func (h *harness) fill() {
	a := profile.UserRef("a")
	e := event("a", "A", "1", 0)
	e.Event.Account = "acme"
	h.apply(e, traits(a, "2", 0, `{"p": 1}`), &profile.PutIDs{Ref: a, IDs: someIDs}, &profile.Join{User: "a", Account: "acme"},
		member("x", a), value("v", a, 1), wake(a, time.Minute), use("k", "1"), cursor("x", 0), tell("a"))
}

var closeCases = []testCase{
	{name: "everything after Close is ErrClosed", run: func(h *harness) {
		h.fill()
		require.NoError(h, h.store.Close())
		for _, c := range readCalls {
			require.ErrorIs(h, c.call(h.ctx(), h.store), profile.ErrClosed, c.name)
		}
		h.refused(profile.ErrClosed, event("a", "A", "", 0))
		h.refused(profile.ErrClosed)
		_, err := h.store.Snapshot(h.ctx())
		require.ErrorIs(h, err, profile.ErrClosed)
		require.ErrorIs(h, h.store.Close(), profile.ErrClosed)
	}},
	{name: "a cancelled context ends every call", run: func(h *harness) {
		h.fill()
		before := contents(h, h.store)
		ctx, cancel := context.WithCancel(h.ctx())
		cancel()
		for _, c := range readCalls {
			require.ErrorIs(h, c.call(ctx, h.store), context.Canceled, c.name)
		}
		require.ErrorIs(h, profile.Apply(ctx, h.store, h.now, event("a", "A", "", 0)), context.Canceled)
		_, err := h.store.Snapshot(ctx)
		require.ErrorIs(h, err, context.Canceled)
		require.Equal(h, before, contents(h, h.store))
	}},
	{name: "none of these calls fails otherwise", run: func(h *harness) {
		h.fill()
		for _, c := range readCalls {
			require.NoError(h, c.call(h.ctx(), h.store), c.name)
		}
	}},
}
