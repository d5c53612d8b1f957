package profileapi

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/muster-go/muster/profile"
	"github.com/stretchr/testify/require"
)

// Whatever the address, it is refused with a 4xx or read; what is read is
// written to the same. A cursor of any key, forged or not, leads to a page or is
// refused.
func FuzzRequest(f *testing.F) {
	for _, target := range []string{
		"/v1/collections/users/profiles/user_id:u1/traits?limit=1&class=custom_trait",
		"/v1/collections/users/profiles/email:a%40x.io/events?include=Login,Order+Completed&limit=3",
		"/v1/collections/users/profiles/anonymous_id%3Aa%2Fb%3Ac/external_ids?include=a%5C,b",
		"/v1/collections/accounts/profiles/group_id:acme/events?next=bm9uZQ",
		"/v1/collections/accounts/profiles/:%ff/traits?limit=999&limit=1&include=&x=%zz;",
		"/v1/spaces/s%2F1/collections/users/profiles/user_id:u1/events?sort=asc&start=2026-01-01&end=2026-12-31T00:00:00.5Z&exclude=Login&verbose=true",
		"/v1/spaces/s/collections/accounts/profiles/group_id:acme/links?verbose=false",
		"/v1/collections/users/profiles/user_id:u1/metadata?verbose=true",
		"/v1//collections/../users/profiles/%2e%2e:%00/traits",
	} {
		f.Add(target, "plan")
		f.Add(target, place{time.Unix(1772366400, 0), 2}.key())
		f.Add(target, keyOfID(profile.ExternalID{Type: "email", Value: "a@x.io"}))
		f.Add(target, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")
	}
	ctx := context.Background()
	store := smallStore(f)
	f.Fuzz(func(t *testing.T, target string, key string) {
		u, err := url.ParseRequestURI(target)
		if err != nil {
			return
		}
		q, err := parse(&http.Request{Method: "GET", URL: u, RequestURI: target})
		if err != nil {
			requireRefused(t, err)
			return
		}
		require.NoError(t, profile.CheckID("type", q.ID.Type))
		require.NoError(t, profile.CheckID("id", q.ID.Value))
		l := list{Reader: store, query: q, ref: profile.Ref{Subject: q.Subject, ID: "u1"}, now: profile.MaxTime.Add(-1)}
		l.may = func(profile.Ref) (bool, error) { return true, nil }
		if q.Resource == Metadata {
			text, err := l.metadata(ctx)
			require.NoError(t, err)
			require.True(t, json.Valid(text))
			return
		}
		again, err := url.ParseRequestURI(q.url(u.EscapedPath(), q.next))
		require.NoError(t, err)
		if len(again.RawQuery) <= maxQuery { // it may be escaped more
			p, err := parse(&http.Request{Method: "GET", URL: again})
			require.NoError(t, err)
			require.Equal(t, q, p)
		}

		for _, next := range []string{q.next, l.cursor(key)} {
			l.next = next
			text, err := l.page(ctx, u.EscapedPath())
			if err != nil {
				requireRefused(t, err)
				continue
			}
			require.True(t, json.Valid(text))
		}
		got, err := l.after()
		require.NoError(t, err)
		require.Equal(t, key, got)
	})
}

func requireRefused(t *testing.T, err error) {
	t.Helper()
	var refusal *failure
	require.True(t, errors.As(err, &refusal), "%v", err)
	require.Equal(t, 4, refusal.status/100)
}

// smallStore has a little of everything, of user u1 and account u1.
func smallStore(t testing.TB) profile.Reader {
	traits, err := profile.NewObject(map[string]any{"plan": "pro", "": 1, "a,b": []any{nil, 1.5}})
	require.NoError(t, err)
	now := time.Unix(1772366400, 0)
	store := profile.NewMemStore()
	batch := []profile.Change{
		&profile.PutIDs{Ref: profile.UserRef("u1"), IDs: []profile.ExternalID{{Type: "email", Value: "a@x.io"}, {Type: "a,b", Value: "c"}}},
		&profile.PutTraits{Ref: profile.UserRef("u1"), Traits: traits, Time: now},
		&profile.PutTraits{Ref: profile.AccountRef("u1"), Traits: traits, Time: now},
	}
	for i, name := range []string{"Login", "Order Completed", "a,b"} {
		e := profile.Event{Profile: "u1", Name: name, Account: "u1", Time: now.Add(-time.Duration(i) * profile.Day)}
		batch = append(batch, &profile.PutEvent{Event: e})
	}
	require.NoError(t, profile.Apply(context.Background(), store, now, batch...))
	return store
}
