package audiencetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/internal/oracle"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
)

// rival has the oracle do what a player's engine does, and wants it to tell the
// same and to have the same members and values.
type rival struct {
	t          *testing.T
	model      *oracle.Model
	log        []oracle.Operation
	reactions  []*react
	deed       []notice // told in the deed at hand
	want, told []string
	batches    map[string]*batch
}

// notice is what was told, a transition or a change.
type notice struct {
	text     string
	audience audience.Transition // zero of a change
}

func newRival(t *testing.T, start time.Time) *rival {
	r := &rival{t: t, model: oracle.NewModel(start), batches: map[string]*batch{}}
	r.model.React = r.react
	return r
}

func (r *rival) react(n oracle.Notice) []oracle.Operation {
	var ops []oracle.Operation
	for _, on := range r.reactions {
		if t := n.Transition; n.Change == nil && on.does == "track" && t.Type == on.kind && t.Audience == on.key {
			ops = append(ops, oracle.Track{Event: on.event(t)})
		}
	}
	return ops
}

func (r *rival) did(_ context.Context, p *player, d deed, err error) {
	r.sort(d, err)
	if err != nil {
		return // it changed nothing
	}
	if to, is := d.(passing); is {
		r.model.Advance(time.Time(to))
		r.hear()
	} else {
		for _, op := range r.operations(d) {
			r.log = append(r.log, op)
			r.model.Do(p.clock.Now(), op)
			r.hear()
		}
	}
	require.Equal(r.t, r.want, r.told, "after %+v", d)
}

func (r *rival) hear() {
	for _, n := range r.model.Heard() {
		if n.Change != nil {
			r.want = append(r.want, n.Change.String())
		} else {
			r.want = append(r.want, n.Transition.String())
		}
	}
}

// operations returns what a deed is to the oracle, which knows no messages.
func (r *rival) operations(d deed) []oracle.Operation {
	switch d := d.(type) {
	case message:
		return r.messages(profile.Message(d))
	case leaving:
		return []oracle.Operation{oracle.Leave{Profile: d.user, Account: d.account}}
	case removal:
		return []oracle.Operation{removed(d)}
	case computation:
		return nil
	case creation:
		return []oracle.Operation{r.create(audience.File(d))}
	case audienceEdit:
		return []oracle.Operation{oracle.EditAudience{Definition: audience.Definition(d)}}
	case traitEdit:
		return []oracle.Operation{oracle.Edit{Trait: trait.Computed(d)}}
	}
	panic(fmt.Sprintf("the oracle does not know %T", d))
}

func (r *rival) messages(m profile.Message) []oracle.Operation {
	id := m.Profile()
	var from oracle.Sender
	for _, told := range m.IDs() {
		if told.Type == "email" {
			from.Email = told.Value
		}
	}
	var ops []oracle.Operation
	if m.UserID != "" && m.AnonymousID != "" && r.model.Resolve(m.AnonymousID) == m.AnonymousID {
		ops = append(ops, oracle.Merge{From: m.AnonymousID, Into: id})
	}
	switch m.Type {
	case profile.Identify:
		ops = append(ops, oracle.Identify{Sender: from, Profile: id, Traits: m.Traits, Time: m.Time, MessageID: m.MessageID})
	case profile.Group:
		ops = append(ops, oracle.Group{Sender: from, Profile: id, Account: m.GroupID, Traits: m.Traits, Time: m.Time, MessageID: m.MessageID})
	case profile.Alias:
		ops = append(ops, oracle.Merge{From: m.PreviousID, Into: id})
	default:
		ops = append(ops, oracle.Track{Sender: from, Event: profile.Event{
			Profile: id, Name: m.Name, Time: m.Time, MessageID: m.MessageID,
			Account: m.GroupID, Properties: m.Properties, Context: m.Context,
		}})
	}
	return ops
}

func removed(d removal) oracle.Operation {
	switch d.kind {
	case ofUser:
		return oracle.Delete{Profile: d.name}
	case ofAccount:
		return oracle.DeleteAccount{Account: d.name}
	case ofAudience:
		return oracle.Drop{Audience: d.name}
	}
	return oracle.DropTrait{Trait: d.name}
}

func (r *rival) heard(t audience.Transition) { r.deed = append(r.deed, notice{t.String(), t}) }

func (r *rival) heardChange(c audience.TraitChange) {
	r.deed = append(r.deed, notice{text: c.String()})
}

// played compares who is where, and has what, after a command that let all
// happen that is due.
func (r *rival) played(ctx context.Context, p *player, c command) {
	if on, is := c.(*react); is {
		r.reactions = append(r.reactions, on)
	}
	if !isExpectation(c) {
		return
	}
	now := p.clock.Now()
	if preview, is := c.(*expectPreview); is {
		d, err := preview.definition()
		require.NoError(r.t, err)
		require.Equal(r.t, r.model.Preview(d, now), preview.refs, preview.String())
	}
	for _, d := range p.engine.List() {
		if d.Batch != 0 {
			continue
		}
		var refs []profile.Ref
		for m, err := range p.engine.Members(ctx, d.Key) {
			require.NoError(r.t, err)
			refs = append(refs, m.Ref)
		}
		require.ElementsMatch(r.t, r.model.Members(d.Key, now), refs, "members of %s at %s", d.Key, now)
	}
	for _, d := range p.engine.ListTraits() {
		var values []string
		for v, err := range p.engine.Values(ctx, d.Key) {
			require.NoError(r.t, err)
			want := r.model.Value(v.Ref, d.Key, now)
			require.True(r.t, want.Equal(v.Value), "%s of %v at %s: %s, the oracle has %s", d.Key, v.Ref, now, v.Value, want)
			values = append(values, v.Ref.ID)
		}
		require.Len(r.t, r.model.ToldValues(d.Key), len(values))
	}
}
