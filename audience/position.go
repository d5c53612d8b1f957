package audience

import (
	"context"
	"fmt"

	"github.com/muster-go/muster/profile"
)

// WithPosition returns a context for a call of an engine that makes of its store what a log
// says: the call stores with what it changes, in the same transaction, how far somebody has
// come in that log, which Engine.Position finds again. Offsets are the reader's own, of
// profile.MaxID bytes at most, and not empty; one, or for ApplyEach and Replay one for each message: that of the
// last that was taken or refused is stored with what these change, so that a log goes on behind
// it, exactly, whatever ended the process.
//
// The position also moves if the call changes nothing: a duplicate, a message that is refused
// (ErrRefused), an Advance for which nothing was due. It stays where it is if the call returns
// any other error. Track, Identify, Group, Leave, Alias, the deletions of users, accounts and
// definitions, Recompute, Apply, ApplyEach and Replay have it in the transaction of what they
// do. What takes several transactions, as Advance does, and what makes or edits definitions,
// has it in one behind the last: after a crash before that the record of the log comes
// again, Advance goes on where it was, and Engine.Sync finds made what is made.
//
// What callbacks call with the context that they are given stores no position.
func WithPosition(ctx context.Context, name string, offsets ...string) context.Context {
	return context.WithValue(ctx, positionKey{}, positioned{name, offsets})
}

// Position returns how far somebody has come in a log, as WithPosition or KeepPosition has
// stored it, and the ID of the last that was told by then: a zero one if that was never.
func (e *Engine) Position(ctx context.Context, name string) (profile.Position, error) {
	if e.closed.Load() {
		return profile.Position{}, fmt.Errorf("position of %q: %w", name, profile.ErrClosed)
	}
	o, err := e.store.Outbox(ctx)
	if err != nil {
		return profile.Position{}, fmt.Errorf("position of %q: %w", name, err)
	}
	return o.Positions[name], nil
}

// KeepPosition stores how far somebody has come in a log, by itself: behind a record that is
// nothing for the engine, or that it cannot take. An empty offset removes the position.
func (e *Engine) KeepPosition(ctx context.Context, name, offset string) error {
	if err := e.keepPosition(ctx, name, offset); err != nil {
		return fmt.Errorf("keep position of %q: %w", name, err)
	}
	return nil
}

func (e *Engine) keepPosition(ctx context.Context, name, offset string) error {
	mark, err := e.keepChanges(ctx, name, func(profile.Outbox) []profile.Change {
		return []profile.Change{&profile.SetPosition{Name: name, Offset: offset}}
	})
	if err != nil {
		return err
	}
	return e.durable(ctx, mark)
}

// errNoOffset is an error of the call, whatever the message: it refuses nothing.
var errNoOffset = failing(fmt.Errorf("%w: a position without an offset", profile.ErrInvalid))

type positionKey struct{}

// positioned is what WithPosition says.
type positioned struct {
	name    string
	offsets []string
}

// noting is the position of a call under way.
type noting struct {
	positioned
	at     int // the message that is at hand
	stored int // so many of the offsets are stored, or are behind one that is
}

func (n *noting) offset() string { return n.offsets[min(n.at, len(n.offsets)-1)] }

// note returns the context of a call, with the position that it is to store, if any. That of
// a call around it, of which this is a callback's, is none of this one's.
func note(ctx context.Context) (context.Context, *noting) {
	switch v := ctx.Value(positionKey{}).(type) {
	case positioned:
		if len(v.offsets) == 0 {
			v.offsets = []string{""} // which is an error
		}
		n := &noting{positioned: v}
		return context.WithValue(ctx, positionKey{}, n), n
	case *noting:
		return context.WithValue(ctx, positionKey{}, nil), nil
	}
	return ctx, nil
}

// ofEach returns the context for messages, each of which has an offset of its own; else
// the call stores its one at its end.
func (n *noting) ofEach(ctx context.Context, messages int) context.Context {
	if n != nil && len(n.offsets) != messages {
		return context.WithValue(ctx, positionKey{}, nil)
	}
	return ctx
}

// notingOf returns the position that a call is to store; nil: none.
func notingOf(ctx context.Context) *noting {
	n, _ := ctx.Value(positionKey{}).(*noting)
	return n
}

// ended stores the position of a call that has ended well, or was refused, unless a
// transaction of it has.
func (n *noting) ended(ctx context.Context, e *Engine, err error) error {
	if err != nil && !refuses(err) || n.stored >= len(n.offsets) {
		return err
	}
	offset := n.offsets[len(n.offsets)-1]
	if offset == "" {
		return errNoOffset
	}
	if keeping := e.keepPosition(ctx, n.name, offset); keeping != nil {
		return fmt.Errorf("keep position of %q: %w", n.name, failing(keeping))
	}
	return err
}

// putPosition has the transaction store the position.
func (x *txn) putPosition() error {
	offset := x.noting.offset()
	if offset == "" {
		return errNoOffset
	}
	return failing(x.put(&profile.SetPosition{Name: x.noting.name, Offset: offset}))
}

// aloneNoting is alone for what is the whole of a call, or of a message: it stores the
// position with it.
func (e *Engine) aloneNoting(ctx context.Context, what string, inclusive bool, do func(*txn) error) error {
	return e.alone(ctx, what, inclusive, func(x *txn) error {
		x.noting = notingOf(ctx)
		return do(x)
	})
}
