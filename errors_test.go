package auth_test

import (
	"context"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
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

// The table of codes in InputError's documentation is complete, and true.
func TestCodesAreDocumented(t *testing.T) {
	documented := map[string]bool{}
	for _, decl := range parseFile(t, "errors.go").Decls {
		if g, ok := decl.(*ast.GenDecl); ok && g.Tok == token.TYPE && g.Specs[0].(*ast.TypeSpec).Name.Name == "InputError" {
			for line := range strings.Lines(g.Doc.Text()) {
				if strings.HasPrefix(line, "\t") {
					documented[strings.Fields(line)[0]] = true
				}
			}
		}
	}
	defined := map[string]bool{}
	for _, file := range []string{"internal/input/code.go", "internal/email/code.go"} {
		ast.Inspect(parseFile(t, file), func(n ast.Node) bool {
			if v, ok := n.(*ast.ValueSpec); ok && !strings.HasPrefix(v.Names[0].Name, "Field") {
				code, err := strconv.Unquote(v.Values[0].(*ast.BasicLit).Value)
				if err != nil {
					t.Fatal(err)
				}
				defined[code] = true
			}
			return true
		})
	}
	if !maps.Equal(documented, defined) {
		t.Errorf("documented are %v, defined are %v", slices.Sorted(maps.Keys(documented)), slices.Sorted(maps.Keys(defined)))
	}
}

func parseFile(t testing.TB, name string) *ast.File {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	return file
}
