package audience

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/muster-go/muster/profile"
)

// Apply takes Segment-spec messages, in their order: all, or none. If one cannot be
// taken (for its form, names of computed traits, the retention, limits) the error is a
// *MessageError that says which, and wraps ErrRefused. Any other error, of the store or
// the context, may name the message whose turn it was. Several messages are of one
// instant, and stop other calls for as long as they take; ApplyEach does not. A message
// that is sent again with the same id changes nothing.
//
// A message that has both a user id and an anonymous id attaches the second to
// the user's profile: if it is a visitor's, who has a profile of its own so far,
// the two are merged. An id that has come as a user id is no visitor's: it stays a
// user of its own.
func (e *Engine) Apply(ctx context.Context, messages ...profile.Message) (err error) {
	ctx, end := e.begin(ctx, "apply")
	defer func() { err = end(err) }()
	if len(messages) == 1 {
		var after aftermath
		err := e.take(ctx, &after, messages[0])
		if stays := e.finish(ctx, &after); err == nil {
			err = stays
		}
		return messageError(0, &messages[0], err)
	}
	messages = slices.Clone(messages)
	for i := range messages {
		messages[i] = messages[i].WithoutNoIDs(e.noID)
		if err := messages[i].Validate(); err != nil {
			return messageError(i, &messages[i], err)
		}
	}
	failed := -1
	if n := notingOf(ctx); n != nil {
		n.at = len(n.offsets) - 1
	}
	err = e.aloneNoting(ctx, "", false, func(x *txn) error {
		for i := range messages {
			if err := x.message(&messages[i]); err != nil {
				failed = i
				return err
			}
		}
		return nil
	})
	if failed < 0 || err == nil {
		return in("apply", err)
	}
	return messageError(failed, &messages[failed], err)
}

// ApplyEach takes Segment-spec messages, in their order, each by itself: one that
// is refused has no effect, and is returned with the reason, and the others are
// taken. An error, of the store or the context, stops at the message that it
// names, a *MessageError as well: those before it have been taken or refused, and
// it can be sent again with those after it, of which some may have been taken already.
//
// Messages are stored in groups, of up to 256, as long as nobody else calls the engine
// meanwhile, and a store that syncs does so once for many. What they change is told once
// they are stored: a callback finds those that came after its own taken as well.
func (e *Engine) ApplyEach(ctx context.Context, messages ...profile.Message) (refused []*MessageError, err error) {
	ctx, end := e.begin(ctx, "apply")
	defer func() { err = end(err) }()
	return e.applyEach(ctx, messages, func(*profile.Message) (int64, bool) { return 0, false })
}

// Replay is ApplyEach of messages of the past: each is taken at its own time, or where the
// engine is if that is later, which is never before its clock. All that was due before
// happens first, at its exact instant. With a ManualClock that stands at profile.MinTime the
// times of the messages, and Advance, are all that moves the engine.
func (e *Engine) Replay(ctx context.Context, messages ...profile.Message) (refused []*MessageError, err error) {
	ctx, end := e.begin(ctx, "apply")
	defer func() { err = end(err) }()
	return e.applyEach(ctx, messages, ownTime)
}

// timeOfMessage returns the instant at which a message is taken; false: when it comes.
type timeOfMessage func(*profile.Message) (t int64, ok bool)

// applyEach takes messages, each at the instant that timed says.
func (e *Engine) applyEach(ctx context.Context, messages []profile.Message, timed timeOfMessage) (refused []*MessageError, err error) {
	ctx = notingOf(ctx).ofEach(ctx, len(messages))
	var after aftermath
	first, kept := 0, 0 // those before first, and of refused, stay
	flush := func(next int) error {
		if err := e.finish(ctx, &after); err != nil {
			return messageError(first, &messages[first], err)
		}
		first, kept = next, len(refused)
		return nil
	}
	for i := 0; i < len(messages); {
		n, some := e.applyGroup(ctx, messages[i:], i, timed, &after)
		refused = append(refused, some...)
		if n == 0 {
			if of := notingOf(ctx); of != nil {
				of.at = i
			}
			err := e.applyOne(ctx, &messages[i], timed, &after)
			switch {
			case refuses(err):
				refused = append(refused, refusal(i, &messages[i], err))
			case err != nil:
				if stays := flush(i); stays != nil {
					return refused[:kept], stays
				}
				return refused, messageError(i, &messages[i], err)
			}
			i++
		}
		if i += n; n > 0 || i-first >= ungroupMost || i == len(messages) {
			if err := flush(i); err != nil {
				return refused[:kept], err
			}
		}
	}
	return refused, nil
}

// applyOne takes one message.
func (e *Engine) applyOne(ctx context.Context, m *profile.Message, timed timeOfMessage, after *aftermath) error {
	if t, ok := timed(m); ok {
		e.reach(t)
	}
	return e.take(ctx, after, *m)
}

// ownTime returns the time of a message, if it has one.
func ownTime(m *profile.Message) (t int64, ok bool) {
	if m.Time.IsZero() || profile.CheckTime(m.Time) != nil {
		return 0, false
	}
	return m.Time.UnixNano(), true
}

// take takes one message, or refuses it.
func (e *Engine) take(ctx context.Context, after *aftermath, m profile.Message) error {
	m = m.WithoutNoIDs(e.noID)
	if err := m.Validate(); err != nil {
		return err
	}
	err := e.change(ctx, after, m.Profile(), ofMessage(&m), func(x *txn) error { return x.message(&m) })
	if err == errMerges {
		return e.aloneNoting(ctx, "", false, func(x *txn) error { return x.message(&m) })
	}
	return err
}

// errMerges says that a message merges profiles, for which all locks are needed.
var errMerges = errors.New("the message merges profiles")

// check returns why a message cannot be taken, if so. It is valid.
func (x *txn) check(m *profile.Message) error {
	switch {
	case m.Type == profile.Identify:
		return x.e.checkTraits(m.Traits, aTrait)
	case m.Type == profile.Group:
		return x.e.checkTraits(m.Traits, anAccountTrait)
	case m.IsEvent():
		return x.checkAge(m.Time)
	}
	return nil
}

// checkAge returns an error for an event that the store does not keep.
func (x *txn) checkAge(t time.Time) error {
	age := x.e.store.Retention()
	if age > 0 && !t.IsZero() && t.Before(instant(x.At).Add(-age)) {
		return fmt.Errorf("%w: %s", profile.ErrRetention, t.UTC().Format(time.RFC3339Nano))
	}
	return nil
}

// message takes a message that is valid. It returns errMerges, and has done nothing, if
// it needs all locks and does not have them.
func (x *txn) message(m *profile.Message) error {
	if err := x.check(m); err != nil {
		return err
	}
	id, ids := m.Profile(), m.IDs()
	merges, err := x.attaches(m)
	switch {
	case err != nil:
		return err
	case !x.holdsAll() && (merges || m.Type == profile.Alias):
		return errMerges
	case m.Type == profile.Alias:
		return x.merge(m.PreviousID, id, m.MessageID, ids)
	case merges:
		// Of a repeated message nothing counts, not what it says of ids.
		if err := x.begun(); err != nil {
			return err
		}
		if seen, err := x.tx.Seen(x.Ctx, profile.UserRef(id), m.MessageID); err != nil || seen {
			return err
		}
		if err := x.merge(m.AnonymousID, m.UserID, "", ids); err != nil {
			return err
		}
		ids = nil
	}
	visitor := m.UserID == ""
	switch m.Type {
	case profile.Identify:
		return x.identify(&Identify{Profile: id, Traits: m.Traits, IDs: ids, Time: m.Time, MessageID: m.MessageID}, visitor)
	case profile.Group:
		return x.group(&Group{Profile: id, Account: m.GroupID, Traits: m.Traits, Time: m.Time, MessageID: m.MessageID}, ids, visitor)
	}
	return x.track(&profile.Event{
		Profile:    id,
		Name:       m.Name,
		Time:       m.Time,
		MessageID:  m.MessageID,
		Account:    m.GroupID,
		Properties: m.Properties,
		Context:    m.Context,
	}, ids, visitor)
}

// attaches reports whether a message makes its anonymous id one of the user's. One
// that is another user's already stays there: the message does not say that the
// two are one person.
func (x *txn) attaches(m *profile.Message) (bool, error) {
	if m.UserID == "" || m.AnonymousID == "" || m.UserID == m.AnonymousID {
		return false, nil
	}
	kept, exists, err := x.Store.Resolve(x.Ctx, profile.UserRef(m.AnonymousID))
	if err != nil || !exists {
		return err == nil, err
	}
	if kept != m.AnonymousID {
		return false, nil
	}
	known, err := x.Store.Known(x.Ctx, m.AnonymousID)
	return !known, err
}

// ErrRefused says that a message, or what was given to Track, Identify, Group, Leave, Alias,
// DeleteUser or DeleteAccount, can never be taken as it is, and has had no effect. No failure
// wraps it: neither a context's end nor an error or a panic of the store or the clock,
// whatever these wrap. So who reads a log may go on behind what is refused, on every replica.
var ErrRefused = errors.New("refused")

// refusedError is an error that is ErrRefused.
type refusedError struct{ error }

func (e *refusedError) Unwrap() error        { return e.error }
func (e *refusedError) Is(target error) bool { return target == ErrRefused }

// taking says in which call an error came, and whether it refuses what was given.
func taking(what string, err error) error {
	if err = in(what, err); err != nil && refuses(err) {
		return &refusedError{err}
	}
	return err
}

// MessageError says which message of a call was not taken, and why.
type MessageError struct {
	Index     int    // in the call
	MessageID string // empty: it has none
	Refused   bool   // it cannot be taken as it is; else it was its turn when the store failed or the context ended
	Err       error
}

func (e *MessageError) Error() string {
	of := fmt.Sprintf("message %d", e.Index)
	if e.MessageID != "" {
		of += fmt.Sprintf(" (id %q)", e.MessageID)
	}
	if e.Refused {
		of += " refused"
	}
	return fmt.Sprintf("%s: %v", of, e.Err)
}

// Unwrap returns the cause.
func (e *MessageError) Unwrap() error { return e.Err }

// Is reports whether target is ErrRefused, of a message that is.
func (e *MessageError) Is(target error) bool { return e.Refused && target == ErrRefused }

// messageError returns err as that of a message, if it is one.
func messageError(i int, m *profile.Message, err error) error {
	if err == nil {
		return nil
	}
	return refusal(i, m, err)
}

// refusal returns err, which is one, as that of a message.
func refusal(i int, m *profile.Message, err error) *MessageError {
	return &MessageError{Index: i, MessageID: m.MessageID, Refused: refuses(err), Err: err}
}

// refuses reports whether an error says that input cannot be taken as it is. One that came
// together with a failure does not.
func refuses(err error) bool {
	if f := (*failure)(nil); errors.As(err, &f) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return false
	}
	for _, why := range []error{
		profile.ErrInvalid, profile.ErrTooLarge, profile.ErrTime, profile.ErrRetention, profile.ErrLimit, ErrComputed,
	} {
		if errors.Is(err, why) {
			return true
		}
	}
	return false
}
