package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// childArgs has the test binary be the command itself, with these arguments, one a line.
const childArgs = "MUSTER_TEST_ARGS"

func TestMain(m *testing.M) {
	if args, is := os.LookupEnv(childArgs); is {
		os.Args = append(os.Args[:1], strings.Split(args, "\n")...)
		main()
	}
	os.Exit(m.Run())
}

// command returns the command as a process of its own.
func command(t *testing.T, args ...string) *exec.Cmd {
	self, err := os.Executable()
	require.NoError(t, err)
	c := exec.CommandContext(t.Context(), self)
	c.Env = append(os.Environ(), childArgs+"="+strings.Join(args, "\n"))
	return c
}

// A service that is killed has lost nothing that it has answered, nor any line; and while it
// runs no other can have its folder.
func TestServeKilled(t *testing.T) {
	args := []string{"serve", "-addr", "127.0.0.1:0", "-write-key", "wk", "-token", "s3cret", "-data", t.TempDir(), "-definitions", file(t, "d.json", buyers)}
	entered := map[string]bool{}
	const kills, users = 3, 20
	for round := range kills {
		var out bytes.Buffer
		c := command(t, args...)
		c.Stdout = &out
		errs, err := c.StderrPipe()
		require.NoError(t, err)
		require.NoError(t, c.Start())
		said := bufio.NewReader(errs)
		s := &served{Assertions: require.New(t), addr: listens(t, said)}

		second, err := command(t, args...).CombinedOutput()
		s.Error(err)
		s.Contains(string(second), "muster: -data: open store ")
		s.Contains(string(second), "the store is open elsewhere")
		s.NotContains(string(second), "Listening")

		for i := range users {
			status, text := s.do("wk", "POST", "/v1/track", fmt.Sprintf(`{"userId":"u%d-%d","event":"Order Completed"}`, round, i))
			s.Equal(http.StatusOK, status, text)
		}
		s.NoError(c.Process.Kill())
		_, _ = io.Copy(io.Discard, said)
		s.Error(c.Wait())
		note(t, entered, out.String())
	}
	s := startServe(t, buyers, args[1:]...)
	for round := range kills {
		for i := range users {
			status, text := s.do("s3cret", "GET", fmt.Sprintf("/v1/explain?audience=buyers&user=u%d-%d", round, i), "")
			s.Equal(http.StatusOK, status, text)
			s.Contains(text, `"member":true`)
		}
	}
	s.stop()
	s.Equal(statusDone, <-s.status)
	for line := range s.out {
		note(t, entered, line)
	}
	s.Len(entered, kills*users, "a line for each, whenever it was killed")
}

// note notes who has entered by whole lines of a service.
func note(t *testing.T, entered map[string]bool, lines string) {
	for line := range strings.Lines(lines) {
		if _, after, ok := strings.Cut(line, `"profile":"`); ok && strings.HasSuffix(strings.TrimSpace(line), "}") {
			name, _, _ := strings.Cut(after, `"`)
			require.Contains(t, line, `"type":"entered"`)
			entered[name] = true
		}
	}
}

func TestTheCommandsOfTheWelcomeWork(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("there is no curl")
	}
	ctx, cancel := context.WithCancel(t.Context())
	errs, errsTo := io.Pipe()
	ended := make(chan int)
	go func() {
		defer errsTo.Close()
		ended <- run(ctx, []string{"serve", "-addr", "127.0.0.1:0", "-data", "memory", "-definitions", "shop.json"}, streams{in: strings.NewReader(""), out: io.Discard, err: errsTo})
	}()
	commands := 0
	for said := bufio.NewScanner(errs); said.Scan(); {
		if line, ok := strings.CutPrefix(said.Text(), "  curl "); ok {
			commands++
			answer, err := exec.Command("sh", "-c", "curl --noproxy '*' -fsS "+line).CombinedOutput()
			require.NoError(t, err, "%s: %s", line, answer)
			if strings.Contains(line, "/v1/progress") {
				break
			}
		}
	}
	require.Equal(t, strings.Count(welcome, "  curl "), commands)
	go func() { _, _ = io.Copy(io.Discard, errs) }()
	cancel()
	require.Equal(t, statusDone, <-ended)
}
