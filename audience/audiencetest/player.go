package audiencetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
)

// player plays the commands of one script to an engine of its own.
type player struct {
	name   string // of the script
	start  time.Time
	clock  *audience.ManualClock
	store  profile.Store
	engine *audience.Engine

	transitions []audience.Transition // that were not expected yet
	changes     []audience.TraitChange
	reported    []error // by callbacks, likewise

	watchers []watcher
}

// watcher follows a player.
type watcher interface {
	// did is told of each call of the engine, and of its error.
	did(context.Context, *player, deed, error)
	// heard is told of what the engine tells, in order.
	heard(audience.Transition)
	heardChange(audience.TraitChange)
	// played comes after each command.
	played(context.Context, *player, command)
}

// newPlayer returns a player whose clock stands at the start of the script's
// first day.
func newPlayer(ctx context.Context, name string, start time.Time, watchers ...watcher) (*player, error) {
	p := &player{
		name:     name,
		start:    start,
		clock:    audience.NewManualClock(start),
		store:    profile.NewMemStore(),
		watchers: watchers,
	}
	engine, err := audience.New(ctx, p.store, audience.Options{
		Clock:    p.clock,
		Shards:   1, // so that all that happens comes in one order
		Evidence: true,
		OnError:  func(err error) { p.reported = append(p.reported, err) },
	})
	if err != nil {
		return nil, err
	}
	p.engine = engine
	engine.Subscribe(func(_ context.Context, t audience.Transition) error {
		p.transitions = append(p.transitions, t)
		for _, w := range p.watchers {
			w.heard(t)
		}
		return nil
	})
	engine.SubscribeTraits(func(_ context.Context, c audience.TraitChange) error {
		p.changes = append(p.changes, c)
		for _, w := range p.watchers {
			w.heardChange(c)
		}
		return nil
	})
	return p, nil
}

// do calls the engine.
func (p *player) do(ctx context.Context, d deed) error {
	err := d.do(ctx, p.engine)
	for _, w := range p.watchers {
		w.did(ctx, p, d, err)
	}
	return err
}

// play plays one command.
func (p *player) play(ctx context.Context, c command) error {
	err := c.play(ctx, p)
	for _, w := range p.watchers {
		w.played(ctx, p, c)
	}
	return err
}

// settle has all happen that is due by now: what is expected is expected of the
// whole instant.
func (p *player) settle(ctx context.Context) error { return p.do(ctx, passing(p.clock.Now())) }

// path returns where a file is that the script names.
func (p *player) path(file string) string {
	if filepath.IsAbs(file) {
		return file
	}
	return filepath.Join(filepath.Dir(p.name), file)
}

var errBackwards = errors.New("time does not go backwards")

func (c *moveTo) play(ctx context.Context, p *player) error {
	now := p.clock.Now()
	to := c.to.in(p.start, now)
	if err := profile.CheckTime(to); err != nil {
		return err
	}
	if to.Before(now) {
		return errBackwards
	}
	return p.moveTo(ctx, to)
}

// moveTo has all happen that is due before an instant, each thing at its own,
// and moves the clock to it. What is due at that very instant waits for what
// the script does then.
func (p *player) moveTo(ctx context.Context, to time.Time) error {
	if !to.After(p.clock.Now()) {
		return nil
	}
	err := p.do(ctx, passing(to.Add(-1)))
	p.clock.Set(to)
	return err
}

func (c *say) play(ctx context.Context, p *player) error {
	m, err := c.message(p.start, p.clock.Now())
	if err != nil {
		return err
	}
	return p.do(ctx, message(m))
}

func (c *send) play(ctx context.Context, p *player) error {
	m, err := c.message(p.clock.Now())
	if err != nil {
		return err
	}
	return p.do(ctx, message(m))
}

// message returns the message. One that does not say when it was is of now.
func (c *send) message(now time.Time) (profile.Message, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal([]byte(c.json), &fields); err != nil {
		return profile.Message{}, err
	}
	timed := false
	for _, name := range []string{"timestamp", "originalTimestamp", "original_timestamp", "sentAt", "sent_at", "receivedAt", "received_at"} {
		_, is := fields[name]
		timed = timed || is
	}
	text := []byte(c.json)
	if !timed {
		fields["timestamp"] = json.RawMessage(quoted(now.Format(time.RFC3339Nano)))
		var err error
		if text, err = json.Marshal(fields); err != nil {
			return profile.Message{}, err
		}
	}
	return profile.ParseMessage(text)
}

func (c *replay) play(ctx context.Context, p *player) error {
	path := p.path(c.file)
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	log := profile.NewDecoder(file, path)
	for m, err := range log.All() {
		if err != nil {
			return err
		}
		if err := p.moveTo(ctx, m.Time); err != nil {
			return log.At(err)
		}
		if err := p.do(ctx, message(m)); err != nil {
			return log.At(err)
		}
	}
	return nil
}

func (c *leave) play(ctx context.Context, p *player) error {
	return p.do(ctx, leaving{c.user, c.account})
}

func (c *recompute) play(ctx context.Context, p *player) error { return p.do(ctx, computation(c.keys)) }

func (c *remove) play(ctx context.Context, p *player) error { return p.do(ctx, removal{*c}) }

func (c *define) play(ctx context.Context, p *player) error {
	d, err := c.deed(p)
	if err != nil {
		return err
	}
	return p.do(ctx, d)
}

// deed reads the definition, or the file of definitions.
func (c *define) deed(p *player) (deed, error) {
	switch {
	case c.file != "":
		f, err := ReadDefinitions(p.path(c.file))
		return creation(f), err
	case c.kind == ofFile:
		f, err := audience.ParseFile([]byte(c.json))
		return creation(f), err
	}
	// As a file of this one definition it is read as strictly.
	field := "audiences"
	if c.kind == ofTrait {
		field = "traits"
	}
	f, err := audience.ParseFile([]byte(`{"` + field + `": [` + c.json + `]}`))
	switch {
	case err != nil:
		return nil, err
	case !c.edit:
		return creation(f), nil
	case c.kind == ofTrait:
		return traitEdit(f.Traits[0]), nil
	}
	return audienceEdit(f.Audiences[0]), nil
}

// ReadDefinitions reads a file of definitions, in the form of
// audience.ParseFile.
func ReadDefinitions(path string) (audience.File, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return audience.File{}, err
	}
	f, err := audience.ParseFile(text)
	if err != nil {
		return f, fmt.Errorf("%s: %w", path, err)
	}
	return f, nil
}
