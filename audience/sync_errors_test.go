package audience_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
)

func TestWhatIsWrongWithAFileChangesNothing(t *testing.T) {
	ctx := context.Background()
	for name, tc := range map[string]struct {
		file string
		opts audience.SyncOptions
		is   error
		want string
	}{
		"a deleted key": {
			file: `{"audiences": [{"key": "old", "where": {"event": {"name": "A"}}}]}`,
			is:   profile.ErrRetired,
			want: `1:24: audience "old": key: key was used before, and deleted, so it stays used: give the definition another key, such as old_3`,
		},
		"another kind": {
			file: `{"traits": [{"key": "loyal", "type": "count", "event": "A"}]}`,
			is:   audience.ErrExists,
			want: `1:21: trait "loyal": key: key is in use: audience "loyal" is live, and stays what it is: give this another key`,
		},
		"another subject": {
			file: `{"audiences": [{"key": "loyal", "of": "accounts", "where": {"event": {"name": "A"}}}]}`,
			is:   profile.ErrInvalid,
			want: `1:39: audience "loyal": of: invalid input: what is live under the key is of users, and stays so: give this another key`,
		},
		"a filter that does not compile": {
			file: `{"audiences": [{"key": "new", "where": {"event": {"name": "A"}}}, {"key": "bad", "where": {"trait": "traits.a >"}}]}`,
			want: `1:101: audience "bad": where.trait: 1:11: Syntax error`,
		},
		"a key that is there twice": {
			file: `{"audiences": [{"key": "new", "where": {"event": {"name": "A"}}}, {"key": "new", "where": {"event": {"name": "A"}}}]}`,
			is:   audience.ErrExists,
			want: `audience "new": key: key is in use`,
		},
		"a reference to what nobody has": {
			file: `{"audiences": [{"key": "new", "where": {"audience": "byers"}}]}`,
			is:   profile.ErrNotFound,
			want: `audience "new": not found: audience "byers", which it refers to, did you mean "buyers"?`,
		},
		"a reference to what is deleted": {
			file: `{"audiences": [{"key": "new", "where": {"audience": "buyers"}}]}`,
			opts: audience.SyncOptions{Delete: true},
			is:   profile.ErrNotFound,
			want: `audience "new": not found: audience "buyers", which it refers to`,
		},
		"a trait that is deleted": {
			file: `{"audiences": [{"key": "new", "where": {"trait": "traits.orders > 3"}}]}`,
			opts: audience.SyncOptions{Delete: true},
			is:   audience.ErrInUse,
			want: `audience "new": another definition refers to it: it reads orders, which is not in the file and would be deleted`,
		},
		"a circle through what is kept": {
			file: `{"audiences": [{"key": "buyers", "where": {"audience": "loyal"}}]}`,
			is:   audience.ErrCycle,
			want: `definitions refer to each other`,
		},
		"a window beyond the retention, of an edit that comes late": {
			file: `{"audiences": [{"key": "new", "where": {"event": {"name": "A", "window": {"within": "1d"}}}},
				{"key": "buyers", "where": {"any": [{"event": {"name": "Order", "window": {"within": "1d"}}}, {"event": {"name": "Gift", "window": {"within": "90d"}}}]}}]}`,
			is:   audience.ErrWindow,
			want: `2:136: audience "buyers": where.any[1].event.window: window is longer than the retention: within 90d, the store keeps events for 30d`,
		},
		"a funnel's window": {
			file: `{"audiences": [{"key": "new", "where": {"event": {"name": "A", "window": {"within": "1d"}}}},
				{"key": "buyers", "where": {"not": {"all": [{"funnel": {"steps": [{"name": "a", "event": "A"}], "window": {"within": "31d"}}}]}}}]}`,
			is:   audience.ErrWindow,
			want: `audience "buyers": where.not.all[0].funnel.window: window is longer than the retention`,
		},
		"a trait's window, and all time": {
			file: `{"audiences": [{"key": "new", "where": {"event": {"name": "A", "window": {"within": "1d"}}}}],
				"traits": [{"key": "orders", "type": "count", "event": "Order"}]}`,
			is:   audience.ErrWindow,
			want: `trait "orders": window: window is longer than the retention`,
		},
		"a window of an account's users": {
			file: `{"audiences": [{"key": "new", "where": {"event": {"name": "A", "window": {"within": "1d"}}}},
				{"key": "firms", "of": "accounts", "where": {"users": {"none": {"event": {"name": "A", "window": {"within": "31d"}}}}}}]}`,
			is:   audience.ErrWindow,
			want: `audience "firms": where.users.none.event.window: window is longer than the retention`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			e, _, told := newEngine(t, profile.WithRetention(30*profile.Day))
			within := func(key, name string) audience.Definition {
				return audience.Define(key).Members(audience.Performed(name).Within(profile.Day))
			}
			require.NoError(t, e.CreateFile(ctx, audience.File{
				Traits: []trait.Computed{trait.Count("orders", "Order").Within(profile.Day)},
				Audiences: []audience.Definition{
					within("buyers", "Order"), within("old", "A"), within("old_2", "A"),
					audience.Define("firms").OfAccounts().Members(audience.AnyUser(audience.Performed("A").Within(profile.Day))),
					audience.Define("loyal").Members(audience.All(audience.Trait("traits.orders > 1"), audience.InAudience("buyers"))),
				},
			}))
			require.NoError(t, e.DeleteAudience(ctx, "old"))
			require.NoError(t, e.Track(ctx, event("ann", "A", 0)))
			*told = nil
			before := liveText(t, e)
			for _, do := range []func(context.Context, audience.File, audience.SyncOptions) (audience.Plan, error){e.Plan, e.Sync} {
				plan, err := do(ctx, parsed(t, tc.file), tc.opts)
				require.Zero(t, plan)
				var of *audience.DefinitionError
				require.ErrorAs(t, err, &of)
				if tc.is != nil {
					require.ErrorIs(t, err, tc.is)
				}
				var at *audience.FileError
				require.ErrorAs(t, audience.Locate([]byte(tc.file), err), &at)
				require.ErrorContains(t, fmt.Errorf("%d:%d: %w", at.Line, at.Column, of), tc.want)
			}
			require.Equal(t, before, liveText(t, e))
			require.Empty(t, *told)
		})
	}
}
