// Modes counts the conditions of a package that ask in which mode something runs: those
// in which a name stands that says so. It is how the engine's way to one mechanism is
// measured.
//
//	go run ./internal/modes ./audience CrossProfile read lacking later wrote singly evident detached past stays holdsAll revisions rollouts ReadOnly Mute crowded inclusive
package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: modes DIR NAME...")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "modes:", err)
		os.Exit(1)
	}
}

// run writes a line for each file with such conditions, by name, and then the sum.
func run(dir string, names []string, out io.Writer) error {
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("no Go files in %s", dir)
	}
	if err != nil {
		return err
	}
	total := 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			return err
		}
		n := count(file, names)
		if total += n; n > 0 {
			fmt.Fprintf(out, "%4d %s\n", n, name)
		}
	}
	_, err = fmt.Fprintf(out, "%4d conditions\n", total)
	return err
}

// count counts the operands of a file's conditions in which one of the names is read:
// in ifs, loops, cases without a tag, and what && and || join anywhere.
func count(f *ast.File, names []string) (n int) {
	seen := map[ast.Expr]bool{}
	var operands func(e ast.Expr)
	operands = func(e ast.Expr) {
		switch e := e.(type) {
		case nil:
			return
		case *ast.ParenExpr:
			operands(e.X)
			return
		case *ast.BinaryExpr:
			if e.Op == token.LAND || e.Op == token.LOR {
				operands(e.X)
				operands(e.Y)
				return
			}
		}
		if !seen[e] && reads(e, names) {
			n++
		}
		seen[e] = true
	}
	ast.Inspect(f, func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.IfStmt:
			operands(node.Cond)
		case *ast.ForStmt:
			operands(node.Cond)
		case *ast.SwitchStmt:
			if node.Tag != nil {
				break
			}
			for _, c := range node.Body.List {
				for _, e := range c.(*ast.CaseClause).List {
					operands(e)
				}
			}
		case *ast.BinaryExpr:
			if node.Op == token.LAND || node.Op == token.LOR {
				operands(node)
			}
		}
		return true
	})
	return n
}

// reads reports whether one of the names stands in an expression, as a field, a method
// or a variable.
func reads(e ast.Expr, names []string) (is bool) {
	ast.Inspect(e, func(node ast.Node) bool {
		if _, isFunc := node.(*ast.FuncLit); isFunc {
			return false
		}
		id, isName := node.(*ast.Ident)
		is = is || isName && slices.Contains(names, id.Name)
		return !is
	})
	return is
}
