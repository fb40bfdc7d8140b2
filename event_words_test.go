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
	for _, file := range append(rootFiles(t), "internal/fault/fault.go", "internal/fault/sentinels.go", "internal/hashing/hashing.go", "internal/hashing/check.go", "internal/row/errors.go", "internal/input/hash_error.go") {
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
				name, _ := n.Fun.(*ast.Ident) // refusal("claims", …), and New("user_exists", …) in package fault
				if f, ok := n.Fun.(*ast.SelectorExpr); ok {
					if p, ok := f.X.(*ast.Ident); ok && (p.Name == "fault" || p.Name == "hashing") {
						name = f.Sel
					}
				}
				switch {
				case name == nil:
				case name.Name == "Admit": // which hands the word on
					add(n.Args[2])
				case slices.Contains([]string{"New", "Passed", "Hidden", "Told", "unavailable", "refusal", "serviceError"}, name.Name):
					add(n.Args[0])
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
