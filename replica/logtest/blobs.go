package logtest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/muster-go/muster/replica"
)

// Blobs keep blobs in memory.
type Blobs struct {
	mu    sync.Mutex
	named map[string][]byte
}

var _ replica.Blobs = (*Blobs)(nil)

// Put implements replica.Blobs.
func (b *Blobs) Put(ctx context.Context, name string, write func(io.Writer) error) error {
	var body bytes.Buffer
	if err := write(&body); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.named == nil {
		b.named = map[string][]byte{}
	}
	b.named[name] = body.Bytes()
	return ctx.Err()
}

// Get implements replica.Blobs.
func (b *Blobs) Get(_ context.Context, name string) (io.ReadCloser, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	body, ok := b.named[name]
	if !ok {
		return nil, fmt.Errorf("blob %q: %w", name, fs.ErrNotExist)
	}
	return io.NopCloser(bytes.NewReader(body)), nil
}

// List implements replica.Blobs.
func (b *Blobs) List(_ context.Context, prefix string) (names []string, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(b.named)) {
		if strings.HasPrefix(name, prefix) {
			names = append(names, name)
		}
	}
	return names, nil
}

// Delete implements replica.Blobs.
func (b *Blobs) Delete(_ context.Context, name string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.named, name)
	return nil
}
