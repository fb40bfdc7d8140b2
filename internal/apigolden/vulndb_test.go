package apigolden

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed89488a0c/auth/internal/ci"
)

// The check for known vulnerabilities fails where its database cannot be reached, unless
// it is told by name that it may go without, which the workflow never does.
func TestVulnerabilityDatabase(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		ci.Missing(t, "bash is missing")
	}
	const name = "AUTH_LINT_WITHOUT_VULNDB"
	const unreachable = "echo govulncheck: fetching vulnerabilities: dial tcp; exit 1"
	for _, tt := range []struct {
		name, checker, variable string
		want                    int
	}{
		{"nothing found", "exit 0", "", 0},
		{"findings", "exit 3", "", 3},
		{"findings, may go without", "echo fetching vulnerabilities; exit 3", "1", 3},
		{"another failure, may go without", "echo no go.mod; exit 1", "1", 1},
		{"unreachable", unreachable, "", 1},
		{"unreachable, told otherwise", unreachable, "0", 1},
		{"unreachable, may go without", unreachable, "1", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			checker := filepath.Join(t.TempDir(), "govulncheck")
			if err := os.WriteFile(checker, []byte("#!/bin/sh\n"+tt.checker+"\n"), 0o700); err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(bash, "-c", `source scripts/lib.sh; vulnerabilities "$1"`, "bash", checker)
			cmd.Dir = root
			cmd.Env = append(os.Environ(), name+"="+tt.variable)
			var out bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, &out
			cmd.Run()
			if got := cmd.ProcessState.ExitCode(); got != tt.want {
				t.Errorf("status %d, want %d: %s", got, tt.want, &out)
			}
			if loud := strings.Contains(out.String(), "*****"); loud != strings.HasPrefix(tt.name, "unreachable") {
				t.Errorf("said aloud: %t: %s", loud, &out)
			}
		})
	}
	workflow, err := os.ReadFile(filepath.Join(root, ".github", "workflows", "ci.yml"))
	if err != nil || bytes.Contains(workflow, []byte(name)) {
		t.Errorf("the workflow sets %s, or cannot be read: %v", name, err)
	}
	ci, err := os.ReadFile(filepath.Join(root, ".ci", "run"))
	if err != nil || !bytes.Contains(ci, []byte("if [ -n \"${GITHUB_ACTIONS:-}\" ]; then\n\tunset "+name+"\nelse")) {
		t.Errorf(".ci/run does not unset %s in the workflow: %v", name, err)
	}
}
