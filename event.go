package auth

import "context"

// Event is a security event (ASVS 5.0 16.3.1). It holds no personal data and no
// secret. Kind is stable, and one of:
//
//	registered
//	logged_in
//	login_failed             by the credentials; UserID is set where the address is a user's
//	token_refused            by Verify or CheckIdentity: Err says why, often as a [*TokenError]
//	refreshed                a current refresh token gave new tokens
//	refresh_repeated         the parent of a refresh token did: an answer was lost, two tabs asked at once, or a copy is in use
//	refresh_refused          SessionID is what the token says, not more
//	session_replayed         an old refresh token was used again: its session was ended
//	session_ended            one, by a logout or to make room for another
//	sessions_ended           all of the user but SessionID
//	reauthenticated
//	password_changed
//	password_refused         a wrong current password, as given to Reauthenticate too
//	password_rehashed        to stronger parameters, at a login; Err where that was left for the next one
//	user_imported
//	user_disabled
//	user_enabled
//	user_deleted
type Event struct {
	Kind      string
	UserID    string
	SessionID string // "" = none
	Client    Client // who asked
	Previous  Client // who refreshed the session before, of refresh_repeated and session_replayed

	// Err says what went wrong, where something did. [ErrMalformedHash] beside a
	// refusal means that the stored hash cannot be verified, and that this user
	// cannot log in until a new password is set.
	Err error
}

func (a *Authenticator) emit(ctx context.Context, e Event) {
	if a.events != nil {
		a.events(ctx, e)
	}
}
