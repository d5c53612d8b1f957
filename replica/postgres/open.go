package postgres

import (
	"cmp"
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/muster-go/muster/profile"
)

//go:embed migrations/*.sql
var migrations embed.FS

// lockKey is that of the advisory lock under which the schema is changed.
const lockKey = 0x6d7573746572 // "muster"

// Options of a log.
type Options struct {
	// Lease is how long an owner that is not heard of keeps its partitions: who takes over
	// waits for that. 2 s by default.
	Lease time.Duration
}

// Log is a replica.Log in tables of PostgreSQL, which also keeps blobs (replica.Blobs) and
// placements (replica.Placements).
type Log struct {
	pool       *pgxpool.Pool
	partitions int
	opts       Options
}

// Open returns the log in the tables of a database, which it makes or brings up to date. The
// number of partitions is always the same: another is an error that wraps
// profile.ErrInvalid. Whoever closes the pool does so after the log is no more used.
func Open(ctx context.Context, pool *pgxpool.Pool, partitions int, opts Options) (*Log, error) {
	opts.Lease = cmp.Or(opts.Lease, 2*time.Second)
	l := &Log{pool, partitions, opts}
	if err := pgx.BeginFunc(ctx, pool, l.prepare); err != nil {
		return nil, fmt.Errorf("open the log: %w", err)
	}
	return l, nil
}

// prepare brings the schema up to date, and makes the partitions.
func (l *Log) prepare(tx pgx.Tx) error {
	ctx := context.Background()
	if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1)`, int64(lockKey)); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `CREATE TABLE IF NOT EXISTS muster_migrations (name text PRIMARY KEY, at timestamptz NOT NULL DEFAULT now())`); err != nil {
		return err
	}
	if err := migrate(ctx, tx); err != nil {
		return err
	}
	var n int
	if err := tx.QueryRow(ctx, `SELECT count(*) FROM muster_input`).Scan(&n); err != nil {
		return err
	}
	if n != 0 && n != l.partitions {
		return fmt.Errorf("%w: it has %d partitions, not %d", profile.ErrInvalid, n, l.partitions)
	}
	for _, table := range []string{"muster_input", "muster_output"} {
		if _, err := tx.Exec(ctx, `INSERT INTO `+table+` (partition) SELECT generate_series(0, $1::int - 1) ON CONFLICT DO NOTHING`, l.partitions); err != nil {
			return err
		}
	}
	return nil
}

// migrate applies the migrations that have not been, in the order of their names. A schema
// that a later version has made is refused.
func migrate(ctx context.Context, tx pgx.Tx) error {
	names, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return err
	}
	rows, err := tx.Query(ctx, `SELECT name FROM muster_migrations ORDER BY name`)
	if err != nil {
		return err
	}
	done, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	for i, name := range done {
		if i >= len(names) || names[i] != name {
			return fmt.Errorf("%w: the schema has the migration %s, which this version does not know", profile.ErrInvalid, name)
		}
	}
	for _, name := range names[len(done):] {
		text, err := migrations.ReadFile(name)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, string(text)); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if _, err := tx.Exec(ctx, `INSERT INTO muster_migrations (name) VALUES ($1)`, name); err != nil {
			return err
		}
	}
	return nil
}

// poll calls has until it reports something, for a moment.
func poll(ctx context.Context, has func() (bool, error)) error {
	const most = 64 * time.Millisecond
	for wait := 2 * time.Millisecond; ; wait *= 2 {
		if ok, err := has(); ok || err != nil || wait > most {
			return err
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
}

// noRows reports whether a statement returned nothing.
func noRows(err error) bool { return errors.Is(err, pgx.ErrNoRows) }
