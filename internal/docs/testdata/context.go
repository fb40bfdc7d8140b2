// Package context declares what the snippets of the documents use without
// declaring it.
package context

import (
	"context"
	"database/sql"
	"iter"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/hibp"
	"github.com/seed89488a0c/auth/keyring"
)

// What a service has anyway.
var (
	ctx     context.Context
	err     error
	db      *sql.DB
	dsn     string
	mux     *http.ServeMux
	w       http.ResponseWriter
	r       *http.Request
	t       *testing.T
	logger  *slog.Logger
	dir     string // of the keys
	keysURL string
	now     time.Time
)

// What it has of this library.
var (
	a       *auth.Authenticator
	store   *auth.MySQLStore
	issuer  *auth.JWTIssuer
	key     auth.Key
	keys    *keyring.Directory
	checker *hibp.Checker
	who     auth.Identity
	hasher  auth.Hasher
	user    auth.User
	result  auth.Result
)

// How it reads the users of another system.
var oldUsers func(context.Context, *sql.DB) iter.Seq2[auth.UserRecord, error]

// What its users send.
var (
	secret, pem, jwtSecretKey        []byte
	credentials                      auth.Credentials
	registration                     auth.Registration
	current, password                auth.Password
	sessionID, refreshToken, oldHash string
	orders                           http.Handler
	newEmptyStore                    func(*testing.T) auth.UserStore
	listOrders, deleteMe, pay        func(http.ResponseWriter, *http.Request, auth.Identity)
)
