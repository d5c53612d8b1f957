package outbox

import (
	"context"
	"errors"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
)

// Callbacks is a list of functions that are told of one kind of notice; reading it takes no
// lock. It is safe for concurrent use.
type Callbacks[A any] struct {
	Failed func(A, Failure) // is told which call failed, and how

	mu   sync.Mutex
	list atomic.Pointer[[]*func(context.Context, A) error]
}

// Failure is how a callback failed: with an error, or a panic and where that was.
type Failure struct {
	Err   error
	Panic any
	Stack []byte
}

// ErrGoexit says that a callback called runtime.Goexit, as a test's FailNow does.
var ErrGoexit = errors.New("it ended its goroutine")

// Add adds a callback, and returns what removes it.
func (c *Callbacks[A]) Add(fn func(context.Context, A) error) (remove func()) {
	added := &fn
	c.edit(func(list []*func(context.Context, A) error) []*func(context.Context, A) error {
		return append(list, added)
	})
	return func() {
		c.edit(func(list []*func(context.Context, A) error) []*func(context.Context, A) error {
			return slices.DeleteFunc(list, func(f *func(context.Context, A) error) bool { return f == added })
		})
	}
}

func (c *Callbacks[A]) edit(change func([]*func(context.Context, A) error) []*func(context.Context, A) error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := change(slices.Clone(c.all()))
	c.list.Store(&list)
}

func (c *Callbacks[A]) all() []*func(context.Context, A) error {
	if list := c.list.Load(); list != nil {
		return *list
	}
	return nil
}

// Call calls all callbacks in the order in which they were added, each whatever became of
// those before.
func (c *Callbacks[A]) Call(ctx context.Context, about A) {
	if list := c.all(); len(list) > 0 {
		c.call(ctx, about, list)
	}
}

func (c *Callbacks[A]) call(ctx context.Context, about A, fns []*func(context.Context, A) error) {
	next := 0
	defer func() {
		if next == len(fns) {
			return
		}
		failure := Failure{Err: ErrGoexit}
		if v := recover(); v != nil {
			failure = Failure{Panic: v, Stack: debug.Stack()}
		}
		c.Failed(about, failure)
		c.call(ctx, about, fns[next+1:])
	}()
	for ; next < len(fns); next++ {
		if err := (*fns[next])(ctx, about); err != nil {
			c.Failed(about, Failure{Err: err})
		}
	}
}
