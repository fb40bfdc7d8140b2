package auth_test

import (
	"context"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/seed89488a0c/auth"
)

func TestSpecificErrorsMatchTheGeneralOnes(t *testing.T) {
	for specific, general := range map[error]error{
		auth.ErrUserDisabled:                        auth.ErrInvalidCredentials,
		auth.ErrExpiredToken:                        auth.ErrInvalidToken,
		auth.ErrSessionReplayed:                     auth.ErrInvalidToken,
		auth.ErrOverloaded:                          auth.ErrUnavailable,
		auth.ErrSchema:                              auth.ErrUnavailable,
		&auth.InputError{}:                          auth.ErrInvalidInput,
		&auth.StoreError{}:                          auth.ErrUnavailable,
		&auth.StoreError{Context: context.Canceled}: context.Canceled,
	} {
		if !errors.Is(specific, general) || errors.Is(general, specific) {
			t.Errorf("%v does not match %v, or the other way round", specific, general)
		}
	}
	if got, want := (&auth.StoreError{Op: "create user", Code: "mysql 1040"}).Error(), "auth: store: create user: mysql 1040"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// The tables of words in doc comments are complete, and true.
func TestWordsAreDocumented(t *testing.T) {
	root := rootFiles(t)
	for _, tt := range []struct {
		file, typeName string
		files          []string
		word           func(ast.Node) []ast.Expr // those that a node defines
	}{
		{"errors.go", "InputError", []string{"internal/input/code.go", "internal/email/code.go"}, func(n ast.Node) []ast.Expr {
			if v, ok := n.(*ast.ValueSpec); ok && !strings.HasPrefix(v.Names[0].Name, "Field") {
				return v.Values
			}
			return nil
		}},
		{"token.go", "TokenError", []string{"internal/token/errors.go"}, constants("Reason")},
		{"event.go", "Event", append(root, "internal/event/kind.go", "internal/throttle/change.go"), func(n ast.Node) []ast.Expr {
			switch n := n.(type) {
			case *ast.KeyValueExpr: // Event{Kind: …}
				if key, ok := n.Key.(*ast.Ident); ok && key.Name == "Kind" {
					return []ast.Expr{n.Value}
				}
			case *ast.CompositeLit: // Change{"…", …}
				if name, ok := n.Type.(*ast.Ident); ok && name.Name == "Change" {
					return n.Elts[:1]
				}
			case *ast.AssignStmt: // kind := …
				for i, left := range n.Lhs {
					if name, ok := left.(*ast.Ident); ok && name.Name == "kind" {
						return n.Rhs[i : i+1]
					}
				}
			}
			return nil
		}},
		{"store_mysql.go", "MySQLStore", []string{"internal/mysqlstore/errors.go"}, func(n ast.Node) []ast.Expr {
			if r, ok := n.(*ast.ReturnStmt); ok { // of a network's codes
				return r.Results
			}
			return constants("code")(n)
		}},
	} {
		documented, defined := documentedWords(t, tt.file, tt.typeName), map[string]bool{}
		for _, file := range tt.files {
			ast.Inspect(parseFile(t, file), func(n ast.Node) bool {
				for _, word := range tt.word(n) {
					if text, ok := word.(*ast.BasicLit); ok && text.Kind == token.STRING {
						code, err := strconv.Unquote(text.Value)
						if err != nil {
							t.Fatal(err)
						}
						defined[code] = true
					}
				}
				return true
			})
		}
		delete(documented, "driver") // which has a type behind it
		if len(defined) == 0 || !maps.Equal(documented, defined) {
			t.Errorf("of %s are documented %q, defined %q", tt.typeName, slices.Sorted(maps.Keys(documented)), slices.Sorted(maps.Keys(defined)))
		}
	}
}

// rootFiles returns the files of the package, without its tests.
func rootFiles(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(files, func(file string) bool { return strings.HasSuffix(file, "_test.go") })
}

// constants returns what constants with a prefix are.
func constants(prefix string) func(ast.Node) []ast.Expr {
	return func(n ast.Node) []ast.Expr {
		if v, ok := n.(*ast.ValueSpec); ok && strings.HasPrefix(v.Names[0].Name, prefix) {
			return v.Values
		}
		return nil
	}
}

// documentedWords returns the first column of the table in a type's documentation.
func documentedWords(t *testing.T, file, typeName string) map[string]bool {
	t.Helper()
	words := map[string]bool{}
	for _, decl := range parseFile(t, file).Decls {
		if g, ok := decl.(*ast.GenDecl); ok && g.Tok == token.TYPE && g.Specs[0].(*ast.TypeSpec).Name.Name == typeName {
			for line := range strings.Lines(g.Doc.Text()) {
				if row, ok := strings.CutPrefix(line, "\t"); ok {
					word, _, _ := strings.Cut(strings.TrimSpace(row), "  ")
					words[word] = true
				}
			}
		}
	}
	return words
}

func parseFile(t testing.TB, name string) *ast.File {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	return file
}
