package postgres

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/muster-go/muster/replica"
)

var (
	_ replica.Log        = (*Log)(nil)
	_ replica.Blobs      = (*Log)(nil)
	_ replica.Placements = (*Log)(nil)
)

// Partitions implements replica.Log.
func (l *Log) Partitions() int { return l.partitions }

// Append implements replica.Log, in one statement. The time of the records is the
// server's, to the microsecond, and never goes back.
func (l *Log) Append(ctx context.Context, partition int, bodies ...[]byte) (last uint64, err error) {
	if len(bodies) == 0 {
		return 0, nil
	}
	err = l.pool.QueryRow(ctx, `
		WITH head AS (
			UPDATE muster_input SET last_record = last_record + $2, last_time = greatest(last_time, clock_timestamp())
			WHERE partition = $1 RETURNING last_record, last_time
		), added AS (
			INSERT INTO muster_records (partition, number, at, body)
			SELECT $1, head.last_record - $2 + b.n, head.last_time, b.body
			FROM head, unnest($3::bytea[]) WITH ORDINALITY AS b (body, n)
		)
		SELECT last_record FROM head`, partition, len(bodies), bodies).Scan(&last)
	if err != nil {
		return 0, fmt.Errorf("append to partition %d: %w", partition, err)
	}
	return last, nil
}

// chunksMost is how many chunks are read at once.
const chunksMost = 64

// Chunks implements replica.Log.
func (l *Log) Chunks(ctx context.Context, partition int, place uint64) (chunks []replica.Chunk, next uint64, err error) {
	err = poll(ctx, func() (bool, error) {
		rows, err := l.pool.Query(ctx, `
			SELECT place, head, entries FROM muster_chunks
			WHERE partition = $1 AND place > $2 ORDER BY place LIMIT $3`, partition, place, chunksMost)
		if err != nil {
			return false, err
		}
		chunks, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (c replica.Chunk, err error) {
			var head string
			if err := row.Scan(&c.Place, &head, &c.Entries); err != nil {
				return c, err
			}
			c.Place-- // the first row is number 1
			return c, json.Unmarshal([]byte(head), &c)
		})
		return len(chunks) > 0, err
	})
	if err != nil {
		return nil, place, fmt.Errorf("read the output of partition %d: %w", partition, err)
	}
	if n := len(chunks); n > 0 {
		place = chunks[n-1].Place + 1
	}
	return chunks, place, nil
}

// Place implements replica.Placements.
func (l *Log) Place(ctx context.Context, id string, partition int) (where int, err error) {
	// The update changes nothing, but has the row returned that is there.
	err = l.pool.QueryRow(ctx, `
		INSERT INTO muster_placements AS p (id, partition) VALUES ($1, $2)
		ON CONFLICT (id) DO UPDATE SET partition = p.partition RETURNING partition`, id, partition).Scan(&where)
	if err != nil {
		return 0, fmt.Errorf("place %q: %w", id, err)
	}
	return where, nil
}

// Find implements replica.Placements.
func (l *Log) Find(ctx context.Context, id string) (where int, ok bool, err error) {
	err = l.pool.QueryRow(ctx, `SELECT partition FROM muster_placements WHERE id = $1`, id).Scan(&where)
	if noRows(err) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, fmt.Errorf("find %q: %w", id, err)
	}
	return where, true, nil
}
