package audiencetest

import (
	"slices"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/internal/oracle"
	"github.com/muster-go/muster/profile"
)

// batch is a batch audience, which the oracle does not know: what is told of it
// is held to who is a member by its definition when it is computed.
type batch struct {
	definition audience.Definition
	members    []profile.Ref
	told       []audience.Transition // by the deed at hand
}

// sort tells what a deed told of batch audiences from all else that it told.
func (r *rival) sort(d deed, err error) {
	made, _ := d.(creation)
	for _, a := range made.Audiences {
		if a.Batch != 0 && err == nil {
			r.batches[a.Key] = &batch{definition: a}
		}
	}
	for _, n := range r.deed {
		if b := r.batches[n.audience.Audience]; b != nil {
			b.told = append(b.told, n.audience)
		} else {
			r.told = append(r.told, n.text)
		}
	}
	r.deed = nil
	for _, b := range r.batches {
		r.computed(d, b)
	}
}

// computed holds what a deed told of a batch audience to the oracle.
func (r *rival) computed(d deed, b *batch) {
	realTime := b.definition
	realTime.Batch = 0
	for len(b.told) > 0 {
		first := b.told[0]
		if first.Cause == audience.CauseTime {
			require.Zero(r.t, first.At.UnixNano()%int64(b.definition.Batch), first.String())
		}
		for len(b.told) > 0 && b.told[0].At.Equal(first.At) {
			ref := b.told[0].Ref()
			i := slices.Index(b.members, ref)
			require.Equal(r.t, i >= 0, b.told[0].Type == audience.Exited, b.told[0].String())
			if i >= 0 {
				b.members = slices.Delete(b.members, i, i+1)
			} else {
				b.members = append(b.members, ref)
			}
			b.told = b.told[1:]
		}
		switch first.Cause {
		case audience.CauseTime, audience.CauseBackfill:
			log := append(slices.Clone(r.log), oracle.Create{Definitions: []audience.Definition{realTime}})
			require.ElementsMatch(r.t, oracle.Members(log, realTime.Key, first.At), b.members, "%s after %+v", first.At, d)
		}
	}
}

// create keeps batch audiences from the oracle.
func (r *rival) create(f audience.File) oracle.Operation {
	c := oracle.Create{Traits: f.Traits}
	for _, d := range f.Audiences {
		if d.Batch == 0 {
			c.Definitions = append(c.Definitions, d)
		}
	}
	return c
}
