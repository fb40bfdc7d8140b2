package authhttp_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/authhttp"
)

// What a json.Decoder says of a body is the client's fault, and what is wrapped may
// be anybody's.
func TestWriteErrorOfADecoder(t *testing.T) {
	for _, body := range []string{``, `{`, `{"current":`, `{bad`} {
		err := json.NewDecoder(strings.NewReader(body)).Decode(&struct{ Current auth.Password }{})
		serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { authhttp.WriteError(w, r, err) }), get(t, "/", "")).want(t, 400, "malformed_json")
	}
	err := fmt.Errorf("upstream: %w", io.EOF)
	serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { authhttp.WriteError(w, r, err) }), get(t, "/", "")).want(t, 500, "internal")
}

// ASVS 5.0 4.1.1, 16.5.1
func TestWriteError(t *testing.T) {
	canary := errors.New(canaryDriver + canaryPassword)
	tests := []struct {
		name   string
		err    error
		status int
		code   string
	}{
		{"input", &auth.InputError{Field: "email", Code: "email_no_at"}, 400, "email_no_at"},
		{"input, general", auth.ErrInvalidInput, 400, "invalid_input"},
		{"credentials", auth.ErrInvalidCredentials, 401, "invalid_credentials"},
		{"disabled", auth.ErrUserDisabled, 401, "invalid_credentials"},
		{"token", auth.ErrInvalidToken, 401, "invalid_token"},
		{"expired", auth.ErrExpiredToken, 401, "expired_token"},
		{"not found", auth.ErrUserNotFound, 404, "user_not_found"},
		{"session not found", auth.ErrSessionNotFound, 404, "session_not_found"},
		{"replayed", auth.ErrSessionReplayed, 401, "invalid_token"},
		{"slowed", &auth.ThrottleError{After: 90 * time.Second}, 429, "too_many_attempts"},
		{"stopped", &auth.ThrottleError{Stopped: true}, 429, "attempts_stopped"},
		{"suspect", &auth.ThrottleError{Suspect: errors.New("canary")}, 429, "captcha_required"},
		{"suspect while its service is down", &auth.ThrottleError{Suspect: auth.ErrUnavailable}, 503, "unavailable"},
		{"too many attempts", auth.ErrTooManyAttempts, 429, "too_many_attempts"},
		{"too many sessions", auth.ErrTooManySessions, 409, "too_many_sessions"},
		{"exists", auth.ErrUserExists, 409, "user_exists"},
		{"conflict", auth.ErrConflict, 409, "conflict"},
		{"too large", &http.MaxBytesError{Limit: 1}, 413, "body_too_large"},
		{"syntax", json.Unmarshal([]byte("{bad"), &struct{}{}), 400, "malformed_json"},
		{"type", json.Unmarshal([]byte(`{"A":1}`), &struct{ A string }{}), 400, "invalid_type"},
		{"unavailable", auth.ErrUnavailable, 503, "unavailable"},
		{"overloaded", auth.ErrOverloaded, 503, "overloaded"},
		{"schema", auth.ErrSchema, 503, "unavailable"},
		{"store", &auth.StoreError{Op: "canary", Code: canaryDriver, Context: context.Canceled}, 503, "unavailable"},
		{"deadline", context.DeadlineExceeded, 503, "unavailable"},
		{"canceled", context.Canceled, 503, "unavailable"},
		{"unknown hash", auth.ErrUnknownHash, 500, "internal"},
		{"unknown", canary, 500, "internal"},
		{"nil", nil, 500, "internal"},

		{"token and outage", errors.Join(auth.ErrInvalidToken, auth.ErrUnavailable), 503, "unavailable"},
		{"credentials and overload", errors.Join(auth.ErrInvalidCredentials, auth.ErrOverloaded), 503, "overloaded"},
		{"input and outage", errors.Join(auth.ErrInvalidInput, &auth.StoreError{}), 503, "unavailable"},
		{"not found and outage", errors.Join(auth.ErrUserNotFound, auth.ErrUnavailable), 503, "unavailable"},
		{"replayed and outage", errors.Join(auth.ErrSessionReplayed, auth.ErrUnavailable), 503, "unavailable"},
		{"expired and invalid", errors.Join(auth.ErrInvalidToken, auth.ErrExpiredToken), 401, "expired_token"},
	}
	for _, tt := range tests {
		for how, err := range map[string]error{
			"bare":    tt.err,
			"wrapped": fmt.Errorf("canary: %w: %w", tt.err, canary),
			"joined":  errors.Join(canary, tt.err),
		} {
			t.Run(tt.name+", "+how, func(t *testing.T) {
				server := newServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					// A handler that meant to answer something else.
					w.Header().Set("Content-Type", "text/html")
					w.Header().Set("Cache-Control", "public")
					for _, name := range []string{"Content-Encoding", "Content-Length", "Etag", "Last-Modified"} {
						w.Header().Set(name, "7")
					}
					authhttp.WriteError(w, r, err)
				}))
				got := send(t, get(t, server.URL))
				got.want(t, tt.status, tt.code)
				for _, name := range []string{"Content-Encoding", "Etag", "Last-Modified"} {
					if got.Header.Get(name) != "" {
						t.Errorf("header %s is left", name)
					}
				}
			})
		}
	}
}

// A wrong password of somebody whose token is right is no 401; all else is as it
// was, and so is the login of somebody who is not known.
func TestWriteErrorBehindRequire(t *testing.T) {
	for _, tt := range []struct {
		err    error
		status int
		code   string
	}{
		{auth.ErrInvalidCredentials, 403, "invalid_credentials"},
		{fmt.Errorf("canary: %w", auth.ErrInvalidCredentials), 403, "invalid_credentials"},
		{auth.ErrUserDisabled, 403, "invalid_credentials"},
		{auth.ErrInvalidToken, 401, "invalid_token"},
		{auth.ErrUserNotFound, 404, "user_not_found"},
		{errors.Join(auth.ErrInvalidCredentials, auth.ErrUnavailable), 503, "unavailable"},
	} {
		w, r := httptest.NewRecorder(), get(t, "/")
		authhttp.WriteError(w, r.WithContext(auth.NewContext(r.Context(), auth.Identity{UserID: "u1"})), tt.err)
		check(t, answer{Status: w.Code, Header: w.Header(), Text: w.Body.String()}).want(t, tt.status, tt.code)
	}
	w := httptest.NewRecorder()
	authhttp.WriteError(w, nil, auth.ErrInvalidCredentials)
	check(t, answer{Status: w.Code, Header: w.Header(), Text: w.Body.String()}).want(t, 401, "invalid_credentials")
}

// The whole body, since programs read it.
func TestWriteErrorBody(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want string
	}{
		{
			&auth.InputError{Field: "password", Code: "too_short", Min: 4, Max: 12},
			`{"title":"Bad Request","status":400,"error":"The password must have 4 to 12 characters.","code":"too_short","field":"password","min":4,"max":12}`,
		},
		{
			&auth.InputError{Field: "password", Code: "too_long", Max: 4096},
			`{"title":"Bad Request","status":400,"error":"The password is too long.","code":"too_long","field":"password","max":4096}`,
		},
		{
			&auth.InputError{Field: "username", Code: "too_short"},
			`{"title":"Bad Request","status":400,"error":"The username is too short.","code":"too_short","field":"username"}`,
		},
		{
			&auth.InputError{Field: "email", Code: "required"},
			`{"title":"Bad Request","status":400,"error":"The e-mail address is missing.","code":"required","field":"email"}`,
		},
		{
			&auth.InputError{Field: "email", Code: "email_quoted"},
			`{"title":"Bad Request","status":400,"error":"The e-mail address is not valid.","code":"email_quoted","field":"email"}`,
		},
		{
			&auth.InputError{Field: "password", Code: "password_common"},
			`{"title":"Bad Request","status":400,"error":"The password is one of the most common ones.","code":"password_common","field":"password"}`,
		},
		{
			&auth.InputError{Field: "password", Code: "password_personal"},
			`{"title":"Bad Request","status":400,"error":"The password is made of the e-mail address or the name.","code":"password_personal","field":"password"}`,
		},
		{
			auth.ErrTooManySessions,
			`{"title":"Conflict","status":409,"error":"You are logged in too often; log out somewhere else first.","code":"too_many_sessions"}`,
		},
		{
			auth.ErrUserExists,
			`{"title":"Conflict","status":409,"error":"The e-mail address is taken.","code":"user_exists"}`,
		},
	} {
		w := httptest.NewRecorder()
		authhttp.WriteError(w, get(t, "/"), tt.err)
		if got := w.Body.String(); got != tt.want+"\n" {
			t.Errorf("%v:\n got %s\nwant %s", tt.err, got, tt.want)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	for want, err := range map[string]error{
		"1":    auth.ErrOverloaded,
		"5":    auth.ErrUnavailable,
		"30":   &auth.ThrottleError{After: 30 * time.Second},
		"3600": &auth.ThrottleError{After: time.Hour - time.Millisecond},
		"":     &auth.ThrottleError{Stopped: true},
	} {
		w := httptest.NewRecorder()
		authhttp.WriteError(w, get(t, "/"), err)
		if got := w.Header().Get("Retry-After"); got != want {
			t.Errorf("%v: Retry-After = %q, want %q", err, got, want)
		}
	}
}

// ASVS 5.0 4.1.1, 14.2.2, 14.3.2
func TestWriteTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, tt := range []struct {
			left time.Duration
			want string
		}{
			{3 * time.Minute, "180"},
			{3*time.Minute - 1, "179"},
			{time.Second - 1, "0"},
			{0, "0"},
			{-time.Hour, "0"},
		} {
			w := httptest.NewRecorder()
			authhttp.WriteTokens(w, auth.Tokens{Access: "a.b-c_d", AccessExpiresAt: time.Now().Add(tt.left)})
			want := `{"result":"success","access_token":"a.b-c_d","token_type":"Bearer","expires_in":` + tt.want + "}\n"
			if got := w.Body.String(); got != want {
				t.Errorf("%v left:\n got %s\nwant %s", tt.left, got, want)
			}
			if w.Code != 200 || w.Header().Get("Content-Type") != "application/json" || w.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("status %d, header %v", w.Code, w.Header())
			}
		}
		w := httptest.NewRecorder()
		authhttp.WriteTokens(w, auth.Tokens{Access: "a", AccessExpiresAt: time.Now().Add(time.Minute), Refresh: "r", RefreshExpiresAt: time.Now()})
		want := `{"result":"success","access_token":"a","token_type":"Bearer","expires_in":60,"refresh_token":"r"}` + "\n"
		if got := w.Body.String(); got != want {
			t.Errorf("with a refresh token:\n got %s\nwant %s", got, want)
		}
	})
}
