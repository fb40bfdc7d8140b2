package docs

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const root = "../.."

// document is one Markdown file.
type document struct {
	path   string // from the root, with slashes
	prose  string // without the blocks
	blocks []block
}

// block is what stands between two fences.
type block struct {
	info     string // what follows the first fence
	text     string
	line     int  // of the first line of text
	adjacent bool // nothing but white space is between it and the block before
}

// documents returns every Markdown file of the repository.
func documents(t *testing.T) []document {
	t.Helper()
	var list []document
	walk(t, ".md", func(path, text string) {
		d := document{path: path}
		var prose strings.Builder
		adjacent := false
		for i, lines := 0, strings.SplitAfter(text, "\n"); i < len(lines); i++ {
			info, isFence := strings.CutPrefix(lines[i], "```")
			if !isFence {
				prose.WriteString(lines[i])
				adjacent = adjacent && strings.TrimSpace(lines[i]) == ""
				continue
			}
			b := block{info: strings.TrimSpace(info), line: i + 2, adjacent: adjacent}
			for i++; i < len(lines) && !strings.HasPrefix(lines[i], "```"); i++ {
				b.text += lines[i]
			}
			if i == len(lines) {
				t.Errorf("%s:%d: a block has no end", path, b.line)
			}
			d.blocks = append(d.blocks, b)
			adjacent = true
		}
		d.prose = prose.String()
		list = append(list, d)
	})
	if len(list) < 10 {
		t.Fatalf("%d documents were found", len(list))
	}
	return list
}

// walk calls f with every file of the repository that has this extension.
func walk(t *testing.T, extension string, f func(path, text string)) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == ".git" || d.Name() == "node_modules" || d.Name() == "testdata"):
			return fs.SkipDir
		case filepath.Ext(path) != extension:
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		path, err = filepath.Rel(root, path)
		f(filepath.ToSlash(path), string(text))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// The README is a front door, and no paper.
func TestREADMEIsShort(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	if lines := strings.Count(string(text), "\n"); lines > 200 {
		t.Errorf("README.md has %d lines, want at most 200", lines)
	}
}

// The subject of a sentence is named: the client, the attacker, they.
func TestSubjectsAreNamed(t *testing.T) {
	pronoun := regexp.MustCompile(`(?i)\b(he|him|his)\b`)
	check := func(path, text string) {
		for i, line := range strings.Split(text, "\n") {
			if word := pronoun.FindString(line); word != "" {
				t.Errorf("%s:%d says %q; name the subject", path, i+1, word)
			}
		}
	}
	walk(t, ".md", check)
	walk(t, ".go", func(path, text string) {
		if !strings.HasSuffix(path, "_test.go") {
			check(path, text)
		}
	})
}
