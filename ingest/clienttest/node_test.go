package clienttest_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// program is a script that Node runs.
type program struct {
	s     *server
	in    io.Writer
	lines <-chan string
}

// node returns what starts a script of the folder node.
func node(script string) func(t *testing.T, s *server) client {
	return func(t *testing.T, s *server) client {
		path, err := exec.LookPath("node")
		if err != nil {
			missing(t, "there is no node")
		}
		needPackages(t)
		ctx, cancel := context.WithTimeout(context.Background(), 3*patience)
		cmd := exec.CommandContext(ctx, path, filepath.Join("node", script))
		cmd.Env = append(os.Environ(), "WRITE_KEY="+writeKey, "HOST="+s.http.URL, "NO_PROXY=127.0.0.1", "no_proxy=127.0.0.1")
		cmd.Stderr = &output{t: t}
		in, err := cmd.StdinPipe()
		s.NoError(err)
		out, err := cmd.StdoutPipe()
		s.NoError(err)
		s.NoError(cmd.Start())
		lines := make(chan string, 100)
		go func() {
			defer close(lines)
			for scanner := bufio.NewScanner(out); scanner.Scan(); {
				lines <- scanner.Text()
			}
		}()
		t.Cleanup(func() {
			defer cancel()
			s.NoError(in.Close()) // it ends when it has nothing more to do
			for range lines {
				continue
			}
			s.NoError(cmd.Wait())
		})
		return &program{s, in, lines}
	}
}

// TestTheSnippetOfTheREADME runs the four lines that are there for Node.
func TestTheSnippetOfTheREADME(t *testing.T) {
	path, err := exec.LookPath("node")
	if err != nil {
		missing(t, "there is no node")
	}
	needPackages(t)
	s := newServer(t)
	readme, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	s.NoError(err)
	_, rest, ok := strings.Cut(string(readme), "```js\n")
	s.True(ok)
	snippet, _, ok := strings.Cut(rest, "```")
	s.True(ok)
	s.Equal(4, strings.Count(snippet, "\n"))
	snippet = strings.NewReplacer("http://localhost:8080", s.http.URL, "wk_shop", writeKey).Replace(snippet)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, "--input-type=module", "--eval", snippet)
	out, err := cmd.CombinedOutput()
	s.NoError(err, "%s", out)
	messages, _ := s.arrived()
	s.Len(messages, 1)
	s.Equal("Order Completed", messages[0].Name)
}

func (p *program) do(command string) {
	_, err := fmt.Fprintln(p.in, command)
	p.s.NoError(err)
	select {
	case line, ok := <-p.lines:
		p.s.True(ok, "the script ended")
		p.s.Equal(command, line)
	case <-time.After(patience):
		p.s.FailNow("the script does not answer")
	}
}

// needPackages skips a test without the packages of package-lock.json.
func needPackages(t *testing.T) {
	t.Helper()
	if _, err := os.Stat("node_modules"); err != nil {
		missing(t, "there are no packages of Node: run npm ci in ingest/clienttest")
	}
}

// output is what a program writes to its standard error, in the log of the test.
type output struct{ t *testing.T }

func (o *output) Write(p []byte) (int, error) {
	o.t.Logf("%s", p)
	return len(p), nil
}

// wait reports whether something comes to be so.
func (s *server) wait(so func() bool) bool {
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(tick) {
		if so() {
			return true
		}
	}
	return so()
}
