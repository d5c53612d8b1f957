package clienttest_test

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

// client is a library that runs.
type client interface {
	// do has the library do what a command says, or begin to.
	do(command string)
}

// clients are the libraries, each in the ways in which it sends.
var clients = []struct {
	name    string
	start   func(t *testing.T, s *server) client
	browser bool
	retries bool // it sends again; a beacon does not
	leaves  bool // a message that waits is sent when the page is left
}{
	{"@segment/analytics-node", node("segment.mjs"), false, true, false},
	{"@rudderstack/rudder-sdk-node", node("rudder.mjs"), false, true, false},
	{"@segment/analytics-next", page("segment.html", "standard"), true, true, true},
	{"@segment/analytics-next, batching", page("segment.html", "batching"), true, true, true},
	{"@rudderstack/analytics-js", page("rudder.html", "standard"), true, true, false},
	{"@rudderstack/analytics-js, batching", page("rudder.html", "batching"), true, true, false},
	{"@rudderstack/analytics-js, beacons", page("rudder.html", "beacon"), true, false, true},
}

// row is one of the table that the run prints.
type row struct{ client, call, result string }

// TestClients makes the calls that an app makes, with each library, and compares what
// arrives.
func TestClients(t *testing.T) {
	var table []row
	for _, c := range clients {
		t.Run(c.name, func(t *testing.T) {
			s := newServer(t)
			client := c.start(t, s)
			var calls []call
			tell := func(name, result string) { table = append(table, row{c.name, name, result}) }
			// expect waits until what was called has arrived, and compares it.
			expect := func(more []call, result string) {
				calls = append(calls, more...)
				var differences map[string][]string
				ok := s.wait(func() bool {
					messages, refused := s.arrived()
					differences = compare(calls, messages)
					return len(differences) == 0 || len(refused) > 0
				})
				_, refused := s.arrived()
				for _, call := range more {
					said := result
					if d := differences[call.name]; d != nil {
						said = "FAILED: " + strings.Join(d, "; ")
					}
					tell(call.name, said)
				}
				s.Empty(refused)
				s.True(ok, "%v", differences)
			}
			client.do("calls")
			if c.browser {
				expect(callsOfBrowsers(), "arrived once, as it was called")
			} else {
				expect(callsOfNode(), "arrived once, as it was called")
			}
			if c.retries {
				release := s.fill()
				before := s.handler.Stats().Limited
				client.do("retry 429")
				s.True(s.wait(func() bool { return s.handler.Stats().Limited > before }))
				release()
				expect([]call{tracked("After 429", c.browser)}, "429, then arrived once")

				s.setDown(true)
				client.do("retry 503")
				s.True(s.wait(func() bool { return s.handler.Stats().Failed > 0 }))
				s.setDown(false)
				expect([]call{tracked("After 503", c.browser)}, "503, then arrived once")
			}
			if c.leaves {
				client.do("leave")
				expect([]call{tracked("Left", c.browser)}, "arrived once, though the page was left")
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			tell("(sent to)", strings.Join(slices.Sorted(maps.Keys(s.paths)), " "))
		})
	}
	if len(table) > 0 {
		print(table)
	}
}

// print writes the table to the standard output.
func print(table []row) {
	width := row{}
	for _, r := range table {
		width.client = longer(width.client, r.client)
		width.call = longer(width.call, r.call)
	}
	for _, r := range table {
		fmt.Fprintf(os.Stdout, "%-*s  %-*s  %s\n", len(width.client), r.client, len(width.call), r.call, r.result)
	}
}

func longer(a, b string) string {
	if len(b) > len(a) {
		return b
	}
	return a
}
