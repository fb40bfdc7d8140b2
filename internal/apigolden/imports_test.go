package apigolden

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestRootImports holds what every application links against the list in
// .golangci.yml, which CI does not run.
// ASVS 5.0 11.2.1
func TestRootImports(t *testing.T) {
	allowed := []string{
		"github.com/seed89488a0c/auth/",
		"github.com/golang-jwt/jwt/v5",
		"golang.org/x/",
		"github.com/jmoiron/sqlx",
		"github.com/go-sql-driver/mysql",
	}
	cmd := exec.Command("go", "list", "-f", `{{join .Imports " "}}|{{join .Deps " "}}`, ".")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	imports, deps, _ := strings.Cut(string(out), "|")
	for _, path := range strings.Fields(imports) {
		first, _, _ := strings.Cut(path, "/")
		isAllowed := func(prefix string) bool { return strings.HasPrefix(path, prefix) }
		if strings.Contains(first, ".") && !slices.ContainsFunc(allowed, isAllowed) {
			t.Errorf("the root package imports %s", path)
		}
	}
	if slices.Contains(strings.Fields(deps), "testing") {
		t.Error("the root package links testing, directly or not")
	}
}
