package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/cmd/muster/internal/eventlog"
	"github.com/muster-go/muster/profile"
)

const (
	// pieceMost is how many messages are given to the engine at once, and how far is kept
	// after, where they are kept beyond the command.
	pieceMost = 4096
	// pieceSpan is how much time they cover at most: what a store does not keep for ever, the
	// ids of messages among it, is there when they are taken again.
	pieceSpan = profile.Day
)

// piece is a part of a log that is taken at once: messages, and what comes behind them.
type piece struct {
	messages []profile.Message
	lines    []int  // of each
	deleted  string // a user who is deleted; empty: none
	bad      error  // of a line; nil: none
	upTo     position

	part  float64 // which part of the log that is
	known bool    // it can be told
}

// position is how far a log was taken: up to a place, and so many records of the next line.
type position struct {
	eventlog.Position
	Records int `json:"records,omitempty"`
}

// cutter cuts a log into pieces.
type cutter struct {
	log   *eventlog.Log
	in    *eventlog.File
	most  int    // messages of a piece
	name  string // of the log, for messages without an id; empty: they stay without
	at    position
	piece piece
	since time.Time // the time of the first message of the piece
}

// cut sends pieces until the log ends, or ctx. It returns an error of reading it.
func (c *cutter) cut(ctx context.Context, to chan<- piece) error {
	for {
		before, skip := c.log.Position(), c.at.Records
		records, err := c.log.Next()
		if err == io.EOF {
			c.send(ctx, to)
			return nil
		}
		if err != nil {
			if bad := (*profile.LineError)(nil); !errors.As(err, &bad) {
				return err
			}
			c.piece.bad = err
			c.at = position{Position: c.log.Position()}
			if !c.send(ctx, to) {
				return ctx.Err()
			}
			continue
		}
		for i := skip; i < len(records); i++ {
			if !c.add(ctx, to, records[i], i) {
				return ctx.Err()
			}
			c.at = position{before, i + 1}
			if i+1 == len(records) {
				c.at = position{Position: c.log.Position()}
			}
			if c.piece.deleted != "" || len(c.piece.messages) == c.most {
				if !c.send(ctx, to) {
					return ctx.Err()
				}
			}
		}
	}
}

// add adds a record, number i of its line, to the piece, or to the next one.
func (c *cutter) add(ctx context.Context, to chan<- piece, r eventlog.Record, i int) bool {
	if r.Deleted != "" {
		c.piece.deleted = r.Deleted
		return true
	}
	m, line := r.Message, c.log.Position().Line
	if len(c.piece.messages) == 0 {
		c.since = m.Time
	}
	if m.Time.Sub(c.since).Abs() > pieceSpan {
		if !c.send(ctx, to) {
			return false
		}
		c.since = m.Time
	}
	if m.MessageID == "" && c.name != "" {
		m.MessageID = fmt.Sprintf("%s:%d:%d", c.name, line, i)
	}
	c.piece.messages, c.piece.lines = append(c.piece.messages, m), append(c.piece.lines, line)
	return true
}

// send sends the piece, and begins another.
func (c *cutter) send(ctx context.Context, to chan<- piece) bool {
	c.piece.upTo = c.at
	c.piece.part, c.piece.known = c.in.Done()
	select {
	case to <- c.piece:
		c.piece = piece{}
		return true
	case <-ctx.Done():
		return false
	}
}

// errAllBad says that -skip-bad has left nothing.
var errAllBad = errors.New("every line was bad")

// play applies every line of the log, each at its own time or, if the log has been later
// than that already, at the latest time so far. Then time goes on to until. With a store on
// the disk it begins behind what was applied before.
func (p *player) play(ctx context.Context) error {
	in, err := eventlog.Open(p.events, p.std.in)
	if err != nil {
		return unopened(p.events, err)
	}
	defer in.Close()
	log, err := eventlog.New(in, p.events, p.format)
	if err != nil {
		return fmt.Errorf("-format: %w", err)
	}
	c := &cutter{log: log, in: in, most: 1}
	if p.data != "" {
		c.most, c.name = pieceMost, p.logName()
		if c.at, err = p.taken(ctx); err != nil {
			return err
		}
		p.before = c.at.Line
		if err := log.Skip(c.at.Position); err != nil {
			return err
		}
	}
	if err := p.takeAll(ctx, c); err != nil {
		return err
	}
	if p.skipped > 0 && p.messages == 0 {
		return fmt.Errorf("%s: %w", p.events, errAllBad)
	}
	p.clock.Set(p.until)
	return p.engine.Advance(ctx, p.engine.Now())
}

// takeAll takes all pieces. They are read ahead.
func (p *player) takeAll(ctx context.Context, c *cutter) error {
	progress := newBar(p.std, "reading "+p.events)
	defer progress.clear()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // who reads is not waited for: it may be where nothing comes
	pieces, failed := make(chan piece, 4), make(chan error, 1)
	go func() {
		defer close(pieces)
		failed <- c.cut(ctx, pieces)
	}()
	for pc := range pieces {
		err := p.take(ctx, &pc, func(bad error) error {
			if !p.skipBad {
				return bad
			}
			p.skipped++
			progress.clear()
			fmt.Fprintf(p.std.err, "skipped %s\n", printable(bad.Error()))
			return nil
		})
		if err != nil {
			return err
		}
		if p.messages%1024 == 0 || len(pc.messages) > 1 {
			progress.at(pc.part, pc.known, fmt.Sprintf("%d messages", p.messages))
		}
	}
	return <-failed
}

// take takes a piece. bad is told of lines that cannot be taken.
func (p *player) take(ctx context.Context, pc *piece, bad func(error) error) error {
	if err := p.takeMessages(ctx, pc, bad); err != nil {
		return err
	}
	for i := range pc.messages {
		at := pc.messages[i].Time
		if !at.IsZero() && at.Before(p.clock.Now()) {
			p.late++
		}
		p.clock.Set(at) // which never goes back
	}
	switch {
	case pc.deleted != "":
		// Twice would be once too often, if the user has come again since: what comes next is
		// not taken before it is kept that this was.
		if err := p.engine.DeleteUser(ctx, pc.deleted); err != nil {
			return err
		}
		p.messages++
	case pc.bad != nil:
		if err := bad(pc.bad); err != nil {
			return err
		}
	}
	return p.keepTaken(ctx, pc.upTo)
}

// takeMessages takes the messages of a piece.
func (p *player) takeMessages(ctx context.Context, pc *piece, bad func(error) error) error {
	full := false // durable subscribers have been waited for
	for from := 0; from < len(pc.messages); {
		refused, err := p.engine.Replay(ctx, pc.messages[from:]...)
		for _, of := range refused {
			if err := bad(&profile.LineError{File: p.events, Line: pc.lines[from+of.Index], Err: of.Err}); err != nil {
				return err
			}
		}
		at := len(pc.messages) - from
		if of := (*audience.MessageError)(nil); errors.As(err, &of) {
			at = of.Index
			if at > 0 {
				full = false
			}
		}
		p.messages += at - len(refused)
		from += at
		switch {
		case errors.Is(err, audience.ErrOutboxFull) && !full:
			full = true
			err = p.engine.CatchUp(ctx, linesName)
		case errors.Is(err, audience.ErrOutboxFull):
			err = fmt.Errorf("%w, others than this command", err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
