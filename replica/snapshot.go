package replica

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"strconv"
	"strings"

	"github.com/muster-go/muster/profile"
)

// snapshotVersion is that of the form of a snapshot: a line of JSON (snapshotHead), what
// profile.Export writes, and the SHA-256 of both.
const snapshotVersion = 1

type snapshotHead struct {
	Version   int    `json:"version"`
	Partition int    `json:"partition"`
	Output    Digest `json:"output"`
	position
}

// keptSnapshots is how many are kept of a partition: one may be damaged, or be of a
// position that an owner who comes back cannot use yet.
const keptSnapshots = 2

func snapshotPrefix(partition int) string { return fmt.Sprintf("partition-%d/", partition) }

func snapshotName(partition int, record uint64) string {
	return fmt.Sprintf("%s%020d.snapshot", snapshotPrefix(partition), record)
}

// recordOf returns the record of the name of a snapshot.
func recordOf(partition int, name string) (uint64, bool) {
	digits, ok := strings.CutSuffix(strings.TrimPrefix(name, snapshotPrefix(partition)), ".snapshot")
	n, err := strconv.ParseUint(digits, 10, 64)
	return n, ok && err == nil
}

// snapshotDue reports whether so many records have come since the last snapshot.
func (r *runner) snapshotDue(every int) bool {
	return r.opts.Blobs != nil && r.machine.at.Record-r.snapshot >= uint64(every)
}

// save keeps a snapshot of the machine, all of which is told. A failure is no more than that
// who comes next has more to replay.
func (r *runner) save(ctx context.Context) {
	at := r.machine.at
	head := snapshotHead{snapshotVersion, r.p.Number(), r.backlog.output, at}
	err := r.opts.Blobs.Put(ctx, snapshotName(r.p.Number(), at.Record), func(out io.Writer) error {
		return writeSnapshot(ctx, out, &head, r.machine.store)
	})
	r.snapshot = at.Record
	if err == nil {
		err = r.dropOld(ctx)
	}
	if err != nil {
		r.logger.Warn("muster: no snapshot", "partition", r.p.Number(), "record", at.Record, "err", err)
	}
}

// dropOld deletes all but the newest snapshots.
func (r *runner) dropOld(ctx context.Context) error {
	names, err := r.opts.Blobs.List(ctx, snapshotPrefix(r.p.Number()))
	if err != nil {
		return err
	}
	for _, name := range names[:max(0, len(names)-keptSnapshots)] {
		err = errors.Join(err, r.opts.Blobs.Delete(ctx, name))
	}
	return err
}

func writeSnapshot(ctx context.Context, out io.Writer, head *snapshotHead, store profile.Store) error {
	sum := sha256.New()
	buf := bufio.NewWriter(io.MultiWriter(out, sum))
	if err := json.NewEncoder(buf).Encode(head); err != nil {
		return err
	}
	if _, err := profile.Export(ctx, store, buf); err != nil {
		return err
	}
	if err := buf.Flush(); err != nil {
		return err
	}
	_, err := out.Write(sum.Sum(nil))
	return err
}

// load makes a machine from the newest snapshot of a record up to upTo that can be read, or
// without one from nothing. It returns the digest of what it has told.
func (r *runner) load(ctx context.Context, upTo uint64) (*machine, Digest, error) {
	r.snapshot = 0
	var names []string
	if r.opts.Blobs != nil {
		var err error
		if names, err = r.opts.Blobs.List(ctx, snapshotPrefix(r.p.Number())); err != nil {
			return nil, Digest{}, fmt.Errorf("list snapshots: %w", err)
		}
	}
	for i := len(names) - 1; i >= 0; i-- {
		record, ok := recordOf(r.p.Number(), names[i])
		if !ok || record > upTo {
			continue
		}
		m, head, err := r.loadOne(ctx, names[i])
		if err == nil {
			r.snapshot = record
			r.logger.Info("muster: snapshot read", "name", names[i])
			return m, head.Output, nil
		}
		if ctx.Err() != nil {
			return nil, Digest{}, ctx.Err()
		}
		r.logger.Error("muster: a snapshot cannot be read", "name", names[i], "err", err) // an older one, or the log, has it
	}
	store, err := r.opts.Store(ctx, r.p.Number())
	if err != nil {
		return nil, Digest{}, err
	}
	m, err := newMachine(ctx, r.p.Number(), store, position{}, r.opts)
	if err != nil {
		return nil, Digest{}, errors.Join(err, store.Close())
	}
	return m, Digest{}, nil
}

// loadOne makes a machine from one snapshot.
func (r *runner) loadOne(ctx context.Context, name string) (_ *machine, head snapshotHead, err error) {
	blob, err := r.opts.Blobs.Get(ctx, name)
	if err != nil {
		return nil, head, err
	}
	defer blob.Close()
	store, err := r.opts.Store(ctx, r.p.Number())
	if err != nil {
		return nil, head, err
	}
	if err = readSnapshot(ctx, blob, &head, store); err == nil && head.Partition != r.p.Number() {
		err = fmt.Errorf("%w: it is of partition %d", profile.ErrInvalid, head.Partition)
	}
	var m *machine
	if err == nil {
		m, err = newMachine(ctx, r.p.Number(), store, head.position, r.opts)
	}
	if err != nil {
		return nil, head, errors.Join(err, store.Close())
	}
	return m, head, nil
}

// readSnapshot reads a snapshot into a store that is empty.
func readSnapshot(ctx context.Context, in io.Reader, head *snapshotHead, store profile.Store) error {
	body := &summed{in: bufio.NewReader(in), sum: sha256.New()}
	line, err := body.in.ReadBytes('\n')
	if err != nil {
		return err
	}
	body.sum.Write(line)
	if err := json.Unmarshal(line, head); err != nil {
		return err
	}
	if head.Version != snapshotVersion {
		return fmt.Errorf("%w: version %d is not %d", profile.ErrInvalid, head.Version, snapshotVersion)
	}
	if _, err := profile.Import(ctx, store, body); err != nil {
		return err
	}
	if rest, err := io.Copy(io.Discard, body); err != nil || rest > 0 {
		return errors.Join(err, fmt.Errorf("%w: %d bytes too many", profile.ErrInvalid, rest))
	}
	trailer, err := io.ReadAll(body.in)
	if err != nil {
		return err
	}
	if string(trailer) != string(body.sum.Sum(nil)) {
		return fmt.Errorf("%w: its digest is another", profile.ErrInvalid)
	}
	return nil
}

// summed reads all but the last sha256.Size bytes, and sums them up.
type summed struct {
	in  *bufio.Reader
	sum hash.Hash
}

func (s *summed) Read(p []byte) (int, error) {
	ahead, err := s.in.Peek(min(len(p)+sha256.Size, s.in.Size()))
	n := len(ahead) - sha256.Size
	switch {
	case n > 0:
		copy(p, ahead[:n])
		s.sum.Write(ahead[:n])
		_, err = s.in.Discard(n)
		return n, err
	case err == nil:
		return 0, nil // p is empty
	case n < 0 && err == io.EOF:
		return 0, io.ErrUnexpectedEOF
	}
	return 0, err
}
