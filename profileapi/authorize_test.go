package profileapi_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/profileapi"
	"github.com/stretchr/testify/require"
)

// self lets users read their own profile: the bearer token is its id. The token
// "broken" is one that cannot be checked.
type self struct{}

var errPolicy = errors.New("policy server at 10.0.0.7 is down")

func (self) AuthorizeRequest(r *http.Request, _ profileapi.Access) error {
	switch r.Header.Get("Authorization") {
	case "":
		return profileapi.ErrUnauthenticated
	case "Bearer suspended":
		return fmt.Errorf("%w: suspended since Monday", profileapi.ErrForbidden)
	case "Bearer broken":
		return errPolicy
	}
	return nil
}

func (self) AuthorizeProfile(r *http.Request, _ profileapi.Access, ref profile.Ref) error {
	if r.Header.Get("Authorization") == "Bearer "+ref.ID && ref.Subject == profile.User {
		return nil
	}
	return profileapi.ErrForbidden
}

func TestWhoMayRead(t *testing.T) {
	w := newWorld(t, self{})
	// ann and bob share a device.
	w.send(
		`{"type":"identify","userId":"ann","messageId":"s2","timestamp":"2026-03-01T11:00:00Z","context":{"externalIds":[{"type":"device","id":"tablet"}]}}`,
		`{"type":"identify","userId":"bob","messageId":"s3","timestamp":"2026-03-01T11:00:00Z","context":{"externalIds":[{"type":"device","id":"tablet"}]}}`,
	)
	for _, c := range []struct {
		name, token, target string
		status              int
		code                string
	}{
		{"nobody", "", "users/profiles/user_id:ann/traits", 401, "unauthenticated"},
		{"nobody, of no profile", "", "users/profiles/user_id:eve/traits", 401, "unauthenticated"},
		{"refused at once", "suspended", "users/profiles/user_id:ann/traits", 403, "forbidden"},
		{"refused at once, of no profile", "suspended", "users/profiles/user_id:eve/traits", 403, "forbidden"},
		{"the authorizer failed", "broken", "users/profiles/user_id:ann/traits", 500, "internal"},
		{"the authorizer failed, of no profile", "broken", "users/profiles/user_id:eve/traits", 500, "internal"},

		{"one's own", "ann", "users/profiles/user_id:ann/traits", 200, ""},
		{"one's own by an email", "ann", "users/profiles/email:ann@x.io/events", 200, ""},
		{"another's", "bob", "users/profiles/user_id:ann/traits", 404, "not_found"},
		{"another's by an email", "bob", "users/profiles/email:ann@x.io/external_ids", 404, "not_found"},
		{"none", "bob", "users/profiles/user_id:eve/traits", 404, "not_found"},
		{"an account", "ann", "accounts/profiles/group_id:acme/traits", 404, "not_found"},
		{"an id that two have: one's own", "ann", "users/profiles/device:tablet/traits", 200, ""},
		{"an id that two have: none of them", "browser-2", "users/profiles/device:tablet/traits", 404, "not_found"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest("GET", "/v1/collections/"+c.target, nil)
			if c.token != "" {
				r.Header.Set("Authorization", "Bearer "+c.token)
			}
			rec := httptest.NewRecorder()
			w.api.ServeHTTP(rec, r)
			require.Equal(t, c.status, rec.Code, rec.Body)
			if c.code != "" {
				require.Equal(t, c.code, errorCode(t, rec.Body.String()))
			}
			require.Equal(t, c.status == 401, rec.Header().Get("WWW-Authenticate") == `Basic realm="profiles"`)
			require.NotContains(t, rec.Body.String(), "10.0.0.7")
			require.NotContains(t, rec.Body.String(), "Monday")
		})
	}
	require.Equal(t, []error{errPolicy, errPolicy}, w.errs)
}

// What is withheld and what is not there are answered by the same bytes.
func TestWithheldIsLikeAbsent(t *testing.T) {
	w := newWorld(t, self{})
	answer := func(target string) *httptest.ResponseRecorder {
		r := httptest.NewRequest("GET", "/v1/collections/users/profiles/"+target, nil)
		r.Header.Set("Authorization", "Bearer bob")
		rec := httptest.NewRecorder()
		w.api.ServeHTTP(rec, r)
		return rec
	}
	absent := answer("user_id:eve/traits")
	for _, target := range []string{
		"user_id:ann/traits", "email:ann@x.io/events", "user_id:ann/traits?next=bm9uZQ",
	} {
		withheld := answer(target)
		require.Equal(t, absent.Code, withheld.Code)
		require.Equal(t, absent.Body.String(), withheld.Body.String())
		require.Equal(t, absent.Header(), withheld.Header())
	}
}

func TestAnIDOfSeveralProfilesIsAmbiguous(t *testing.T) {
	w := newWorld(t, anyone{})
	w.send(`{"type":"identify","userId":"bob","messageId":"e1","timestamp":"2026-03-01T11:00:00Z","traits":{"email":"ann@x.io"}}`)
	status, body := w.get("users/profiles/email:ann@x.io/traits")
	require.Equal(t, 409, status)
	require.Equal(t, "ambiguous_id", errorCode(t, body))
}

// An id that somebody attaches to a profile does not make it another's.
func TestNobodyCanClaimAUserID(t *testing.T) {
	w := newWorld(t, anyone{})
	w.send(`{"type":"track","userId":"mallory","messageId":"c1","timestamp":"2026-03-01T11:00:00Z","event":"Claim",
		"context":{"externalIds":[{"type":"user_id","id":"ann"},{"type":"user_id","id":"unused"}]}}`)
	require.Equal(t, "pro", w.page("users/profiles/user_id:ann/traits").Traits["plan"])
	require.Len(t, w.page("users/profiles/user_id:unused/events?include=Claim").Data, 1, "it is nobody else's")
}

func TestAUserIDNamesWhatItWasMergedInto(t *testing.T) {
	w := newWorld(t, anyone{})
	w.send(`{"type":"alias","previousId":"bob","userId":"ann","messageId":"a1","timestamp":"2026-03-01T11:00:00Z"}`)
	require.Equal(t, "of bob", w.page("users/profiles/user_id:bob/traits").Traits["secret"])
	require.Equal(t, "pro", w.page("users/profiles/user_id:bob/traits").Traits["plan"])

	require.NoError(t, w.engine.DeleteUser(context.Background(), "ann"))
	status, _ := w.get("users/profiles/user_id:bob/traits")
	require.Equal(t, 404, status)
}

// recorder notes what it is asked, and allows it.
type recorder struct{ asked *[]string }

func (a recorder) AuthorizeRequest(_ *http.Request, access profileapi.Access) error {
	*a.asked = append(*a.asked, fmt.Sprintf("%v", access))
	return nil
}

func (a recorder) AuthorizeProfile(_ *http.Request, access profileapi.Access, ref profile.Ref) error {
	*a.asked = append(*a.asked, fmt.Sprintf("%v: %v", access, ref))
	return nil
}

func TestWhatTheAuthorizerIsAsked(t *testing.T) {
	var asked []string
	w := newWorld(t, recorder{&asked})
	for _, target := range []string{
		"users/profiles/anonymous_id:browser-1/events", // of ann, by now
		"accounts/profiles/group_id:acme/traits",
		"users/profiles/user_id:eve/external_ids",   // no profile to ask about
		"users/profiles/user_id:ann/traits?limit=0", // nothing to ask about
	} {
		w.get(target)
	}
	require.Equal(t, []string{
		"{ user {anonymous_id browser-1} events}",
		"{ user {anonymous_id browser-1} events}: {user ann}",
		"{ account {group_id acme} traits}",
		"{ account {group_id acme} traits}: {account acme}",
		"{ user {user_id eve} external_ids}",
	}, asked)
}

func TestNewWantsAllOfIt(t *testing.T) {
	store := profile.NewMemStore()
	engine, err := audience.New(context.Background(), store, audience.Options{})
	require.NoError(t, err)
	defer engine.Close()

	_, err = profileapi.New(engine, store, nil, profileapi.Options{})
	require.ErrorIs(t, err, profile.ErrInvalid)
	require.ErrorContains(t, err, "authorizer")
	_, err = profileapi.New(engine, nil, anyone{}, profileapi.Options{})
	require.ErrorContains(t, err, "store")
	_, err = profileapi.New(nil, store, anyone{}, profileapi.Options{})
	require.ErrorContains(t, err, "definitions")
}
