package pebblestore

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"syscall"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/muster-go/muster/profile"
)

// format is the version of the layout that this package writes: see the package comment.
const format = 2

var (
	formatKey  = []byte{spaceMeta, 'f'}
	idKey      = []byte{spaceMeta, 'i'}
	seedKey    = []byte{spaceMeta, 's'}
	restoreKey = []byte{spaceMeta, 'r'} // as long as Restore has not come to its end
)

// copiedName is the file that tells that a directory is a copy.
const copiedName = "COPIED"

// Open opens the store in a directory, which is made if there is none. It reads what
// there is of keys, names and positions, and no profile: how many there are makes no
// difference. The error wraps ErrInUse if the store is open already, ErrFormat if the
// directory has something newer or other, and ErrDamaged if the files are not as they
// were written, or are missing the end of what Durable had returned of.
func Open(dir string, opts Options) (*Store, error) {
	s, err := open(dir, opts.withDefaults())
	if err != nil {
		return nil, fmt.Errorf("open store %s: %w", dir, err)
	}
	return s, nil
}

func open(dir string, opts Options) (_ *Store, err error) {
	s := &Store{dir: dir, opts: opts, fault: &fault{log: opts.Logger}}
	s.fs = &gate{FS: opts.FS, fault: s.fault}
	if err := makeDir(s.fs, dir); err != nil {
		return nil, err
	}
	if s.lock, err = pebble.LockDirectory(dir, opts.FS); err != nil {
		if errors.Is(err, syscall.EAGAIN) || strings.Contains(err.Error(), "held by current process") {
			err = fmt.Errorf("%w: %w", ErrInUse, err)
		}
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(s.fault.of(err), s.closeFiles())
		}
	}()
	if err := s.openPebble(); err != nil {
		return nil, err
	}
	isNew, err := s.isNew()
	if err != nil {
		return nil, err
	}
	if isNew {
		if err := s.create(); err != nil {
			return nil, err
		}
		// The log of a new database does not note how far it was synced, so that a
		// damaged one could be taken for a short one: that of an opened one does.
		if err := s.db.Close(); err != nil {
			return nil, err
		}
		if err := s.openPebble(); err != nil {
			return nil, err
		}
	}
	if err := s.load(); err != nil {
		return nil, err
	}
	if err := s.fault.err(); err != nil {
		return nil, err
	}
	s.begin()
	return s, nil
}

// makeDir makes a directory, and what it is in, so that a crash does not take it away
// again.
func makeDir(fs vfs.FS, dir string) error {
	var parents []string
	for at := dir; ; at = fs.PathDir(at) {
		if _, err := fs.Stat(at); err == nil || at == fs.PathDir(at) {
			break
		}
		parents = append(parents, fs.PathDir(at))
	}
	if err := fs.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, parent := range parents {
		if err := syncDir(fs, parent); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) openPebble() error {
	blocks := pebble.NewCache(s.opts.CacheBytes / 2)
	defer blocks.Unref()
	o := &pebble.Options{
		Cache:                       blocks,
		FormatMajorVersion:          pebble.FormatTableFormatV6,
		FS:                          s.fs,
		Lock:                        s.lock,
		Logger:                      s.fault,
		Merger:                      merger,
		MemTableSize:                uint64(min(max(s.opts.CacheBytes/8, 256<<10), mostMemTable/2)),
		MemTableStopWritesThreshold: 4,
		L0CompactionThreshold:       4,
		L0StopWritesThreshold:       24,
		LBaseMaxBytes:               64 << 20,
		MaxOpenFiles:                1000,
		CompactionConcurrencyRange:  func() (int, int) { return 1, 2 },
	}
	o.Experimental.ReadCompactionRate = 0
	o.ApplyCompressionSettings(func() pebble.DBCompressionSettings { return pebble.DBCompressionBalanced })
	for i := range o.Levels {
		o.Levels[i].BlockSize = 16 << 10
		o.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
		o.Levels[i].FilterType = pebble.TableFilter
	}
	o.EventListener = &pebble.EventListener{
		BackgroundError: func(err error) { s.opts.Logger.Error("pebble: in the background", "err", err) },
		DataCorruption: func(info pebble.DataCorruptionInfo) {
			s.fault.fail(fmt.Errorf("%w: %s: %w", ErrDamaged, info.Path, info.Details))
		},
	}
	o.EventListener.WriteStallBegin = func(pebble.WriteStallBeginInfo) { s.stalls.Add(1) }
	db, err := pebble.Open(s.dir, o)
	s.tables = o.MakeReaderOptions()
	if err != nil {
		s.db = nil
		if first := s.fault.err(); first != nil {
			return first
		}
		if pebble.IsCorruptionError(err) {
			return fmt.Errorf("%w: %w", ErrDamaged, err)
		}
		return err
	}
	s.db = db
	return s.fault.err()
}

// isNew reports whether the database has nothing in it.
func (s *Store) isNew() (bool, error) {
	it, err := s.db.NewIter(nil)
	if err != nil {
		return false, err
	}
	none := !it.First()
	return none, errors.Join(it.Error(), it.Close())
}

// create writes what every store has.
func (s *Store) create() error {
	b := s.db.NewBatch()
	defer b.Close()
	var random [32]byte
	if _, err := rand.Read(random[:]); err != nil {
		return err
	}
	err := errors.Join(
		b.Set(formatKey, binary.AppendUvarint(nil, format), nil),
		b.Set(idKey, random[:16], nil),
		b.Set(seedKey, random[16:], nil),
	)
	if err != nil {
		return err
	}
	return s.fault.of(s.db.Apply(b, pebble.Sync))
}

// load reads what is kept in memory.
func (s *Store) load() error {
	value, err := row(s.db, formatKey)
	if err != nil {
		return err
	}
	n, w := binary.Uvarint(value)
	switch {
	case w <= 0 || w != len(value):
		return fmt.Errorf("%w: no store of this kind", ErrFormat)
	case n == 0 || n > format:
		return fmt.Errorf("%w: version %d, this program knows %d", ErrFormat, n, format)
	case n < format:
		if err := s.migrate(); err != nil {
			return err
		}
	}
	if value, err = row(s.db, restoreKey); err != nil {
		return err
	}
	if value != nil { // the process has ended in the middle
		if err := s.wipe(); err != nil {
			return err
		}
	}
	if value, err = row(s.db, seedKey); err != nil {
		return err
	}
	if copy(s.seed[:], value) != len(s.seed) {
		return damaged(seedKey, errRow)
	}
	if err := s.loadID(); err != nil {
		return err
	}
	if err := s.loadPosition(); err != nil {
		return err
	}
	if err := s.loadNames(); err != nil {
		return err
	}
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: []byte{spaceDeleted}, UpperBound: []byte{spaceDeleted + 1}})
	if err != nil {
		return err
	}
	s.buried.Store(it.First())
	return errors.Join(it.Error(), it.Close())
}

// migrate brings a store of version 1 to version 2. What it remembers of deleted profiles are
// hashes that only this store can make: they are dropped, as they cannot be made anew, and
// messages of profiles that were deleted before are none that came before.
func (s *Store) migrate() error {
	b := s.db.NewBatch()
	defer b.Close()
	err := errors.Join(
		b.DeleteRange([]byte{spaceDeleted}, []byte{spaceDeleted + 1}, nil),
		b.Set(formatKey, binary.AppendUvarint(nil, format), nil),
	)
	if err != nil {
		return err
	}
	return s.fault.of(s.db.Apply(b, pebble.Sync))
}

// loadID reads the store's id, and gives a copy another.
func (s *Store) loadID() error {
	marker := s.fs.PathJoin(s.dir, copiedName)
	_, err := s.fs.Stat(marker)
	if copied := err == nil; copied || s.opts.Copied {
		var id [16]byte
		if _, err := rand.Read(id[:]); err != nil {
			return err
		}
		if err := s.db.Set(idKey, id[:], pebble.Sync); err != nil {
			return err
		}
		if copied {
			if err := errors.Join(s.fs.Remove(marker), syncDir(s.fs, s.dir)); err != nil {
				return err
			}
		}
	}
	value, err := row(s.db, idKey)
	if err == nil && len(value) != 16 {
		err = damaged(idKey, errRow)
	}
	s.id = hex.EncodeToString(value)
	return err
}

// loadPosition reads where the store is, and compares it with where it was known to be.
func (s *Store) loadPosition() error {
	at, err := readTally(s.db)
	if err != nil {
		return err
	}
	s.tally = at
	s.seq.Store(at.seq)
	s.latest.Store(at.now)
	s.number.Store(at.commit)
	s.syncs.applied.Store(at.commit)
	m, exists, err := openMark(s.fs, s.dir)
	s.mark = m
	if err != nil {
		return err
	}
	if !exists {
		if at.commit > 0 {
			return fmt.Errorf("%w: file %s is missing", ErrDamaged, markName)
		}
		if err := createMark(s.fs, s.dir, 0); err != nil {
			return err
		}
		if s.mark, _, err = openMark(s.fs, s.dir); err != nil {
			return err
		}
	}
	if at.commit < s.mark.last {
		return fmt.Errorf("%w: the last commit is %d, but %d was on the disk", ErrDamaged, at.commit, s.mark.last)
	}
	s.outbox.last = at.notice
	if s.outbox.cursors, err = readCursors(s.db); err != nil {
		return err
	}
	s.outbox.positions, err = readPositions(s.db)
	s.outbox.shown = s.outbox.readers
	return err
}

// loadNames reads the names and keys that rows have numbers for.
func (s *Store) loadNames() error {
	nums, err := readNumbers(s.db)
	if err != nil {
		return err
	}
	s.numbers.Store(nums)
	var names []string
	err = eachRow(s.db, []byte{spaceDict}, func(key, value []byte) error {
		if string(key) != string(appendNumbered(nil, spaceDict, uint32(len(names)))) {
			return damaged(key, errRow)
		}
		names = append(names, string(value))
		return nil
	})
	if err != nil {
		return err
	}
	s.dict = profile.RestoreDict(names)
	s.named.Store(int64(len(names)))
	s.places = map[string]uint32{}
	return eachRow(s.db, []byte{spaceKeys}, func(key, value []byte) error {
		r, err := readKeyRecord(value)
		if err == nil && string(key) != string(appendNumbered(nil, spaceKeys, uint32(len(s.places)))) {
			err = errRow
		}
		if err != nil {
			return damaged(key, err)
		}
		s.places[r.Key] = uint32(len(s.places))
		return nil
	})
}

// begin starts what runs beside the calls.
func (s *Store) begin() {
	s.life, s.end = context.WithCancel(context.Background())
	s.syncs.done = make(chan struct{})
	s.reader = reader{s: s, from: s}
	for i := range s.lanes {
		s.lanes[i].cache = cache{figures: &s.lanes[i].figures, byRef: map[profile.Ref]*cached{}, most: int(s.opts.CacheBytes / 2 / profile.Lanes)}
	}
	if s.opts.SyncInterval > 0 {
		s.background.Add(1)
		go func() {
			defer s.background.Done()
			s.syncOften()
		}()
	}
	if s.opts.SweepInterval > 0 {
		go s.sweepOften() // it ends with the transaction that it is in, for which Close cannot wait
	}
}

// closeFiles closes all files, those that are open.
func (s *Store) closeFiles() error {
	var errs []error
	if s.db != nil {
		errs = append(errs, s.db.Close())
	}
	if s.mark.file != nil {
		errs = append(errs, s.mark.file.Close())
	}
	if s.lock != nil {
		errs = append(errs, s.lock.Close())
	}
	return errors.Join(errs...)
}
