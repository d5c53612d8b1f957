package storetest

import (
	"fmt"
	"time"

	"github.com/muster-go/muster/profile"
	"github.com/stretchr/testify/require"
)

// A store states limits of what one profile has. What they are is its own affair; it
// has some, refuses what is beyond, and changes nothing then.
var limitCases = []testCase{
	{name: "what goes beyond a limit is refused, and changes nothing", run: func(h *harness) {
		const most = 100_000 // no store may go so far
		u := profile.UserRef("u")
		h.apply(event("u", "A", "", 0), event("v", "B", "", 0))
		for name, change := range map[string]func(i int) profile.Change{
			"ids":      func(i int) profile.Change { return &profile.PutIDs{Ref: u, IDs: ids("n", fmt.Sprint(i))} },
			"traits":   func(i int) profile.Change { return traits(u, "", time.Hour, fmt.Sprintf(`{"t%d": 1}`, i)) },
			"accounts": func(i int) profile.Change { return &profile.Join{User: "u", Account: fmt.Sprint("a", i)} },
		} {
			var batch []profile.Change
			for i := range most {
				batch = append(batch, change(i))
			}
			before := contents(h, h.store)
			err := profile.Apply(h.ctx(), h.store, h.now, batch...)
			require.ErrorIs(h, err, profile.ErrLimit, name)
			var of *profile.LimitError
			require.ErrorAs(h, err, &of, name)
			require.Equal(h, u, of.Ref, name)
			require.Equal(h, before, contents(h, h.store), name)
		}
	}},
	{name: "a store is taken by one at a time", run: func(h *harness) {
		release, err := h.store.Take(h.ctx())
		require.NoError(h, err)
		_, err = h.store.Take(h.ctx())
		require.ErrorIs(h, err, profile.ErrTaken)
		release()
		release() // once more does nothing
		again, err := h.store.Take(h.ctx())
		require.NoError(h, err)
		release()
		_, err = h.store.Take(h.ctx())
		require.ErrorIs(h, err, profile.ErrTaken, "it is the second one's")
		again()
	}},
}
