package auth_test

import (
	"go/ast"
	"go/token"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The codes that an event has beside those of typed errors are documented, and no
// others.
func TestEventCodesAreDocumented(t *testing.T) {
	doc := fieldDoc(t, "event.go", "Event", "Code")
	_, list, found := strings.Cut(doc, "or\n")
	if !found {
		t.Fatalf("no list in %q", doc)
	}
	documented := regexp.MustCompile(`\b[a-z]+(_[a-z]+)+\b|\b(conflict|overloaded|schema|claims|keys|refresh|unavailable|service)\b`).FindAllString(list, -1)
	var defined []string
	add := func(e ast.Expr) {
		if code, ok := literal(e); ok {
			defined = append(defined, strings.ReplaceAll(code, " ", "_"))
		}
	}
	for _, file := range append(rootFiles(t), "internal/fault/fault.go", "internal/fault/sentinels.go", "internal/row/errors.go", "internal/input/hash_error.go") {
		inCode := false // in a function that returns codes
		ast.Inspect(parseFile(t, file), func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				inCode = n.Name.Name == "Code"
			case *ast.ReturnStmt:
				if inCode {
					add(n.Results[0])
				}
			case *ast.CallExpr:
				switch f := n.Fun.(type) {
				case *ast.SelectorExpr: // fault.New("user_exists", …)
					if p, ok := f.X.(*ast.Ident); ok && p.Name == "fault" && f.Sel.Name == "New" {
						add(n.Args[0])
					}
				case *ast.Ident: // outage("hash password", err)
					if f.Name == "New" { // in package fault
						add(n.Args[0])
					} else if slices.Contains([]string{"outage", "unavailable", "refusal", "serviceError"}, f.Name) {
						add(n.Args[0])
					} else if f.Name == "admit" { // which hands the word on
						add(n.Args[2])
					}
				}
			}
			return true
		})
	}
	slices.Sort(documented)
	slices.Sort(defined)
	if got, want := slices.Compact(documented), slices.Compact(defined); !slices.Equal(got, want) {
		t.Errorf("documented %q, defined %q", got, want)
	}
}

func literal(e ast.Expr) (string, bool) {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	s, err := strconv.Unquote(lit.Value)
	return s, err == nil
}

// fieldDoc returns the comment of a struct's field.
func fieldDoc(t testing.TB, file, typeName, field string) (doc string) {
	t.Helper()
	ast.Inspect(parseFile(t, file), func(n ast.Node) bool {
		if spec, ok := n.(*ast.TypeSpec); ok && spec.Name.Name == typeName {
			for _, f := range spec.Type.(*ast.StructType).Fields.List {
				if len(f.Names) > 0 && f.Names[0].Name == field {
					doc = f.Doc.Text()
				}
			}
		}
		return true
	})
	return doc
}
