package logtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/replica"
)

// Reference returns what one engine in one process tells of records, in order, each as the
// String of an audience.Notice with its number. Those of the numbers in passed are left
// out. It shares no code with the workers.
func Reference(ctx context.Context, store profile.Store, records []replica.Record, passed []uint64) (told []string, err error) {
	clock := audience.NewManualClock(profile.MinTime)
	e, err := audience.New(ctx, store, audience.Options{Clock: clock, Shards: 1, MaxClockJump: -1})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	var notices []audience.Notice
	_, err1 := e.Subscribe(func(_ context.Context, tr audience.Transition) error {
		notices = append(notices, audience.Notice{ID: tr.ID, Transition: &tr})
		return nil
	})
	_, err2 := e.SubscribeTraits(func(_ context.Context, c audience.TraitChange) error {
		notices = append(notices, audience.Notice{ID: c.ID, TraitChange: &c})
		return nil
	})
	_, err3 := e.SubscribeIDs(func(_ context.Context, c audience.IDChange) error {
		notices = append(notices, audience.Notice{ID: c.ID, IDChange: &c})
		return nil
	})
	if err := errors.Join(err1, err2, err3); err != nil {
		return nil, err
	}
	for _, r := range records {
		if slices.Contains(passed, r.Number) {
			continue
		}
		clock.Set(r.Time)
		if r.Body[0] != '!' {
			m, err := profile.ParseMessage(r.Body)
			if err == nil {
				err = e.Apply(ctx, m)
			}
			if err != nil && !errors.Is(err, audience.ErrRefused) && !errors.Is(err, profile.ErrInvalid) {
				return nil, err
			}
			continue
		}
		var c replica.Command
		if err := json.Unmarshal(r.Body[1:], &c); err != nil {
			return nil, err
		}
		if err := command(ctx, e, &c); err != nil {
			return nil, fmt.Errorf("record %d: %s: %w", r.Number, c.Op, err)
		}
	}
	for _, n := range notices {
		told = append(told, Line(n))
	}
	return told, nil
}

// command has an engine do what a command says. A refusal is no error.
func command(ctx context.Context, e *audience.Engine, c *replica.Command) (err error) {
	switch c.Op {
	case replica.Tick:
		err = e.Advance(ctx, e.Now())
	case replica.Sync:
		_, err = e.Sync(ctx, *c.File, audience.SyncOptions{Delete: c.Delete})
	case replica.Create:
		err = e.CreateFile(ctx, *c.File)
	case replica.EditAudience:
		err = e.EditAudience(ctx, *c.Audience)
	case replica.EditTrait:
		err = e.EditTrait(ctx, *c.Trait)
	case replica.DeleteAudience:
		err = e.DeleteAudience(ctx, c.Key)
	case replica.DeleteTrait:
		err = e.DeleteTrait(ctx, c.Key)
	case replica.Pause:
		err = e.Pause(ctx, c.Key)
	case replica.Resume:
		err = e.Resume(ctx, c.Key)
	case replica.Recompute:
		err = e.Recompute(ctx, c.Keys...)
	case replica.DeleteUser:
		err = e.DeleteUser(ctx, c.Profile)
	case replica.DeleteAccount:
		err = e.DeleteAccount(ctx, c.Account)
	case replica.Leave:
		err = e.Leave(ctx, c.Profile, c.Account)
	}
	for _, refusal := range []error{audience.ErrExists, audience.ErrInUse, audience.ErrBatch, profile.ErrNotFound, profile.ErrRetired, profile.ErrInvalid} {
		if errors.Is(err, refusal) {
			return nil
		}
	}
	return err
}

// Line returns a notice as text, with its number.
func Line(n audience.Notice) string { return fmt.Sprintf("%d %s", n.ID, n) }

// Lines returns the entries of chunks, as they stand, each as text.
func Lines(chunks []replica.Chunk) (lines []string, err error) {
	for i := range chunks {
		for _, text := range chunks[i].Entries {
			var e replica.Entry
			if err := json.Unmarshal(text, &e); err != nil {
				return nil, err
			}
			lines = append(lines, Line(e.Notice))
		}
	}
	return lines, nil
}

// Difference is how what was told differs from what is to be told.
type Difference struct {
	Told      int
	Lost      int // not told
	Doubled   int // told again
	Different int // told, and not to be told
}

// Compare compares what was told with what is to be told, in which no line is twice.
func Compare(want, got []string) Difference {
	d := Difference{Told: len(got)}
	times := make(map[string]int, len(want))
	for _, line := range want {
		times[line] = 0
	}
	for _, line := range got {
		n, wanted := times[line]
		switch {
		case !wanted:
			d.Different++
		case n > 0:
			d.Doubled++
		}
		if wanted {
			times[line]++
		}
	}
	for _, n := range times {
		if n == 0 {
			d.Lost++
		}
	}
	return d
}

// Exact reports whether nothing is lost, doubled or different.
func (d Difference) Exact() bool { return d.Lost == 0 && d.Doubled == 0 && d.Different == 0 }

func (d Difference) String() string {
	return fmt.Sprintf("%d told: %d lost, %d doubled, %d different", d.Told, d.Lost, d.Doubled, d.Different)
}
