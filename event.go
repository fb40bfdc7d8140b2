package auth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/seed89488a0c/auth/internal/clientaddr"
	"github.com/seed89488a0c/auth/internal/event"
	"github.com/seed89488a0c/auth/internal/fault"
	"github.com/seed89488a0c/auth/internal/row"
)

// Event is a security event (ASVS 5.0 16.2.1, 16.3.1). Whatever a method of the
// [Authenticator] refuses or fails at has raised one. Kind is stable, and one of:
//
//	registered
//	registration_refused     the input, a user who exists, a password from a breach: Code says which
//	logged_in
//	login_failed             by the credentials, or, after a right password or proof, by what Code says; UserID is set where the address is a user's
//	token_refused            an access token, by Verify or CheckIdentity, or what is no token at all: Err says why, often as a [*TokenError]
//	refreshed                a current refresh token gave new tokens
//	refresh_repeated         the parent of a refresh token did: an answer was lost, two tabs asked at once, or a copy is in use
//	refresh_refused          SessionID is what the token says, not more
//	session_replayed         an old refresh token was used again: its session was ended
//	session_ended            one, by a logout or to make room for another; a row that DeleteExpired removes is none
//	sessions_ended           all of the user but SessionID
//	too_many_sessions        a login was refused, by [SessionConfig.RefuseMore]
//	throttled                a try was refused before it was checked, by [Options.Throttle]: Code says how
//	attempts_slowed          by a failure: strangers wait from now on. Code says which: of the account, of the account_network (this network at this account) or of the network at all accounts
//	attempts_stopped         by a failure: nobody is let in any more. Code says who: strangers of the account, those of the account_network, or everybody
//	device_unknown           by a failure: too many of a device that was known
//	attempts_cleared         by ClearAttempts
//	reauthenticated
//	password_changed
//	password_refused         a wrong current password, as given to Reauthenticate too
//	password_rehashed        with today's parameters, at a login; Err where it was not: an [*InputError] where the old hash may be of another password: one with the same beginning (too_long), or without a NUL (invalid_character)
//	user_imported
//	user_disabled
//	user_enabled
//	user_deleted
//	refused                  anything else that was refused: Op and Code say what
//	overloaded               too many wait for a password to be hashed
//	unavailable              something did not answer, and Err says what; where the call could do without, it went on
//	abandoned                the caller's context was cancelled before there was an answer, mostly by a client that hung up
//	address_unconfigured     package authhttp does not know the address of who asks: its AddressConfig is missing or wrong. Client.Address is then the proxy, or whoever it was; raised before the call's own event, once for each network (an IPv4 /24, an IPv6 /64) and sixteen of them
//
// It prints, by fmt, log/slog, encoding/json and encoding/xml, without the clients.
// Libraries that walk fields by reflection show them, and so does fmt where an Event
// is in an unexported field of another struct.
type Event struct {
	Kind string

	// Op is the method that was called: register, login, login_with, verify, check_identity, refresh, logout,
	// user, sessions, end_session, end_sessions, delete_expired, attempts, clear_attempts,
	// change_password, reauthenticate, set_password, set_disabled, delete_user or
	// import.
	Op string
	At time.Time // UTC, whole microseconds

	UserID    string // "" = none, or not known
	SessionID string // "" = none, or not known
	AMR       string // how the user was authenticated, or was said to be, of every login and step-up, refused ones too, and of password_changed

	// Client is who asked, where the method was told, and Previous who refreshed the
	// session before, of refresh_repeated and session_replayed. They are personal data,
	// and all of it that is here: have a purpose, and an end, before they are logged.
	Client, Previous Client

	// Code says in a word what went wrong; "" = nothing did. It is stable: the Code of
	// an [*InputError] or a [*StoreError], the Reason of a [*TokenError], or
	// user_exists, user_not_found, user_disabled, invalid_credentials, conflict,
	// too_many_sessions, too_many_attempts, attempts_stopped, captcha_required, no_sessions, session_replayed, expired_token, wide_audience, invalid_token,
	// malformed_hash, overloaded, schema, or what could not be done: claims, keys,
	// check_password, hash_password, verify_password, issue_token, verify_token, or
	// refresh, of a parent that was used too often.
	// What is none of these is unavailable, or service, where a function of the
	// service's own has refused.
	Code string

	// Err says what went wrong, where something did. An error of the service's own
	// functions, [Options.Claims], [PasswordPolicy.Breached] and, unless it has a
	// driver's in it, of [MySQLStore.OnCreateUser], is in it whole, text
	// and chain, where the caller is told its type alone; it is printed and should
	// hold nothing personal. Of a store's, a hasher's and an issuer's there are
	// types and codes. [ErrMalformedHash] beside a refusal means that the stored hash
	// cannot be verified, and that this user cannot log in until a new password is set.
	Err error
}

// printed returns what may be printed.
func (e Event) printed() event.Printed {
	return event.Printed{Kind: e.Kind, Op: e.Op, UserID: e.UserID, SessionID: e.SessionID, AMR: e.AMR, Code: e.Code, Err: e.Err, At: e.At}
}

// Format writes all but the client, for every verb.
func (e Event) Format(f fmt.State, _ rune) { io.WriteString(f, e.printed().Text()) }

// LogValue returns all but the client, as a group.
func (e Event) LogValue() slog.Value { return slog.GroupValue(e.printed().Attrs()...) }

// MarshalJSON returns an object of all but the client.
func (e Event) MarshalJSON() ([]byte, error) { return e.printed().JSON() }

// MarshalText returns what [Event.Format] writes.
func (e Event) MarshalText() ([]byte, error) { return []byte(e.printed().Text()), nil }

// call is a call of an exported method, as events tell of it. It travels in the
// context, to where they are raised.
type call struct {
	op, amr           string
	client            Client
	userID, sessionID string // as far as they are known
	told              bool   // that it was refused
}

type callKey struct{}

// begin is how a method begins whose failures are to be told, see report.
func (a *Authenticator) begin(ctx context.Context, op string, client Client) (context.Context, *call) {
	c := &call{op: op}
	if a.events != nil {
		c.client = client.cut()
		ctx = context.WithValue(ctx, callKey{}, c)
		if from, ok := clientaddr.FromContext(ctx); ok && !from.Client.IsValid() && a.addressTold.First(from.Peer) {
			a.emit(ctx, Event{Kind: "address_unconfigured", Client: Client{Address: from.Peer}})
		}
	}
	return ctx, c
}

// report is how it ends: an error that no event has told is told now.
func (a *Authenticator) report(ctx context.Context, c *call, err *error) {
	if errors.Is(*err, ErrUserNotFound) || errors.Is(*err, ErrInvalidInput) {
		c.userID = "" // which is any text that the service was given
	}
	if *err != nil && !c.told {
		a.emit(ctx, Event{Kind: event.Refusal(ctx, c.op, *err), UserID: c.userID, SessionID: c.sessionID, AMR: c.amr, Err: *err})
	}
}

// went tells of what failed where the call goes on without it.
func (a *Authenticator) went(ctx context.Context, userID string, err error) {
	if err != nil {
		a.emit(ctx, Event{Kind: event.Outage(ctx, err), UserID: userID, Err: err})
	}
}

// emit raises an event, of the call that ctx is of. A refusal is raised once.
func (a *Authenticator) emit(ctx context.Context, e Event) {
	if a.events == nil {
		return
	}
	e.At = currentTime()
	if c, ok := ctx.Value(callKey{}).(*call); ok {
		if e.Op = c.op; e.Client == (Client{}) {
			e.Client = c.client
		}
		told, code := event.Told(e.Kind, e.Code)
		c.told, e.Code = c.told || told, code
	}
	if e.Err = row.Told(e.Err); e.Err != nil {
		e.Code, e.Err = event.Code(e.Err), fault.Whole(e.Err)
	}
	e.UserID = row.Cut(e.UserID, row.MaxID)
	a.events(ctx, e)
}
