package auth_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The README's first program is run in a module of its own, and has at most
// fifteen lines in main.
func TestREADME(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```(go)?\n(.*?)```").FindAllStringSubmatch(string(readme), 2)
	program, want := blocks[0][2], blocks[1][2]
	_, main, _ := strings.Cut(program, "func main() {\n")
	if lines := strings.Count(main, "\n") - 1; lines > 15 {
		t.Errorf("main has %d lines, want at most 15", lines)
	}

	root, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	goMod, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	sum, err := os.ReadFile("go.sum")
	if err != nil {
		t.Fatal(err)
	}
	mod := strings.Replace(string(goMod), "module github.com/seed89488a0c/auth\n", "module first\n", 1) +
		"\nrequire github.com/seed89488a0c/auth v0.0.0\nreplace github.com/seed89488a0c/auth => " + root + "\n"
	for name, text := range map[string]string{"main.go": program, "go.mod": mod, "go.sum": string(sum)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("go", "run", "-mod=mod", ".")
	cmd.Dir = dir
	if got, err := cmd.CombinedOutput(); err != nil || string(got) != want {
		t.Errorf("got %s (%v), want %s", got, err, want)
	}
}

// Every test, benchmark, fuzz target and example that a document names exists.
func TestDocumentsNameWhatExists(t *testing.T) {
	exist := map[string]bool{}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, decl := range file.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok {
				exist[f.Name.Name] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"README.md", "docs/design.md", "CONTRIBUTING.md", "SECURITY.md"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		prose := regexp.MustCompile("(?s)```.*?```").ReplaceAllString(string(text), "")
		for _, word := range regexp.MustCompile(`\b(Test|Benchmark|Fuzz|Example)[A-Z]\w*`).FindAllString(prose, -1) {
			if !exist[word] {
				t.Errorf("%s names %s, which does not exist", name, word)
			}
		}
	}
}
