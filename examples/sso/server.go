package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/authhttp"
)

// proxyName is whose certificate the proxy of the single sign-on has.
const proxyName = "sso-proxy.internal"

// What this service calls a login with one factor, and with several.
const (
	acrOne  = "urn:shop:one"
	acrMany = "urn:shop:many"
)

// acrOf is the policy: it may change, and holds for every token from then on.
func acrOf(amr string) string {
	if slices.Contains(strings.Fields(amr), "mfa") {
		return acrMany
	}
	return acrOne
}

// subjects is who is who: which user the single sign-on's subject is. A service with a
// database keeps it in a table, unique by the subject, and writes a row of it beside the
// new user by auth.MySQLStore's OnCreateUser: both are there, or neither.
type subjects struct {
	mu    sync.Mutex
	users map[string]string // IDs by subject
}

// user returns the user of a subject, or "".
func (s *subjects) user(subject string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.users[subject]
}

// add makes a user of a subject that has none. An address that is taken is an error and no
// link: whoever chose it at the single sign-on may not be who registered it here.
func (s *subjects) add(ctx context.Context, a *auth.Authenticator, subject, email string) (string, error) {
	user, err := a.Import(ctx, auth.UserRecord{User: auth.User{Email: email}}) // without a password
	if err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.users[subject] = user.ID
	return user.ID, nil
}

func newHandler(a *auth.Authenticator) http.Handler {
	known := &subjects{users: map[string]string{}}
	mux := http.NewServeMux()
	mux.Handle("POST /sso/login", fromProxy(func(w http.ResponseWriter, r *http.Request) {
		login(w, r, a, known, nil)
	}))
	mux.Handle("POST /sso/step-up", fromProxy(authhttp.RequireFunc(a, func(w http.ResponseWriter, r *http.Request, who auth.Identity) {
		login(w, r, a, known, &who)
	}).ServeHTTP))
	mux.Handle("POST /users/refresh", authhttp.Refresh(a))
	mux.Handle("GET /orders", authhttp.RequireFunc(a, func(w http.ResponseWriter, r *http.Request, who auth.Identity) {
		fmt.Fprintf(w, "orders of %s, who logged in by %s\n", who.UserID, who.AMR)
	}))
	mux.Handle("POST /payments", authhttp.RequireFresh(a, 10*time.Minute)(
		authhttp.RequireACR(a, acrMany)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintln(w, "paid")
		}))))
	return mux
}

// fromProxy lets through what came by the proxy's own connection: the headers of anybody
// else are anybody's.
func fromProxy(next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		isProxy := func(chain []*x509.Certificate) bool { return slices.Equal(chain[0].DNSNames, []string{proxyName}) }
		if r.TLS == nil || !slices.ContainsFunc(r.TLS.VerifiedChains, isProxy) {
			http.Error(w, "this route is the proxy's", http.StatusForbidden)
			return
		}
		next(w, r)
	})
}

// assertion is what the proxy says in its headers.
type assertion struct {
	subject, email, amr string
	at                  time.Time
}

// read reads it. Two headers of one name are two people's words: one may be the client's,
// which the proxy has to remove.
func read(h http.Header) (assertion, error) {
	values := map[string]string{}
	for _, name := range []string{"Sso-Subject", "Sso-Email", "Sso-Amr", "Sso-Auth-Time"} {
		if len(h.Values(name)) > 1 {
			return assertion{}, errors.New("the proxy has left a header of the client's: " + name)
		}
		values[name] = h.Get(name)
	}
	said := assertion{subject: values["Sso-Subject"], email: values["Sso-Email"], amr: values["Sso-Amr"]}
	seconds, err := strconv.ParseInt(values["Sso-Auth-Time"], 10, 64)
	if err != nil || seconds <= 0 || said.subject == "" || said.amr == "" {
		return assertion{}, errors.New("the proxy does not say who, how and when")
	}
	said.at = time.Unix(seconds, 0)
	return said, nil
}

// login believes the proxy's headers. With who it steps that session up.
func login(w http.ResponseWriter, r *http.Request, a *auth.Authenticator, known *subjects, who *auth.Identity) {
	said, err := read(r.Header)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	userID := known.user(said.subject)
	if userID == "" && who == nil {
		if userID, err = known.add(r.Context(), a, said.subject, said.email); err != nil {
			authhttp.WriteError(w, r, err)
			return
		}
	}
	result, err := a.LoginWith(r.Context(), auth.Proof{
		UserID:   userID,
		AMR:      said.amr,
		At:       said.at,
		Identity: who,
		Client:   authhttp.ClientOf(r),
	})
	if errors.Is(err, auth.ErrInvalidCredentials) || errors.Is(err, auth.ErrUserNotFound) {
		http.Error(w, "somebody else is logged in at the single sign-on, or the user is disabled", http.StatusForbidden)
		return
	}
	if err != nil {
		authhttp.WriteError(w, r, err)
		return
	}
	authhttp.WriteTokens(w, result.Tokens)
}
