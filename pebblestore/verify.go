package pebblestore

import (
	"context"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/muster-go/muster/profile"
)

// DamageKind is what is wrong.
type DamageKind string

// The kinds of damage that Verify tells apart.
const (
	DamagedFile   DamageKind = "file"   // a block of a file is not as it was written
	DamagedRow    DamageKind = "row"    // a row is none that this package writes
	DamagedIndex  DamageKind = "index"  // an index and what it is of differ
	DamagedCount  DamageKind = "count"  // what is counted is not what there is
	DamagedOutbox DamageKind = "outbox" // notices are missing, or there are some that nobody waits for, or they do not lead to what there is
)

// Damage is one thing that is wrong.
type Damage struct {
	Kind DamageKind
	What string
}

// Report is what Verify has found.
type Report struct {
	Profiles [2]int // that were looked at, by subject
	Messages int    // events, and others with a message id
	Notices  int
	Files    int
	Bytes    int64    // of the files
	Damages  []Damage // at most MaxDamages of them
}

// MaxDamages is how many damages are reported; more are not looked for.
const MaxDamages = 1000

var errEnough = errors.New("enough damages")

// Verify looks at everything that is committed: at the checksums of all files of tables,
// at each row, at each index against what it is of and the other way, at what is counted,
// at message ids against what duplicates are told by, at the notices that are kept, whether
// they lead to the memberships that there are, and at the records of subscribers. It
// takes about as long as reading all files twice, beside other calls, and as much memory
// as the message ids of one profile need. The log of what was committed lately is checked
// when a store is opened. An error says that not everything could be looked at, and is no
// damage.
func (s *Store) Verify(ctx context.Context) (Report, error) {
	v := verifier{s: s, ctx: ctx}
	err := v.files()
	if err == nil {
		err = v.rows()
	}
	if err != nil && !errors.Is(err, errEnough) {
		return v.report, fmt.Errorf("verify %s: %w", s.dir, err)
	}
	return v.report, nil
}

type verifier struct {
	s      *Store
	ctx    context.Context
	report Report

	snap    *snapshot
	members map[uint32]int64
	seq     uint64 // the greatest of a message
}

// found notes a damage.
func (v *verifier) found(kind DamageKind, format string, args ...any) error {
	v.report.Damages = append(v.report.Damages, Damage{kind, fmt.Sprintf(format, args...)})
	if len(v.report.Damages) >= MaxDamages {
		return errEnough
	}
	return nil
}

// files reads all tables from the disk, whatever of them is in memory.
func (v *verifier) files() error {
	if err := v.s.use(v.ctx); err != nil {
		return err
	}
	defer v.s.leave()
	levels, err := v.s.db.SSTables()
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	for _, level := range levels {
		for _, table := range level {
			name := fmt.Sprintf("%06d.sst", uint64(table.BackingSSTNum))
			if seen[name] {
				continue
			}
			seen[name] = true
			if err := v.s.alive(v.ctx); err != nil {
				return err
			}
			err := v.file(name)
			if errors.Is(err, errEnough) {
				return err
			}
			if err != nil {
				if _, gone := v.s.fs.Stat(v.s.fs.PathJoin(v.s.dir, name)); gone != nil {
					continue // it was compacted away meanwhile
				}
				if err := v.found(DamagedFile, "%s: %v", name, err); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (v *verifier) file(name string) error {
	f, err := v.s.fs.Open(v.s.fs.PathJoin(v.s.dir, name))
	if err != nil {
		return err
	}
	readable, err := sstable.NewSimpleReadable(f)
	if err != nil {
		return errors.Join(err, f.Close())
	}
	info, err := f.Stat()
	if err != nil {
		return errors.Join(err, readable.Close())
	}
	r, err := sstable.NewReader(v.ctx, readable, v.s.tables)
	if err != nil {
		return err // it has closed the file
	}
	err = r.ValidateBlockChecksums()
	v.report.Files++
	v.report.Bytes += info.Size()
	return errors.Join(err, r.Close())
}

// rows looks at all rows of one instant.
func (v *verifier) rows() error {
	snap, err := v.s.Snapshot(v.ctx)
	if err != nil {
		return err
	}
	defer snap.Close()
	v.snap = snap.(*snapshot)
	v.members = map[uint32]int64{}
	for _, look := range []func() error{v.heads, v.owns, v.indexes, v.outbox, v.counts} {
		if err := look(); err != nil {
			return err
		}
	}
	return nil
}

// each calls do for each row of a space.
func (v *verifier) each(space byte, do func(key, value []byte) error) error {
	err := eachRow(v.snap.r, []byte{space}, func(key, value []byte) error {
		if err := v.snap.alive(v.ctx); err != nil {
			return err
		}
		return do(key, value)
	})
	if pebble.IsCorruptionError(err) {
		return v.found(DamagedFile, "rows of %q: %v", space, err)
	}
	return err
}

// expect notes a damage unless there is a row; with a value, that one.
func (v *verifier) expect(key, value []byte, format string, args ...any) error {
	b, err := row(v.snap.r, key)
	if err != nil {
		return err
	}
	if b == nil || value != nil && string(b) != string(value) {
		return v.found(DamagedIndex, format, args...)
	}
	return nil
}

// counts compares what is counted with what there is.
func (v *verifier) counts() error {
	t := v.snap.tally
	stored, err := readTally(v.snap.r)
	if err != nil {
		return v.found(DamagedRow, "%v", err)
	}
	if !stored.equal(t) {
		if err := v.found(DamagedCount, "the position on the disk is not that in memory"); err != nil {
			return err
		}
	}
	for s, n := range t.profiles {
		if n != int64(v.report.Profiles[s]) {
			if err := v.found(DamagedCount, "%d profiles of the kind %s are counted as %d", v.report.Profiles[s], profile.Subject(s), n); err != nil {
				return err
			}
		}
	}
	for number, n := range t.members {
		if v.members[number] != n {
			key, _ := v.snap.nums.key(number)
			if err := v.found(DamagedCount, "%d members of %q are counted as %d", v.members[number], key, n); err != nil {
				return err
			}
		}
	}
	for number, n := range v.members {
		if _, counted := t.members[number]; !counted {
			if err := v.found(DamagedCount, "%d members of number %d are not counted", n, number); err != nil {
				return err
			}
		}
	}
	if v.seq > t.seq {
		return v.found(DamagedCount, "message %d has arrived, and %d are counted", v.seq, t.seq)
	}
	return nil
}

// Checkpoint makes a copy of all that is committed in a directory that does not exist yet:
// of hard links, where the file system has them, and of the log. It can be opened as a
// store of its own, and gets an id of its own when it is. The directory's own name is
// durable once its parent was synced, which Checkpoint does. One that was broken off is
// ErrDamaged to Open.
func (s *Store) Checkpoint(ctx context.Context, dir string) error {
	if err := s.use(ctx); err != nil {
		return err
	}
	defer s.leave()
	if err := s.checkpoint(dir); err != nil {
		return fmt.Errorf("checkpoint of %s in %s: %w", s.dir, dir, s.fault.of(err))
	}
	return nil
}

func (s *Store) checkpoint(dir string) error {
	applied := s.syncs.applied.Load()
	if err := s.db.Checkpoint(dir, pebble.WithFlushedWAL()); err != nil {
		return err
	}
	f, err := s.fs.Create(s.fs.PathJoin(dir, copiedName), vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := createMark(s.fs, dir, applied); err != nil {
		return err
	}
	if parent := s.fs.PathDir(dir); parent != dir {
		return syncDir(s.fs, parent)
	}
	return nil
}
