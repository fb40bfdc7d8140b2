package auth

import (
	"context"
	"strings"

	"github.com/seed89488a0c/auth/internal/token"
)

// CheckIdentity says whether the user of an Identity may act on their own account
// with it: change the password, see and end sessions. Call it before whatever of that
// kind a service does by itself; the methods of a that take an Identity, and the
// handlers of package authhttp, do so.
//
// Errors: [ErrInvalidToken] for an Identity that a has not verified, or that was changed
// since: one made by hand, of package jwks, or of another Authenticator, whose user may
// have the ID of one here. [ErrWideAudience] for that of a token for several audiences.
// Whether the token has expired since, or the session ended, it does not say: for that
// there is Verify.
func (a *Authenticator) CheckIdentity(ctx context.Context, id Identity) (err error) {
	ctx, call := a.begin(ctx, "check_identity", Client{})
	defer a.report(ctx, call, &err)
	return a.checkIdentity(call, id)
}

// checkIdentity is CheckIdentity in a call that is told of the Identity's IDs, unless
// they may be other people's.
func (a *Authenticator) checkIdentity(c *call, id Identity) error {
	if !token.IsOwn(id, a.owner) {
		return &TokenError{Reason: token.ReasonForeign}
	}
	c.userID, c.sessionID = id.UserID, id.SessionID
	if strings.Contains(id.Audience, " ") {
		return ErrWideAudience
	}
	return nil
}
