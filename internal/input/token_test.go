package input_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/seed89488a0c/auth/internal/input"
	"github.com/seed89488a0c/auth/internal/row"
)

func TestToken(t *testing.T) {
	for _, tt := range []struct {
		name        string
		ttl         time.Duration
		audience    []string
		field, code string
		most        int
	}{
		{"the issuer's", 0, nil, "", "", 0},
		{"its own", time.Second, []string{"a", "b"}, "", "", 0},
		{"half a second", time.Second / 2, nil, "token_ttl", "out_of_range", 0},
		{"negative", -time.Second, nil, "token_ttl", "out_of_range", 0},
		{"a control character", 0, []string{"a", "b\n"}, "audience", "not_allowed", 0},
		{"a space", 0, []string{"a b"}, "audience", "not_allowed", 0},
		{"not UTF-8", 0, []string{"\xff"}, "audience", "not_allowed", 0},
		{"as long as a session keeps", 0, []string{"a", strings.Repeat("b", row.MaxAudience-2)}, "", "", 0},
		{"one byte more", 0, []string{"a", strings.Repeat("b", row.MaxAudience-1)}, "audience", "too_long", row.MaxAudience},
	} {
		var got input.Error
		if wrong, ok := errors.AsType[*input.Error](input.Token(tt.ttl, tt.audience)); ok {
			got = *wrong
		}
		if want := (input.Error{Field: tt.field, Code: tt.code, Max: tt.most}); got != want {
			t.Errorf("%s: got %+v, want %+v", tt.name, got, want)
		}
	}
}
