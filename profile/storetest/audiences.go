package storetest

import (
	"bytes"
	"fmt"
	"time"

	"github.com/muster-go/muster/profile"
	"github.com/stretchr/testify/require"
)

func (h *harness) memberCount(audience string) int {
	h.Helper()
	n, err := h.store.MemberCount(h.ctx(), audience)
	require.NoError(h, err)
	return n
}

func (h *harness) audiencesOf(ref profile.Ref) (keys []string) {
	h.Helper()
	list, err := h.store.Memberships(h.ctx(), ref)
	require.NoError(h, err)
	for _, m := range list {
		keys = append(keys, m.Audience)
	}
	return keys
}

var audienceCases = []testCase{
	{name: "members ascend by id, from the first greater than after", run: func(h *harness) {
		const n = 1500
		var want []profile.Membership
		for i := range n {
			h.enter(member("x", profile.UserRef(fmt.Sprintf("u%04d", i*7%n))))
			want = append(want, profile.Membership{Audience: "x", Ref: profile.UserRef(fmt.Sprintf("u%04d", i)), Since: start})
		}
		h.enter(member("w", profile.UserRef("z")), member("xx", profile.UserRef("a")))
		require.Equal(h, want, all(h, h.store.Members(h.ctx(), "x", "")))
		require.Equal(h, want[701:], all(h, h.store.Members(h.ctx(), "x", "u0700")))
		require.Empty(h, all(h, h.store.Members(h.ctx(), "x", "v")))
		require.Empty(h, all(h, h.store.Members(h.ctx(), "none", "")))
		require.Equal(h, n, h.memberCount("x"))
		require.Zero(h, h.memberCount("none"))
	}},
	{name: "who enters twice is one member, since the last time", run: func(h *harness) {
		later := member("x", profile.UserRef("u"))
		later.Membership.Since = start.Add(time.Hour)
		h.enter(member("x", profile.UserRef("u")), later)
		require.Equal(h, []profile.Membership{later.Membership}, all(h, h.store.Members(h.ctx(), "x", "")))
		require.Equal(h, 1, h.memberCount("x"))
	}},
	{name: "an exit ends it, and another is nothing", run: func(h *harness) {
		exit := &profile.SetMember{Membership: profile.Membership{Audience: "x", Ref: profile.UserRef("u")}}
		h.enter(member("x", profile.UserRef("u")), member("x", profile.UserRef("v")), exit, exit)
		require.Equal(h, 1, h.memberCount("x"))
		require.Empty(h, h.audiencesOf(profile.UserRef("u")))
		require.Equal(h, []string{"x"}, h.audiencesOf(profile.UserRef("v")))
	}},
	{name: "nobody enters who does not exist", run: func(h *harness) {
		h.apply(member("x", profile.UserRef("nobody")))
		require.Zero(h, h.memberCount("x"))
		require.Empty(h, h.audiencesOf(profile.UserRef("nobody")))
	}},
	{name: "of a profile that does not exist nothing is recorded", run: func(h *harness) {
		h.apply(member("x", profile.UserRef("nobody")))
		require.Zero(h, h.memberCount("x"))
		require.Empty(h, h.audiencesOf(profile.UserRef("nobody")))
		require.Zero(h, h.count(profile.User))
	}},
	{name: "memberships are by key, of users and of accounts", run: func(h *harness) {
		for _, key := range []string{"c", "a", "b"} {
			h.enter(member(key, profile.UserRef("7")))
		}
		h.enter(member("d", profile.AccountRef("7")), member("e", profile.UserRef("77")))
		require.Equal(h, []string{"a", "b", "c"}, h.audiencesOf(profile.UserRef("7")))
		require.Equal(h, []string{"d"}, h.audiencesOf(profile.AccountRef("7")))
		require.Empty(h, h.audiencesOf(profile.UserRef("nobody")))
	}},
	{name: "a membership under a merged id is the whole profile's", run: func(h *harness) {
		h.enter(merge("a", "b"), member("x", profile.UserRef("a")))
		require.Equal(h, []string{"x"}, h.audiencesOf(profile.UserRef("b")))
		require.Equal(h, profile.UserRef("b"), all(h, h.store.Members(h.ctx(), "x", ""))[0].Ref)
	}},
	{name: "dropping all members leaves other audiences alone", run: func(h *harness) {
		for i := range 500 {
			h.enter(member("x", profile.UserRef(fmt.Sprint(i))), member("y", profile.UserRef(fmt.Sprint(i))))
		}
		h.apply(&profile.DropMembers{Audience: "x"})
		require.Zero(h, h.memberCount("x"))
		require.Empty(h, all(h, h.store.Members(h.ctx(), "x", "")))
		require.Equal(h, []string{"y"}, h.audiencesOf(profile.UserRef("3")))
		require.Equal(h, 500, h.memberCount("y"))
	}},
	{name: "what no store takes is refused", run: func(h *harness) {
		h.refused(profile.ErrInvalid, member("", profile.UserRef("u")))
		h.refused(profile.ErrInvalid, member("x", profile.UserRef("")))
		h.refused(profile.ErrInvalid, &profile.DropMembers{})
		never := member("x", profile.UserRef("u"))
		never.Membership.Since = time.Time{}
		h.refused(profile.ErrTime, never)
	}},
}

func use(key, definition string) *profile.UseKey {
	return &profile.UseKey{Record: profile.KeyRecord{Key: key, Definition: []byte(definition)}}
}

func set(key string, definition []byte) *profile.SetKey {
	return &profile.SetKey{Record: profile.KeyRecord{Key: key, Definition: definition, Since: 7}}
}

var keyCases = []testCase{
	{name: "keys come in the order of first use, with what they name", run: func(h *harness) {
		h.apply(use("b", "1"), use("a", "2"), use("c", "3"), set("b", []byte("4")))
		h.apply(set("a", nil))
		require.Equal(h, []profile.KeyRecord{
			{Key: "b", Definition: []byte("4"), Since: 7}, {Key: "a", Since: 7}, {Key: "c", Definition: []byte("3")},
		}, all(h, h.store.Keys(h.ctx())))
	}},
	{name: "a key is never used twice, not even after deletion", run: func(h *harness) {
		h.apply(use("a", "1"))
		h.refused(profile.ErrRetired, use("a", "2"))
		h.apply(set("a", nil))
		h.refused(profile.ErrRetired, use("a", "3"))
		h.refused(profile.ErrRetired, use("b", "1"), use("b", "2"))
		require.Equal(h, []profile.KeyRecord{{Key: "a", Since: 7}}, all(h, h.store.Keys(h.ctx())))
	}},
	{name: "a key that was never used names nothing", run: func(h *harness) {
		h.refused(profile.ErrNotFound, set("a", []byte("1")))
		h.refused(profile.ErrNotFound, set("a", []byte("1")), use("a", "1"))
		h.apply(use("a", "1"), set("a", []byte("2")))
		require.Equal(h, []byte("2"), all(h, h.store.Keys(h.ctx()))[0].Definition)
	}},
	{name: "a definition is the store's own copy", run: func(h *harness) {
		given := []byte("abc")
		h.apply(&profile.UseKey{Record: profile.KeyRecord{Key: "a", Definition: given}})
		given[0] = 'x'
		all(h, h.store.Keys(h.ctx()))[0].Definition[1] = 'x'
		require.True(h, bytes.Equal([]byte("abc"), all(h, h.store.Keys(h.ctx()))[0].Definition))
	}},
	{name: "thousands of keys", run: func(h *harness) {
		for i := range 1000 {
			h.apply(use(fmt.Sprint("k", 999-i), ""))
		}
		keys := all(h, h.store.Keys(h.ctx()))
		require.Len(h, keys, 1000)
		for i, k := range keys {
			require.Equal(h, fmt.Sprint("k", 999-i), k.Key)
		}
	}},
	{name: "what no store takes is refused", run: func(h *harness) {
		h.refused(profile.ErrInvalid, use("", "1"))
		h.refused(profile.ErrInvalid, set("\xff", nil))
	}},
}
