package csvexport

import (
	"context"
	"fmt"
	"io"
	"iter"
	"time"

	"github.com/muster-go/muster/profile"
)

// Result says what was written.
type Result struct {
	Profiles int       // that the audience, or the trait, had
	Rows     int       // lines after the header
	Skipped  int       // values without a normal form, which have no row; see Export.Platform
	Bytes    int64     // as written: compressed, with Gzip
	Instant  time.Time // that the file is of: the latest at which the store had changed; zero if it never had

	// CRC32C is the CRC-32 of these bytes with Castagnoli's polynomial, as
	// crc32.Checksum(file, crc32.MakeTable(crc32.Castagnoli)) returns it. It tells
	// whether a copy of the file is whole. It is no SHA-256, as that takes longer
	// than to write the file.
	CRC32C uint32
}

// Stage is what an export is doing.
type Stage uint8

// The stages, in their order.
const (
	FindingColumns Stage = iota // only of IndexedColumns and AdditionalRows
	Writing
)

// String returns "finding columns" or "writing".
func (s Stage) String() string {
	if s == FindingColumns {
		return "finding columns"
	}
	return "writing"
}

// Progress is how far an export has come.
type Progress struct {
	Stage    Stage
	Profiles int   // that the stage is done with
	Total    int   // profiles that each stage goes through
	Bytes    int64 // written so far
}

// Write writes the file to w. It reads from a snapshot of the store, which it
// takes at the call, or from a snapshot that the caller has taken and closes.
//
// An error leaves in w what was written until then; so does the end of the
// context, which is the error then. w is called from the caller's goroutine, in
// pieces of some 64 KiB.
func (e Export) Write(ctx context.Context, w io.Writer, from profile.Reader) (Result, error) {
	result, err := e.write(ctx, w, from)
	if err != nil {
		return Result{}, fmt.Errorf("export %q: %w", e.Key, err)
	}
	return result, nil
}

func (e *Export) write(ctx context.Context, w io.Writer, from profile.Reader) (result Result, err error) {
	s, release, err := open(ctx, from, e)
	if err != nil {
		return Result{}, err
	}
	defer func() {
		if released := release(); err == nil {
			err = released
		}
	}()
	r := run{export: e, source: s}
	if e.Progress != nil {
		if r.progress.Total, err = s.count(ctx); err != nil {
			return Result{}, err
		}
	}
	all, err := r.findColumns(ctx)
	if err == nil {
		err = r.writeRows(ctx, w, all)
	}
	if err != nil {
		return Result{}, err
	}
	_, r.result.Instant, err = s.reader.Position(ctx)
	return r.result, err
}

// run is one export under way.
type run struct {
	export   *Export
	source   *source
	form     form // once the columns are known
	result   Result
	progress Progress
	told     int // Progress.Profiles when it was last told
	touched  int // see touch
}

// chunk is a piece of the file's text, before compression.
type chunk struct {
	text                    []byte
	profiles, rows, skipped int // that end in it
}

const (
	chunkSize   = 64 << 10 // above it a chunk is handed on
	chunksAhead = 2
)

// findColumns is the first stage.
func (r *run) findColumns(ctx context.Context) (columns, error) {
	all, err := r.source.findColumns(ctx, r.export.Format)
	if err == nil && r.export.Format.formatted() {
		r.progress.Stage, r.progress.Profiles = FindingColumns, r.progress.Total
		r.finish()
	}
	return all, err
}

// writeRows is the second.
func (r *run) writeRows(ctx context.Context, w io.Writer, all columns) error {
	r.progress = Progress{Stage: Writing, Total: r.progress.Total}
	out := newOutput(w, r.export.Gzip)
	r.form = r.export.form(r.source, all)
	for c, err := range ahead(ctx, chunksAhead, r.chunks) {
		if err == nil {
			err = out.write(c.text)
		}
		if err != nil {
			return err
		}
		r.result.Profiles += c.profiles
		r.result.Rows += c.rows
		r.result.Skipped += c.skipped
		r.tell(c.profiles, out.bytes)
	}
	if err := out.close(); err != nil {
		return err
	}
	r.progress.Bytes, r.result.Bytes, r.result.CRC32C = out.bytes, out.bytes, out.crc
	r.finish()
	return nil
}

// tellEvery is the number of profiles after which progress is told.
const tellEvery = 1 << 13

// tell adds to the progress, and calls back if that is enough to be told.
func (r *run) tell(profiles int, bytes int64) {
	r.progress.Profiles += profiles
	r.progress.Bytes = bytes
	if r.export.Progress != nil && r.progress.Profiles-r.told >= tellEvery {
		r.told = r.progress.Profiles
		r.export.Progress(r.progress)
	}
}

// finish tells the end of a stage.
func (r *run) finish() {
	if r.told = 0; r.export.Progress != nil {
		r.export.Progress(r.progress)
	}
}

// chunks yields the text of the file. Buffers take turns: the consumer has one,
// chunksAhead wait, and one is filled.
func (r *run) chunks(ctx context.Context) iter.Seq2[chunk, error] {
	return func(yield func(chunk, error) bool) {
		var buffers [chunksAhead + 2][]byte
		turn := 0
		c := chunk{text: make([]byte, 0, chunkSize+chunkSize/8)}
		next := func() bool {
			buffers[turn] = c.text
			more := yield(c, nil)
			turn = (turn + 1) % len(buffers)
			c = chunk{text: buffers[turn][:0]}
			return more
		}
		if r.export.ByteOrderMark {
			c.text = append(c.text, "\ufeff"...)
		}
		if !r.export.NoHeader {
			names, err := r.export.headers(r.form.header())
			if err != nil {
				yield(chunk{}, err)
				return
			}
			c.text = appendHeader(c.text, names, newCells(r.export.delimiter(), r.export.protect()))
		}
		for page, err := range r.source.pages(ctx) {
			r.touched += touch(page, r.export.IDType)
			for i := range page {
				var lines int
				if lines, err = r.form.begin(&page[i]); err != nil {
					err = fmt.Errorf("%s %q: %w", r.source.subject, page[i].ID, err)
					break
				}
				for n := range lines {
					var ok bool
					if c.text, ok = r.form.line(c.text, n); !ok {
						c.skipped++
						continue
					}
					c.text = append(c.text, "\r\n"...)
					c.rows++
					if len(c.text) >= chunkSize && !next() {
						return
					}
				}
				c.profiles++
			}
			if err != nil {
				yield(chunk{}, err)
				return
			}
		}
		next()
	}
}

// appendHeader appends the first line.
func appendHeader(b []byte, names []string, c *cells) []byte {
	for i, name := range names {
		if i > 0 {
			b = append(b, c.delimiter)
		}
		b = c.text(b, name)
	}
	return append(b, "\r\n"...)
}
