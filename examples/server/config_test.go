package main

import (
	"context"
	"errors"
	"flag"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/seed89488a0c/auth/authhttp"
)

func TestConfiguration(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, make([]byte, 31), 0o600); err != nil {
		t.Fatal(err)
	}
	passphrase := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(passphrase, []byte("the canary of a tutorial, as a passphrase\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	long := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(long, make([]byte, 1025), 0o600); err != nil {
		t.Fatal(err)
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, tt := range []struct {
		name  string
		args  []string
		env   map[string]string
		usage bool
		want  string // in the error
	}{
		{"unknown flag", []string{"-canary"}, nil, true, "not defined"},
		{"argument", []string{"canary"}, nil, true, "arguments"},
		{"ttl", []string{"-ttl", "three"}, nil, true, "ttl"},
		{"ttl zero", []string{"-ttl", "0"}, nil, true, "ttl"},
		{"ttl negative", []string{"-ttl", "-3m"}, nil, true, "ttl"},
		{"ttl fraction", []string{"-ttl", "1500ms"}, nil, true, "ttl"},
		{"ttl too long", []string{"-ttl", "200000h"}, nil, false, "TTL"},
		{"ttl by environment", nil, map[string]string{"AUTH_TTL": "three"}, true, "AUTH_TTL"},
		{"idle", []string{"-idle", "0"}, nil, true, "idle"},
		{"grace negative", []string{"-grace", "-1s"}, nil, true, "grace"},
		{"grace too long", []string{"-grace", "1h"}, nil, false, "grace"},
		{"staleness negative", []string{"-check-sessions", "-1s"}, nil, false, "staleness"},
		{"fresh", nil, map[string]string{"AUTH_FRESH": "0s"}, true, "fresh"},
		{"proxies that are no prefix", []string{"-trusted-proxies", "10.0.0.0-10.0.0.9"}, nil, true, "trusted-proxies"},
		{"proxies, and a comma", []string{"-trusted-proxies", "10.0.0.1/32,"}, nil, true, "trusted-proxies"},
		{"everybody is a proxy", []string{"-trusted-proxies", "10.0.0.1/32,0.0.0.0/0"}, nil, true, "everybody"},
		{"everybody is a client", nil, map[string]string{"AUTH_CLIENT_NETWORKS": "::/0"}, true, "ClientNetworks has ::/0, which is everybody"},
		{"more than IPv4", []string{"-client-networks", "10.0.0.1,64:ff9b::/64"}, nil, true, "ClientNetworks has 64:ff9b::/64"},
		{"policy", []string{"-policy", "none"}, nil, true, "policy"},
		{"policy by environment", nil, map[string]string{"AUTH_POLICY": "none"}, true, "policy"},
		{"issuer", []string{"-issuer", ""}, nil, false, "issuer"},
		{"audience", []string{"-audience", ""}, nil, false, "audience"},
		{"secret file missing", []string{"-secret-file", secret + "x"}, nil, false, "no such file"},
		{"secret file short", []string{"-secret-file", secret}, nil, false, "fewer than 32 bytes"},
		{"secret file long", nil, map[string]string{"AUTH_SECRET_FILE": long}, false, "more than 1024 bytes"},
		{"secret file of text", []string{"-secret-file", passphrase}, nil, false, "passphrase"},
		{"address", []string{"-addr", "nowhere"}, nil, false, "nowhere"},
		{"address taken", []string{"-addr", taken.Addr().String()}, nil, false, "in use"},
		{"no DSN", []string{"-dsn", "canary"}, nil, false, "DSN"},
		{"no database", nil, map[string]string{"AUTH_DSN": "canary:canary@tcp(127.0.0.1:1)/canary"}, false, "store"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			var stdout, stderr buffer
			err := run(ctx, tt.args, func(name string) string { return tt.env[name] }, &stdout, &stderr)
			if err == nil || !strings.Contains(strings.ToLower(err.Error()), strings.ToLower(tt.want)) || strings.Contains(err.Error(), "\n") {
				t.Fatalf("error %q, want one line with %q", err, tt.want)
			}
			if got := errors.As(err, new(usageError)); got != tt.usage {
				t.Errorf("usage error: %t, want %t", got, tt.usage)
			}
			if strings.Contains(tt.name, "DSN") || strings.Contains(tt.name, "database") {
				if all := err.Error() + stdout.String() + stderr.String(); strings.Contains(all, "canary") {
					t.Errorf("the DSN is printed: %s", all)
				}
			}
		})
	}
}

func TestFlagWinsOverEnvironment(t *testing.T) {
	env := map[string]string{"AUTH_TRUSTED_PROXIES": "10.0.0.1/32", "AUTH_CLIENT_NETWORKS": "10.8.0.0/16, fd00::/8", "AUTH_TTL": "1m", "AUTH_ISSUER": "environment", "AUTH_SECRET_FILE": "file", "AUTH_ADDR": ":1", "AUTH_AUDIENCE": ""}
	c, err := parseConfig([]string{"-issuer", "flag", "-trusted-proxies", "10.0.0.2/32"}, func(name string) string { return env[name] }, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	want := config{addr: ":1", policy: "default", secretFile: "file", issuer: "flag", audience: "auth-example", ttl: time.Minute, keysPoll: time.Minute, keysMaxAge: 5 * time.Minute,
		idle: 7 * 24 * time.Hour, lifetime: 30 * 24 * time.Hour, grace: 30 * time.Second, fresh: 5 * time.Minute,
		addresses: authhttp.AddressConfig{
			TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.2/32")},
			ClientNetworks: []netip.Prefix{netip.MustParsePrefix("10.8.0.0/16"), netip.MustParsePrefix("fd00::/8")},
		}}
	if !reflect.DeepEqual(c, want) {
		t.Errorf("got %+v, want %+v", c, want)
	}
}

func TestHelp(t *testing.T) {
	var stdout strings.Builder
	err := run(t.Context(), []string{"-h"}, func(string) string { return "canary" }, &stdout, io.Discard)
	if !errors.Is(err, flag.ErrHelp) || !strings.Contains(stdout.String(), "-secret-file") || strings.Contains(stdout.String(), "canary") {
		t.Errorf("%v: %s", err, &stdout)
	}
}

// Servers with one secret accept each other's tokens, and with none they do not.
func TestSecretFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	first := start(t, "-secret-file", file)
	if got := first.stderr.String(); got != "" {
		t.Errorf("log: %s", got)
	}
	token := first.must(t, "POST", "/users/register", "", credentials("abc@naver.com", "1234")).token()
	if err := os.Chmod(file, 0o644); err != nil {
		t.Fatal(err)
	}
	second := start(t, "-secret-file", file)
	if got := second.stderr.String(); !strings.Contains(got, `"level":"WARN"`) {
		t.Errorf("no warning about a secret that all may read: %s", got)
	}
	// The token is good, but the user is in the other's memory.
	second.must(t, "GET", "/users/me", token, "").want(t, 401, "invalid_token")
	if got := second.stderr.String(); !strings.Contains(got, `"status":401`) || strings.Contains(got, `"user_id":""`) {
		t.Errorf("the token was not accepted: %s", got)
	}
	third := start(t)
	third.must(t, "GET", "/users/me", token, "").want(t, 401, "invalid_token")
	if got := third.stderr.String(); !strings.Contains(got, `"user_id":""`) {
		t.Errorf("the token was accepted: %s", got)
	}
}
