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
	for _, method := range []string{"mfa", "hwk"} {
		if slices.Contains(strings.Fields(amr), method) {
			return acrMany
		}
	}
	return acrOne
}

// subjects is who is who: which user the single sign-on's subject is. A service keeps it
// in its database, unique by the subject.
type subjects struct {
	mu    sync.Mutex
	users map[string]string // IDs by subject
}

// user returns the user of a subject, who is made at their first login. An address that
// is taken is an error and no link: whoever chose it at the single sign-on may not be who
// registered it here.
func (s *subjects) user(ctx context.Context, a *auth.Authenticator, subject, email string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if id, ok := s.users[subject]; ok {
		return id, nil
	}
	user, err := a.Import(ctx, auth.UserRecord{User: auth.User{Email: email}}) // without a password
	if err != nil {
		return "", err
	}
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
		isProxy := func(chain []*x509.Certificate) bool { return chain[0].VerifyHostname(proxyName) == nil }
		if r.TLS == nil || !slices.ContainsFunc(r.TLS.VerifiedChains, isProxy) {
			http.Error(w, "this route is the proxy's", http.StatusForbidden)
			return
		}
		next(w, r)
	})
}

// login believes the proxy's headers. With who it steps that session up.
func login(w http.ResponseWriter, r *http.Request, a *auth.Authenticator, known *subjects, who *auth.Identity) {
	subject, at, err := r.Header.Get("Sso-Subject"), time.Time{}, error(nil)
	if text := r.Header.Get("Sso-Auth-Time"); text != "" {
		seconds, parseErr := strconv.ParseInt(text, 10, 64)
		at, err = time.Unix(seconds, 0), parseErr
	}
	if err != nil || subject == "" {
		http.Error(w, "the proxy says not who, or not when", http.StatusBadRequest)
		return
	}
	userID, err := known.user(r.Context(), a, subject, r.Header.Get("Sso-Email"))
	if err != nil {
		authhttp.WriteError(w, r, err)
		return
	}
	result, err := a.LoginWith(r.Context(), auth.Proof{
		UserID:   userID,
		AMR:      r.Header.Get("Sso-Amr"),
		At:       at,
		Identity: who,
		Client:   authhttp.ClientOf(r),
	})
	if errors.Is(err, auth.ErrInvalidCredentials) {
		http.Error(w, "somebody else is logged in at the single sign-on, or the user is disabled", http.StatusForbidden)
		return
	}
	if err != nil {
		authhttp.WriteError(w, r, err)
		return
	}
	authhttp.WriteTokens(w, result.Tokens)
}
