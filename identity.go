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
func (a *Authenticator) CheckIdentity(ctx context.Context, id Identity) error {
	if !token.IsOwn(id, a.owner) {
		err := &TokenError{Reason: token.ReasonForeign}
		a.emit(ctx, Event{Kind: "token_refused", Err: err}) // the IDs may be other people's
		return err
	}
	if strings.Contains(id.Audience, " ") {
		a.emit(ctx, Event{Kind: "token_refused", UserID: id.UserID, SessionID: id.SessionID, Err: ErrWideAudience})
		return ErrWideAudience
	}
	return nil
}
