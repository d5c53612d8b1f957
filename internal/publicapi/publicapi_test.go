// Package publicapi checks what the packages for importers export.
package publicapi

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestNothingExportedSpeaksOfInternalTypes reads every package outside of
// internal: what is exported names no type of a package that an importer may not
// import.
func TestNothingExportedSpeaksOfInternalTypes(t *testing.T) {
	packages := 0
	for _, folder := range publicFolders(t, filepath.Join("..", "..")) {
		for _, found := range internalNames(t, folder) {
			t.Errorf("%s: %s", folder, found)
		}
		packages++
	}
	require.Greater(t, packages, 5)
}

// TestNamesOfInternalTypesAreFound tries the check on what it has to find, and on
// what importers do not see.
func TestNamesOfInternalTypesAreFound(t *testing.T) {
	const header = "package p\nimport \"m/internal/secret\"\n"
	for source, found := range map[string]bool{
		"func F(s secret.T) {}":                          true,
		"func F() []map[string]*secret.T { return nil }": true,
		"type T struct{ F secret.T }":                    true,
		"type T struct{ secret.T }":                      true,
		"type T struct{ f secret.T }":                    false,
		"type T interface{ M() secret.T }":               true,
		"type T = secret.T":                              true,
		"type T[P secret.T] struct{}":                    true,
		"type T func(secret.T)":                          true,
		"type T int\nfunc (T) M(secret.T) {}":            true,
		"type T int\nfunc (T) m(secret.T) {}":            false,
		"type t int\nfunc (t) M(secret.T) {}":            false,
		"type t struct{ F secret.T }":                    false,
		"var V secret.T":                                 true,
		"var V = secret.New()":                           true,
		"const C = secret.C":                             false, // a constant is a value, of a basic type
		"var v = secret.New()":                           false,
		"func F() { secret.New() }":                      false,
	} {
		file, err := parser.ParseFile(token.NewFileSet(), "p.go", header+source, 0)
		require.NoError(t, err, source)
		require.Equal(t, found, len(namesIn(file)) > 0, source)
	}
}

// publicFolders returns the folders below root that importers may import.
func publicFolders(t *testing.T, root string) []string {
	var folders []string
	err := filepath.WalkDir(root, func(at string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		switch name := d.Name(); {
		case name == "internal" || name == "testdata" || name == "examples" || len(name) > 2 && name[0] == '.':
			return filepath.SkipDir
		}
		folders = append(folders, at)
		return nil
	})
	require.NoError(t, err)
	return folders
}

func internalNames(t *testing.T, folder string) []string {
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	require.NoError(t, err)
	var found []string
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		require.NoError(t, err)
		if file.Name.Name != "main" {
			found = append(found, namesIn(file)...)
		}
	}
	return found
}

// namesIn returns the names of internal packages in what a file exports.
func namesIn(file *ast.File) []string {
	c := checker{internal: map[string]bool{}}
	for _, spec := range file.Imports {
		from := strings.Trim(spec.Path.Value, `"`)
		if !strings.Contains(from, "/internal/") {
			continue
		}
		name := path.Base(from)
		if spec.Name != nil {
			name = spec.Name.Name
		}
		c.internal[name] = true
	}
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Name.IsExported() && (d.Recv == nil || exportedReceiver(d.Recv.List[0].Type)) {
				c.look(d.Name.Name, d.Type)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				c.spec(d.Tok, spec)
			}
		}
	}
	return c.found
}

type checker struct {
	internal map[string]bool // names of imported packages
	found    []string
}

func (c *checker) spec(kind token.Token, spec ast.Spec) {
	switch s := spec.(type) {
	case *ast.TypeSpec:
		if s.Name.IsExported() {
			if s.TypeParams != nil {
				c.look(s.Name.Name, s.TypeParams)
			}
			c.look(s.Name.Name, s.Type)
		}
	case *ast.ValueSpec:
		for _, name := range s.Names {
			if !name.IsExported() {
				continue
			}
			if s.Type != nil {
				c.look(name.Name, s.Type)
			}
			for _, v := range s.Values {
				if kind == token.VAR && s.Type == nil {
					c.look(name.Name, v)
				}
			}
		}
	}
}

// look notes the internal packages that a type names, but for fields that are
// not exported.
func (c *checker) look(of string, n ast.Node) {
	ast.Inspect(n, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.StructType:
			for _, f := range n.Fields.List {
				if len(f.Names) == 0 || exportedAny(f.Names) {
					c.look(of, f.Type)
				}
			}
			return false
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && c.internal[x.Name] {
				c.found = append(c.found, fmt.Sprintf("%s names %s.%s", of, x.Name, n.Sel.Name))
			}
		}
		return true
	})
}

func exportedAny(names []*ast.Ident) bool {
	for _, n := range names {
		if n.IsExported() {
			return true
		}
	}
	return false
}

func exportedReceiver(t ast.Expr) bool {
	for {
		switch x := t.(type) {
		case *ast.StarExpr:
			t = x.X
		case *ast.IndexExpr:
			t = x.X
		case *ast.IndexListExpr:
			t = x.X
		case *ast.Ident:
			return x.IsExported()
		default:
			return false
		}
	}
}
