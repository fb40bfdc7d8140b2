package main

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/authhttp"
)

// The addresses and passwords are equally long, so that only their users differ.
const (
	known      = "known@example.com"
	neighbour  = "other@example.com"
	unknown    = "nobdy@example.com"
	disabled   = "disab@example.com"
	noPassword = "nopwd@example.com"
	unreadable = "unrea@example.com"
	often      = "often@example.com" // has sessions

	right = "right horse battery staple"
	wrong = "wrong horse battery staple"
)

// class is a kind of login that fails.
type class struct {
	name, email, password string
	path                  string // of the handler that is asked
	remains               bool   // twice the limit is allowed: what is known to take longer
}

const (
	loginPath = "/login"
	skipPath  = "/login-without-decoy"
	addPath   = "/login-with-more"
)

var (
	baseline = class{"wrong password", known, wrong, loginPath, false}

	classes = []class{
		{"wrong password of another user", neighbour, wrong, loginPath, false},
		{"unknown address", unknown, wrong, loginPath, false},
		{"disabled user", disabled, wrong, loginPath, false},
		{"disabled user, right password", disabled, right, loginPath, false},
		{"user without password", noPassword, wrong, loginPath, false},
		{"unreadable hash", unreadable, wrong, loginPath, false},
		{"user of ten sessions, which are counted", often, wrong, loginPath, true},
	}

	// What must not pass.
	controls = []class{
		{"control: unknown address, no decoy", unknown, wrong, skipPath, false},
		{"control: longer by the limit", known, wrong, addPath, false},
	}
)

// fill makes one user of each class.
func fill(ctx context.Context, a *auth.Authenticator, store auth.UserStore, hasher auth.Hasher) error {
	ids := map[string]string{}
	for _, email := range []string{known, neighbour, disabled, noPassword, unreadable, often} {
		hash, err := hasher.Hash(ctx, auth.NewPassword(right))
		if err != nil {
			return err
		}
		if email == noPassword {
			hash = ""
		}
		user, err := a.Import(ctx, auth.UserRecord{User: auth.User{Email: email}, PasswordHash: hash})
		if err != nil {
			return err
		}
		ids[email] = user.ID
	}
	if err := a.SetDisabled(ctx, ids[disabled], true); err != nil {
		return err
	}
	for range 10 {
		if _, err := a.Login(ctx, auth.Credentials{Email: often, Password: auth.NewPassword(right)}); err != nil {
			return err
		}
	}
	damaged := "$" + hasher.Inspect("").Scheme + "$damaged"
	return store.UpdateUser(ctx, auth.UserUpdate{ID: ids[unreadable], PasswordHash: &damaged})
}

// newHandler returns the login and the two that must be found out.
func newHandler(a *auth.Authenticator, store auth.UserStore, longer *time.Duration) http.Handler {
	mux := http.NewServeMux()
	login := authhttp.Login(a)
	mux.Handle(loginPath, login)
	mux.HandleFunc(skipPath, func(w http.ResponseWriter, r *http.Request) {
		var in struct{ Email, Password string }
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			authhttp.WriteError(w, r, err)
			return
		}
		_, err := store.UserByEmail(r.Context(), in.Email)
		if errors.Is(err, auth.ErrUserNotFound) {
			err = auth.ErrInvalidCredentials
		} else if err == nil {
			_, err = a.Login(r.Context(), auth.Credentials{Email: in.Email, Password: auth.NewPassword(in.Password)})
		}
		authhttp.WriteError(w, r, err)
	})
	mux.HandleFunc(addPath, func(w http.ResponseWriter, r *http.Request) {
		login.ServeHTTP(w, r)
		for start := time.Now(); time.Since(start) < *longer; {
		}
	})
	return mux
}

// serve answers on a port of its own.
func serve(h http.Handler) (url string, stop func(), _ error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
	go server.Serve(listener) // until it is closed
	return "http://" + listener.Addr().String(), func() { server.Close() }, nil
}
