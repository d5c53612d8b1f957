package pebblestore_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/muster-go/muster/pebblestore/internal/crashloop"
	"github.com/stretchr/testify/require"
)

var kills = flag.Int("kills", 20, "how often TestKilled kills its child")

// The test binary is its own child, if these say so.
const (
	childDir  = "PEBBLESTORE_CHILD_DIR"
	childFrom = "PEBBLESTORE_CHILD_FROM"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		from, err := crashloop.ParsePosition(os.Getenv(childFrom))
		if err == nil {
			err = crashloop.Feed(context.Background(), dir, from, os.Stdout)
		}
		fmt.Fprintln(os.Stderr, "child:", err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func TestKilledAtAnyMomentNothingIsMissing(t *testing.T) {
	self, err := os.Executable()
	require.NoError(t, err)
	dir := t.TempDir()
	loop := crashloop.Loop{
		Dir: dir, Kills: *kills, Seed: 1, Log: t.Logf,
		Child: func(from crashloop.Position) *exec.Cmd {
			cmd := exec.CommandContext(t.Context(), self)
			cmd.Env = append(os.Environ(), childDir+"="+dir, childFrom+"="+from.String())
			cmd.Stderr = os.Stderr
			return cmd
		},
	}
	counts, err := loop.Run(t.Context())
	require.NoError(t, err)
	t.Log(counts)
	require.Zero(t, counts.Lost, "acknowledged calls")
	require.Zero(t, counts.Half+counts.Other, "half steps")
	require.Zero(t, counts.CallbacksLost)
	require.Zero(t, counts.MessagesLost)
	require.Positive(t, counts.Messages)
	require.Positive(t, counts.Acknowledged)
	require.Positive(t, counts.Told)
}
