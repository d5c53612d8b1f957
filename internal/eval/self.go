package eval

import (
	"github.com/muster-go/muster/internal/celfilter"
	"github.com/muster-go/muster/internal/network"
	"github.com/muster-go/muster/profile"
)

// readsAnyID reports whether a filter reads who a profile is.
func readsAnyID(f *celfilter.Filter) bool {
	id, ids := f.IDs()
	return id || ids
}

// Self returns who the profile at hand is.
func (r *Run) Self() *celfilter.Self {
	if r.Profile.Self == nil {
		r.Profile.Self = r.selfOf(r.Profile.Ref)
	}
	return r.Profile.Self
}

// sender returns who did the event at hand, for a leaf.
func (r *Run) sender(n *network.Node) *celfilter.Self {
	if n.Of == profile.User {
		return r.Self()
	}
	id, exists, err := r.Store.Resolve(r.Ctx, profile.UserRef(r.actor))
	if err != nil {
		r.Err = err
	}
	if !exists {
		id = r.actor
	}
	return r.selfOf(profile.UserRef(id))
}

func (r *Run) selfOf(ref profile.Ref) *celfilter.Self {
	ids, err := r.Store.IDs(r.Ctx, ref)
	if err != nil {
		r.Err = err
	}
	byType := map[string]any{}
	for _, id := range ids {
		values, _ := byType[id.Type].([]any)
		byType[id.Type] = append(values, id.Value)
	}
	packed, err := profile.NewObject(byType)
	if err != nil {
		r.Err = err
	}
	return &celfilter.Self{ID: ref.ID, IDs: packed}
}
