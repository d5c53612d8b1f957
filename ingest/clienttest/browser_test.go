package clienttest_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// tab is a page that Chromium shows. It asks for commands at the server it came from.
type tab struct {
	s        *server
	commands chan string
}

// page returns what shows a page of the folder pages, which is told how to send.
func page(name, mode string) func(t *testing.T, s *server) client {
	return func(t *testing.T, s *server) client {
		path := ""
		for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
			if found, err := exec.LookPath(name); err == nil {
				path = found
				break
			}
		}
		if path == "" {
			missing(t, "there is no chromium")
		}
		needPackages(t)
		tab := &tab{s, make(chan string)}
		ctx, cancel := context.WithCancel(context.Background())
		pages := httptest.NewServer(tab.pages(ctx))
		// What waits for a command goes first, then the browser, which closes the rest.
		t.Cleanup(pages.Close)

		dir, err := os.MkdirTemp("", "clienttest")
		s.NoError(err)
		query := url.Values{"key": {writeKey}, "host": {strings.TrimPrefix(s.http.URL, "http://")}, "mode": {mode}}
		cmd := exec.Command(path, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
			"--no-first-run", "--no-default-browser-check", "--disable-sync", "--disable-extensions",
			"--disable-background-networking", "--disable-component-update", "--no-proxy-server",
			"--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
			"--user-data-dir="+dir, pages.URL+"/"+name+"?"+query.Encode())
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // so that all its processes can be ended
		s.NoError(cmd.Start())
		t.Cleanup(func() {
			cancel()
			s.NoError(syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL))
			_ = cmd.Wait() // it was killed, and says so
			// What is left of it may be writing still.
			s.True(s.wait(func() bool { return os.RemoveAll(dir) == nil }))
		})
		return tab
	}
}

func (tab *tab) do(command string) {
	if !tab.s.wait(func() bool {
		select {
		case tab.commands <- command:
			return true
		default:
			return false
		}
	}) {
		tab.s.FailNow("the page does not ask what to do")
	}
}

// pages serves the pages and the libraries, and hands out commands.
func (tab *tab) pages(ctx context.Context) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", http.FileServer(http.Dir("pages")))
	mux.Handle("/modules/", http.StripPrefix("/modules/", http.FileServer(http.Dir("node_modules"))))
	mux.HandleFunc("/next", func(w http.ResponseWriter, r *http.Request) {
		select {
		case command := <-tab.commands:
			_, _ = io.WriteString(w, command) // to a page that is gone nothing can be told
		case <-ctx.Done():
		case <-r.Context().Done():
		}
	})
	mux.HandleFunc("/failed", func(_ http.ResponseWriter, r *http.Request) {
		text, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, 1<<16))
		tab.s.t.Logf("the page says: %s (%v)", text, err)
	})
	mux.HandleFunc("/left", func(http.ResponseWriter, *http.Request) {})
	return mux
}
