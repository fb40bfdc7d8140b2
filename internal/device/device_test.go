package device_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/seed89488a0c/auth/internal/device"
	"github.com/seed89488a0c/auth/internal/secrets"
)

const account = "ada@example.com"

var (
	now    = time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)
	secret = bytes.Repeat([]byte{0xFE}, 32)
	other  = bytes.Repeat([]byte{0xFD}, 32)
	keys   = device.NewKeys([][]byte{secret})
)

const day = 24 * time.Hour

func TestKnows(t *testing.T) {
	token := keys.Make(account, now)
	if len(token) != 36 || token == keys.Make(account, now) {
		t.Errorf("made %q, or twice the same", token)
	}
	both := device.NewKeys([][]byte{other, secret})
	for name, tt := range map[string]struct {
		keys           device.Keys
		token, account string
		now            time.Time
		want           bool
	}{
		"at once":                {keys, token, account, now, true},
		"after 180 days":         {keys, token, account, now.Add(180 * day), true},
		"after 181 days":         {keys, token, account, now.Add(181 * day), false},
		"made tomorrow":          {keys, token, account, now.Add(-day), true},
		"made the day after":     {keys, token, account, now.Add(-2 * day), false},
		"long before":            {keys, token, account, time.Unix(0, 0), false},
		"of another account":     {keys, token, "grace@example.com", now, false},
		"of no account":          {keys, token, "", now, false},
		"after a new secret":     {both, token, account, now, true},
		"of an old secret":       {device.NewKeys([][]byte{other}), token, account, now, false},
		"without secrets":        {device.Keys{}, token, account, now, false},
		"cut":                    {keys, token[:35], account, now, false},
		"longer":                 {keys, token + "A", account, now, false},
		"with a line break":      {keys, token[:35] + "\n", account, now, false},
		"padded":                 {keys, token[:35] + "=", account, now, false},
		"none":                   {keys, "", account, now, false},
		"a megabyte":             {keys, strings.Repeat("A", 1<<20), account, now, false},
		"not base64":             {keys, strings.Repeat("*", 36), account, now, false},
		"zeros":                  {keys, strings.Repeat("A", 36), account, now, false},
		"of a secret's rotation": {device.NewKeys([][]byte{secret}), both.Make(account, now), account, now, false},
	} {
		id, until := tt.keys.Find(tt.token, tt.account, tt.now)
		if known := id != ""; known != tt.want || known != until.After(tt.now) {
			t.Errorf("%s: known %t until %v, want %t", name, known, until, tt.want)
		}
	}
	if (device.Keys{}).Make(account, now) != "" || device.NewKeys(nil).Make(account, now) != "" {
		t.Error("a token without secrets")
	}
}

func knows(keys device.Keys, token, account string, now time.Time) bool {
	id, _ := keys.Find(token, account, now)
	return id != ""
}

// Clients of one account are told apart, and one that logs in again is another one.
func TestFindTellsClientsApart(t *testing.T) {
	one, two := keys.Make(account, now), keys.Make(account, now)
	first, until := keys.Find(one, account, now)
	again, _ := keys.Find(one, account, now.Add(day))
	second, _ := keys.Find(two, account, now)
	if first != again || first == second || len(first) != 8 {
		t.Errorf("found %x, %x and %x", first, again, second)
	}
	if want := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC); !until.Equal(want) {
		t.Errorf("until %v, want %v", until, want)
	}
}

// No bit of a token can be changed.
func TestEveryBit(t *testing.T) {
	token, err := base64.RawURLEncoding.DecodeString(keys.Make(account, now))
	if err != nil {
		t.Fatal(err)
	}
	for i := range len(token) * 8 {
		changed := bytes.Clone(token)
		changed[i/8] ^= 1 << (i % 8)
		if knows(keys, base64.RawURLEncoding.EncodeToString(changed), account, now) {
			t.Errorf("bit %d was changed", i)
		}
	}
}

// The format stays as it is: clients hold tokens for half a year. Computed by the package's
// own comment, from the standard library.
func TestFormat(t *testing.T) {
	head := []byte{1, 2, 3, 4, 5, 6, 7, 8, 0x00, 0x50, 0x71} // day 20593 is 2026-05-20
	h := hmac.New(sha256.New, secrets.Key(secret, "auth device"))
	h.Write(append(bytes.Clone(head), account...))
	token := base64.RawURLEncoding.EncodeToString(append(head, h.Sum(nil)[:16]...))
	if at := time.Date(2026, 5, 20, 23, 0, 0, 0, time.UTC); !knows(keys, token, account, at) || knows(keys, token, account, at.Add(181*day)) {
		t.Error("a token that was made by hand is not known")
	}
}

func TestKeysPrintNothing(t *testing.T) {
	for _, format := range []string{"%v", "%+v", "%#v", "%x"} {
		if text := fmt.Sprintf(format, keys); strings.Contains(text, "254") || strings.Contains(strings.ToLower(text), "fe, 0xfe") {
			t.Errorf("%s prints %s", format, text)
		}
	}
}

func FuzzKnows(f *testing.F) {
	f.Add(keys.Make(account, now), account)
	f.Add("", "")
	f.Add(strings.Repeat("A", 36), account)
	made := keys.Make("made@example.com", now)
	f.Fuzz(func(t *testing.T, token, account string) {
		// Nobody else's token is known, and none but the very one that was made.
		if knows(keys, token, "made@example.com", now) && token != made {
			t.Errorf("%q is known", token)
		}
		if own := keys.Make(account, now); knows(keys, own, account, now) != (account != "") || knows(keys, own, account+"x", now) {
			t.Errorf("the token of %q", account)
		}
	})
}
