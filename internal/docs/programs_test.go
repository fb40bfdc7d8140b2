package docs

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Every whole program that a document shows with its output is run in a module of
// its own, as a reader does it. The README's has at most fifteen lines in main.
func TestREADME(t *testing.T) {
	programs := 0
	for _, d := range documents(t) {
		for i, b := range d.blocks {
			if b.info != "go" || !strings.HasPrefix(b.text, "package main\n") || i+1 == len(d.blocks) {
				continue
			}
			if output := d.blocks[i+1]; output.info == "" && output.adjacent {
				programs++
				if got, err := run(t, b.text); err != nil || got != output.text {
					t.Errorf("%s:%d prints %s (%v), want %s", d.path, b.line, got, err, output.text)
				}
			}
			if _, main, _ := strings.Cut(b.text, "\nfunc main() {\n"); d.path == "README.md" && strings.Count(main, "\n")-1 > 15 {
				t.Errorf("%s:%d: main has more than 15 lines", d.path, b.line)
			}
		}
	}
	if programs == 0 {
		t.Error("no program was run")
	}
}

// run returns what a program prints.
func run(t *testing.T, program string) (string, error) {
	t.Helper()
	dir := t.TempDir()
	here, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	mod := strings.Replace(read("go.mod"), "module github.com/seed89488a0c/auth\n", "module first\n", 1) +
		"\nrequire github.com/seed89488a0c/auth v0.0.0\nreplace github.com/seed89488a0c/auth => " + here + "\n"
	for name, text := range map[string]string{"main.go": program, "go.mod": mod, "go.sum": read("go.sum")} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("go", "run", "-mod=mod", ".")
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	return string(out), err
}
