package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
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

	purgeInterval = 10 * time.Minute
	purgeTimeout  = time.Minute
	purgeLimit    = 100_000
)

// services are what the API is made of.
type services struct {
	auth      *auth.Authenticator
	keys      http.Handler                // serves the public keys
	health    func(context.Context) error // says whether the store can be used
	addresses authhttp.AddressConfig      // says which proxies to believe
	fresh     time.Duration               // how old a login may be for what cannot be undone
	log       *slog.Logger
}

// newHandler returns the API.
func newHandler(s services) http.Handler {
	a, mux := s.auth, http.NewServeMux()
	known := func(h http.Handler) http.Handler { // which guard themselves: this is for the log
		return authhttp.RequireFunc(a, noteUser(func(w http.ResponseWriter, r *http.Request, _ auth.Identity) { h.ServeHTTP(w, r) }))
	}
	mux.Handle("POST /users/register", authhttp.Register(a))
	mux.Handle("POST /users/login", authhttp.Login(a))
	mux.Handle("POST /users/refresh", authhttp.Refresh(a))
	mux.Handle("POST /users/logout", authhttp.Logout(a))
	mux.Handle("POST /users/logout-all", known(authhttp.LogoutAll(a)))
	mux.Handle("GET /users/me", authhttp.RequireFunc(a, noteUser(me(a))))
	mux.Handle("DELETE /users/me", authhttp.RequireFreshFunc(a, s.fresh, noteUser(deleteMe(a))))
	mux.Handle("POST /users/me/password", known(authhttp.ChangePassword(a)))
	mux.Handle("POST /users/me/reauthenticate", known(authhttp.Reauthenticate(a)))
	mux.Handle("POST /users/me/logout-others", known(authhttp.LogoutOthers(a)))
	mux.Handle("GET /users/me/sessions", known(authhttp.Sessions(a)))
	mux.Handle("DELETE /users/me/sessions/{id}", known(authhttp.EndSession(a, nil)))
	mux.Handle("GET /.well-known/jwks.json", s.keys)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), healthTimeout)
		defer cancel()
		if err := s.health(ctx); err != nil {
			authhttp.WriteError(w, r, err)
			return
		}
		writeJSON(w, map[string]string{"status": "ok"})
	})
	// Outside: observe reads the pattern that mux leaves in the very request it was given.
	return authhttp.ClientAddress(s.addresses)(observe(mux, s.log))
}

// handler answers requests of somebody who is known.
type handler = func(w http.ResponseWriter, r *http.Request, who auth.Identity)

// me answers with the user who is asking.
func me(a *auth.Authenticator) handler {
	return func(w http.ResponseWriter, r *http.Request, who auth.Identity) {
		user, err := a.User(r.Context(), who.UserID)
		if err != nil {
			writeError(w, r, err)
			return
		}
		writeJSON(w, user)
	}
}

// deleteMe deletes the user who is asking, and with it the sessions.
func deleteMe(a *auth.Authenticator) handler {
	return func(w http.ResponseWriter, r *http.Request, who auth.Identity) {
		err := a.CheckIdentity(r.Context(), who) // not by a token that other services have too
		if err == nil {
			err = a.DeleteUser(r.Context(), who.UserID)
		}
		if err != nil {
			writeError(w, r, err)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}
}

// writeError answers somebody whose token was accepted.
func writeError(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, auth.ErrUserNotFound) || errors.Is(err, auth.ErrUserDisabled) {
		err = auth.ErrInvalidToken // that of a user who may not use it any more
	}
	authhttp.WriteError(w, r, err)
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

// noteUser has a request's line in the log name who is asking.
func noteUser(next handler) handler {
	return func(w http.ResponseWriter, r *http.Request, who auth.Identity) {
		note(r.Context(), who.UserID)
		next(w, r, who)
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

// logEvents logs security events. Printed they hold IDs, codes and times, and leave
// out who the client is. Of a proxy that is not configured the network is logged.
func logEvents(log *slog.Logger) func(context.Context, auth.Event) {
	return func(ctx context.Context, e auth.Event) {
		level := slog.LevelInfo
		attrs := []slog.Attr{slog.Any("", e)} // without a name its members are the line's
		switch e.Kind {
		case "registered", "logged_in", "refreshed", "session_ended":
			note(ctx, e.UserID)
		case "login_failed", "password_refused", "refresh_refused", "session_replayed", "too_many_sessions", "overloaded":
			level = slog.LevelWarn
		case "address_unconfigured":
			level = slog.LevelWarn
			bits := 24
			if e.Client.Address.Is6() {
				bits = 64
			}
			if network, err := e.Client.Address.Prefix(bits); err == nil && network.IsValid() { // over a Unix socket there is none
				attrs = append(attrs, slog.String("network", network.String()))
			}
		case "password_rehashed":
			if e.Err != nil {
				level = slog.LevelWarn
			}
		case "unavailable": // somebody has to look
			level = slog.LevelError
		}
		log.LogAttrs(ctx, level, "security event", attrs...)
	}
}

// purge removes sessions that have ended, now and then, until ctx ends. Nobody can use
// them any more: it is for the size of the table, and for those who were deleted. It begins
// after a random part of the interval, so that replicas which start together do not sweep
// together.
func purge(ctx context.Context, a *auth.Authenticator, log *slog.Logger) {
	for next := time.After(rand.N(purgeInterval)); ; next = time.After(purgeInterval) {
		select {
		case <-ctx.Done():
			return
		case <-next:
		}
		if err := purgeOnce(ctx, a); err != nil {
			log.Warn("purge", "error", err.Error())
		}
	}
}

func purgeOnce(ctx context.Context, a *auth.Authenticator) error {
	ctx, cancel := context.WithTimeout(ctx, purgeTimeout)
	defer cancel()
	for {
		if n, err := a.DeleteExpired(ctx, purgeLimit); err != nil || n < purgeLimit {
			return err
		}
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
