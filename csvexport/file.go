package csvexport

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/muster-go/muster/profile"
)

// WriteFile writes the file at path, or none: it writes beside it, to a file
// that begins with a dot, brings that to the disk and puts it in the place of
// what was at path. After an error, or when the context ends, what was at path
// is still there, and nothing else is; but if the directory cannot be brought to
// the disk, the last step, the new file stays. A process that dies meanwhile
// leaves the file with the dot: the next WriteFile of the same path removes such
// files that nothing was written to for a day. An export that is under way is never
// idle for so long.
//
// The file can be read and written by its owner only: it tells who people are.
func (e Export) WriteFile(ctx context.Context, path string, from profile.Reader) (Result, error) {
	result, err := e.writeFile(ctx, path, from)
	if err != nil {
		return Result{}, fmt.Errorf("export %q: %w", e.Key, err)
	}
	return result, nil
}

func (e *Export) writeFile(ctx context.Context, path string, from profile.Reader) (result Result, err error) {
	dir, name := filepath.Split(path)
	dir = filepath.Clean(dir)
	if err := removeAbandoned(dir, name); err != nil {
		return Result{}, err
	}
	beside, err := os.CreateTemp(dir, "."+name+".*"+partSuffix)
	if err != nil {
		return Result{}, err
	}
	inPlace := false
	defer func() {
		if !inPlace {
			_ = beside.Close() // it may be closed already
			err = errors.Join(err, os.Remove(beside.Name()))
		}
	}()
	if result, err = e.write(ctx, beside, from); err != nil {
		return Result{}, err
	}
	if err := beside.Sync(); err != nil {
		return Result{}, err
	}
	if err := beside.Close(); err != nil {
		return Result{}, err
	}
	if err := ctx.Err(); err != nil {
		return Result{}, err
	}
	if err := os.Rename(beside.Name(), path); err != nil {
		return Result{}, err
	}
	inPlace = true
	return result, syncDir(dir)
}

// partSuffix ends the names of files that are being written, so that no file of
// somebody else is taken for one.
const partSuffix = ".part"

// abandonedAfter is how long nothing was written to a file whose export is over, as
// the process died.
const abandonedAfter = 24 * time.Hour

// removeAbandoned removes what exports to a file of a name left behind.
func removeAbandoned(dir, name string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if !strings.HasPrefix(entry.Name(), "."+name+".") || !strings.HasSuffix(entry.Name(), partSuffix) || !entry.Type().IsRegular() {
			continue
		}
		info, err := entry.Info()
		if errors.Is(err, fs.ErrNotExist) || err == nil && time.Since(info.ModTime()) < abandonedAfter {
			continue
		}
		if err == nil {
			err = os.Remove(filepath.Join(dir, entry.Name()))
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// syncDir brings the new name of a file to the disk. Windows knows no such
// thing.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
