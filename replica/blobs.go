package replica

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Blobs keep snapshots under names, which are of the letters a to z, digits, dots and
// slashes. All methods may be called side by side, by any number of processes.
type Blobs interface {
	// Put keeps what write writes: all of it, once Put has returned, or else nothing.
	Put(ctx context.Context, name string, write func(io.Writer) error) error
	// Get reads it. The error wraps fs.ErrNotExist if there is none.
	Get(ctx context.Context, name string) (io.ReadCloser, error)
	// List returns the names that begin with a prefix, ascending.
	List(ctx context.Context, prefix string) ([]string, error)
	// Delete deletes it; if there is none that is no error.
	Delete(ctx context.Context, name string) error
}

// Folder keeps blobs as files of a folder, which is made if there is none. That all
// workers have it is for whoever runs them to see to.
type Folder string

var _ Blobs = Folder("")

// unfinished is how the names of files end that are being written.
const unfinished = ".part"

func (f Folder) path(name string) (string, error) {
	if !filepath.IsLocal(name) || strings.HasSuffix(name, unfinished) {
		return "", fmt.Errorf("blob %q: %w", name, fs.ErrInvalid)
	}
	return filepath.Join(string(f), filepath.FromSlash(name)), nil
}

// Put implements Blobs.
func (f Folder) Put(ctx context.Context, name string, write func(io.Writer) error) (err error) {
	path, err := f.path(name)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	out, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*"+unfinished)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(out.Name()))
		}
	}()
	if err := errors.Join(write(out), ctx.Err()); err != nil {
		return errors.Join(err, out.Close())
	}
	if err := errors.Join(out.Sync(), out.Close()); err != nil {
		return err
	}
	if err := os.Rename(out.Name(), path); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

// syncFolder has the names in a folder on the disk.
func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Get implements Blobs.
func (f Folder) Get(_ context.Context, name string) (io.ReadCloser, error) {
	path, err := f.path(name)
	if err != nil {
		return nil, err
	}
	return os.Open(path)
}

// List implements Blobs.
func (f Folder) List(ctx context.Context, prefix string) ([]string, error) {
	var names []string
	err := filepath.WalkDir(string(f), func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // nothing was put yet, or it was deleted meanwhile
		}
		if err != nil || d.IsDir() || strings.HasSuffix(path, unfinished) {
			return errors.Join(err, ctx.Err())
		}
		name, err := filepath.Rel(string(f), path)
		if name = filepath.ToSlash(name); err == nil && strings.HasPrefix(name, prefix) {
			names = append(names, name)
		}
		return err
	})
	slices.Sort(names)
	return names, err
}

// Delete implements Blobs.
func (f Folder) Delete(_ context.Context, name string) error {
	path, err := f.path(name)
	if err != nil {
		return err
	}
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
