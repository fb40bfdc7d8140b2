package docs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// namePattern finds jwks.TestRequire, and TestLogin of the root package. The bare
// word Example is an example only with a package in front.
var namePattern = regexp.MustCompile(`(?:([a-z][a-z/]*)\.)?\b((?:Test|Benchmark|Fuzz|Example)[A-Z]\w*|Example_\w+)|([a-z][a-z/]*)\.(Example)\b`)

// names returns the tests, benchmarks, fuzz targets and examples that a text names,
// each as a folder and a name. The root's folder is ".".
func names(text string) [][2]string {
	var list [][2]string
	for _, m := range namePattern.FindAllStringSubmatch(text, -1) {
		folder, name := m[1]+m[3], m[2]+m[4]
		if folder == "" {
			folder = "."
		}
		list = append(list, [2]string{folder, name})
	}
	return list
}

// functions returns the functions of all modules by their folder and name, with
// the comment of each.
func functions(t *testing.T) map[[2]string]string {
	t.Helper()
	all := map[[2]string]string{}
	walk(t, ".go", func(file, text string) {
		f, err := parser.ParseFile(token.NewFileSet(), file, text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range f.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil {
				all[[2]string{path.Dir(file), f.Name.Name}] = f.Doc.Text()
			}
		}
	})
	return all
}

// Every test, benchmark, fuzz target and example that a document names exists in
// the package that it names, or in the root.
func TestNames(t *testing.T) {
	exist := functions(t)
	for _, d := range documents(t) {
		text := d.prose
		for _, b := range d.blocks {
			if !strings.HasPrefix(b.info, "go") {
				text += b.text
			}
		}
		for _, name := range names(text) {
			if _, ok := exist[name]; !ok {
				t.Errorf("%s names %s, which %s does not have", d.path, name[1], name[0])
			}
		}
	}
}

// Every command that a document gives can be given.
func TestCommands(t *testing.T) {
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	exist := functions(t)
	commands := 0
	for _, d := range documents(t) {
		var code []string
		for _, span := range codePattern.FindAllString(d.prose, -1) {
			code = append(code, strings.Trim(span, "`"))
		}
		for _, b := range d.blocks {
			if !strings.HasPrefix(b.info, "go") {
				code = append(code, strings.Split(b.text, "\n")...)
			}
		}
		for _, line := range code {
			for command := range strings.SplitSeq(line, "&&") {
				if err := checkCommand(string(makefile), exist, strings.Fields(command)); err != "" {
					t.Errorf("%s: %s: %s", d.path, command, err)
				}
				commands++
			}
		}
	}
	t.Logf("%d pieces of code", commands)
}

func TestCommandsAreChecked(t *testing.T) {
	exist := map[[2]string]string{{".", "BenchmarkLogin"}: "", {"hibp", "TestFile"}: ""}
	for command, right := range map[string]bool{
		"make test":                                 true,
		"make coffee":                               false,
		"mux.Handle(nil)":                           true,
		"go run ./examples/server -grace 0s":        true,
		"go run ./examples/server -nonsense":        false,
		"go run ./examples/nothing":                 false,
		"go test -run '^$' -bench 'Login$' .":       true,
		"go test -run '^$' -bench 'Login$|Logout'":  false,
		"go test -run TestFile ./hibp":              true,
		"go test -run TestNothing ./hibp":           false,
		"AUTH_X=1 go test -run TestNothing ./hibp/": false,
	} {
		err := checkCommand("test: ## all\n", exist, strings.Fields(command))
		if (err == "") != right {
			t.Errorf("%s: %q", command, err)
		}
	}
}

// checkCommand returns what is wrong with a command, or "".
func checkCommand(makefile string, exist map[[2]string]string, words []string) string {
	for len(words) > 0 && strings.Contains(words[0], "=") { // variables
		words = words[1:]
	}
	switch {
	case len(words) < 2:
	case words[0] == "make" && !strings.Contains("\n"+makefile, "\n"+words[1]+":"):
		return "no such target"
	case words[0] == "go" && words[1] == "run":
		return checkRun(words[2:])
	case words[0] == "go" && words[1] == "test" && len(words) > 2:
		return checkTest(exist, words[2:])
	}
	return ""
}

// checkRun looks for the folder, and for the flags among the strings of its code.
func checkRun(words []string) string {
	if len(words) == 0 || !strings.HasPrefix(words[0], "./") {
		return ""
	}
	files, err := filepath.Glob(filepath.Join(root, words[0], "*.go"))
	if err != nil || len(files) == 0 {
		return "no such program"
	}
	var code strings.Builder
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return err.Error()
		}
		code.Write(text)
	}
	for _, word := range words[1:] {
		name, isFlag := strings.CutPrefix(word, "-")
		name, _, _ = strings.Cut(name, "=")
		if isFlag && name != "h" && !strings.Contains(code.String(), `"`+name+`"`) {
			return "no such flag: " + word
		}
	}
	return ""
}

// checkTest looks for the tests and benchmarks that a pattern chooses.
func checkTest(exist map[[2]string]string, words []string) string {
	folder := path.Clean(strings.TrimPrefix(words[len(words)-1], "./"))
	for i := range len(words) - 1 {
		if words[i] != "-run" && words[i] != "-bench" {
			continue
		}
		for pattern := range strings.SplitSeq(strings.Trim(words[i+1], "'"), "|") {
			matches, err := regexp.Compile(pattern)
			if err != nil {
				return err.Error()
			}
			found := pattern == "^$" || pattern == "." || pattern == "NAME"
			for name := range exist {
				found = found || matches.MatchString(name[1]) && (name[0] == folder || !strings.HasPrefix(words[len(words)-1], "."))
			}
			if !found {
				return pattern + " chooses nothing"
			}
		}
	}
	return ""
}
