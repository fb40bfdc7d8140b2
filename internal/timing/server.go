package main

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/netip"
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
	forgotten  = "never@example.com" // nobody has it, nor is it throttled

	right = "right horse battery staple"
	wrong = "wrong horse battery staple"
)

// class is a kind of login that fails.
type class struct {
	name, email, password string
	path                  string // of the handler that is asked
	remains               bool   // twice the limit is allowed: what is known to take longer
	forgotten             bool   // nothing has failed at the account, whatever the state is
}

const (
	loginPath = "/login"
	skipPath  = "/login-without-decoy"
	addPath   = "/login-with-more"
)

var (
	baseline = class{name: "wrong password", email: known, password: wrong, path: loginPath}

	classes = []class{
		{name: "wrong password of another user", email: neighbour, password: wrong, path: loginPath},
		{name: "unknown address", email: unknown, password: wrong, path: loginPath},
		{name: "disabled user", email: disabled, password: wrong, path: loginPath},
		{name: "disabled user, right password", email: disabled, password: right, path: loginPath},
		{name: "user without password", email: noPassword, password: wrong, path: loginPath},
		{name: "unreadable hash", email: unreadable, password: wrong, path: loginPath},
		{name: "user of ten sessions, which are counted", email: often, password: wrong, path: loginPath, remains: true},
	}

	// What must not pass.
	noDecoy      = class{name: "control: unknown address, no decoy", email: unknown, password: wrong, path: skipPath}
	notThrottled = class{name: "control: unknown address, not throttled", email: forgotten, password: wrong, path: loginPath, forgotten: true}
	longer       = class{name: "control: longer by the limit", email: known, password: wrong, path: addPath}
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

// newHandler returns the login of a process and the two that must be found out.
func newHandler(p *process, longer *time.Duration) http.Handler {
	mux := http.NewServeMux()
	login := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { p.login.ServeHTTP(w, r) })
	mux.Handle(loginPath, login)
	mux.HandleFunc(skipPath, func(w http.ResponseWriter, r *http.Request) {
		var in struct{ Email, Password string }
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			authhttp.WriteError(w, r, err)
			return
		}
		_, err := p.store.UserByEmail(r.Context(), in.Email)
		if errors.Is(err, auth.ErrUserNotFound) {
			err = auth.ErrInvalidCredentials
		} else if err == nil {
			_, err = p.current.Login(r.Context(), auth.Credentials{Email: in.Email, Password: auth.NewPassword(in.Password)})
		}
		authhttp.WriteError(w, r, err)
	})
	mux.HandleFunc(addPath, func(w http.ResponseWriter, r *http.Request) {
		login.ServeHTTP(w, r)
		for start := time.Now(); time.Since(start) < *longer; {
		}
	})
	located := authhttp.ClientAddress(authhttp.AddressConfig{ClientNetworks: []netip.Prefix{netip.PrefixFrom(clientAddress, 32)}})
	return located(mux)
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
