package crashloop

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os/exec"
	"strings"
	"time"
)

// Loop kills children, and counts.
type Loop struct {
	Dir   string // of the store
	Kills int
	Seed  uint64 // of the moments of the kills
	// Child returns a command that runs Feed on Dir from a position on, and has its
	// standard output for out.
	Child func(from Position) *exec.Cmd
	Log   func(format string, args ...any) // of what is missing, and of the progress

	next     Position
	notices  map[uint64]string
	messages map[string]string
	in       map[string]map[string]bool // who is in each audience, as the receiver of messages knows
	counts   Counts
}

// Run starts and kills children, one after the other, and looks at the store after each.
func (l *Loop) Run(ctx context.Context) (Counts, error) {
	l.notices, l.messages, l.in = map[uint64]string{}, map[string]string{}, map[string]map[string]bool{}
	rng := rand.New(rand.NewPCG(l.Seed, 1))
	for l.counts.Kills < l.Kills {
		if err := l.round(ctx, time.Duration(20+rng.IntN(400))*time.Millisecond); err != nil {
			return l.counts, fmt.Errorf("after %d kills: %w", l.counts.Kills, err)
		}
		if err := l.check(ctx); err != nil {
			return l.counts, fmt.Errorf("look at the store after %d kills: %w", l.counts.Kills, err)
		}
		if l.counts.Kills%10 == 0 {
			l.Log("%s", l.counts)
		}
	}
	return l.counts, l.drain(ctx)
}

// round runs a child, and kills it some time after the first thing that it wrote.
func (l *Loop) round(ctx context.Context, after time.Duration) error {
	cmd := l.Child(l.next)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	began, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- l.read(out, began) }()
	select {
	case <-began:
		time.Sleep(after)
	case err := <-ended:
		_ = cmd.Wait() // it says less than what is known
		return fmt.Errorf("the child ended by itself, and wrote nothing: %v", err)
	case <-ctx.Done():
	}
	killing := cmd.Process.Kill()
	err = <-ended
	_ = cmd.Wait() // it was killed
	if killing != nil {
		return fmt.Errorf("the child ended by itself: %w", killing)
	}
	l.counts.Kills++
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// read reads the lines of a child; the last may be cut off.
func (l *Loop) read(out io.Reader, began chan<- struct{}) error {
	in := bufio.NewReader(out)
	for lines := 0; ; lines++ {
		line, err := in.ReadString('\n')
		if err != nil {
			return nil // it was killed
		}
		if lines == 0 {
			close(began)
		}
		var goroutine, call int
		var id uint64
		if _, err := fmt.Sscanf(line, "a %d %d", &goroutine, &call); err == nil {
			if call != l.next[goroutine] {
				return fmt.Errorf("call %d of goroutine %d came after %d", call, goroutine, l.next[goroutine]-1)
			}
			l.next[goroutine]++
			l.counts.Acknowledged++
			continue
		}
		if message, is := strings.CutPrefix(line, "m "); is {
			id, what, _ := strings.Cut(strings.TrimSpace(message), " ")
			l.received(id, what)
			continue
		}
		if _, err := fmt.Sscanf(line, "t %d", &id); err != nil {
			return fmt.Errorf("line %q", line)
		}
		_, what, _ := strings.Cut(strings.TrimSpace(line[2:]), " ")
		l.told(id, what)
	}
}

// told notes a notice.
func (l *Loop) told(id uint64, what string) {
	before, again := l.notices[id]
	switch {
	case !again:
		l.notices[id] = what
	case before == what:
		l.counts.Doubled++
	default:
		l.counts.Other++
		l.Log("notice %d was %q, and is %q", id, before, what)
	}
}
