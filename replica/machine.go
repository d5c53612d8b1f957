package replica

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
)

// position is how far a machine is.
type position struct {
	Record uint64 `json:"record"` // the last one that is done
	Number uint64 `json:"number"` // of the last entry that it caused
	Input  Digest `json:"input"`
}

// machine is an engine whose state, and all that it tells, are functions of the records
// that it is given, and of nothing else. One that has returned an error is of no more use,
// unless the error is the record's (see refuses), which apply does not return.
type machine struct {
	partition int
	engine    *audience.Engine
	store     profile.Store
	clock     *audience.ManualClock
	at        position
	heard     []audience.Notice // by the record at hand
}

// applied is what a record caused.
type applied struct {
	position
	entries [][]byte
	refused *Refusal
	passed  bool
}

// newMachine returns a machine on a store which is at a position.
func newMachine(ctx context.Context, partition int, store profile.Store, at position, opts *Options) (*machine, error) {
	m := &machine{partition: partition, store: store, clock: audience.NewManualClock(profile.MinTime), at: at}
	var err error
	m.engine, err = audience.New(ctx, store, audience.Options{
		Clock:        m.clock,
		Shards:       1, // the order of all that is told is then a function of the input
		CacheBytes:   opts.CacheBytes,
		NoID:         opts.NoID,
		Logger:       opts.Logger,
		MaxClockJump: -1,
	})
	if err != nil {
		return nil, err
	}
	return m, m.listen()
}

// listen has the machine hear all that the engine tells.
func (m *machine) listen() error {
	_, err := m.engine.Subscribe(func(_ context.Context, tr audience.Transition) error {
		m.heard = append(m.heard, audience.Notice{ID: tr.ID, Transition: &tr})
		return nil
	})
	_, ofTraits := m.engine.SubscribeTraits(func(_ context.Context, c audience.TraitChange) error {
		m.heard = append(m.heard, audience.Notice{ID: c.ID, TraitChange: &c})
		return nil
	})
	_, ofIDs := m.engine.SubscribeIDs(func(_ context.Context, c audience.IDChange) error {
		m.heard = append(m.heard, audience.Notice{ID: c.ID, IDChange: &c})
		return nil
	})
	return errors.Join(err, ofTraits, ofIDs)
}

// close ends the engine and its store.
func (m *machine) close() error { return errors.Join(m.engine.Close(), m.store.Close()) }

// killedError says that a record makes the engine panic.
type killedError struct {
	record uint64
	cause  string
	stack  []byte
}

func (e *killedError) Error() string {
	return fmt.Sprintf("record %d kills the engine: %s", e.record, e.cause)
}

// apply does what the next record says, unless it is passed over. An error is a failure,
// or a *killedError.
func (m *machine) apply(ctx context.Context, r *Record, pass bool) (a applied, err error) {
	if err := follows(m.at.Record, r.Number); err != nil {
		return a, err
	}
	m.heard = m.heard[:0]
	a.passed = pass
	if pass {
		a.refused = &Refusal{Killed: true, Why: "it kills the engine"}
	} else if a.refused, err = m.attempt(ctx, r); err != nil {
		return a, err
	}
	if a.refused != nil {
		a.refused.Record = r.Number
	}
	if a.entries, err = m.entries(r); err != nil {
		return a, err
	}
	m.at.Record, m.at.Input = r.Number, m.at.Input.ofRecord(r, pass)
	a.position = m.at
	return a, nil
}

// follows returns an error unless a number is the one after another.
func follows(before, number uint64) error {
	switch {
	case number > before+1:
		return fmt.Errorf("%w: record %d comes after %d", ErrGap, number, before)
	case number <= before:
		return fmt.Errorf("%w: record %d comes after %d", ErrRepeated, number, before)
	}
	return nil
}

// attempt has the engine take a record. A panic is a *killedError.
func (m *machine) attempt(ctx context.Context, r *Record) (refused *Refusal, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &killedError{r.Number, fmt.Sprint("panic: ", v), debug.Stack()}
		}
	}()
	m.clock.Set(clockTime(r.Time))
	var id string
	if isCommand(r.Body) {
		var c Command
		if c, err = parseCommand(r.Body); err == nil {
			err = m.do(ctx, &c)
		}
	} else {
		var msg profile.Message
		if msg, err = profile.ParseMessage(r.Body); err == nil {
			id = msg.MessageID
			err = m.engine.Apply(ctx, msg)
		}
	}
	if panicked := (*audience.PanicError)(nil); errors.As(err, &panicked) {
		return nil, &killedError{r.Number, err.Error(), panicked.Stack}
	}
	switch {
	case err == nil:
		return nil, nil
	case ctx.Err() == nil && refuses(err):
		return &Refusal{ID: id, Why: err.Error()}, nil
	}
	return nil, fmt.Errorf("record %d: %w", r.Number, err)
}

// do has the engine do what a command says.
func (m *machine) do(ctx context.Context, c *Command) (err error) {
	e := m.engine
	switch c.Op {
	case Tick:
		return e.Advance(ctx, e.Now())
	case Sync:
		_, err = e.Sync(ctx, *c.File, audience.SyncOptions{Delete: c.Delete})
		return err
	case Create:
		return e.CreateFile(ctx, *c.File)
	case EditAudience:
		return e.EditAudience(ctx, *c.Audience)
	case EditTrait:
		return e.EditTrait(ctx, *c.Trait)
	case DeleteAudience:
		return e.DeleteAudience(ctx, c.Key)
	case DeleteTrait:
		return e.DeleteTrait(ctx, c.Key)
	case Pause:
		return e.Pause(ctx, c.Key)
	case Resume:
		return e.Resume(ctx, c.Key)
	case Recompute:
		return e.Recompute(ctx, c.Keys...)
	case DeleteUser:
		return e.DeleteUser(ctx, c.Profile)
	case DeleteAccount:
		return e.DeleteAccount(ctx, c.Account)
	case Leave:
		return e.Leave(ctx, c.Profile, c.Account)
	}
	return nil // a PassOver is for who runs the machine
}

// entries returns what was heard of a record, in the order of its numbers, which must
// follow those of the record before.
func (m *machine) entries(r *Record) ([][]byte, error) {
	slices.SortFunc(m.heard, func(a, b audience.Notice) int { return int(int64(a.ID - b.ID)) })
	var entries [][]byte
	for _, n := range m.heard {
		if n.ID != m.at.Number+1 {
			return nil, fmt.Errorf("%w: record %d tells number %d after %d", ErrDiverged, r.Number, n.ID, m.at.Number)
		}
		line, err := json.Marshal(Entry{Record: r.Number, Notice: n})
		if err != nil {
			return nil, fmt.Errorf("write an entry: %w", err)
		}
		m.at.Number = n.ID
		entries = append(entries, line)
	}
	return entries, nil
}
