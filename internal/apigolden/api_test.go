package apigolden

import (
	"bytes"
	"flag"
	"fmt"
	"go/importer"
	"go/scanner"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// What the root package may have, so that it stays readable in one sitting. Past
// it, a capability belongs into a package of its own.
const (
	maxNames  = 90   // exported, package-level
	maxFields = 14   // of Options
	maxLines  = 2400 // of code: tests, comments and blank lines do not count
)

const root = "../.."

var update = flag.Bool("update", false, "write the files instead of comparing with them")

func TestAPI(t *testing.T) {
	golden := filepath.Join(root, "api")
	stale, err := filepath.Glob(filepath.Join(golden, "*.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range load(t) {
		path := filepath.Join(golden, p.file)
		stale = slices.DeleteFunc(stale, func(s string) bool { return s == path })
		got := render(p.types)
		if *update {
			if err := os.WriteFile(path, []byte(strings.Join(got, "\n")+"\n"), 0o644); err != nil {
				t.Error(err)
			}
			continue
		}
		b, err := os.ReadFile(path)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		if d := diff(strings.FieldsFunc(string(b), func(r rune) bool { return r == '\n' || r == '\r' }), got); d != "" {
			t.Errorf("the exported API differs from api/%s; if that is meant: make api\n%s", p.file, d)
		}
	}
	for _, path := range stale {
		if !*update {
			t.Errorf("api/%s belongs to no package; make api removes it", filepath.Base(path))
		} else if err := os.Remove(path); err != nil {
			t.Error(err)
		}
	}
}

func TestRootStaysSmall(t *testing.T) {
	names, lines := 0, 0
	scope := load(t)[0].types.Scope()
	for _, name := range scope.Names() {
		if token.IsExported(name) {
			names++
		}
	}
	fields := 0
	options := scope.Lookup("Options").Type().Underlying().(*types.Struct)
	for i := range options.NumFields() {
		if options.Field(i).Exported() {
			fields++
		}
	}
	files, err := filepath.Glob(filepath.Join(root, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		lines += linesOfCode(t, file)
	}
	for _, has := range []struct {
		what      string
		got, most int
	}{
		{"exported package-level names", names, maxNames},
		{"fields of Options", fields, maxFields},
		{"lines of code", lines, maxLines},
	} {
		t.Logf("%d %s of %d", has.got, has.what, has.most)
		if has.got == 0 || has.got > has.most {
			t.Errorf("the root package has %d %s, at most %d are allowed", has.got, has.what, has.most)
		}
	}
}

// linesOfCode counts the lines that have a token on them.
func linesOfCode(t *testing.T, path string) int {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	files := token.NewFileSet()
	file := files.AddFile(path, -1, len(text))
	var s scanner.Scanner
	s.Init(file, text, nil, 0)
	lines := map[int]bool{}
	for {
		pos, tok, literal := s.Scan()
		if tok == token.EOF {
			return len(lines)
		}
		if tok == token.SEMICOLON && literal == "\n" { // that nobody wrote
			continue
		}
		first := file.Line(pos)
		for line := range strings.Count(literal, "\n") + 1 {
			lines[first+line] = true
		}
	}
}

type pkg struct {
	file  string
	types *types.Package
}

// load returns the packages that others can import, the root first. It reads
// the compiler's export data, which is what they see.
func load(t *testing.T) []pkg {
	t.Helper()
	const format = `{{.ImportPath}}|{{.Export}}|{{with .Module}}{{if .Main}}{{$.Name}}{{end}}{{end}}`
	cmd := exec.Command("go", "list", "-export", "-deps", "-f", format, "./...")
	cmd.Dir = root
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, &stderr)
	}
	export := make(map[string]string)
	var paths []string
	for line := range strings.Lines(string(out)) {
		fields := strings.Split(strings.TrimSpace(line), "|")
		path, name := fields[0], fields[2]
		export[path] = fields[1]
		if name != "" && name != "main" && !slices.Contains(strings.Split(path, "/"), "internal") {
			paths = append(paths, path)
		}
	}
	slices.Sort(paths)
	imp := importer.ForCompiler(token.NewFileSet(), "gc", func(path string) (io.ReadCloser, error) {
		return os.Open(export[path])
	})
	var pkgs []pkg
	for _, path := range paths {
		p, err := imp.Import(path)
		if err != nil {
			t.Fatal(err)
		}
		name := p.Name()
		if path != paths[0] {
			name = strings.ReplaceAll(strings.TrimPrefix(path, paths[0]+"/"), "/", "_")
		}
		pkgs = append(pkgs, pkg{name + ".txt", p})
	}
	return pkgs
}

// diff lists the lines that only one of two sorted lists has.
func diff(want, got []string) string {
	var b strings.Builder
	for _, line := range want {
		if !slices.Contains(got, line) {
			fmt.Fprintf(&b, "- %s\n", line)
		}
	}
	for _, line := range got {
		if !slices.Contains(want, line) {
			fmt.Fprintf(&b, "+ %s\n", line)
		}
	}
	return b.String()
}
