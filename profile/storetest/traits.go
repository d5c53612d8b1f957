package storetest

import (
	"fmt"
	"time"

	"github.com/muster-go/muster/profile"
	"github.com/stretchr/testify/require"
)

func (h *harness) traitsOf(ref profile.Ref) []profile.TraitWrite {
	h.Helper()
	writes, err := h.store.Traits(h.ctx(), ref)
	require.NoError(h, err)
	return writes
}

// writes returns the writes of a profile in short: name=value@messageID.
func (h *harness) writes(ref profile.Ref) []string {
	h.Helper()
	var list []string
	for _, w := range h.traitsOf(ref) {
		list = append(list, fmt.Sprintf("%s=%s@%s", w.Name, w.Value, w.MessageID))
	}
	return list
}

var traitCases = []testCase{
	{name: "a write comes back as it was stored", run: func(h *harness) {
		for _, ref := range []profile.Ref{profile.UserRef("7"), profile.AccountRef("7")} {
			put := traits(ref, uuid, time.Hour-1, `{"a": {"x": [1, 2.5, "ü"]}}`)
			h.apply(put)
			require.True(h, put.Created, "user 7 is not account 7")
			got := h.traitsOf(ref)
			require.Len(h, got, 1)
			require.Equal(h, "a", got[0].Name)
			require.Equal(h, uuid, got[0].MessageID)
			require.Equal(h, put.OutSeq, got[0].Seq)
			require.True(h, put.Time.Equal(got[0].Time))
			want, _ := put.Traits.Get("a")
			require.True(h, want.Equal(got[0].Value))
		}
	}},
	{name: "in the order of name, then time", run: func(h *harness) {
		u := profile.UserRef("u")
		h.apply(traits(u, "3", -2*time.Hour, `{"b": 3, "a": 3}`),
			traits(u, "2", -time.Hour, `{"b": 2, "a": 2}`), traits(u, "1", 0, `{"b": 1, "a": 1}`))
		require.Equal(h, []string{"a=1@1", "a=2@2", "a=3@3", "b=1@1", "b=2@2", "b=3@3"}, h.writes(u))
	}},
	{name: "a later arrival of a newer time leaves only itself", run: func(h *harness) {
		u := profile.UserRef("u")
		for i := range 100 {
			h.apply(traits(u, fmt.Sprint(i), time.Duration(200-i)*time.Second, fmt.Sprintf(`{"a": %d}`, i)))
		}
		require.Equal(h, []string{"a=99@99"}, h.writes(u))
	}},
	{name: "an older write that arrived later still matters to who counts later arrivals only", run: func(h *harness) {
		u := profile.UserRef("u")
		h.apply(traits(u, "new", time.Hour, `{"a": "new"}`), traits(u, "old", 2*time.Hour, `{"a": "old"}`))
		require.Equal(h, []string{`a="old"@old`, `a="new"@new`}, h.writes(u))
	}},
	{name: "a write dated after now matters besides the present one, until traits are set after its time", run: func(h *harness) {
		u := profile.UserRef("u")
		h.apply(traits(u, "now", time.Hour, `{"a": "now"}`), traits(u, "next", -time.Hour, `{"a": "next"}`))
		require.Equal(h, []string{`a="now"@now`, `a="next"@next`}, h.writes(u))
		h.now = start.Add(time.Hour)
		h.apply(event("other", "A", "", 0)) // to who asks of an instant that the profile has yet to reach
		require.Equal(h, []string{`a="now"@now`, `a="next"@next`}, h.writes(u))
		h.apply(traits(u, "then", 0, `{"b": 1}`))
		require.Equal(h, []string{`a="next"@next`, "b=1@then"}, h.writes(u))
	}},
	{name: "of one time the greater message id wins, then the greater value", run: func(h *harness) {
		u := profile.UserRef("u")
		h.apply(traits(u, "b", 0, `{"a": 1}`), traits(u, "c", 0, `{"a": 1}`))
		require.Equal(h, []string{"a=1@c"}, h.writes(u))
		h.apply(traits(u, "", -time.Second, `{"a": 1}`), traits(u, "", -time.Second, `{"a": 2}`))
		require.Equal(h, []string{"a=1@c", "a=2@"}, h.writes(u))
		h.now = start.Add(time.Second)
		h.apply(traits(u, "", time.Hour, `{"b": 1}`))
		require.Equal(h, []string{"a=2@", "b=1@"}, h.writes(u))
	}},
	{name: "a null is a write like any other", run: func(h *harness) {
		u := profile.UserRef("u")
		h.apply(traits(u, "1", time.Hour, `{"a": 1}`), traits(u, "2", 0, `{"a": null}`))
		require.Equal(h, []string{"a=null@2"}, h.writes(u))
	}},
	{name: "the same message id for the same profile is one call", run: func(h *harness) {
		for _, ref := range []profile.Ref{profile.UserRef("u"), profile.AccountRef("u")} {
			again := traits(ref, "1", 0, `{"a": 2}`)
			h.apply(traits(ref, "1", time.Hour, `{"a": 1}`), again)
			require.True(h, again.Duplicate)
			require.Zero(h, again.OutSeq)
			require.Equal(h, []string{"a=1@1"}, h.writes(ref))
		}
	}},
	{name: "a message id is remembered after its writes are gone", run: func(h *harness) {
		u := profile.UserRef("u")
		again := traits(u, "1", 2*time.Hour, `{"a": 1}`)
		h.apply(traits(u, "1", 2*time.Hour, `{"a": 1}`), traits(u, "2", time.Hour, `{"a": 2}`), again)
		require.True(h, again.Duplicate)
		require.Equal(h, []string{"a=2@2"}, h.writes(u))
	}},
	{name: "events and trait calls share the message ids of a profile", run: func(h *harness) {
		u := profile.UserRef("u")
		identify, track := traits(u, "e", 0, `{"a": 1}`), event("u", "A", "t", 0)
		h.apply(event("u", "A", "e", 0), traits(u, "t", 0, `{"b": 1}`), identify, track)
		require.True(h, identify.Duplicate)
		require.True(h, track.Duplicate)
	}},
	{name: "of an event and a trait call of one id, in two profiles that are merged, the first stays", run: func(h *harness) {
		h.apply(event("a", "A", "m", 0), traits(profile.UserRef("b"), "m", 0, `{"x": 1}`), merge("a", "b"))
		require.Empty(h, h.traitsOf(profile.UserRef("b")))
		require.Equal(h, []string{"m"}, h.messageIDs("b", "A"))
		h.apply(traits(profile.UserRef("c"), "n", 0, `{"x": 1}`), event("d", "A", "n", 0), merge("c", "d"))
		require.Len(h, h.traitsOf(profile.UserRef("d")), 1)
		require.Empty(h, h.messageIDs("d", "A"))
	}},
	{name: "a call without traits makes the profile and takes an arrival number", run: func(h *harness) {
		put := traits(profile.UserRef("u"), "", 0, ``)
		h.apply(put)
		require.True(h, put.Created)
		require.Equal(h, uint64(1), put.OutSeq)
		require.Empty(h, h.traitsOf(profile.UserRef("u")))
	}},
	{name: "an unknown profile has no traits", run: func(h *harness) {
		require.Empty(h, h.traitsOf(profile.UserRef("nobody")))
	}},
	{name: "what no store takes is refused", run: func(h *harness) {
		h.refused(profile.ErrInvalid, traits(profile.UserRef(""), "", 0, `{}`))
		h.refused(profile.ErrInvalid, traits(profile.Ref{Subject: 9, ID: "u"}, "", 0, `{}`))
		h.refused(profile.ErrTime, &profile.PutTraits{Ref: profile.UserRef("u")})
	}},
}
