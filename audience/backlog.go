package audience

import (
	"context"
	"errors"

	"github.com/muster-go/muster/internal/outbox"
)

// OutboxLimit bounds what is kept in the store for durable subscribers.
type OutboxLimit struct {
	Notices int   // 1,000,000 by default
	Bytes   int64 // 256 MiB by default
	// Refuse has calls that may tell something fail with ErrOutboxFull while more is
	// kept. Else they wait until there is room, or their context ends.
	Refuse bool
}

// ErrOutboxFull says that more waits for durable subscribers than Options.Outbox allows.
var ErrOutboxFull = errors.New("too much waits for durable subscribers")

func (l OutboxLimit) withDefaults() OutboxLimit {
	if l.Notices <= 0 {
		l.Notices = 1_000_000
	}
	if l.Bytes <= 0 {
		l.Bytes = 256 << 20
	}
	return l
}

// restoreOutbox reads what waits for durable subscribers.
func (e *Engine) restoreOutbox(ctx context.Context) error {
	o, err := e.store.Outbox(ctx)
	if err != nil {
		return err
	}
	e.outbox.Keep(o, "")
	return nil
}

// newOutbox returns what tells durable subscribers, out of the engine's store.
func (e *Engine) newOutbox(limit OutboxLimit) *outbox.Log[Notice] {
	return &outbox.Log[Notice]{
		Limit:  outbox.Limit(limit.withDefaults()),
		Full:   ErrOutboxFull,
		Store:  e.store,
		Decode: decodeNotice,
		Report: e.report,
		Life:   e.life,
	}
}
