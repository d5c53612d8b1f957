package audience_test

import (
	"context"
	"fmt"
	"iter"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
)

// counted is an engine that keeps nothing in memory between calls, on a store that stays.
type counted struct {
	t     *testing.T
	store profile.Store
	clock *audience.ManualClock
	from  int // of how many users an account keeps counts
	*audience.Engine
	told []string
}

func newCounted(t *testing.T, store profile.Store, from int) *counted {
	c := &counted{t: t, store: store, clock: audience.NewManualClock(start), from: from}
	c.reopen()
	return c
}

// reopen goes on with another engine.
func (c *counted) reopen() {
	c.t.Helper()
	if c.Engine != nil {
		require.NoError(c.t, c.Close())
	}
	var err error
	c.Engine, err = audience.New(c.t.Context(), c.store, audience.Options{Clock: c.clock, CacheBytes: 1})
	require.NoError(c.t, err)
	c.SetCountsFrom(c.from)
	_, err = c.Subscribe(func(_ context.Context, tr audience.Transition) error {
		c.told = append(c.told, tr.String())
		return nil
	})
	require.NoError(c.t, err)
}

// stored is what the store has of the counts of an account.
func (c *counted) stored(account string) (is string) {
	c.t.Helper()
	w, err := c.store.Wake(c.t.Context(), profile.AccountRef(account))
	require.NoError(c.t, err)
	for _, n := range w.Counts {
		is += fmt.Sprintf("%d of %d ", n.Meet, n.Users)
	}
	return is
}

// sound wants what is stored to be so.
func (c *counted) sound(what string) {
	c.t.Helper()
	require.NoError(c.t, c.Check(), what)
}

func (c *counted) join(users ...string) {
	c.t.Helper()
	for _, user := range users {
		require.NoError(c.t, c.Group(c.t.Context(), audience.Group{Profile: user, Account: "acme"}))
	}
}

func (c *counted) visit(users ...string) {
	c.t.Helper()
	for _, user := range users {
		require.NoError(c.t, c.Track(c.t.Context(), profile.Event{Profile: user, Name: "Visit"}))
	}
}

var visited = audience.Performed("Visit").Within(20 * profile.Day)

func most(key string, of audience.Condition) audience.Definition {
	return audience.Define(key).OfAccounts().Members(audience.AtLeastPercentOfUsers(50, of))
}

// An account of many users that is touched by an engine which has nothing of it in memory
// reads as much as one of few: its counts, not its users. Whatever happens to one of its users
// is told exactly.
func TestAnAccountThatIsTouchedAgainReadsNoneOfItsUsers(t *testing.T) {
	const users = 100_000
	ctx, store := t.Context(), &usersRead{Store: profile.NewMemStore()}
	for i := range users {
		require.NoError(t, profile.Apply(ctx, store, start, &profile.Join{User: fmt.Sprint("u", i), Account: "acme"}))
	}
	c := newCounted(t, store, 32)
	week := audience.Performed("Visit").Within(7 * profile.Day)
	account := func(key string, of audience.Users) audience.Definition {
		return audience.Define(key).OfAccounts().Members(of)
	}
	require.NoError(t, c.Create(ctx,
		account("any", audience.AnyUser(week)),
		account("none", audience.NoUser(week)),
		account("all", audience.AllUsers(audience.Not(week))),
		account("three", audience.AtLeastUsers(3, week)),
		account("share", audience.AtLeastPercentOfUsers(0.002, week))))
	for _, step := range []struct {
		what string
		do   func() error
		want string
	}{
		{"somebody visits", func() error { return c.Track(ctx, event("u7", "Visit", 0)) }, "[exited all entered any exited none]"},
		{"a second", func() error { return c.Track(ctx, event("u8", "Visit", 0)) }, "[entered share]"},
		{"a third", func() error { return c.Track(ctx, event("u9", "Visit", 0)) }, "[entered three]"},
		{"one leaves", func() error { return c.Leave(ctx, "u9", "acme") }, "[exited three]"},
		{"and comes back", func() error { return c.Group(ctx, audience.Group{Profile: "u9", Account: "acme"}) }, "[entered three]"},
		{"two become one", func() error { return c.Alias(ctx, "u8", "u9") }, "[exited three]"},
		{"one more", func() error { return c.Track(ctx, event("new", "Visit", 0)) }, "[]"},
		{"who joins", func() error { return c.Group(ctx, audience.Group{Profile: "new", Account: "acme"}) }, "[entered three]"},
		{"and is deleted", func() error { return c.DeleteUser(ctx, "new") }, "[exited three]"},
		{"a week later", func() error { return c.Advance(ctx, start.Add(7*profile.Day)) }, "[entered all exited any entered none exited share]"},
	} {
		c.reopen()
		c.told = nil
		store.users.Store(0)
		require.NoError(t, step.do(), step.what)
		var told []string
		for _, line := range c.told {
			var did, what string
			_, err := fmt.Sscanf(line, "account acme %s %s", &did, &what)
			require.NoError(t, err)
			told = append(told, did+" "+what)
		}
		require.Equal(t, step.want, fmt.Sprint(told), step.what)
		require.LessOrEqual(t, store.users.Load(), int64(8), step.what)
	}
	x, err := c.Explain(ctx, "any", profile.AccountRef("acme"))
	require.NoError(t, err)
	require.Equal(t, users-1, x.Tree.Users)
	c.sound("at the end")
}

// usersRead counts the reads of users of accounts and of what is kept of profiles, within
// transactions as well.
type usersRead struct {
	profile.Store
	users atomic.Int64
}

type usersReadTx struct {
	profile.Tx
	of *usersRead
}

func (s *usersRead) Begin(ctx context.Context, now time.Time, refs ...profile.Ref) (profile.Tx, error) {
	tx, err := s.Store.Begin(ctx, now, refs...)
	return usersReadTx{tx, s}, err
}

func (s *usersRead) count(of iter.Seq2[string, error]) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for user, err := range of {
			s.users.Add(1)
			if !yield(user, err) {
				return
			}
		}
	}
}

func (s *usersRead) Users(ctx context.Context, account string) iter.Seq2[string, error] {
	return s.count(s.Store.Users(ctx, account))
}

func (tx usersReadTx) Users(ctx context.Context, account string) iter.Seq2[string, error] {
	return tx.of.count(tx.Tx.Users(ctx, account))
}

func (s *usersRead) Wake(ctx context.Context, ref profile.Ref) (profile.Wake, error) {
	s.users.Add(1)
	return s.Store.Wake(ctx, ref)
}

func (tx usersReadTx) Wake(ctx context.Context, ref profile.Ref) (profile.Wake, error) {
	tx.of.users.Add(1)
	return tx.Tx.Wake(ctx, ref)
}

// Counts are those of one life of a condition. While nothing asks it nobody keeps them up, so
// that what was counted before is not believed when something asks it again.
func TestCountsOfAConditionThatNobodyAskedAreNotBelieved(t *testing.T) {
	for _, again := range []bool{false, true} { // an engine of its own for each step
		begin := func(t *testing.T) (*counted, func(what string)) {
			c := newCounted(t, profile.NewMemStore(), 1)
			c.join("u1", "u2", "u3", "u4")
			return c, func(what string) {
				if again {
					c.reopen()
				}
				c.sound(what)
			}
		}
		t.Run(fmt.Sprint("a definition is deleted, and made again, ", again), func(t *testing.T) {
			c, next := begin(t)
			require.NoError(t, c.Create(t.Context(), most("first", visited)))
			c.visit("u1")
			next("counted")
			require.Equal(t, "1 of 4 ", c.stored("acme"))
			require.NoError(t, c.DeleteAudience(t.Context(), "first"))
			next("deleted")
			c.join("u5")
			c.visit("u2", "u3")
			next("nobody asks")
			require.NoError(t, c.Create(t.Context(), most("second", visited)))
			next("made again")
			require.Equal(t, "3 of 5 ", c.stored("acme"))
			require.Contains(t, c.told[len(c.told)-1], "account acme entered second")
		})
		t.Run(fmt.Sprint("what is read is edited, and edited back, ", again), func(t *testing.T) {
			c, next := begin(t)
			is := audience.Define("is").Members(visited)
			require.NoError(t, c.Create(t.Context(), is, most("most", audience.InAudience("is"))))
			c.visit("u1")
			next("counted")
			require.NoError(t, c.EditAudience(t.Context(), audience.Define("is").Members(audience.Performed("Look"))))
			next("edited")
			c.join("u5")
			c.visit("u2", "u3")
			next("another is asked")
			require.NoError(t, c.EditAudience(t.Context(), is))
			next("edited back")
			c.reopen()
			c.sound("reopened")
			c.visit("u4")
			next("one more")
			require.Equal(t, "4 of 5 ", c.stored("acme"))
		})
		t.Run(fmt.Sprint("one of two that ask the same is deleted, ", again), func(t *testing.T) {
			c, next := begin(t)
			require.NoError(t, c.Create(t.Context(), most("first", visited)))
			c.visit("u1")
			require.NoError(t, c.Create(t.Context(), most("second", visited)))
			next("both")
			require.NoError(t, c.DeleteAudience(t.Context(), "first"))
			c.visit("u2")
			next("one")
			require.Equal(t, "2 of 4 ", c.stored("acme"))
		})
	}
}

// What is broken for one engine, as its store keeps less, is not for the next: meanwhile nobody
// has counted, though somebody else may have asked the same for a while.
func TestCountsOfABrokenDefinitionAreNotBelieved(t *testing.T) {
	for _, beside := range []bool{false, true} {
		ctx, store := t.Context(), profile.NewMemStore()
		c := newCounted(t, store, 1)
		c.join("u1", "u2", "u3", "u4")
		require.NoError(t, c.Create(ctx,
			audience.Define("regular").OfAccounts().Members(audience.All(
				audience.AtLeastPercentOfUsers(50, visited), audience.AnyUser(audience.Performed("Visit").Within(365*profile.Day))))))
		c.visit("u1")
		c.sound("whole")
		require.Equal(t, "1 of 4 1 of 4 ", c.stored("acme"))

		c.store = &shortStore{store}
		c.reopen()
		require.Len(t, c.ListBroken(), 1)
		if beside {
			require.NoError(t, c.Create(ctx, most("beside", visited)))
			c.visit("u2")
			c.sound("broken")
			require.NoError(t, c.DeleteAudience(ctx, "beside"))
		}
		c.join("u5")

		c.store = store
		c.reopen()
		require.Empty(t, c.ListBroken())
		c.sound("whole again")
		c.join("u6")
		c.sound("somebody joins")
		require.Equal(t, 6, int(must(store.Wake(ctx, profile.AccountRef("acme"))).Counts[0].Users))
	}
}

// A definition that is mended has what it asks counted anew.
func TestCountsOfAMendedDefinitionAreNotBelieved(t *testing.T) {
	ctx, store := t.Context(), profile.NewMemStore()
	c := newCounted(t, store, 1)
	c.join("u1", "u2", "u3", "u4")
	is := audience.Define("is").Members(audience.Performed("Visit").Within(365 * profile.Day))
	require.NoError(t, c.Create(ctx, is, audience.Define("most").OfAccounts().Members(audience.All(
		audience.AtLeastPercentOfUsers(50, visited), audience.AnyUser(audience.InAudience("is"))))))
	c.visit("u1")

	c.store = &shortStore{store}
	c.reopen()
	require.Len(t, c.ListBroken(), 2)
	c.join("u5")
	c.visit("u2", "u3")
	require.NoError(t, c.EditAudience(ctx, audience.Define("is").Members(visited)))
	require.Empty(t, c.ListBroken())
	c.sound("mended")
	require.Contains(t, c.told[len(c.told)-1], "account acme entered most")
	c.reopen()
	c.sound("reopened")
	c.visit("u4")
	c.sound("counted on")
	require.Equal(t, "4 of 5 4 of 5 ", c.stored("acme"))
}
