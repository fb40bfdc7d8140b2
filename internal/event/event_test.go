package event_test

import (
	"errors"
	"testing"
	"time"

	"github.com/seed89488a0c/auth/internal/event"
)

func TestPrinted(t *testing.T) {
	full := event.Printed{
		Kind: "refused", Op: "user", UserID: "u\n1", SessionID: `s"1`, Code: "conflict",
		Err: errors.New("auth: conflict\nkind=\"logged_in\""), At: time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC),
	}
	for _, tt := range []struct {
		name       string
		e          event.Printed
		text, json string
	}{
		{"what is not set is left out", event.Printed{Kind: "registered"}, `kind="registered"`, `{"kind":"registered"}`},
		{
			"all, and nothing adds a line or a word", full,
			`kind="refused" op="user" user_id="u\n1" session_id="s\"1" code="conflict" error="auth: conflict\nkind=\"logged_in\"" at="2026-05-04 03:02:01 +0000 UTC"`,
			`{"at":"2026-05-04T03:02:01Z","code":"conflict","error":"auth: conflict\nkind=\"logged_in\"","kind":"refused","op":"user","session_id":"s\"1","user_id":"u\n1"}`,
		},
	} {
		if got := tt.e.Text(); got != tt.text {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.text)
		}
		if got, err := tt.e.JSON(); err != nil || string(got) != tt.json {
			t.Errorf("%s: got %s and %v, want %s", tt.name, got, err, tt.json)
		}
	}
}
