package docs

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/format"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// fragmentImports are the packages that fragments use without saying so.
var fragmentImports = []string{
	"context",
	"database/sql",
	"errors",
	"fmt",
	"log",
	"log/slog",
	"net/http",
	"net/http/httptest",
	"net/netip",
	"os",
	"slices",
	"strings",
	"testing",
	"testing/synctest",
	"time",

	"github.com/seed89488a0c/auth",
	"github.com/seed89488a0c/auth/authhttp",
	"github.com/seed89488a0c/auth/authtest",
	"github.com/seed89488a0c/auth/flaskjwt",
	"github.com/seed89488a0c/auth/hibp",
	"github.com/seed89488a0c/auth/importcheck",
	"github.com/seed89488a0c/auth/jwks",
	"github.com/seed89488a0c/auth/keyring",
	"github.com/seed89488a0c/auth/legacyhash",
	"github.com/seed89488a0c/auth/pepper",
}

// Every block of Go compiles, or is a part of the file that it names.
func TestSnippets(t *testing.T) {
	c := newChecker(t)
	snippets := 0
	for _, d := range documents(t) {
		for _, b := range d.blocks {
			language, file, _ := strings.Cut(b.info, " ")
			if language != "go" {
				continue
			}
			snippets++
			var err error
			if file != "" {
				err = isPartOf(file, b.text)
			} else {
				err = c.check(fmt.Sprintf("%s:%d", d.path, b.line), b.text)
			}
			if err != nil {
				t.Error(err)
			}
			if formatted, err := format.Source([]byte(b.text)); err == nil && string(formatted) != b.text {
				t.Errorf("%s:%d: gofmt writes\n%s", d.path, b.line, formatted)
			}
		}
	}
	t.Logf("%d snippets", snippets)
}

// The check finds what does not compile.
func TestSnippetsAreChecked(t *testing.T) {
	c := newChecker(t)
	for _, right := range []string{
		"package main\n\nfunc main() {}\n",
		"func TestOrders(t *testing.T) { a := authtest.New(t); _ = a }",
		"key := auth.GenerateKey()",
		"result, err := a.Login(ctx, credentials)\nif err != nil {\n\treturn err\n}",
	} {
		if err := c.check("right.md:1", right); err != nil {
			t.Errorf("%s\n%v", right, err)
		}
	}
	for _, wrong := range []string{
		"package main\n\nfunc main() { unused := 1 }\n",
		"func TestOrders(t *testing.T) { authtest.Old(t) }",
		"key := auth.MakeKey()",
		"result, err := a.Login(ctx)",
		"nobody.Declared()",
		"if {",
	} {
		if c.check("wrong.md:1", wrong) == nil {
			t.Errorf("%q passed", wrong)
		}
	}
	if isPartOf("internal/docs/doc.go", "package docs\n") != nil || isPartOf("internal/docs/doc.go", "package other\n") == nil {
		t.Error("what is a part of a file was not told from what is none")
	}
}

// checker checks the types of snippets against the compiler's export data.
type checker struct {
	files   *token.FileSet
	imports types.Importer
	context []byte
}

func newChecker(t *testing.T) *checker {
	t.Helper()
	args := append([]string{"list", "-export", "-deps", "-f", "{{.ImportPath}}|{{.Export}}", "./..."}, fragmentImports...)
	cmd := exec.Command("go", args...)
	cmd.Dir = root
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, &stderr)
	}
	export := map[string]string{}
	for line := range strings.Lines(string(out)) {
		path, file, _ := strings.Cut(strings.TrimSpace(line), "|")
		export[path] = file
	}
	context, err := os.ReadFile("testdata/context.go")
	if err != nil {
		t.Fatal(err)
	}
	files := token.NewFileSet()
	return &checker{files, importer.ForCompiler(files, "gc", func(path string) (io.ReadCloser, error) {
		return os.Open(export[path])
	}), context}
}

// check returns what the compiler would say of a snippet that stands at a place
// such as "README.md:3". Of a fragment it may say that something is not used.
func (c *checker) check(place, text string) error {
	if strings.HasPrefix(text, "package ") {
		file, err := c.parse(place, "", text)
		if err != nil {
			return err
		}
		return c.types(false, file)
	}
	var head strings.Builder
	head.WriteString("package context\n")
	for _, p := range fragmentImports {
		fmt.Fprintf(&head, "import %q\n", p)
	}
	file, err := c.parse(place, head.String(), text)
	if err != nil { // no declarations, so statements
		file, err = c.parse(place, head.String()+"func _() error {\n", text+"\nreturn nil\n}")
	}
	if err != nil {
		return err
	}
	context, err := parser.ParseFile(c.files, "testdata/context.go", c.context, parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	return c.types(true, context, file)
}

func (c *checker) parse(place, head, text string) (*ast.File, error) {
	return parser.ParseFile(c.files, place, head+"//line "+place+"\n"+text, parser.SkipObjectResolution)
}

func (c *checker) types(fragment bool, files ...*ast.File) error {
	var all []error
	config := types.Config{Importer: c.imports, Error: func(err error) {
		if e, ok := errors.AsType[types.Error](err); !ok || !e.Soft || !fragment {
			all = append(all, err)
		}
	}}
	config.Check("snippet", c.files, files, nil)
	return errors.Join(all...)
}

// isPartOf returns an error unless the lines are a part of the file.
func isPartOf(file, text string) error {
	whole, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(file)))
	if err != nil {
		return err
	}
	if !strings.Contains("\n"+unindent(string(whole)), "\n"+unindent(text)) {
		return fmt.Errorf("%s has no such lines:\n%s", file, text)
	}
	return nil
}

func unindent(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = strings.TrimLeft(line, "\t")
	}
	return strings.Join(lines, "\n")
}
