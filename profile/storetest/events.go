package storetest

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/muster-go/muster/profile"
	"github.com/stretchr/testify/require"
)

const uuid = "6f1c2a5e-8d3b-4c7f-9a10-0b2d4e6f8a1c"

var eventCases = []testCase{
	{name: "an event comes back as it was stored", run: func(h *harness) {
		put := &profile.PutEvent{Event: profile.Event{
			Profile: "u", Name: "Order Completed", Time: start.Add(-time.Hour + 1), MessageID: uuid, Account: "acme",
			Properties: object(`{"total": 19.99, "n": -3, "list": [1, {"a": null}], "text": "ü", "ok": true}`),
			Context:    object(`{"ip": "::1", "library": {"name": "x"}}`),
		}}
		h.apply(put)
		got := all(h, h.store.Events(h.ctx(), "u", "Order Completed", time.Time{}))
		require.Len(h, got, 1)
		want := put.Event
		want.Seq = put.OutSeq
		require.Equal(h, describe(want), describe(got[0]))
		require.True(h, want.Time.Equal(got[0].Time))
		total, ok := got[0].Properties.Get("total")
		require.True(h, ok)
		require.True(h, total.Equal(profile.FloatValue(19.99)))
	}},
	{name: "message ids of any shape come back letter by letter", run: func(h *harness) {
		ids := []string{"", uuid, strings.ToUpper(uuid), uuid[:35] + "g", uuid[:35], "m", "ajs-" + uuid,
			strings.ReplaceAll(uuid, "-", "_"), "-", strings.Repeat("x", profile.MaxID)}
		for _, id := range ids {
			h.apply(event("u", "A", id, 0))
		}
		require.Equal(h, ids, h.messageIDs("u", "A"))
	}},
	{name: "large and empty properties", run: func(h *harness) {
		big := object(`{"text": "` + strings.Repeat("x", 200<<10) + `"}`)
		for i, o := range []profile.Object{big, {}, big} {
			e := event("u", "A", fmt.Sprint(i), 0)
			e.Event.Properties, e.Event.Context = o, big
			h.apply(e)
		}
		got := all(h, h.store.Events(h.ctx(), "u", "A", time.Time{}))
		require.Len(h, got, 3)
		require.Equal(h, big.String(), got[0].Properties.String())
		require.Zero(h, got[1].Properties.Len())
		require.Equal(h, big.String(), got[2].Context.String())
	}},
	{name: "arrival numbers begin at 1 and count what is stored", run: func(h *harness) {
		first, again, second := event("u", "A", "1", 0), event("u", "A", "1", 0), event("v", "A", "2", 0)
		identify := traits(profile.UserRef("u"), "3", 0, `{"a": 1}`)
		h.apply(first, again, second, identify)
		require.Equal(h, []uint64{1, 0, 2, 3}, []uint64{first.OutSeq, again.OutSeq, second.OutSeq, identify.OutSeq})
	}},
	{name: "its profile is made if there is none", run: func(h *harness) {
		first, second := event("u", "A", "1", 0), event("u", "A", "2", 0)
		h.apply(first, second)
		require.True(h, first.Created)
		require.False(h, second.Created)
		require.Equal(h, "u", first.OutID)
	}},
	{name: "in the order of time, then arrival, whatever the order of arrival", run: func(h *harness) {
		for i, age := range []int{5, 3, 9, 3, 1, 9, 3, 7} {
			h.apply(event("u", "A", fmt.Sprint(i), time.Duration(age)*time.Hour))
		}
		require.Equal(h, []string{"2", "5", "7", "0", "1", "3", "6", "4"}, h.messageIDs("u", "A"))
	}},
	{name: "thousands of events of one name, half of them late", run: func(h *harness) {
		const n = 4000
		for i := range n {
			h.apply(event("u", "A", fmt.Sprint("m", i), time.Duration((i*1237)%n)*time.Second))
		}
		got := all(h, h.store.Events(h.ctx(), "u", "A", time.Time{}))
		require.Len(h, got, n)
		for i := 1; i < n; i++ {
			require.Equal(h, time.Second, got[i].Time.Sub(got[i-1].Time))
		}
		for i := range n {
			again := event("u", "A", fmt.Sprint("m", i), 0)
			h.apply(again)
			require.True(h, again.Duplicate)
		}
	}},
	{name: "since is inclusive, and the zero time no bound", run: func(h *harness) {
		h.apply(event("u", "A", "old", 3*time.Hour), event("u", "A", "mid", 2*time.Hour), event("u", "A", "new", time.Hour))
		count := func(since time.Time) int {
			return len(all(h, h.store.Events(h.ctx(), "u", "A", since)))
		}
		at := start.Add(-2 * time.Hour)
		require.Equal(h, 2, count(at))
		require.Equal(h, 1, count(at.Add(1)))
		require.Equal(h, 3, count(time.Time{}))
		require.Equal(h, 3, count(time.Unix(math.MinInt32*1000, 0)))
		require.Zero(h, count(time.Unix(math.MaxInt32*1000, 0)))
	}},
	{name: "the greatest and the least time", run: func(h *harness) {
		for _, at := range []time.Time{profile.MaxTime.Add(-1), profile.MinTime} {
			h.apply(&profile.PutEvent{Event: profile.Event{Profile: "u", Name: "A", Time: at}})
		}
		got := all(h, h.store.Events(h.ctx(), "u", "A", time.Time{}))
		require.Len(h, got, 2)
		require.True(h, got[0].Time.Equal(profile.MinTime))
		require.True(h, got[1].Time.Equal(profile.MaxTime.Add(-1)))
	}},
	{name: "an event dated after now is kept", run: func(h *harness) {
		h.apply(event("u", "A", "1", -365*profile.Day))
		require.Equal(h, []string{"1"}, h.messageIDs("u", "A"))
	}},
	{name: "the same message id for the same profile is one event", run: func(h *harness) {
		for _, id := range []string{"m", uuid} {
			h.apply(event("u", "A", id, time.Hour))
			for _, again := range []*profile.PutEvent{
				event("u", "A", id, time.Hour), event("u", "A", id, 0), event("u", "B", id, time.Hour),
			} {
				h.apply(again)
				require.True(h, again.Duplicate)
				require.Zero(h, again.OutSeq)
				require.Equal(h, "u", again.OutID)
			}
		}
		require.Len(h, h.messageIDs("u", "A"), 2)
		require.Empty(h, h.messageIDs("u", "B"))
	}},
	{name: "the same message id for another profile is another event", run: func(h *harness) {
		other := event("v", "A", "m", 0)
		h.apply(event("u", "A", "m", 0), other)
		require.False(h, other.Duplicate)
	}},
	{name: "an empty message id is never a duplicate", run: func(h *harness) {
		h.apply(event("u", "A", "", 0), event("u", "A", "", 0))
		require.Len(h, h.messageIDs("u", "A"), 2)
	}},
	{name: "event names ascend, and are the user's own", run: func(h *harness) {
		var want []string
		for i := range 20 {
			name := fmt.Sprintf("E%02d", i*7%20)
			h.apply(event("u", name, "", 0))
			want = append(want, fmt.Sprintf("E%02d", i))
		}
		h.apply(event("v", "Other", "", 0), traits(profile.UserRef("u"), "t", 0, `{"a": 1}`))
		require.Equal(h, want, all(h, h.store.EventNames(h.ctx(), "u")))
	}},
	{name: "an unknown profile has no events", run: func(h *harness) {
		require.Empty(h, h.messageIDs("nobody", "A"))
		require.Empty(h, all(h, h.store.EventNames(h.ctx(), "nobody")))
		h.apply(event("u", "A", "", 0), traits(profile.UserRef("u"), "t", 0, `{"a": 1}`))
		require.Empty(h, h.messageIDs("u", "B"))
		require.Empty(h, h.messageIDs("u", ""))
	}},
	{name: "what no store takes is refused", run: func(h *harness) {
		long := strings.Repeat("x", profile.MaxID+1)
		h.refused(profile.ErrInvalid, event("", "A", "", 0))
		h.refused(profile.ErrInvalid, event("u", "", "", 0))
		h.refused(profile.ErrInvalid, event("u", "A", "\xff", 0))
		h.refused(profile.ErrTooLarge, event(long, "A", "", 0))
		h.refused(profile.ErrTime, &profile.PutEvent{Event: profile.Event{Profile: "u", Name: "A"}})
		require.Zero(h, h.count(profile.User))
	}},
}

func (h *harness) count(s profile.Subject) int {
	h.Helper()
	n, err := h.store.Count(h.ctx(), s)
	require.NoError(h, err)
	return n
}

var retentionCases = []testCase{
	{name: "is what the store was opened with", retention: 30 * profile.Day, run: func(h *harness) {
		require.Equal(h, 30*profile.Day, h.store.Retention())
	}},
	{name: "0 keeps all", run: func(h *harness) {
		require.Zero(h, h.store.Retention())
		old := &profile.PutEvent{Event: profile.Event{Profile: "u", Name: "A", Time: profile.MinTime}}
		h.apply(old, event("u", "A", "", 0))
		require.False(h, old.Dropped)
		require.Len(h, h.messageIDs("u", "A"), 2)
	}},
	{name: "an older event is dropped, and makes no profile", retention: profile.Day, run: func(h *harness) {
		old, kept := event("u", "A", "old", profile.Day+1), event("v", "A", "kept", profile.Day)
		h.apply(old, kept)
		require.True(h, old.Dropped)
		require.False(h, old.Created)
		require.Zero(h, old.OutSeq)
		require.Equal(h, "u", old.OutID)
		_, exists := h.resolve(profile.UserRef("u"))
		require.False(h, exists)
		require.False(h, kept.Dropped)
		require.Equal(h, []string{"kept"}, h.messageIDs("v", "A"))
	}},
	{name: "age is counted at the instant of Apply", retention: profile.Day, run: func(h *harness) {
		h.now = start.Add(time.Hour)
		old := event("u", "A", "", profile.Day)
		h.apply(old)
		require.True(h, old.Dropped)
	}},
	{name: "events within it stay while older ones go", retention: profile.Day, run: func(h *harness) {
		const n = 3000
		for i := range n {
			h.now = start.Add(time.Duration(i) * time.Minute)
			h.apply(event("u", "A", fmt.Sprint(i), -time.Duration(i)*time.Minute))
		}
		got := all(h, h.store.Events(h.ctx(), "u", "A", h.now.Add(-profile.Day)))
		require.Len(h, got, int(profile.Day/time.Minute)+1)
		for i := n - len(got); i < n; i++ {
			again := event("u", "A", fmt.Sprint(i), -time.Duration(i)*time.Minute)
			h.apply(again)
			require.True(h, again.Duplicate)
		}
	}},
	{name: "trait calls are not dropped, however old", retention: profile.Day, run: func(h *harness) {
		u := profile.UserRef("u")
		again := traits(u, "m", 300*profile.Day, `{"a": 1}`)
		h.apply(traits(u, "m", 300*profile.Day, `{"a": 1}`), again)
		require.True(h, again.Duplicate)
		require.Len(h, h.traitsOf(u), 1)
	}},
}
