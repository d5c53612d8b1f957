package storetest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/muster-go/muster/profile"
	"github.com/stretchr/testify/require"
)

// describeHolders writes holders, in their order, a line for each.
func describeHolders(list []profile.Holder) (lines []string) {
	for _, o := range list {
		lines = append(lines, fmt.Sprintf("%s: %s %s, ids %v", o.ID, o.Value.Kind(), o.Value, o.IDs))
	}
	return lines
}

// having returns the holders of a key in short.
func (h *harness) having(key string, s profile.Subject, after string) []string {
	h.Helper()
	return describeHolders(all(h, h.store.Holders(h.ctx(), key, s, after)))
}

func (h *harness) maxIDs(key string, s profile.Subject) map[string]int {
	h.Helper()
	most, err := h.store.MaxIDs(h.ctx(), key, s)
	require.NoError(h, err)
	return most
}

// holders returns what Holders yields of a store that holds the same.
func (m *model) holders(key string, s profile.Subject) (list []profile.Holder) {
	for ref := range m.profiles {
		_, in := m.members[key][ref]
		v, has := m.values[key][ref]
		if ref.Subject == s && (in || has) {
			list = append(list, profile.Holder{ID: ref.ID, Value: v.Value, IDs: m.ids(ref)})
		}
	}
	slices.SortFunc(list, func(a, b profile.Holder) int { return cmp.Compare(a.ID, b.ID) })
	return list
}

// maxIDs returns what MaxIDs does, by counting.
func (m *model) maxIDs(key string, s profile.Subject) map[string]int {
	most := map[string]int{}
	for _, o := range m.holders(key, s) {
		have := map[string]int{}
		for _, id := range o.IDs {
			have[id.Type]++
			most[id.Type] = max(most[id.Type], have[id.Type])
		}
	}
	return most
}

var holderCases = []testCase{
	{name: "holders ascend by id, with their ids, from the first greater than after", run: func(h *harness) {
		const n = 1500
		var want []string
		for i := range n {
			id := fmt.Sprintf("u%04d", i*7%n)
			h.apply(&profile.PutIDs{Ref: profile.UserRef(id), IDs: ids("user_id", id, "email", id+"@x")}, member("x", profile.UserRef(id)))
			id = fmt.Sprintf("u%04d", i)
			want = append(want, fmt.Sprintf("%s: null null, ids %v", id, ids("email", id+"@x", "user_id", id)))
		}
		h.enter(member("w", profile.UserRef("z")), member("x", profile.AccountRef("u0001")), value("v", profile.UserRef("y"), 1))
		require.Equal(h, want, h.having("x", profile.User, ""))
		require.Equal(h, want[701:], h.having("x", profile.User, "u0700"))
		require.Equal(h, want[701:], h.having("x", profile.User, "u0700x"))
		require.Equal(h, []string{"u0001: null null, ids []"}, h.having("x", profile.Account, ""))
		require.Empty(h, h.having("x", profile.User, "v"))
		require.Empty(h, h.having("none", profile.User, ""))
	}},
	{name: "ids of any length and beginning are in the order of their bytes", run: func(h *harness) {
		var want []string
		for _, id := range []string{"a", "aaaaaaaa", "aaaaaaaa\x00", "aaaaaaaab", "b", "\x00", "\x00\x00", "\U0010ffff", "é", "prefix", "prefix-1", "prefix-2"} {
			for i := range 40 {
				want = append(want, id+strings.Repeat("z", i), strings.Repeat("z", i)+id)
			}
		}
		slices.Sort(want)
		want = slices.Compact(want)
		for i := range want {
			h.enter(member("x", profile.UserRef(want[(i*7)%len(want)])))
		}
		var got []string
		for _, o := range all(h, h.store.Holders(h.ctx(), "x", profile.User, "")) {
			got = append(got, o.ID)
		}
		require.Equal(h, want, got)
		require.Equal(h, want, all(h, h.store.Profiles(h.ctx(), profile.User, "")))
	}},
	{name: "few among many are found", run: func(h *harness) {
		for i := range 6000 {
			h.apply(&profile.PutIDs{Ref: profile.UserRef(fmt.Sprintf("u%04d", i)), IDs: ids("n", fmt.Sprint(i))})
		}
		h.enter(member("x", profile.UserRef("u0007")), member("x", profile.UserRef("u5999")))
		require.Equal(h, []string{"u0007: null null, ids [{n 7}]", "u5999: null null, ids [{n 5999}]"}, h.having("x", profile.User, ""))
	}},
	{name: "of a computed trait they have the value", run: func(h *harness) {
		h.enter(value("v", profile.UserRef("a"), "text"), value("v", profile.UserRef("b"), []any{1, "x"}), value("v", profile.UserRef("c"), ""),
			value("v", profile.AccountRef("a"), 2.5), value("w", profile.UserRef("d"), strings.Repeat("long", 2000)))
		h.apply(&profile.PutIDs{Ref: profile.UserRef("b"), IDs: ids("email", "b@x")})
		require.Equal(h, []string{`a: string "text", ids []`, `b: list [1,"x"], ids [{email b@x}]`, `c: string "", ids []`},
			h.having("v", profile.User, ""))
		require.Equal(h, []string{"a: double 2.5, ids []"}, h.having("v", profile.Account, ""))
		require.Equal(h, []string{`d: string "` + strings.Repeat("long", 2000) + `", ids []`}, h.having("w", profile.User, ""))
	}},
	{name: "a holder that was read stays as it is", run: func(h *harness) {
		u := profile.UserRef("u")
		h.enter(&profile.PutIDs{Ref: u, IDs: ids("email", "b", "email", "d")}, value("v", u, "first"))
		read := all(h, h.store.Holders(h.ctx(), "v", profile.User, ""))
		before := describeHolders(read)
		for _, c := range []profile.Change{
			value("v", u, "other"), &profile.PutIDs{Ref: u, IDs: ids("email", "a", "email", "c", "user_id", "u")},
			value("v", u, []any{"other"}), merge("t", "u"), merge("u", "s"), &profile.Delete{Ref: u},
		} {
			h.apply(c)
			require.Equal(h, before, describeHolders(read), "%T", c)
		}
	}},
	{name: "what is appended to a holder's ids is in no other list", run: func(h *harness) {
		u := profile.UserRef("u")
		for i := range 5 {
			h.enter(&profile.PutIDs{Ref: u, IDs: ids("email", fmt.Sprint(i))}, member("x", u))
			first := all(h, h.store.Holders(h.ctx(), "x", profile.User, ""))[0]
			again := all(h, h.store.Holders(h.ctx(), "x", profile.User, ""))[0]
			longer := append(first.IDs, ids("fax", "1")...)
			_ = append(again.IDs, ids("fax", "2")...)
			require.Equal(h, "1", longer[i+1].Value)
		}
	}},
	{name: "the most ids of a type are those of the holders, and of no others", run: func(h *harness) {
		a, b := profile.UserRef("a"), profile.UserRef("b")
		h.apply(&profile.PutIDs{Ref: a, IDs: ids("email", "1", "phone", "1", "phone", "2")},
			&profile.PutIDs{Ref: b, IDs: ids("email", "1", "email", "2", "user_id", "b")},
			&profile.PutIDs{Ref: profile.UserRef("c"), IDs: ids("email", "1", "email", "2", "email", "3", "fax", "1")},
			&profile.PutIDs{Ref: profile.AccountRef("a"), IDs: ids("domain", "x")},
			member("x", a), member("x", b), member("x", profile.AccountRef("a")), value("v", b, 1))
		require.Equal(h, map[string]int{"email": 2, "phone": 2, "user_id": 1}, h.maxIDs("x", profile.User))
		require.Equal(h, map[string]int{"domain": 1}, h.maxIDs("x", profile.Account))
		require.Equal(h, map[string]int{"email": 2, "user_id": 1}, h.maxIDs("v", profile.User))
		require.Empty(h, h.maxIDs("v", profile.Account))
		require.Empty(h, h.maxIDs("none", profile.User))
		h.apply(&profile.Delete{Ref: b})
		require.Equal(h, map[string]int{"email": 1, "phone": 2}, h.maxIDs("x", profile.User))
		h.apply(merge("c", "a"))
		require.Equal(h, map[string]int{"email": 3, "phone": 2, "fax": 1}, h.maxIDs("x", profile.User))
	}},
	{name: "the most ids are found among many profiles, wherever they are", run: func(h *harness) {
		want := map[string]int{"n": 1}
		for i := range 3000 {
			u := profile.UserRef(fmt.Sprintf("u%04d", i))
			h.apply(&profile.PutIDs{Ref: u, IDs: ids("n", fmt.Sprint(i))}, member("x", u))
			if i%500 == 499 {
				t := fmt.Sprint("type ", i)
				h.apply(&profile.PutIDs{Ref: u, IDs: ids(t, "1", t, "2", "zz", "1")})
				want[t], want["zz"] = 2, 1
			}
		}
		require.Equal(h, want, h.maxIDs("x", profile.User))
		h.apply(&profile.PutIDs{Ref: profile.UserRef("none"), IDs: ids("n", "1", "n", "2", "other", "1")})
		require.Equal(h, want, h.maxIDs("x", profile.User))
	}},
	{name: "a subject that is none is refused", run: func(h *harness) {
		_, err := collect(h.store.Holders(h.ctx(), "x", 9, ""))
		require.ErrorIs(h, err, profile.ErrInvalid)
		_, err = h.store.MaxIDs(h.ctx(), "x", 9)
		require.ErrorIs(h, err, profile.ErrInvalid)
	}},
}
