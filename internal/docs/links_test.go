package docs

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"
)

var (
	linkPattern    = regexp.MustCompile(`\]\(([^()\s]+)\)`)
	headingPattern = regexp.MustCompile(`(?m)^#+ +(.*?) *$`)
	codePattern    = regexp.MustCompile("`[^`\n]*`")
)

// Every link to another file of the repository, or to a heading, leads somewhere.
func TestLinks(t *testing.T) {
	list := documents(t)
	headings := map[string]map[string]bool{}
	for _, d := range list {
		headings[d.path] = anchors(d.prose)
	}
	links := 0
	for _, d := range list {
		for _, link := range linkPattern.FindAllStringSubmatch(codePattern.ReplaceAllString(d.prose, ""), -1) {
			if strings.HasPrefix(link[1], "https://") {
				continue
			}
			links++
			file, anchor, hasAnchor := strings.Cut(link[1], "#")
			target := d.path
			if file != "" {
				target = path.Join(path.Dir(d.path), file)
			}
			if _, err := os.Stat(filepath.Join(root, filepath.FromSlash(target))); err != nil || strings.HasPrefix(target, "..") {
				t.Errorf("%s links to %s, which does not exist", d.path, link[1])
			} else if hasAnchor && !headings[target][anchor] {
				t.Errorf("%s links to %s, a heading that does not exist", d.path, link[1])
			}
		}
	}
	t.Logf("%d links", links)
	if links < 10 {
		t.Error("links were not found")
	}
}

// anchors returns the names of a document's headings, as GitHub makes them.
func anchors(prose string) map[string]bool {
	names := map[string]bool{}
	for _, heading := range headingPattern.FindAllStringSubmatch(prose, -1) {
		name := strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-', r == '_', unicode.IsLetter(r), unicode.IsDigit(r):
				return unicode.ToLower(r)
			}
			return -1
		}, heading[1])
		unique := name
		for i := 1; names[unique]; i++ {
			unique = fmt.Sprintf("%s-%d", name, i)
		}
		names[unique] = true
	}
	return names
}

func TestAnchors(t *testing.T) {
	names := anchors("# What ends what\n\n## What ends what\n\n### `Grace`, and its price: 30 s\n")
	for _, name := range []string{"what-ends-what", "what-ends-what-1", "grace-and-its-price-30-s"} {
		if !names[name] {
			t.Errorf("%q is not among %v", name, names)
		}
	}
}
