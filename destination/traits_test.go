package destination_test

import (
	"strings"
	"testing"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/destination"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
)

// The values of computed traits, in each form: of a user, a visitor and an account,
// by data, by time, and when there is none any more.
func TestComputedTraits(t *testing.T) {
	const (
		context = `"context":{"personas":{"computation_class":"trait","computation_key":"spent"}}`
		at      = `"messageId":"ID","timestamp":"2026-03-01T12:00:00Z"`
		gone    = `"messageId":"ID","timestamp":"2026-03-01T13:00:00Z"`
	)
	for name, tt := range map[string]struct {
		mode destination.Mode
		want []string
		end  []string
	}{
		"identify": {
			destination.Identify,
			[]string{
				`{"type":"identify",` + at + `,"userId":"ann","traits":{"spent":10},` + context + `}`,
				`{"type":"identify",` + at + `,"anonymousId":"v","traits":{"spent":5},` + context + `}`,
			},
			[]string{
				`{"type":"identify",` + gone + `,"userId":"ann","traits":{"spent":null},` + context + `}`,
				`{"type":"identify",` + gone + `,"anonymousId":"v","traits":{"spent":null},` + context + `}`,
			},
		},
		"track": {
			destination.Track,
			[]string{
				`{"type":"track",` + at + `,"userId":"ann","event":"Trait Computed","properties":{"spent":10,"trait_key":"spent"},` + context + `}`,
				`{"type":"track",` + at + `,"anonymousId":"v","event":"Trait Computed","properties":{"spent":5,"trait_key":"spent"},` + context + `}`,
			},
			[]string{
				`{"type":"track",` + gone + `,"userId":"ann","event":"Trait Computed","properties":{"spent":null,"trait_key":"spent"},` + context + `}`,
				`{"type":"track",` + gone + `,"anonymousId":"v","event":"Trait Computed","properties":{"spent":null,"trait_key":"spent"},` + context + `}`,
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newEngineRig(t)
			r.does("user=ann buys") // before it is connected
			c := r.connect(destination.Config{Mode: tt.mode, Audiences: []string{}, Traits: []string{"spent"}})
			r.does("user=ann buys", "anonymous=v buys")
			r.Equal(tt.want, r.lines(t))
			r.passes(time.Hour)
			r.ElementsMatch(tt.end, r.lines(t))
			r.Zero(c.Stats().Known)
		})
	}
}

// lines sends all, and returns what was received as JSON.
func (r *engineRig) lines(t *testing.T) (text []string) {
	r.NoError(r.hub.Flush(r.ctx))
	for _, line := range r.to.text {
		text = append(text, withoutIDs(t, line))
	}
	r.to.text, r.to.batches = nil, nil
	return text
}

// A computed trait of accounts is a group call.
func TestComputedTraitsOfAccounts(t *testing.T) {
	r := newEngineRig(t)
	r.NoError(r.engine.CreateTraits(r.ctx, trait.Sum("total", "Buy", "total").OfAccounts()))
	cfg := destination.Config{Mode: destination.Identify, Audiences: []string{}, Traits: []string{"total"}, AnonymousID: "muster"}
	c := r.connect(cfg)
	r.NoError(r.engine.Group(r.ctx, audience.Group{Profile: "ann", Account: "acme", Time: start}))
	r.does("user=ann buys")
	r.Equal([]string{`{"type":"group","messageId":"ID","timestamp":"2026-03-01T12:00:00Z","anonymousId":"muster","groupId":"acme",` +
		`"traits":{"total":5},"context":{"personas":{"computation_class":"trait","computation_key":"total"}}}`}, r.lines(t))
	r.NoError(c.Close(r.ctx))
	cfg.Accounts = destination.UserCalls
	r.connect(cfg)
	r.Empty(r.lines(t))
}

// Values are folded to the last, and known from one connection to the next.
func TestComputedTraitsAreFolded(t *testing.T) {
	r := newEngineRig(t)
	cfg := destination.Config{Mode: destination.Identify, Audiences: []string{}, Traits: []string{destination.All}, Interval: time.Minute}
	c := r.connect(cfg)
	r.does("user=ann buys", "user=ann buys", "user=ann buys")
	r.NoError(r.engine.CatchUp(r.ctx, "destination:"+c.Type()))
	r.Equal(1, c.Stats().Queued)
	lines := r.lines(t)
	r.Len(lines, 1)
	r.Contains(lines[0], `"traits":{"spent":15}`)

	r.does("user=ann buys", "user=bob buys")
	r.NoError(c.Flush(r.ctx))
	r.NoError(c.Close(r.ctx))
	r.Len(r.lines(t), 2)
	c = r.connect(cfg)
	r.Empty(r.lines(t), "the receiver has the values")
	r.does("user=bob buys")
	lines = r.lines(t)
	r.Len(lines, 1)
	r.Contains(lines[0], `"userId":"bob","traits":{"spent":10}`)
	r.Equal(2, c.Stats().Known)
}

// A user and a visitor who become one have one value, which the receiver is told
// under all the ids that it knows; the visitor's is not taken back, which would be
// the user's.
func TestComputedTraitsAfterAMerge(t *testing.T) {
	r := newEngineRig(t)
	r.connect(destination.Config{Mode: destination.Identify, Audiences: []string{}, Traits: []string{"spent"}, ExternalIDs: []string{"email"}})
	r.does("user=ann buys", "user=ann is ann@x.io", "anonymous=v buys")
	r.ElementsMatch([]string{"+spent user=ann ann@x.io", "+spent anonymous=v"}, r.got())
	r.does("user=ann merges v")
	r.Equal([]string{"+spent user=ann ann@x.io", "+spent anonymous=v"}, r.got())
	r.does("user=ann buys")
	r.Equal([]string{"+spent user=ann ann@x.io", "+spent anonymous=v"}, r.got())
	r.passes(time.Hour)
	r.ElementsMatch([]string{"-spent user=ann ann@x.io", "-spent anonymous=v"}, r.got())
}

// What context.personas says of where a message comes from.
func TestPersonas(t *testing.T) {
	r := newEngineRig(t)
	r.connect(destination.Config{Mode: destination.Identify | destination.Track, Traits: []string{destination.All},
		Personas: destination.Personas{SpaceID: "spa_1", Namespace: "spa_2", ComputationID: func(key string) string {
			if key == "spent" {
				return ""
			}
			return "aud_" + key
		}}})
	r.does("user=ann buys")
	lines := r.lines(t)
	r.Len(lines, 4)
	for _, line := range lines {
		want := `"personas":{"computation_class":"audience","computation_id":"aud_buyers","computation_key":"buyers","namespace":"spa_2","space_id":"spa_1"}`
		if strings.Contains(line, "spent") {
			want = `"personas":{"computation_class":"trait","computation_key":"spent","namespace":"spa_2","space_id":"spa_1"}`
		}
		r.Contains(line, want)
	}
}

// The names of events and properties can be others.
func TestNames(t *testing.T) {
	r := newEngineRig(t)
	r.connect(destination.Config{Mode: destination.Identify | destination.Track, Traits: []string{"spent"}, Names: destination.Names{
		Entered: "Joined", Exited: "Left", Computed: "Value", AudienceKey: "segment", TraitKey: "name",
		Property: func(key string) string { return "muster_" + key },
	}})
	r.does("user=ann buys")
	r.passes(time.Hour)
	r.NoError(r.hub.Flush(r.ctx))
	r.does("user=ann buys")
	all := strings.Join(r.lines(t), "\n")
	for _, part := range []string{
		`"traits":{"muster_buyers":true}`, `"event":"Joined","properties":{"muster_buyers":true,"segment":"buyers"}`,
		`"traits":{"muster_spent":5}`, `"event":"Value","properties":{"muster_spent":5,"name":"spent"}`,
	} {
		r.Contains(all, part)
	}
	r.passes(time.Hour)
	all = strings.Join(r.lines(t), "\n")
	r.Contains(all, `"event":"Left","properties":{"muster_buyers":false,"segment":"buyers"}`)
	r.Contains(all, `"event":"Value","properties":{"muster_spent":null,"name":"spent"}`)
}

// Names that cannot be are refused when they are known: at once, or as the message
// of an audience that is created later.
func TestNamesThatCannotBe(t *testing.T) {
	long := strings.Repeat("x", profile.MaxID+1)
	for name, names := range map[string]destination.Names{
		"no text":           {Entered: "\xff"},
		"too long":          {TraitKey: long},
		"twice the same":    {AudienceKey: "buyers"},
		"no property":       {Property: func(string) string { return "" }},
		"a property of two": {TraitKey: "spent"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newEngineRig(t)
			_, err := r.hub.Connect(r.ctx, r.to, destination.Config{Mode: destination.Track, Traits: []string{"spent"}, Names: names})
			r.Error(err)
		})
	}
	r := newEngineRig(t)
	c := r.connect(destination.Config{Mode: destination.Track})
	r.NoError(r.engine.Create(r.ctx, audience.Define("audience_key").Members(audience.Performed("Buy"))))
	r.does("user=ann buys")
	r.Equal([]string{"+buyers user=ann"}, r.got())
	r.EqualValues(1, c.Stats().Refused)
	r.ErrorContains(c.Stats().LastError, `two properties would have the name "audience_key"`)
	// There is one property only in an identify call.
	r.NoError(c.Close(r.ctx))
	r.connect(destination.Config{Mode: destination.Identify})
	r.Contains(strings.Join(r.lines(t), "\n"), `"traits":{"audience_key":true}`)
}

func TestListsHaveNoPlaceForTraits(t *testing.T) {
	r := newEngineRig(t)
	_, err := r.hub.Connect(r.ctx, r.to, destination.Config{Mode: destination.Lists, Traits: []string{"spent"}})
	r.ErrorIs(err, profile.ErrInvalid)
}

// Without an anonymous id of the configuration, each account has one that is always
// the same, and no other's.
func TestGroupCallsHaveAnAnonymousID(t *testing.T) {
	r := newEngineRig(t)
	r.NoError(r.engine.Create(r.ctx, audience.Define("active").OfAccounts().Members(audience.AnyUser(audience.Performed("Buy")))))
	r.connect(destination.Config{Mode: destination.Identify, Audiences: []string{"active"}})
	long := strings.Repeat("x", profile.MaxID)
	for _, account := range []string{"acme", "initech", long} {
		r.NoError(r.engine.Group(r.ctx, audience.Group{Profile: "ann", Account: account, Time: start}))
	}
	r.does("user=ann buys")
	r.NoError(r.hub.Flush(r.ctx))
	ids := map[string]string{}
	for _, b := range r.to.batches {
		for _, m := range b.Messages {
			r.Regexp("^muster-[0-9a-f]{32}$", m.AnonymousID)
			r.Empty(m.UserID)
			r.NoError(m.Validate())
			text, err := destination.EncodeMessage(&m)
			r.NoError(err)
			_, err = profile.ParseMessage(text)
			r.NoError(err)
			ids[m.AnonymousID] = m.GroupID
		}
	}
	r.Len(ids, 3)
	r.NoError(r.engine.DeleteUser(r.ctx, "ann"))
	r.NoError(r.hub.Flush(r.ctx))
	for _, b := range r.to.batches {
		for _, m := range b.Messages {
			r.Equal(m.GroupID, ids[m.AnonymousID])
		}
	}
}
