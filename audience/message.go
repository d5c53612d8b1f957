package audience

import (
	"context"
	"errors"

	"github.com/muster-go/muster/profile"
)

// Apply takes a batch of Segment-spec messages, in their order. All are checked
// before the first is applied: a *BatchError says which one cannot be used, and
// then nothing was. An error of the store also stops at the message it names;
// those before it have been applied.
//
// A message that has both a user id and an anonymous id attaches the second to
// the user's profile: if that id had a profile of its own until then, the two
// are merged.
func (e *Engine) Apply(ctx context.Context, messages ...profile.Message) error {
	for i := range messages {
		if err := messages[i].Validate(); err != nil {
			return &BatchError{Index: i, Err: err}
		}
	}
	for i := range messages {
		if err := e.apply(ctx, &messages[i]); err != nil {
			return &BatchError{Index: i, Err: err}
		}
	}
	return nil
}

func (e *Engine) apply(ctx context.Context, m *profile.Message) error {
	id, ids := m.Profile(), m.IDs()
	seen, err := e.store.Seen(ctx, profile.UserRef(id), m.MessageID)
	switch {
	case err != nil:
		return err
	case seen:
		ids = nil // a repeated message brings none
	case m.UserID != "" && m.AnonymousID != "" && m.UserID != m.AnonymousID:
		if err := e.attach(ctx, m); err != nil {
			return err
		}
	}
	if m.Type == profile.Alias {
		return e.alias(ctx, m.PreviousID, id, m.MessageID, ids)
	}
	sh, t, err := e.enter(ctx, id)
	if err != nil {
		return err
	}
	defer e.leave(ctx, sh)
	switch m.Type {
	case profile.Identify:
		return sh.identify(ctx, &Identify{
			Profile:   id,
			Traits:    m.Traits,
			IDs:       ids,
			Time:      m.Time,
			MessageID: m.MessageID,
		}, t)
	case profile.Group:
		if err := sh.group(ctx, &Group{
			Profile:   id,
			Account:   m.GroupID,
			Traits:    m.Traits,
			Time:      m.Time,
			MessageID: m.MessageID,
		}, t); err != nil {
			return err
		}
		return sh.putIDs(ctx, id, ids, t)
	}
	created, err := sh.track(ctx, &profile.Event{
		Profile:    id,
		Name:       m.Name,
		Time:       m.Time,
		MessageID:  m.MessageID,
		Account:    m.GroupID,
		Properties: m.Properties,
		Context:    m.Context,
	}, t)
	if created { // the ids of later events are known
		err = errors.Join(err, sh.putIDs(ctx, id, ids, t))
	}
	return err
}

func (sh *shard) putIDs(ctx context.Context, id string, ids []profile.ExternalID, t int64) error {
	if len(ids) == 0 {
		return nil
	}
	put := &profile.PutIDs{Ref: profile.UserRef(id), IDs: ids}
	sh.batch = append(sh.batch[:0], put)
	err := sh.e.store.Apply(ctx, instant(t), sh.batch...)
	if err == nil {
		sh.tellIDs(put, t)
	}
	return err
}

// attach makes an anonymous id one of the user's. One that is another user's
// already stays there: the message does not say that the two are one person.
func (e *Engine) attach(ctx context.Context, m *profile.Message) error {
	was, exists, err := e.store.Resolve(ctx, profile.UserRef(m.AnonymousID))
	if err != nil || exists && was != m.AnonymousID {
		return err
	}
	return e.alias(ctx, m.AnonymousID, m.UserID, "", m.IDs())
}
