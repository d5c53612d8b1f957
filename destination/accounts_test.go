package destination_test

import (
	"testing"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/destination"
	"github.com/muster-go/muster/profile"
)

// An audience of accounts, from the engine: a group call for the account, and an
// identify call for each of its users.
func TestAccountsOfAnEngine(t *testing.T) {
	r := newRig(t)
	engine, err := audience.New(r.ctx, profile.NewMemStore(), audience.Options{Clock: r.clock})
	r.NoError(err)
	defer engine.Close()
	r.NoError(engine.Create(r.ctx, audience.Define("active").OfAccounts().WithPerUser().Members(
		audience.AnyUser(audience.Performed("Login").Within(time.Hour)))))
	for _, user := range []string{"ann", "bob"} {
		r.NoError(engine.Group(r.ctx, audience.Group{Profile: user, Account: "acme", Time: start}))
	}
	r.NoError(engine.Track(r.ctx, profile.Event{Profile: "ann", Name: "Login", Time: start}))

	hub := destination.NewHub(engine, destination.Options{})
	_, err = hub.Connect(r.ctx, r.to, destination.Config{Mode: destination.Identify})
	r.NoError(err)
	r.NoError(hub.Flush(r.ctx))
	r.ElementsMatch([]string{"account acme: active true", "ann: active true", "bob: active true"}, r.to.got())

	r.NoError(engine.Group(r.ctx, audience.Group{Profile: "eve", Account: "acme", Time: start}))
	r.NoError(hub.Flush(r.ctx))
	r.Equal([]string{"eve: active true"}, r.to.got())
	r.NoError(engine.Leave(r.ctx, "bob", "acme"))
	r.NoError(hub.Flush(r.ctx))
	r.Equal([]string{"bob: active false"}, r.to.got())

	r.NoError(engine.Advance(r.ctx, r.pass(time.Hour)))
	r.NoError(hub.Flush(r.ctx))
	r.NoError(hub.Close(r.ctx))
	r.ElementsMatch([]string{"account acme: active false", "ann: active false", "eve: active false"}, r.to.got())
}
