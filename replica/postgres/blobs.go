package postgres

import (
	"context"
	"fmt"
	"io"
	"io/fs"

	"github.com/jackc/pgx/v5"
)

// partSize is how much of a blob is in one row.
const partSize = 1 << 20

// Put implements replica.Blobs, in one transaction.
func (l *Log) Put(ctx context.Context, name string, write func(io.Writer) error) error {
	err := pgx.BeginFunc(ctx, l.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `DELETE FROM muster_blobs WHERE name = $1`, name); err != nil {
			return err
		}
		w := &blobWriter{ctx: ctx, tx: tx, name: name}
		if err := write(w); err != nil {
			return err
		}
		return w.flush()
	})
	if err != nil {
		return fmt.Errorf("put blob %q: %w", name, err)
	}
	return nil
}

// blobWriter writes the parts of a blob, of which there is always one.
type blobWriter struct {
	ctx  context.Context
	tx   pgx.Tx
	name string
	part int
	buf  []byte
}

func (w *blobWriter) Write(p []byte) (int, error) {
	w.buf = append(w.buf, p...)
	if len(w.buf) >= partSize {
		return len(p), w.flush()
	}
	return len(p), nil
}

func (w *blobWriter) flush() error {
	body := w.buf
	if body == nil {
		body = []byte{}
	}
	_, err := w.tx.Exec(w.ctx, `INSERT INTO muster_blobs (name, part, body) VALUES ($1, $2, $3)`, w.name, w.part, body)
	w.part++
	w.buf = w.buf[:0]
	return err
}

// Get implements replica.Blobs. What it returns is read part by part, in a transaction that
// sees the blob as it is now.
func (l *Log) Get(ctx context.Context, name string) (io.ReadCloser, error) {
	tx, err := l.pool.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return nil, fmt.Errorf("get blob %q: %w", name, err)
	}
	r := &blobReader{ctx: ctx, tx: tx, name: name}
	err = r.next()
	if err == io.EOF {
		err = fs.ErrNotExist
	}
	if err != nil {
		_ = r.Close() // of more interest is why there is nothing to read
		return nil, fmt.Errorf("get blob %q: %w", name, err)
	}
	return r, nil
}

// blobReader reads the parts of a blob.
type blobReader struct {
	ctx  context.Context
	tx   pgx.Tx
	name string
	part int
	buf  []byte
}

// next reads a part, or returns io.EOF.
func (r *blobReader) next() error {
	err := r.tx.QueryRow(r.ctx, `SELECT body FROM muster_blobs WHERE name = $1 AND part = $2`, r.name, r.part).Scan(&r.buf)
	if noRows(err) {
		return io.EOF
	}
	r.part++
	return err
}

func (r *blobReader) Read(p []byte) (int, error) {
	for len(r.buf) == 0 {
		if err := r.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, r.buf)
	r.buf = r.buf[n:]
	return n, nil
}

// Close ends the transaction.
func (r *blobReader) Close() error { return r.tx.Rollback(context.WithoutCancel(r.ctx)) }

// List implements replica.Blobs.
func (l *Log) List(ctx context.Context, prefix string) ([]string, error) {
	rows, err := l.pool.Query(ctx, `SELECT DISTINCT name COLLATE "C" AS name FROM muster_blobs WHERE starts_with(name, $1) ORDER BY name`, prefix)
	if err != nil {
		return nil, fmt.Errorf("list blobs: %w", err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("list blobs: %w", err)
	}
	return names, nil
}

// Delete implements replica.Blobs.
func (l *Log) Delete(ctx context.Context, name string) error {
	if _, err := l.pool.Exec(ctx, `DELETE FROM muster_blobs WHERE name = $1`, name); err != nil {
		return fmt.Errorf("delete blob %q: %w", name, err)
	}
	return nil
}
