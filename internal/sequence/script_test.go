package sequence_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/funnel"
	"github.com/muster-go/muster/internal/horizon"
	"github.com/muster-go/muster/internal/sequence"
	"github.com/muster-go/muster/profile"
)

// TestScripts runs the files under testdata. A file is lines:
//
//	# why the answer is what it is
//	funnel {"steps": [...]}     begins anew; may go on over indented lines
//	Some Event, 1h30m, k=v      an event of that name and time, its properties
//	1h: true until 2d by 30m 1h answers at 1h, with the times of the evidence;
//	                            or: false until never
//
// Times count from a day in 2026. Events are added where they stand: at the
// latest instant that was asked for, so one with a lesser time is late.
func TestScripts(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, paths)
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(path)
			require.NoError(t, err)
			s := script{now: origin}
			asked := 0
			lines := strings.Split(strings.ReplaceAll(string(text), "\n    ", " "), "\n")
			for _, line := range lines {
				want, is := strings.CutPrefix(line, "funnel ")
				question, answer, asks := strings.Cut(line, ": ")
				switch {
				case line == "" || line[0] == '#':
				case is:
					require.NoError(t, s.begin(want), line)
				case strings.Contains(line, ", "):
					require.NoError(t, s.event(line), line)
				case asks:
					got, err := s.at(question)
					require.NoError(t, err, line)
					require.Equal(t, answer, got, line)
					asked++
				default:
					require.Fail(t, "not a line of a script", line)
				}
			}
			require.Positive(t, asked)
		})
	}
}

var origin = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

type script struct {
	state *sequence.State
	now   time.Time
}

func (s *script) begin(text string) error {
	var f funnel.Funnel
	if err := json.Unmarshal([]byte(text), &f); err != nil {
		return err
	}
	m, err := sequence.CompileAlone(f)
	if err != nil {
		return err
	}
	*s = script{state: m.NewState(), now: origin}
	return nil
}

func (s *script) event(line string) error {
	parts := strings.Split(line, ", ")
	after, err := profile.ParseDuration(parts[1])
	if err != nil {
		return err
	}
	plain := map[string]any{}
	for _, part := range parts[2:] {
		name, text, _ := strings.Cut(part, "=")
		var v profile.Value
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			v = profile.StringValue(text)
		}
		plain[name] = v
	}
	properties, err := profile.NewObject(plain)
	if err != nil {
		return err
	}
	e := profile.Event{Profile: "u", Name: parts[0], Time: origin.Add(after), Properties: properties}
	s.state.Add(&e, sequence.Traits{}, s.now.UnixNano())
	return nil
}

func (s *script) at(question string) (string, error) {
	after, err := profile.ParseDuration(question)
	if err != nil {
		return "", err
	}
	if t := origin.Add(after); t.Before(s.now) {
		return "", fmt.Errorf("%s is before the last instant", question)
	} else {
		s.now = t
	}
	verdict := s.state.At(s.now.UnixNano())
	until := "never"
	if verdict.Until != horizon.Never {
		until = since(time.Unix(0, verdict.Until))
	}
	answer := fmt.Sprintf("%t until %s", verdict.True, until)
	for i, m := range s.state.Evidence() {
		if i == 0 {
			answer += " by"
		}
		answer += " " + since(m.Time)
	}
	return answer, nil
}

func since(t time.Time) string { return profile.FormatDuration(t.Sub(origin)) }
