package auth

import "context"

// EventKind says what happened.
type EventKind string

// The kinds of events.
const (
	EventRegistered       EventKind = "registered"
	EventLoggedIn         EventKind = "logged_in"
	EventLoginFailed      EventKind = "login_failed" // by the credentials; UserID is set where the address is a user's
	EventPasswordChanged  EventKind = "password_changed"
	EventChangeRefused    EventKind = "password_change_refused" // ChangePassword was given a wrong current password
	EventPasswordRehashed EventKind = "password_rehashed"       // to stronger parameters, at a login; Err where that was left for the next one
	EventUserImported     EventKind = "user_imported"
	EventUserDisabled     EventKind = "user_disabled"
	EventUserEnabled      EventKind = "user_enabled"
	EventUserDeleted      EventKind = "user_deleted"
)

// Event is a security event. It holds no personal data and no secret.
type Event struct {
	Kind   EventKind
	UserID string

	// Err says what went wrong, where something did. [ErrMalformedHash] beside a
	// refusal means that the stored hash cannot be verified, and that this user
	// cannot log in until a new password is set.
	Err error
}

func (a *Authenticator) emit(ctx context.Context, kind EventKind, userID string, err error) {
	if a.events != nil {
		a.events(ctx, Event{Kind: kind, UserID: userID, Err: err})
	}
}
