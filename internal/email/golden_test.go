package email_test

import (
	"bufio"
	"encoding/json"
	"os"
	"testing"

	"github.com/seed89488a0c/auth/internal/email"
)

// TestGolden holds Parse against the answers of email_validator 2.3.0; see
// testdata/generate.py.
// ASVS 5.0 2.2.1
func TestGolden(t *testing.T) {
	t.Parallel()
	f, err := os.Open("testdata/email_validator_2.3.0.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var accepted, refused int
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var want struct{ In, Out, ASCII string }
		if err := json.Unmarshal(lines.Bytes(), &want); err != nil {
			t.Fatal(err)
		}
		got, err := email.Parse(want.In)
		if (err == nil) != (want.Out != "") || got.Address != want.Out || got.ASCII != want.ASCII {
			t.Errorf("Parse(%+q) = %+q, %v; want %+q", want.In, got, err, want)
		}
		if err != nil {
			refused++
		} else {
			accepted++
		}
		checkProperties(t, want.In)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	if accepted < 1000 || refused < 1000 {
		t.Errorf("%d accepted and %d refused: the file is not what it was", accepted, refused)
	}
}
