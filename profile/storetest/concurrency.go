package storetest

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/muster-go/muster/profile"
	"github.com/stretchr/testify/require"
)

// together runs functions at once and waits for all.
func together(fns ...func()) {
	var wg sync.WaitGroup
	for _, fn := range fns {
		wg.Add(1)
		go func() {
			defer wg.Done()
			fn()
		}()
	}
	wg.Wait()
}

// try makes changes from another goroutine than the test's.
func (h *harness) try(batch ...profile.Change) {
	if err := profile.Apply(h.ctx(), h.store, h.now, batch...); err != nil {
		h.Errorf("apply: %v", err)
	}
}

var concurrencyCases = []testCase{
	{name: "no event is lost, and no arrival number given twice", run: func(h *harness) {
		const writers, each, users = 4, 500, 7
		var all4 []func()
		seqs := make([][]uint64, writers)
		for w := range writers {
			all4 = append(all4, func() {
				for i := range each {
					e := event(fmt.Sprint("u", i%users), "A", fmt.Sprint(w, "-", i), time.Duration(i%13)*time.Second)
					h.try(e)
					seqs[w] = append(seqs[w], e.OutSeq)
				}
			})
		}
		together(all4...)
		given := map[uint64]bool{}
		for _, list := range seqs {
			for _, n := range list {
				given[n] = true
			}
		}
		require.Len(h, given, writers*each)
		total := 0
		for u := range users {
			total += len(h.messageIDs(fmt.Sprint("u", u), "A"))
		}
		require.Equal(h, writers*each, total)
		seq, _, err := h.store.Position(h.ctx())
		require.NoError(h, err)
		require.Equal(h, uint64(writers*each), seq)
	}},
	{name: "of one message sent at once by many, one is stored", run: func(h *harness) {
		const n = 200
		stored := make([]int, 4)
		var senders []func()
		for w := range stored {
			senders = append(senders, func() {
				for i := range n {
					e := event("u", "A", fmt.Sprint(i), 0)
					if h.try(e); !e.Duplicate {
						stored[w]++
					}
				}
			})
		}
		together(senders...)
		require.Equal(h, n, stored[0]+stored[1]+stored[2]+stored[3])
		require.Len(h, h.messageIDs("u", "A"), n)
	}},
	{name: "a snapshot holds the whole of a batch or nothing", run: func(h *harness) {
		const n = 300
		together(func() {
			for i := range n {
				h.try(event("a", "A", fmt.Sprint(i), 0), event("b", "A", fmt.Sprint(i), 0), event("c", "A", fmt.Sprint(i), 0))
			}
		}, func() {
			for range 100 {
				snap, err := h.store.Snapshot(h.ctx())
				if err != nil {
					h.Errorf("snapshot: %v", err)
					return
				}
				var counts [3]int
				for i, user := range []string{"a", "b", "c"} {
					list, _ := collect(snap.Events(h.ctx(), user, "A", time.Time{}))
					counts[i] = len(list)
				}
				if counts[0] != counts[1] || counts[1] != counts[2] {
					h.Errorf("a snapshot in the middle of a batch: %v", counts)
				}
				_ = snap.Close()
			}
		})
		require.Len(h, h.messageIDs("a", "A"), n)
	}},
	{name: "a value is read whole, and as it was when it is read again", run: func(h *harness) {
		const n = 400
		for _, user := range someUsers {
			h.enter(value("v", profile.UserRef(user), ""))
		}
		// A value is some letter, some times: two in one would be parts of two.
		write := func(seed int) func() {
			return func() {
				for i := range n {
					letter := string(rune('a' + (i+seed)%26))
					h.try(value("v", profile.UserRef(someUsers[i%len(someUsers)]), strings.Repeat(letter, i%30)))
				}
			}
		}
		whole := func(values []profile.ComputedValue, err error) {
			if err != nil {
				h.Errorf("values: %v", err)
			}
			for _, v := range values {
				text, _ := v.Value.Text()
				if text != "" && strings.Trim(text, text[:1]) != "" {
					h.Errorf("parts of two values: %q", text)
				}
			}
		}
		together(write(0), write(13), func() {
			for range 50 {
				whole(collect(h.store.Values(h.ctx(), "v", "")))
				whole(h.store.ValuesOf(h.ctx(), profile.UserRef("a")))
				have, err := collect(h.store.Holders(h.ctx(), "v", profile.User, ""))
				var values []profile.ComputedValue
				for _, o := range have {
					values = append(values, profile.ComputedValue{Value: o.Value})
				}
				whole(values, err)
				snap, err := h.store.Snapshot(h.ctx())
				if err != nil {
					h.Errorf("snapshot: %v", err)
					return
				}
				first, err := collect(snap.Values(h.ctx(), "v", ""))
				whole(first, err)
				h.try(value("v", profile.UserRef("a"), "z"))
				again, err := collect(snap.Values(h.ctx(), "v", ""))
				whole(again, err)
				_ = snap.Close()
				h.try(value("v", profile.UserRef("a"), "y")) // who has read the snapshot's still has it
				if a, b := fmt.Sprint(describeValues(first)), fmt.Sprint(describeValues(again)); a != b {
					h.Errorf("a snapshot changed:\n%v\n%v", a, b)
				}
			}
		})
		require.Len(h, h.holders("v", ""), len(someUsers))
	}},
	{name: "changes that join profiles, reads and snapshots at once", run: func(h *harness) {
		const n = 150
		busy := func(seed int) func() {
			return func() {
				for i := range n {
					a, b := someUsers[(i+seed)%len(someUsers)], someUsers[(i*3+seed)%len(someUsers)]
					h.try(event(a, "A", "", time.Duration(i%5)*time.Second), traits(profile.UserRef(b), "", 0, `{"p": 1}`),
						&profile.Join{User: a, Account: "acme"}, member("x", profile.UserRef(a)),
						value("v", profile.UserRef(b), i))
					switch i % 10 {
					case 3:
						h.try(merge(a, b))
					case 7:
						h.try(&profile.Delete{Ref: profile.UserRef(b)}, &profile.DropMembers{Audience: "x"}, &profile.DropValues{Key: "v"})
					case 9:
						h.try(&profile.Delete{Ref: profile.AccountRef("acme")})
					}
				}
			}
		}
		together(busy(0), busy(3), func() {
			for range 40 {
				contents(h, h.store)
				snap, err := h.store.Snapshot(h.ctx())
				if err != nil {
					h.Errorf("snapshot: %v", err)
					return
				}
				before := contents(h, snap)
				h.try(event("a", "A", "", 0))
				if after := contents(h, snap); fmt.Sprint(before) != fmt.Sprint(after) {
					h.Errorf("a snapshot changed:\n%v\n%v", before, after)
				}
				_ = snap.Close()
			}
		})
		require.LessOrEqual(h, h.count(profile.User), len(someUsers))
	}},
}
