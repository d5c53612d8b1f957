// Way counts the functions that an event passes on its way from the call to the callback, and
// the files that they are in: those that run more often when there are more events.
//
//	go run ./internal/way           # of users alone
//	go run ./internal/way accounts  # with an audience of accounts about the event
package main

import (
	"bufio"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

const module = "github.com/muster-go/muster/"

func main() {
	kind := "users"
	if len(os.Args) > 1 {
		kind = os.Args[1]
	}
	if err := run(kind, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "way:", err)
		os.Exit(1)
	}
}

// run writes the functions on the way, by file, and how many there are.
func run(kind string, out io.Writer) error {
	dir, err := os.MkdirTemp("", "way")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	program := filepath.Join(dir, "event")
	if err := command("go", "build", "-cover", "-covermode=count", "-coverpkg="+module+"...", "-o", program, module+"internal/way/event"); err != nil {
		return err
	}
	few, err := blocks(dir, program, kind, "10")
	if err != nil {
		return err
	}
	many, err := blocks(dir, program, kind, "20")
	if err != nil {
		return err
	}
	functions, files := 0, 0
	for _, file := range sorted(many) {
		names, err := grown(file, few[file], many[file])
		if err != nil {
			return err
		}
		if len(names) == 0 || strings.HasPrefix(file, "internal/way/") {
			continue
		}
		fmt.Fprintf(out, "%-32s %s\n", file, strings.Join(names, " "))
		functions += len(names)
		files++
	}
	_, err = fmt.Fprintf(out, "%d functions in %d files\n", functions, files)
	return err
}

func command(name string, args ...string) error {
	if text, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, text)
	}
	return nil
}

// blocks runs the program with so many events, and returns by file, and by the line and
// column where each block of it begins, how often the block ran.
func blocks(dir, program, kind, events string) (map[string]map[string]string, error) {
	into := filepath.Join(dir, events)
	if err := os.Mkdir(into, 0o755); err != nil {
		return nil, err
	}
	run := exec.Command(program, kind, events)
	run.Env = append(os.Environ(), "GOCOVERDIR="+into)
	if text, err := run.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%s: %w: %s", program, err, text)
	}
	profile := filepath.Join(dir, events+".txt")
	if err := command("go", "tool", "covdata", "textfmt", "-i="+into, "-o="+profile); err != nil {
		return nil, err
	}
	f, err := os.Open(profile)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	counts := map[string]map[string]string{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		// FILE:LINE.COLUMN,LINE.COLUMN STATEMENTS COUNT
		file, rest, _ := strings.Cut(lines.Text(), ":")
		fields := strings.Fields(rest)
		file, ok := strings.CutPrefix(file, module)
		if !ok || len(fields) != 3 {
			continue
		}
		if counts[file] == nil {
			counts[file] = map[string]string{}
		}
		begin, _, _ := strings.Cut(fields[0], ",")
		counts[file][begin] = fields[2]
	}
	return counts, nil
}

// grown returns the functions of a file whose first block ran more often.
func grown(file string, few, many map[string]string) (names []string, err error) {
	fset := token.NewFileSet()
	parsed, err := parser.ParseFile(fset, file, nil, 0)
	if err != nil {
		return nil, err
	}
	for _, d := range parsed.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || f.Body == nil {
			continue
		}
		at := fset.Position(f.Body.Lbrace)
		for _, column := range []int{at.Column, at.Column + 1} {
			if begin := fmt.Sprintf("%d.%d", at.Line, column); many[begin] != few[begin] {
				names = append(names, f.Name.Name)
				break
			}
		}
	}
	return names, nil
}

func sorted[V any](m map[string]V) (keys []string) {
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
