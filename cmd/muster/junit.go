package main

import (
	"encoding/xml"
	"fmt"
	"os"
	"slices"
	"strings"
	"unicode"

	"github.com/muster-go/muster/audience/audiencetest"
)

// suite is a testsuite of JUnit's XML: one script.
type suite struct {
	XMLName  xml.Name   `xml:"testsuite"`
	Name     string     `xml:"name,attr"`
	Tests    int        `xml:"tests,attr"`
	Failures int        `xml:"failures,attr"`
	Cases    []testCase `xml:"testcase"`
}

// testCase is a testcase: one expectation.
type testCase struct {
	Class   string   `xml:"classname,attr"`
	Name    string   `xml:"name,attr"`
	File    string   `xml:"file,attr,omitempty"`
	Line    int      `xml:"line,attr,omitempty"`
	Failure *failure `xml:"failure"`
}

type failure struct {
	Message string `xml:"message,attr"` // its first line
	Text    string `xml:",chardata"`
}

// suiteOf returns the cases of a script: its expectations, and commands that
// failed.
func suiteOf(path string, r *audiencetest.Result) suite {
	s := suite{Name: path}
	failures := slices.Clone(r.Failures)
	for _, c := range r.Checks {
		tc := testCase{Class: path, Name: fmt.Sprintf("line %d: %s", c.Line, c.Command), File: path, Line: c.Line}
		if i := slices.IndexFunc(failures, func(f audiencetest.Failure) bool { return f.Line == c.Line }); i >= 0 {
			tc.Failure = failureOf(failures[i].String())
			failures = slices.Delete(failures, i, i+1)
		}
		s.add(tc)
	}
	for _, f := range failures {
		s.add(testCase{
			Class:   path,
			Name:    strings.TrimSuffix(fmt.Sprintf("line %d: %s", f.Line, f.Command), ": "),
			File:    path,
			Line:    f.Line,
			Failure: failureOf(f.String()),
		})
	}
	return s
}

func suiteOfCoverage(findings []audiencetest.Finding) suite {
	s := suite{Name: "coverage"}
	for _, f := range findings {
		s.add(testCase{Class: "coverage", Name: f.String(), Failure: failureOf(f.String())})
	}
	return s
}

func (s *suite) add(c testCase) {
	s.Cases = append(s.Cases, c)
	s.Tests++
	if c.Failure != nil {
		s.Failures++
	}
}

func failureOf(text string) *failure {
	text = xmlText(text)
	first, _, _ := strings.Cut(text, "\n")
	return &failure{Message: first, Text: text}
}

// xmlText leaves out what XML cannot hold.
func xmlText(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || !unicode.IsControl(r) {
			return r
		}
		return -1
	}, text)
}

func writeJUnit(path string, suites []suite) error {
	all := struct {
		XMLName xml.Name `xml:"testsuites"`
		Suites  []suite  `xml:"testsuite"`
	}{Suites: suites}
	text, err := xml.MarshalIndent(all, "", "  ")
	if err != nil {
		return fmt.Errorf("junit: %w", err)
	}
	return os.WriteFile(path, append([]byte(xml.Header), append(text, '\n')...), 0o644)
}
