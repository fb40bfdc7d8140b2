// Command server is a tutorial's API on package auth: POST /users/register,
// POST /users/login and GET /users/me, which needs a token; sessions:
// POST /users/refresh, POST /users/logout, POST /users/logout-all,
// GET /users/me/sessions and DELETE /users/me/sessions/{id}; what needs a
// password again: POST /users/me/password, POST /users/me/reauthenticate, POST
// /users/me/logout-others and DELETE /users/me; and beside it GET /healthz and GET /.well-known/jwks.json, the
// public keys of -keys. The script sessions.sh shows what sessions do.
//
//	go run ./examples/server
//
// keeps users in memory and prints requests to try. Every flag can be given as
// an environment variable too, AUTH_ADDR for -addr; the flag wins. A DSN holds a
// password, which every user of a machine can read in a command line: give
// AUTH_DSN instead of -dsn.
//
// It is a service in small, to copy from: time-outs and limits for everything,
// a deadline for every request, so that a database that stalls is a 503 and not
// a wait, an end that lets requests in flight finish, and logs without personal
// data. Behind a proxy give -trusted-proxies, so that the list of sessions has the
// clients' addresses: as it is, whoever connects from a private network has none.
package main

import (
	"context"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/authhttp"
	"github.com/seed89488a0c/auth/keyring"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // so that a second signal ends the process at once
	err := run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr)
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return
	}
	fmt.Fprintln(os.Stderr, "server:", err)
	if errors.As(err, new(usageError)) {
		os.Exit(2)
	}
	os.Exit(1)
}

// run serves until ctx ends.
func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	c, err := parseConfig(args, getenv, stdout)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewJSONHandler(stderr, nil))
	issuer, err := c.newIssuer(ctx, log)
	if err != nil {
		return err
	}
	var store interface {
		auth.UserStore
		auth.SessionStore
	} = auth.NewMemoryStore()
	health := func(context.Context) error { return nil }
	if c.dsn != "" {
		db, err := openStore(ctx, c.dsn)
		if err != nil {
			return err
		}
		defer db.Close()
		store, health = db, db.Check
	}
	a, err := auth.New(store, issuer, auth.Options{
		Passwords: policies[c.policy].rule,
		Sessions:  c.sessions(store),
		Secrets:   c.secrets,
		Events:    logEvents(log),
	})
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", c.addr)
	if err != nil {
		return err
	}
	c.greet(stdout, listener.Addr())
	go purge(ctx, a, log)
	return serve(ctx, listener, newHandler(services{a, authhttp.JWKS(issuer), health, c.addresses, c.fresh, log}), log)
}

// openStore opens the database and brings its schema up to date.
func openStore(ctx context.Context, dsn string) (*auth.MySQLStore, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	db, err := auth.OpenMySQL(ctx, dsn, auth.MySQLConfig{})
	if err != nil {
		return nil, err
	}
	if err := db.Migrate(ctx); err != nil {
		db.Close()
		return nil, err
	}
	return db, nil
}

// usageError is one of the command line or the environment.
type usageError struct{ error }

type config struct {
	addr, dsn, policy, secretFile, keys, issuer, audience string
	secrets                                               [][]byte // one, or none
	ttl, rotate, keysPoll, keysMaxAge                     time.Duration
	idle, lifetime, grace, checkSessions, fresh           time.Duration
	addresses                                             authhttp.AddressConfig
}

func parseConfig(args []string, getenv func(string) string, stdout io.Writer) (config, error) {
	var c config
	f := flag.NewFlagSet("server", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.StringVar(&c.addr, "addr", "127.0.0.1:8080", "`address` to listen on; port 0 takes a free one")
	f.StringVar(&c.dsn, "dsn", "", "MySQL `DSN`, such as user:password@tcp(127.0.0.1:3306)/name; better given as AUTH_DSN")
	f.DurationVar(&c.ttl, "ttl", 3*time.Minute, "how long a token lives, in whole seconds")
	f.DurationVar(&c.idle, "idle", 7*24*time.Hour, "how long a session lives that is not refreshed")
	f.DurationVar(&c.lifetime, "lifetime", 30*24*time.Hour, "how long a session lives at most")
	f.DurationVar(&c.grace, "grace", 30*time.Second, "how long a new refresh token is not replaced, and the one before it can be used by a client whose answer was lost; 0 is not at all")
	f.DurationVar(&c.checkSessions, "check-sessions", 0, "how long after its session an access token may live on; 0 is until it expires, which costs no look at the store")
	f.DurationVar(&c.fresh, "fresh", 5*time.Minute, "how long ago the password may have been given for DELETE /users/me")
	f.Func("trusted-proxies", "`networks` of the proxies whose X-Forwarded-For is read, such as 10.0.0.0/24,2001:db8::/64", networks(&c.addresses.TrustedProxies))
	f.Func("client-networks", "`networks` of clients whose addresses are not public, such as 10.8.0.0/16; without them such clients have no address", networks(&c.addresses.ClientNetworks))
	f.StringVar(&c.policy, "policy", "default", "password `rule`: default (the library's own) or tutorial (4 to 12 characters, weak)")
	f.StringVar(&c.secretFile, "secret-file", "", "`file` of the key that signs tokens: 32 to 1024 random bytes, as they are, in hexadecimal or in base64, PEM or a JWK; as from: openssl rand -hex 32")
	f.Func("device-secret-file", "`file` of 32 or more random bytes in hexadecimal, the same in every replica, by which clients are known again that have logged in before; as from: openssl rand -hex 32", secret(&c.secrets))
	f.StringVar(&c.keys, "keys", "", "`directory` of the keys that sign tokens, for several replicas and for others who verify; see package keyring")
	f.DurationVar(&c.rotate, "rotate", 0, "how often a new key is made in that directory; 0 if somebody else makes them")
	f.DurationVar(&c.keysPoll, "keys-poll", time.Minute, "how often that directory is read")
	f.DurationVar(&c.keysMaxAge, "keys-max-age", 5*time.Minute, "how long others may keep the public keys")
	f.StringVar(&c.issuer, "issuer", "auth-example", "iss of the tokens")
	f.StringVar(&c.audience, "audience", "auth-example", "aud of the tokens")
	if err := f.Parse(args); errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(stdout, "usage: server [flags]; every flag can also be set as AUTH_ and its name: AUTH_SECRET_FILE")
		f.SetOutput(stdout)
		f.PrintDefaults()
		return config{}, err
	} else if err != nil {
		return config{}, usageError{err}
	}
	if f.NArg() > 0 {
		return config{}, usageError{errors.New("arguments beside the flags")}
	}
	given := map[string]bool{}
	f.Visit(func(f *flag.Flag) { given[f.Name] = true })
	var err error
	f.VisitAll(func(one *flag.Flag) {
		name := "AUTH_" + strings.ToUpper(strings.ReplaceAll(one.Name, "-", "_"))
		if value := getenv(name); value != "" && !given[one.Name] && f.Set(one.Name, value) != nil {
			err = usageError{errors.New(name + " is not valid")}
		}
	})
	if err != nil {
		return config{}, err
	}
	if _, known := policies[c.policy]; !known {
		return config{}, usageError{errors.New("the policy is neither default nor tutorial")}
	}
	if c.ttl <= 0 || c.ttl%time.Second != 0 {
		return config{}, usageError{errors.New("the ttl is not a whole number of seconds above 0")}
	}
	if c.idle <= 0 || c.lifetime <= 0 || c.grace < 0 || c.fresh < time.Second {
		return config{}, usageError{errors.New("idle, lifetime, grace or fresh is not a time that can pass")}
	}
	if err := c.addresses.Validate(); err != nil {
		return config{}, usageError{err}
	}
	if c.keys == "" && c.rotate != 0 {
		return config{}, usageError{errors.New("rotate is given, and no keys to rotate")}
	}
	if c.keys != "" && c.secretFile != "" {
		return config{}, usageError{errors.New("keys and secret-file are given; one of them signs")}
	}
	return c, nil
}

// secret returns what reads a flag that names a file of bytes in hexadecimal.
func secret(list *[][]byte) func(string) error {
	return func(name string) error {
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		one, err := hex.DecodeString(strings.TrimSpace(string(text)))
		if err != nil {
			return errors.New("the file is not hexadecimal") // without what is in it
		}
		*list = [][]byte{one}
		return nil
	}
}

// networks returns what reads a flag of prefixes, or addresses, that are separated by commas.
func networks(list *[]netip.Prefix) func(string) error {
	return func(text string) error {
		*list = nil
		for word := range strings.SplitSeq(text, ",") {
			word = strings.TrimSpace(word)
			if one, err := netip.ParseAddr(word); err == nil {
				word = netip.PrefixFrom(one.WithZone(""), one.BitLen()).String()
			}
			p, err := netip.ParsePrefix(word)
			if err != nil {
				return err
			}
			*list = append(*list, p)
		}
		return nil
	}
}

// sessions returns the rules for sessions.
func (c config) sessions(store auth.SessionStore) auth.SessionConfig {
	grace := c.grace
	if grace == 0 {
		grace = -1 // none, where 0 is the default
	}
	return auth.SessionConfig{Store: store, IdleTTL: c.idle, AbsoluteTTL: c.lifetime, Grace: grace, Staleness: c.checkSessions}
}

// newIssuer returns what signs the tokens.
func (c config) newIssuer(ctx context.Context, log *slog.Logger) (*auth.JWTIssuer, error) {
	config := auth.JWTConfig{Issuer: c.issuer, Audience: c.audience, TTL: c.ttl}
	if c.keys == "" {
		key, err := c.key(log)
		if err != nil {
			return nil, err
		}
		config.Keys = []auth.Key{key}
		return auth.NewJWTIssuer(config)
	}
	ring, err := keyring.Open(ctx, keyring.Config{
		Path:    c.keys,
		Poll:    c.keysPoll,
		MaxAge:  c.keysMaxAge,
		MaxTTL:  c.ttl,
		Rotate:  c.rotate,
		OnError: func(ctx context.Context, err error) { log.ErrorContext(ctx, "keys", "error", err.Error()) },
	})
	if err != nil {
		return nil, err
	}
	go ring.Run(ctx) // so that no request reads the directory
	config.Source = ring
	return auth.NewJWTIssuer(config)
}

// key returns the key of the secret file, or a new one.
func (c config) key(log *slog.Logger) (auth.Key, error) {
	if c.secretFile == "" {
		return auth.GenerateKey(), nil
	}
	// A warning and no refusal: in a container secrets are often files that
	// everybody in it may read.
	if info, err := os.Stat(c.secretFile); err == nil && info.Mode().Perm()&0o007 != 0 {
		log.Warn("every user of this machine may use the secret file", "mode", info.Mode().Perm().String())
	}
	key, err := auth.ReadKeyFile(c.secretFile)
	if err != nil {
		return auth.Key{}, fmt.Errorf("the secret file: %w; make one with: openssl rand -hex 32", err)
	}
	return key, nil
}

// A policy is a password rule and a password that keeps it.
type policy struct {
	rule   auth.PasswordPolicy
	sample string
}

var policies = map[string]policy{
	"tutorial": {auth.PasswordPolicy{InsecureMinLength: 4, InsecureMaxLength: 12, InsecureAllowAny: true}, "1234"},
	"default":  {auth.PasswordPolicy{}, "correct horse battery staple"},
}

// greet says where the server is and what to try, in one write.
func (c config) greet(w io.Writer, addr net.Addr) {
	host, port, _ := net.SplitHostPort(addr.String())
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	url := "http://" + net.JoinHostPort(host, port)
	text := "Listening on " + url + "\n"
	if c.policy == "tutorial" {
		text += "Passwords of 4 to 12 characters are accepted, whatever they are, as in the tutorial. That is weak: leave -policy out.\n"
	}
	if c.dsn != "" && c.secretFile == "" && c.keys == "" {
		text += "Tokens are signed with a random key and die with this process: see -keys and -secret-file.\n"
	}
	password := policies[c.policy].sample
	post := "curl -sS -H 'Content-Type: application/json' -d "
	login := post + `'{"email":"abc@naver.com","password":"` + password + `"}' ` + url + "/users/login"
	fmt.Fprintf(w, `%s
Try:
  %s'{"username":"홍길동","email":"abc@naver.com","password":"%s"}' %s/users/register
  %s
  curl -sS -H "Authorization: Bearer $(%s | sed 's/.*"access_token":"\([^"]*\)".*/\1/')" %s/users/me
  %s"{\"refresh_token\":\"$(%s | sed 's/.*"refresh_token":"\([^"]*\)".*/\1/')\"}" %s/users/refresh
`, text, post, password, url, login, login, url, post, login, url)
}
