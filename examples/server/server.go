package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/authhttp"
)

// How long things may take, in the order in which they run out: a request is
// read, worked on and answered before its connection is given up, and all that
// before the process ends.
const (
	readTimeout     = 5 * time.Second
	requestTimeout  = 5 * time.Second
	writeTimeout    = 15 * time.Second // from the end of the header: above both
	shutdownTimeout = 20 * time.Second
	idleTimeout     = time.Minute
	healthTimeout   = 2 * time.Second

	maxHeaderBytes = 16 << 10 // a token has up to 8 KiB
)

// newHandler returns the API. keys serves the public keys, and health says whether the store can be used.
func newHandler(a *auth.Authenticator, keys http.Handler, health func(context.Context) error, log *slog.Logger) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST /users/register", authhttp.Register(a))
	mux.Handle("POST /users/login", authhttp.Login(a))
	mux.Handle("GET /users/me", authhttp.Require(a)(me(a)))
	mux.Handle("GET /.well-known/jwks.json", keys)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), healthTimeout)
		defer cancel()
		if err := health(ctx); err != nil {
			authhttp.WriteError(w, r, err)
			return
		}
		writeJSON(w, map[string]string{"status": "ok"})
	})
	return observe(mux, log)
}

// me answers with the user who is asking.
func me(a *auth.Authenticator) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, _ := auth.FromContext(r.Context())
		note(r.Context(), id.UserID)
		user, err := a.User(r.Context(), id.UserID)
		if errors.Is(err, auth.ErrUserNotFound) {
			err = auth.ErrInvalidToken // that of a user who was deleted
		}
		if err != nil {
			authhttp.WriteError(w, r, err)
			return
		}
		writeJSON(w, user)
	})
}

func writeJSON(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	json.NewEncoder(w).Encode(body) // fails only where the client has gone
}

// observe gives every request a deadline and one line in the log, and survives
// what panics. The log has the route's pattern and never the path, the query, a
// header or the text of a panic, which are the client's words.
func observe(mux *http.ServeMux, log *slog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		ctx, cancel := context.WithTimeout(r.Context(), requestTimeout)
		defer cancel()
		entry := &logEntry{}
		r = r.WithContext(context.WithValue(ctx, logEntryKey{}, entry))
		answer := &recorder{ResponseWriter: w}
		defer func() {
			if v := recover(); v != nil {
				log.Error("panic", "type", fmt.Sprintf("%T", v), "route", r.Pattern, "stack", string(debug.Stack()))
				if answer.status != 0 { // too late for another answer: the connection is cut
					panic(http.ErrAbortHandler)
				}
				authhttp.WriteError(answer, r, errors.New("panic"))
			}
			log.Info("request",
				"method", method(r),
				"route", r.Pattern,
				"status", answer.status,
				"duration", time.Since(start).String(),
				"user_id", entry.userID,
			)
		}()
		mux.ServeHTTP(answer, r)
	})
}

// method returns a request's method, which can be any word.
func method(r *http.Request) string {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return r.Method
	}
	return "other"
}

// logEntry is what handlers add to a request's line in the log.
type logEntry struct{ userID string }

type logEntryKey struct{}

// note has a request's line in the log name the user.
func note(ctx context.Context, userID string) {
	if entry, ok := ctx.Value(logEntryKey{}).(*logEntry); ok {
		entry.userID = userID
	}
}

// recorder remembers an answer's status.
type recorder struct {
	http.ResponseWriter
	status int
}

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(p)
}

// Unwrap is for [http.ResponseController].
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// logEvents logs security events, which hold IDs and no personal data.
func logEvents(log *slog.Logger) func(context.Context, auth.Event) {
	return func(ctx context.Context, e auth.Event) {
		level := slog.LevelInfo
		switch {
		case e.Kind == auth.EventRegistered, e.Kind == auth.EventLoggedIn:
			note(ctx, e.UserID)
		case e.Kind == auth.EventLoginFailed, e.Kind == auth.EventChangeRefused, e.Err != nil:
			level = slog.LevelWarn
		}
		attrs := []slog.Attr{slog.String("kind", string(e.Kind)), slog.String("user_id", e.UserID)}
		if e.Err != nil {
			attrs = append(attrs, slog.String("error", e.Err.Error()))
		}
		log.LogAttrs(ctx, level, "security event", attrs...)
	}
}

// newServer returns a server that no client can keep busy by being slow.
func newServer(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: readTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
}

// serve answers until ctx ends, and then what is in flight.
func serve(ctx context.Context, listener net.Listener, h http.Handler, log *slog.Logger) error {
	server := newServer(h, log)
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	log.Info("shutting down")
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		server.Close()
		return fmt.Errorf("requests in flight were cut off: %w", err)
	}
	return nil
}
