package audience

import (
	"bytes"
	"context"
	"errors"

	"github.com/muster-go/muster/profile"
)

// A paused audience is a batch audience that is never computed, and that its edit does not
// compute either: what its members are then stays. So it needs nothing of its own.

// Pause has an audience stand still: its members stay as they are, nothing is told, and what
// refers to it reads what stands; but who is deleted, or merged into another, is no member
// of anything any more. It is an edit of Definition.Paused, and so takes what an edit
// takes: see EditTrait. A definition may also be created, or edited, as a paused one: the
// edit changes no member, and what is created has none before it is resumed. With Sync the
// file says what is paused. One that is paused already stays so.
func (e *Engine) Pause(ctx context.Context, key string) error {
	return e.setPaused(ctx, "pause", key, true)
}

// Resume ends what Pause began. The audience catches up: it is at once what it would be had it
// not been paused, also where it counts without backfill, and only the difference is told,
// with the cause edit; what follows for those that read it has the cause dependency. A batch
// audience is computed then.
func (e *Engine) Resume(ctx context.Context, key string) error {
	return e.setPaused(ctx, "resume", key, false)
}

// errOvertaken says that a definition was edited by somebody else meanwhile.
var errOvertaken = errors.New("another edit came first")

func (e *Engine) setPaused(ctx context.Context, what, key string, paused bool) (err error) {
	ctx, end := e.begin(ctx, what)
	defer func() { err = end(err) }()
	for err = errOvertaken; errors.Is(err, errOvertaken); {
		e.mu.RLock()
		a := e.live[key]
		if a == nil || a.audience == nil {
			e.mu.RUnlock()
			return in(what, profile.ErrNotFound)
		}
		was := a.definition
		e.mu.RUnlock()
		if was.audience.Paused == paused {
			return nil
		}
		d := *was.audience
		d.Paused = paused
		err = e.edit(ctx, "audience", &definition{key: key, audience: &d, was: was})
	}
	return in(what, err)
}

// pauses reports whether an edit pauses or resumes, and changes nothing else but what is for
// people: the data that counts stays the same.
func (d *definition) pauses(was *definition) bool {
	if d.audience == nil || was.audience == nil {
		return false
	}
	a, b := *d.audience, *was.audience
	a.Paused, b.Paused = false, false
	_, mine := (&definition{audience: &a}).texts()
	_, others := (&definition{audience: &b}).texts()
	return mine != nil && bytes.Equal(mine, others)
}
