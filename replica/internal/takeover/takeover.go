// Package takeover is what the examples of the logs show: a worker is killed in the middle,
// another takes over, and each entry is told once.
package takeover

import (
	"context"
	"fmt"
	"io"
	"os/exec"
	"syscall"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/replica"
)

// buyers is how many users buy something.
const buyers = 300

// Show has buyers buy, with two workers as processes, of which one is killed, and says what
// was told. The log has one partition.
func Show(ctx context.Context, out io.Writer, log replica.Log, worker func(name string) *exec.Cmd) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	definitions := &audience.File{Audiences: []audience.Definition{audience.Define("buyers").Members(audience.Performed("Bought"))}}
	body, err := replica.Command{Op: replica.Sync, File: definitions}.Body()
	if err != nil {
		return err
	}
	if _, err := log.Append(ctx, 0, body); err != nil {
		return err
	}
	first, second := worker("first"), worker("second")
	if err := first.Start(); err != nil {
		return err
	}
	defer end(first)
	reader := replica.NewReader(log, 0, replica.Cursor{})
	entered := map[string]int{}
	for n := 0; len(entered) < buyers; {
		for range min(20, buyers-n) {
			n++
			message := fmt.Appendf(nil, `{"type":"track","event":"Bought","userId":"u%d","messageId":"m%d","timestamp":%q}`,
				n, n, time.Now().UTC().Format(time.RFC3339Nano))
			if _, err := log.Append(ctx, 0, message); err != nil {
				return err
			}
		}
		if n == buyers/3 {
			if err := second.Start(); err != nil {
				return err
			}
			defer end(second)
		}
		told, err := reader.Next(ctx)
		if err != nil {
			return err
		}
		for _, e := range told.Entries {
			if e.Transition != nil {
				entered[e.Transition.Profile]++
			}
		}
		if len(entered) > buyers/2 && first.ProcessState == nil {
			fmt.Fprintf(out, "%d entered, up to number %d; the first worker is killed\n", len(entered), reader.Cursor().Number)
			end(first)
		}
	}
	twice := 0
	for _, times := range entered {
		if times > 1 {
			twice++
		}
	}
	_, err = fmt.Fprintf(out, "%d entered, up to number %d, %d of them twice\n", len(entered), reader.Cursor().Number, twice)
	return err
}

// end kills a worker, unless it has ended.
func end(worker *exec.Cmd) {
	if worker.ProcessState == nil {
		_ = worker.Process.Signal(syscall.SIGKILL) // it may have ended by itself
		_ = worker.Wait()                          // it was killed, and says so
	}
}
