package storetest

import (
	"fmt"
	"strings"
	"time"

	"github.com/muster-go/muster/profile"
	"github.com/stretchr/testify/require"
)

// valuesOf returns the computed values of a profile in short: key=value.
func (h *harness) valuesOf(ref profile.Ref) (list []string) {
	h.Helper()
	values, err := h.store.ValuesOf(h.ctx(), ref)
	require.NoError(h, err)
	for _, v := range values {
		list = append(list, fmt.Sprintf("%s=%s", v.Key, v.Value))
	}
	return list
}

// holders returns who has a value of a computed trait, in the order of Values.
func (h *harness) holders(key, after string) (refs []profile.Ref) {
	h.Helper()
	for _, v := range all(h, h.store.Values(h.ctx(), key, after)) {
		refs = append(refs, v.Ref)
	}
	return refs
}

var valueCases = []testCase{
	{name: "a value comes back as it was stored", run: func(h *harness) {
		for _, v := range []any{true, false, 0, -1 << 62, 2.0, "", "ü", []any{1, "x", nil}, []any{}, map[string]any{"a": map[string]any{"b": 1.5}}} {
			for _, ref := range []profile.Ref{profile.UserRef("7"), profile.AccountRef("7")} {
				set := value("v", ref, v)
				set.Value.Since = start.Add(-time.Hour - 1)
				h.enter(set)
				want := describeValues([]profile.ComputedValue{set.Value})
				got, err := h.store.ValuesOf(h.ctx(), ref)
				require.NoError(h, err)
				require.Equal(h, want, describeValues(got))
				require.Equal(h, want, describeValues(all(h, h.store.Values(h.ctx(), "v", ""))))
				require.True(h, set.Value.Value.Equal(got[0].Value))
				h.apply(&profile.Delete{Ref: ref})
			}
		}
	}},
	{name: "values ascend by id, from the first greater than after", run: func(h *harness) {
		const n = 1500
		var want []string
		for i := range n {
			h.enter(value("v", profile.UserRef(fmt.Sprintf("u%04d", i*7%n)), i*7%n))
			want = append(want, describeValues([]profile.ComputedValue{value("v", profile.UserRef(fmt.Sprintf("u%04d", i)), i).Value})...)
		}
		h.enter(value("u", profile.UserRef("z"), 1), value("vv", profile.UserRef("a"), 1))
		require.Equal(h, want, describeValues(all(h, h.store.Values(h.ctx(), "v", ""))))
		require.Equal(h, want[701:], describeValues(all(h, h.store.Values(h.ctx(), "v", "u0700"))))
		require.Equal(h, want[701:], describeValues(all(h, h.store.Values(h.ctx(), "v", "u0700x"))))
		require.Empty(h, h.holders("v", "v"))
		require.Empty(h, h.holders("none", ""))
	}},
	{name: "those of users come before those of accounts, both after the same id", run: func(h *harness) {
		for _, id := range []string{"c", "a", "b"} {
			h.enter(value("v", profile.AccountRef(id), 1), value("v", profile.UserRef(id), 1))
		}
		require.Equal(h, []profile.Ref{
			profile.UserRef("a"), profile.UserRef("b"), profile.UserRef("c"),
			profile.AccountRef("a"), profile.AccountRef("b"), profile.AccountRef("c"),
		}, h.holders("v", ""))
		require.Equal(h, []profile.Ref{
			profile.UserRef("b"), profile.UserRef("c"), profile.AccountRef("b"), profile.AccountRef("c"),
		}, h.holders("v", "a"))
	}},
	{name: "the values of a profile are by key, of users and of accounts", run: func(h *harness) {
		for _, key := range []string{"c", "a", "b"} {
			h.enter(value(key, profile.UserRef("7"), key))
		}
		h.enter(value("d", profile.AccountRef("7"), 1), value("e", profile.UserRef("77"), 1))
		require.Equal(h, []string{`a="a"`, `b="b"`, `c="c"`}, h.valuesOf(profile.UserRef("7")))
		require.Equal(h, []string{"d=1"}, h.valuesOf(profile.AccountRef("7")))
		require.Empty(h, h.valuesOf(profile.UserRef("nobody")))
	}},
	{name: "of several the last counts, since its instant", run: func(h *harness) {
		u := profile.UserRef("u")
		h.enter(value("w", u, "other"))
		for i, v := range []any{1, "a longer text than a number", "short", 1 << 40, strings.Repeat("x", 5000), true, []any{"x"}} {
			set := value("v", u, v)
			set.Value.Since = start.Add(time.Duration(-i) * time.Hour)
			h.apply(value("v", u, "at once replaced"), set)
			require.Equal(h, describeValues([]profile.ComputedValue{set.Value}), describeValues(all(h, h.store.Values(h.ctx(), "v", ""))))
		}
		require.Equal(h, []string{`v=["x"]`, `w="other"`}, h.valuesOf(u))
	}},
	{name: "null removes it, and again is nothing", run: func(h *harness) {
		u := profile.UserRef("u")
		remove := &profile.SetValue{Value: profile.ComputedValue{Key: "v", Ref: u}} // its instant is not kept
		h.enter(value("v", u, 1), value("w", u, 2), value("v", profile.UserRef("t"), 3), remove, remove)
		require.Equal(h, []string{"w=2"}, h.valuesOf(u))
		require.Equal(h, []profile.Ref{profile.UserRef("t")}, h.holders("v", ""))
		h.apply(value("w", u, nil), value("never set", u, nil))
		require.Empty(h, h.valuesOf(u))
		h.apply(value("w", u, 4))
		require.Equal(h, []string{"w=4"}, h.valuesOf(u))
	}},
	{name: "of a profile that does not exist nothing is recorded", run: func(h *harness) {
		nobody := profile.UserRef("nobody")
		h.apply(value("v", nobody, 1), value("v", profile.AccountRef("nobody"), 1), value("v", nobody, nil))
		require.Empty(h, h.valuesOf(nobody))
		require.Empty(h, h.holders("v", ""))
		require.Zero(h, h.count(profile.User))
		require.Zero(h, h.count(profile.Account))
		h.apply(event("nobody", "A", "", 0))
		require.Empty(h, h.valuesOf(nobody))
	}},
	{name: "a value under a merged id is the whole profile's", run: func(h *harness) {
		h.enter(merge("a", "b"), value("v", profile.UserRef("a"), 1))
		require.Equal(h, []string{"v=1"}, h.valuesOf(profile.UserRef("b")))
		require.Equal(h, []string{"v=1"}, h.valuesOf(profile.UserRef("a")))
		require.Equal(h, []profile.Ref{profile.UserRef("b")}, h.holders("v", ""))
		h.apply(value("v", profile.UserRef("a"), nil))
		require.Empty(h, h.valuesOf(profile.UserRef("b")))
	}},
	{name: "dropping all values leaves other traits alone", run: func(h *harness) {
		for i := range 500 {
			ref := profile.Ref{Subject: profile.Subject(i % 2), ID: fmt.Sprint(i)}
			h.enter(value("v", ref, i), value("w", ref, i))
		}
		h.apply(&profile.DropValues{Key: "v"}, &profile.DropValues{Key: "none"})
		require.Empty(h, h.holders("v", ""))
		require.Equal(h, []string{"w=2"}, h.valuesOf(profile.UserRef("2")))
		require.Equal(h, []string{"w=3"}, h.valuesOf(profile.AccountRef("3")))
		require.Len(h, h.holders("w", ""), 500)
	}},
	{name: "dropping all values comes in its order in a batch", run: func(h *harness) {
		u := profile.UserRef("u")
		h.enter(value("v", u, 1), &profile.DropValues{Key: "v"}, value("w", u, 2), &profile.DropValues{Key: "v"}, value("v", u, 3))
		require.Equal(h, []string{"v=3", "w=2"}, h.valuesOf(u))
	}},
	{name: "memberships and values leave each other alone", run: func(h *harness) {
		u := profile.UserRef("u")
		exit := member("x", u)
		exit.Member = false
		h.enter(member("x", u), member("y", u), value("v", u, 1), exit, value("w", u, 2), value("v", u, nil))
		require.Equal(h, []string{"y"}, h.audiencesOf(u))
		require.Equal(h, []string{"w=2"}, h.valuesOf(u))
		h.apply(&profile.DropMembers{Audience: "y"})
		require.Equal(h, []string{"w=2"}, h.valuesOf(u))
		h.apply(member("y", u), &profile.DropValues{Key: "w"})
		require.Equal(h, []string{"y"}, h.audiencesOf(u))
	}},
	{name: "a value that was read stays as it is", run: func(h *harness) {
		u := profile.UserRef("u")
		for _, v := range []any{"first", []any{"first"}, map[string]any{"a": "first"}} {
			h.enter(value("v", u, v))
			of, err := h.store.ValuesOf(h.ctx(), u)
			require.NoError(h, err)
			read := append(of, all(h, h.store.Values(h.ctx(), "v", ""))...)
			before := describeValues(read)
			h.apply(value("v", u, "other"))
			h.apply(value("v", u, []any{"other"}), value("v", u, map[string]any{"a": "other"}))
			require.Equal(h, before, describeValues(read))
		}
	}},
	{name: "what no store takes is refused", run: func(h *harness) {
		u := profile.UserRef("u")
		h.refused(profile.ErrInvalid, value("", u, 1))
		h.refused(profile.ErrInvalid, value("", u, nil))
		h.refused(profile.ErrInvalid, value("v", profile.UserRef(""), 1))
		h.refused(profile.ErrInvalid, value("v", profile.Ref{Subject: 9, ID: "u"}, 1))
		h.refused(profile.ErrInvalid, &profile.DropValues{})
		never := value("v", u, 1)
		never.Value.Since = time.Time{}
		h.refused(profile.ErrTime, never)
		_, err := h.store.ValuesOf(h.ctx(), profile.Ref{Subject: 9, ID: "u"})
		require.ErrorIs(h, err, profile.ErrInvalid)
	}},
}
