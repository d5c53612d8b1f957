package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
	"github.com/muster-go/muster/replica"
)

// partition is one partition as an owner has it.
type partition struct {
	l       *Log
	n       int
	token   string // of the ownership, unlike all others
	leaving chan struct{}
	epoch   atomic.Uint64
}

// Number implements replica.Partition.
func (p *partition) Number() int { return p.n }

// Leaving implements replica.Partition.
func (p *partition) Leaving() <-chan struct{} { return p.leaving }

// Fence implements replica.Partition. Who lost its lease may not fence, even if nobody else
// has taken it yet.
func (p *partition) Fence(ctx context.Context) (uint64, *replica.Chunk, error) {
	var epoch uint64
	var head *string
	err := p.l.pool.QueryRow(ctx, `
		UPDATE muster_output SET epoch = epoch + 1
		WHERE partition = $1 AND owner = $2 RETURNING epoch, head`, p.n, p.token).Scan(&epoch, &head)
	if noRows(err) {
		return 0, nil, fmt.Errorf("fence partition %d: %w", p.n, replica.ErrFenced)
	}
	if err != nil {
		return 0, nil, fmt.Errorf("fence partition %d: %w", p.n, err)
	}
	p.epoch.Store(epoch)
	if head == nil {
		return epoch, nil, nil
	}
	last := &replica.Chunk{}
	if err := json.Unmarshal([]byte(*head), last); err != nil {
		return 0, nil, fmt.Errorf("the last chunk of partition %d: %w", p.n, err)
	}
	return epoch, last, nil
}

// Read implements replica.Partition.
func (p *partition) Read(ctx context.Context, after uint64, most int) (records []replica.Record, err error) {
	err = poll(ctx, func() (bool, error) {
		rows, err := p.l.pool.Query(ctx, `
			SELECT number, at, body FROM muster_records
			WHERE partition = $1 AND number > $2 ORDER BY number LIMIT $3`, p.n, after, most)
		if err != nil {
			return false, err
		}
		records, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (r replica.Record, err error) {
			err = row.Scan(&r.Number, &r.Time, &r.Body)
			r.Time = r.Time.UTC()
			return r, err
		})
		return len(records) > 0, err
	})
	if err != nil {
		return nil, fmt.Errorf("read partition %d: %w", p.n, err)
	}
	return records, nil
}

// End implements replica.Partition. It asks the records, and not what was once the number
// of the last.
func (p *partition) End(ctx context.Context) (last uint64, err error) {
	err = p.l.pool.QueryRow(ctx, `SELECT coalesce(max(number), 0) FROM muster_records WHERE partition = $1`, p.n).Scan(&last)
	if err != nil {
		return 0, fmt.Errorf("the end of partition %d: %w", p.n, err)
	}
	return last, nil
}

// Append implements replica.Partition: the epoch is checked in the statement that appends.
func (p *partition) Append(ctx context.Context, c *replica.Chunk) error {
	head, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("write a chunk: %w", err)
	}
	entries := c.Entries
	if entries == nil {
		entries = [][]byte{}
	}
	var place uint64
	err = p.l.pool.QueryRow(ctx, `
		WITH head AS (
			UPDATE muster_output SET place = place + 1, record = $5, number = $6, head = $7
			WHERE partition = $1 AND epoch = $2 AND record = $3 AND number = $4 RETURNING place
		)
		INSERT INTO muster_chunks (partition, place, head, entries)
		SELECT $1, head.place, $7, $8 FROM head RETURNING place`,
		p.n, p.epoch.Load(), c.From, c.First-1, c.To, c.Last(), string(head), entries).Scan(&place)
	if noRows(err) {
		return fmt.Errorf("append a chunk to partition %d: %w", p.n, replica.ErrFenced)
	}
	if err != nil {
		return fmt.Errorf("append a chunk to partition %d: %w", p.n, err)
	}
	return nil
}
