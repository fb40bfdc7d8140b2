package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	rowPattern  = regexp.MustCompile(`(?m)^\| (\d+\.\d+\.\d+) \| (.*) \| (.*) \| (.*) \|$`)
	itemPattern = regexp.MustCompile(`(?m)^ASVS 5\.0 (\d+\.\d+\.\d+(?:, \d+\.\d+\.\d+)*)$`)
)

// The table of OWASP's ASVS 5.0 in docs/security.md and the comments of the tests
// say the same.
func TestASVS(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "docs/security.md"))
	if err != nil {
		t.Fatal(err)
	}
	tests := functions(t)
	items := map[[2]string]map[string]bool{} // that each test shows
	for name, comment := range tests {
		for _, line := range itemPattern.FindAllStringSubmatch(comment, -1) {
			for item := range strings.SplitSeq(line[1], ", ") {
				if items[name] == nil {
					items[name] = map[string]bool{}
				}
				items[name][item] = true
			}
		}
	}
	rows := map[string]bool{}
	for _, row := range rowPattern.FindAllStringSubmatch(string(text), -1) {
		id, who, shown := row[1], row[3], row[4]
		if rows[id] {
			t.Errorf("%s has two rows", id)
		}
		rows[id] = true
		named := names(shown)
		if (strings.HasPrefix(who, "Library") || strings.HasPrefix(who, "Both")) && len(named) == 0 {
			t.Errorf("%s: no test shows what the library does", id)
		}
		for _, name := range named {
			if !items[name][id] {
				t.Errorf("%s: the comment of %s in %s does not name it", id, name[1], name[0])
			}
			delete(items[name], id)
		}
	}
	if len(rows) < 50 {
		t.Errorf("%d rows were found", len(rows))
	}
	for name, left := range items {
		for id := range left {
			t.Errorf("%s: no row names %s in %s, whose comment names it", id, name[1], name[0])
		}
	}
}
