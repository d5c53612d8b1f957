package audiencetest

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSyntaxErrorsSayWhereAndWhatIsWanted(t *testing.T) {
	for text, want := range map[string]string{
		"tra ann":                                     "s.txt:1: want a command (at, track, page, screen, identify, group, leave, alias, delete, send, play, create, edit, recompute, on, expect), got tra",
		"\n\ntrack":                                   "s.txt:3: want the id of a user after `track`, but the line ends",
		"track ann":                                   "s.txt:1: want the name of an event, in quotes if it is of several words after `track ann`, but the line ends",
		"track ann Order Completed":                   "s.txt:1: want key=value, one JSON object, or at, id, for, context after `track ann Order`, got Completed",
		"track ann Visit a=1 a=2":                     "s.txt:1: want each property once: a after `track ann Visit a=1`, got a=2",
		"track ann Visit {\"a\": }":                   "s.txt:1: JSON: invalid character '}' looking for beginning of value",
		"track ann \"Visit":                           `s.txt:1: a text in quotes does not end: want "`,
		"track ann Visit at noon":                     "s.txt:1: want a time: day 3 10:00, +30d, -1ns or 2026-03-01T10:00:00Z after `track ann Visit at`, got noon",
		"at day":                                      "s.txt:1: want the number of a day, as in day 3 10:00 after `at day`, but the line ends",
		"at day 3 25:00":                              "s.txt:1: want a time of day such as 10:00 or 23:59:59.999999999 after `at day 3`, got 25:00",
		"at +3":                                       "s.txt:1: want a duration such as +30d, -2h or +1ns after `at`, got +3",
		"at day 3 fails x":                            "s.txt:1: want nothing more after `at day 3`, got fails",
		"identify ann for acme":                       "s.txt:1: want no account after `identify ann`, got for",
		"delete ann":                                  "s.txt:1: want user, account, audience or trait after `delete`, got ann",
		"create audience":                             "s.txt:1: want the definition as a JSON object after `create audience`, but the line ends",
		"create audience {\n\n{":                      "s.txt:1: a bracket is not closed: want } or ]",
		"edit file x.json":                            "s.txt:1: want audience or trait after `edit`, got file",
		"on left buyers track X":                      "s.txt:1: want entered or exited after `on`, got left",
		"expect ann":                                  "s.txt:1: want in or not in after `expect ann`, but the line ends",
		"expect ann in":                               "s.txt:1: want a key after `expect ann in`, but the line ends",
		"expect members buyers: ann":                  "s.txt:1: want of, as in expect members of buyers: ann, ben after `expect members`, got buyers:",
		"expect members of buyers ann":                "s.txt:1: want the key of an audience and a colon, as in buyers: after `expect members of`, got buyers",
		"expect members of buyers: ann ben":           "s.txt:1: want nothing more after `expect members of buyers: ann`, got ben",
		"expect members of buyers:":                   "s.txt:1: want a user, account and its id, or nobody after `expect members of buyers:`, but the line ends",
		"expect transitions\n  ann left x":            "s.txt:2: want entered or exited after `ann`, got left",
		"expect transitions\n  ann entered x (magic)": "s.txt:2: want a cause such as (event), (trait) or (time) after `ann entered x`, got (magic)",
		"expect changes\n  ann orders 1 2":            "s.txt:2: want -> after `ann orders 1`, got 2",
		"expect trait ann orders 2":                   "s.txt:1: want = and a value after `expect trait ann orders`, got 2",
		"expect ann in x\n  more":                     "s.txt:2: want nothing more below expect ann in x",
		"expect preview of {}":                        "s.txt:1: want the definition as a JSON object, and a colon after `expect preview of`, got {}",
		"expect preview of {,}: ann":                  "s.txt:1: JSON: invalid character ',' looking for beginning of object key string",
		"recompute a b":                               "s.txt:1: want nothing more after `recompute a`, got b",
		"expect no members":                           "s.txt:1: want transitions or changes after `expect no`, got members",
		"  at day 3":                                  "s.txt:1: want a command: a line that is not indented",
		"start tomorrow":                              "s.txt:1: want a date, as in start 2026-03-01, after `start`, got tomorrow",
		"at day 2\nstart 2026-03-01":                  "s.txt:2: want start before all other commands",
		"at day 2\n\xff":                              "s.txt:2: want text in UTF-8",
	} {
		_, err := Parse("s.txt", text)
		require.EqualError(t, err, want, text)
		var bad *SyntaxError
		require.ErrorAs(t, err, &bad)
	}
}

func TestAllCommandsThatCannotBeReadAreTold(t *testing.T) {
	_, err := Parse("s.txt", "at noon\nat day 2\nat night")
	require.EqualError(t, err, "s.txt:1: want "+wantMoment+" after `at`, got noon\ns.txt:3: want "+wantMoment+" after `at`, got night")

	_, err = Parse("s.txt", strings.Repeat("nonsense\n", 1000))
	require.Equal(t, maxErrors, strings.Count(err.Error(), "\n")+1)
}

// What is written in other ways is the same script.
func TestCanonicalForm(t *testing.T) {
	s, err := Parse("s.txt", `
start 2026-03-01   # a Sunday

track ann "Login"   # once
track ann Visit {"b": [1, 2.50], "a": "x y"}
      id m1
      at day 2 9:00:00.5 -1ns
identify "account" n="007" m=007 o=7 id=x
page ann "at" at -1h
create audience {"key":
   # whoever comes
   "x"
}
expect members of x: account b, "a b", a
expect transitions
  # none yet
`)
	require.NoError(t, err)
	require.Equal(t, `start 2026-03-01
track ann Login
track ann Visit a="x y" b=[1,2.5] at day 2 09:00:00.5 -1ns id m1
identify "account" id=x m=007 n=007 o=7
page ann "at" at -1h
create audience {"key":"x"}
expect members of x: a, "a b", account b
expect no transitions
`, s.String())
	requireRoundTrip(t, s)
}

// requireRoundTrip wants the canonical form of a script to be read back to the
// same commands.
func requireRoundTrip(t *testing.T, s *Script) {
	t.Helper()
	text := s.String()
	again, err := Parse(s.name, text)
	require.NoError(t, err, text)
	require.Equal(t, text, again.String())
	require.Equal(t, s.start, again.start)
	require.Len(t, again.steps, len(s.steps), text)
	for i := range s.steps {
		was, is := &s.steps[i], &again.steps[i]
		require.Equal(t, reflect.TypeOf(was.command), reflect.TypeOf(is.command), text)
		require.Equal(t, was.mustFail, is.mustFail, text)
		require.Equal(t, was.fails, is.fails, text)
	}
}

func TestTheSpecIsReadBackFromItsCanonicalForm(t *testing.T) {
	for _, path := range specScripts(t) {
		s, err := Parse(path, read(t, path))
		require.NoError(t, err)
		requireRoundTrip(t, s)
	}
}

func FuzzParse(f *testing.F) {
	for _, path := range specScripts(f) {
		f.Add(read(f, path))
	}
	f.Add("expect explanation of account \"a b\" in x\n    ✓ all\n      ✗ x # no comment")
	f.Add("on entered x track \"Y Z\" a=[1,{\"b\":null}]\non exited x panic \"boom\"")
	f.Add("expect changes of a, b\n  account x y null -> 1.50 at 2026-01-01 +1h (time)")
	f.Add("expect \"in\" not in \"a b\", \"c,\"\nexpect members of \"d:\": account \"a, b\", \"nobody\"")
	f.Add("track \"\" \"\" a={\"x\":1e3} at +0s for \"for\" context {\"a\":\"\\ud800\"} fails \"\"")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Parse("s.txt", text)
		if err != nil {
			var bad *SyntaxError
			require.True(t, errors.As(err, &bad), "%T: %v", err, err)
			require.Positive(t, bad.Line)
			require.LessOrEqual(t, bad.Line, strings.Count(text, "\n")+1)
			return
		}
		requireRoundTrip(t, s)
	})
}
