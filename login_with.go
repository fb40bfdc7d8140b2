package auth

import (
	"context"
	"time"

	"github.com/seed89488a0c/auth/internal/input"
)

// Proof is what a service says of somebody whom it has authenticated by itself, see
// [Authenticator.LoginWith].
type Proof struct {
	UserID string // by the service's own table of who is who, never by an address that somebody else vouches for

	// AMR is how the user was authenticated, all of it, in words of RFC 8176 separated by
	// single spaces, as "hwk user mfa"; "ext" is for a service's single sign-on. 1 to 64
	// bytes of printable ASCII. The session keeps it, and [JWTConfig] may make an acr of it.
	AMR string

	// At is when that was, and so the auth_time of the tokens: not before 1970, and at
	// most a minute in the future, by another machine's clock, which counts as now.
	// Zero = now: leave it only if the user was authenticated just now.
	At time.Time

	// Identity, of [Authenticator.Verify] and as it is, is who is logged in already, to be
	// stepped up: that session ends and one begins, as with [Authenticator.Reauthenticate].
	// It must be that of UserID. nil = a login.
	Identity *Identity

	TokenTTL time.Duration // of the access token, whole seconds; 0 = the issuer's

	// Audience is whom the tokens are for, of all for whom the issuer issues; empty = all.
	// A step-up cannot ask for more than the session before had.
	Audience []string
	Client   Client // who asks; as in [Reauthentication] for a step-up
}

// LoginWith logs a user in without a password, BECAUSE THE CALLER SAYS SO: whoever can
// have it called with a UserID of their choice is that user. It is for what has just
// verified who somebody is by other means, such as a client's certificate, a passkey, a
// link in a mail, or a header of an identity-aware proxy on a connection that no one else
// can make. The user must exist; nothing is checked but what every login is held to:
// whether the user is disabled, and how many sessions there are.
//
// Errors: [*InputError] for the AMR, At (field "time"), TokenTTL or Audience;
// [ErrUserNotFound], [ErrUserDisabled] and [ErrTooManySessions]. A step-up has those of
// [Authenticator.CheckIdentity], such as [ErrWideAudience], too; it is
// [ErrInvalidCredentials] if the Identity is another user's, and [ErrInvalidToken] if the
// session has ended, or the user is gone, or disabled and has a session. Beside an error
// the old session goes on, except that after [ErrUnavailable] it may have ended. A session that is ended by a logout
// or another step-up at the same time does not stop this one, whose user has just been
// authenticated; what ends all sessions does.
func (a *Authenticator) LoginWith(ctx context.Context, p Proof) (_ Result, err error) {
	ctx, call := a.begin(ctx, "login_with", p.Client)
	defer a.report(ctx, call, &err)
	at, field, code := input.Proof(p.AMR, p.At, currentTime())
	if code != "" {
		return Result{}, &InputError{Field: field, Code: code}
	}
	call.amr = p.AMR
	if err := input.Token(p.TokenTTL, p.Audience); err != nil {
		return Result{}, err
	}
	subject := Subject{TTL: p.TokenTTL, Audience: p.Audience, AuthTime: at, AMR: p.AMR}
	if p.Identity != nil {
		return a.stepUp(ctx, call, p, subject)
	}
	user, crowded, err := a.userForProof(ctx, p.UserID)
	if err != nil {
		return Result{}, err
	}
	call.userID = user.ID
	if !user.DisabledAt.IsZero() {
		return Result{}, ErrUserDisabled
	}
	return a.enter(ctx, user, crowded, p.Client, subject)
}

func (a *Authenticator) stepUp(ctx context.Context, call *call, p Proof, subject Subject) (Result, error) {
	if err := a.checkIdentity(call, *p.Identity); err != nil {
		return Result{}, err
	}
	if p.UserID != p.Identity.UserID {
		return Result{}, ErrInvalidCredentials
	}
	old, user, err := a.whoAsks(ctx, *p.Identity)
	if err != nil {
		return Result{}, err
	}
	if !user.DisabledAt.IsZero() {
		return Result{}, ErrUserDisabled
	}
	tokens, session, err := a.prepareNext(ctx, user, old, *p.Identity, p.Client, subject)
	if err == nil {
		err = a.beginNext(ctx, user, old, session)
	}
	if err != nil {
		return Result{}, err
	}
	a.emit(ctx, Event{Kind: "reauthenticated", UserID: user.ID, SessionID: session.ID, Client: session.Client, AMR: p.AMR})
	return Result{User: user.User, Tokens: tokens}, nil
}
