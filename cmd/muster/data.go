package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/pebblestore"
	"github.com/muster-go/muster/profile"
)

// Names under which a replay into a folder keeps what it has to go on after an interruption.
const (
	linesName = "muster replay"     // of the durable subscriber that writes lines, until it is done
	takenName = "muster replay log" // of the positions of logs, by the names of these
)

// logName returns the name by which the position of the log is kept.
func (p *player) logName() string { return filepath.Base(p.events) }

// open opens the store, and sets what of the engine's options depends on it.
func (p *player) open(options *audience.Options) (profile.Store, error) {
	if p.data == "" {
		return profile.NewMemStore(), nil
	}
	options.CacheBytes = 256 << 20
	options.Outbox.Refuse = true // to wait for what nobody reads would be for ever
	store, err := pebblestore.Open(p.data, pebblestore.Options{
		// Nobody is told of a call of the engine: a line is written once what it tells is on
		// the disk, and where to go on is found there.
		SyncInterval: time.Second,
		Retention:    p.retention,
		Logger:       slog.New(slog.NewTextHandler(p.std.err, nil)),
	})
	if err != nil {
		return nil, fmt.Errorf("-data: %w", err)
	}
	return store, nil
}

// taken returns how far the log was taken by former commands.
//
// A piece of the log and its position are not one transaction: the position is the later of
// the two, and a log that goes on behind it begins with messages that the store may have.
// Those are duplicates by their ids; a message without one gets one of its line. Nothing is
// deleted among them: see player.take.
func (p *player) taken(ctx context.Context) (at position, err error) {
	for r, err := range p.store.Records(ctx, takenName) {
		if err != nil {
			return at, err
		}
		if r.Key == p.logName() {
			if err := json.Unmarshal(r.Value, &at); err != nil {
				return at, fmt.Errorf("how far %s was taken: %w", r.Key, err)
			}
		}
	}
	return at, nil
}

// keepTaken keeps how far the log was taken.
func (p *player) keepTaken(ctx context.Context, at position) error {
	if p.data == "" {
		return nil
	}
	value, err := json.Marshal(at)
	if err == nil {
		_, err = p.engine.Keep(ctx, takenName, 0, profile.Record{Key: p.logName(), Value: value})
	}
	return err
}
