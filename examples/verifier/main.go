// Command verifier is a service that has no users, no database and no private
// key: it knows who is asking by tokens that another one issues.
//
//	mkdir -p keys && go run ./examples/server -keys keys -rotate 24h
//	go run ./examples/verifier -jwks http://127.0.0.1:8080/.well-known/jwks.json
//
// GET /orders needs a token. GET /healthz says whether there are keys.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/seed89488a0c/auth/jwks"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // so that a second signal ends the process at once
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return
	}
	fmt.Fprintln(os.Stderr, "verifier:", err)
	os.Exit(1)
}

// run serves until ctx ends.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	f := flag.NewFlagSet("verifier", flag.ContinueOnError)
	f.SetOutput(stderr)
	addr := f.String("addr", "127.0.0.1:8081", "`address` to listen on; port 0 takes a free one")
	url := f.String("jwks", "http://127.0.0.1:8080/.well-known/jwks.json", "`URL` of the issuer's keys")
	issuer := f.String("issuer", "auth-example", "iss of the tokens")
	audience := f.String("audience", "auth-example", "aud of the tokens")
	if err := f.Parse(args); err != nil {
		return err
	}
	log := slog.New(slog.NewJSONHandler(stderr, nil))
	verifier, err := jwks.NewVerifier(jwks.Config{
		URL:      *url,
		Issuer:   *issuer,
		Audience: *audience,
		OnError: func(ctx context.Context, err error) {
			if refused, ok := errors.AsType[*jwks.TokenError](err); ok {
				log.InfoContext(ctx, "token refused", "reason", refused.Reason)
				return
			}
			log.WarnContext(ctx, "keys", "error", err.Error())
		},
	})
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", *addr)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "Listening on http://%s\n", listener.Addr())
	server := &http.Server{
		Handler:        newHandler(verifier),
		ReadTimeout:    5 * time.Second,
		WriteTimeout:   10 * time.Second,
		IdleTimeout:    time.Minute,
		MaxHeaderBytes: 16 << 10, // a token has up to 8 KiB
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return server.Shutdown(ctx)
}

func newHandler(v *jwks.Verifier) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /orders", v.RequireFunc(func(w http.ResponseWriter, r *http.Request, who jwks.Identity) {
		writeJSON(w, map[string]any{"user": who.UserID, "orders": []string{}})
	}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
		defer cancel()
		if err := v.Ready(ctx); err != nil {
			http.Error(w, "no keys", http.StatusServiceUnavailable)
			return
		}
		writeJSON(w, map[string]string{"status": "ok"})
	})
	return mux
}

func writeJSON(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	json.NewEncoder(w).Encode(body) // fails only where the client has gone
}
