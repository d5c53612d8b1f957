package audience

import (
	"context"
	"fmt"

	"github.com/muster-go/muster/profile"
)

// Keep stores records of a durable subscriber, and with them, in one step, that it is done
// with the notices up to an id: what its callback has to remember of them is there exactly
// if they do not come again. profile.Snapshot.Records reads them; they go with the
// subscriber (RemoveSubscriber). Under a name that is no subscriber's the records alone are
// kept, and no notice is kept for it. Keep returns when all is committed; Durable, with the mark
// that it returns, when it stays whatever becomes of the process. It may be called by the
// callback and beside it; the error wraps profile.ErrClosed when the engine is closed.
func (e *Engine) Keep(ctx context.Context, subscriber string, upTo uint64, records ...profile.Record) (profile.Mark, error) {
	mark, err := e.keepRecords(ctx, subscriber, upTo, records)
	if err != nil {
		return 0, fmt.Errorf("keep records of %q: %w", subscriber, err)
	}
	return mark, nil
}

func (e *Engine) keepRecords(ctx context.Context, subscriber string, upTo uint64, records []profile.Record) (profile.Mark, error) {
	return e.keepChanges(ctx, subscriber, func(o profile.Outbox) []profile.Change {
		changes := make([]profile.Change, 0, 1+len(records))
		if _, is := o.Cursors[subscriber]; is {
			changes = append(changes, &profile.SetCursor{Subscriber: subscriber, UpTo: upTo})
		}
		for _, r := range records {
			changes = append(changes, &profile.SetRecord{Subscriber: subscriber, Record: r})
		}
		return changes
	})
}

// keepChanges commits changes of what somebody keeps.
func (e *Engine) keepChanges(ctx context.Context, name string, changes func(profile.Outbox) []profile.Change) (profile.Mark, error) {
	if e.closed.Load() {
		return 0, profile.ErrClosed
	}
	// It is no step of the engine: the store's time stays where it is.
	_, now, err := e.store.Position(ctx)
	if err != nil {
		return 0, err
	}
	if now.IsZero() {
		now = e.Now()
	}
	// No profile is touched, and so no other lane waits than that of the name.
	tx, err := e.store.Begin(ctx, now, profile.UserRef(name))
	if err != nil {
		return 0, err
	}
	defer tx.Abort()
	o, err := tx.Outbox(ctx)
	if err != nil {
		return 0, err
	}
	if err := tx.Put(changes(o)...); err != nil {
		return 0, err
	}
	return tx.Commit()
}

// Durable returns when what was committed up to a mark that Keep returned stays, whatever
// becomes of the process.
func (e *Engine) Durable(ctx context.Context, mark profile.Mark) error {
	if e.closed.Load() {
		return fmt.Errorf("durable: %w", profile.ErrClosed)
	}
	return e.store.Durable(ctx, mark)
}

// CatchUp returns when a durable subscriber is done with all that was told before the call.
// The error wraps profile.ErrNotFound if nobody is called by that name, and
// profile.ErrClosed if that ends meanwhile.
func (e *Engine) CatchUp(ctx context.Context, subscriber string) error {
	if err := e.outbox.CatchUp(ctx, subscriber); err != nil {
		return fmt.Errorf("catch up with %q: %w", subscriber, err)
	}
	return nil
}
