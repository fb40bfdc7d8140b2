package authhttp

import (
	"errors"
	"net/http"
	"net/netip"
	"time"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/internal/bearer"
)

// Refresh returns a handler that exchanges a refresh token, in the JSON object
// {"refresh_token":…}, for new tokens, and answers as [WriteTokens] does. It reads
// as [Register] does, and needs no access token.
//
// A token that is not accepted is 401 with the code expired_token or, for all other
// reasons alike, invalid_token: all that a client can do is to log in. That a token
// was replayed is not for whoever shows it, who may be the thief or the victim, but
// for the user: [auth.Options.Events] tells the service, which can write to them.
func Refresh(a *auth.Authenticator) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, err := readString(w, r, "refresh_token")
		if err != nil {
			WriteError(w, r, err)
			return
		}
		result, err := a.Refresh(r.Context(), auth.Renewal{Token: token, Client: clientOf(r)})
		if err != nil {
			writeRefreshError(w, r, err)
			return
		}
		WriteTokens(w, result.Tokens)
	})
}

// Logout returns a handler that ends the session of a refresh token, in the JSON
// object {"refresh_token":…}, and answers 204, also where it has ended already. A
// text that is no refresh token, such as an access token, is 401: that client has
// not logged out. It reads as [Register] does, and needs no access token.
func Logout(a *auth.Authenticator) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, err := readString(w, r, "refresh_token")
		if err != nil {
			WriteError(w, r, err)
			return
		}
		if err := done(w, a.Logout(r.Context(), token)); err != nil {
			writeRefreshError(w, r, err)
		}
	})
}

// LogoutAll returns a handler, for use behind [Require], that ends all sessions of
// who is asking and answers a POST, whatever its body, with 204. Access tokens end
// with their sessions as far as [auth.SessionConfig]'s Staleness says.
func LogoutAll(a *auth.Authenticator) http.Handler {
	return known(func(w http.ResponseWriter, r *http.Request, id auth.Identity) error {
		return done(w, a.EndSessions(r.Context(), id.UserID))
	}, http.MethodPost)
}

// EndSession returns a handler, for use behind [Require], that ends one session of
// who is asking: that of the path value "id", so the pattern it is mounted at has an
// {id}, or whatever routes the request calls [http.Request.SetPathValue]. It answers
// a DELETE with 204, also where there is no such session or it is somebody else's,
// which stays as it is.
func EndSession(a *auth.Authenticator) http.Handler {
	return known(func(w http.ResponseWriter, r *http.Request, id auth.Identity) error {
		session := r.PathValue("id")
		if session == "" {
			return errors.New("authhttp: EndSession: the pattern has no {id}")
		}
		return done(w, a.EndSession(r.Context(), id.UserID, session))
	}, http.MethodDelete)
}

// session is one of the list that Sessions writes.
type session struct {
	ID         string    `json:"id"`
	CreatedAt  time.Time `json:"created_at"`
	LastUsedAt time.Time `json:"last_used_at"`
	ExpiresAt  time.Time `json:"expires_at"` // unless it is refreshed before
	Current    bool      `json:"current"`    // is that of who is asking
	Client     client    `json:"client"`
}

type client struct {
	Address   netip.Addr `json:"address,omitzero"`
	UserAgent string     `json:"user_agent,omitempty"`
	Label     string     `json:"label,omitempty"`
}

// Sessions returns a handler, for use behind [Require], that answers GET and HEAD
// with the list of the sessions of who is asking, newest first. What it says of a
// client is what that client said: show it as text.
func Sessions(a *auth.Authenticator) http.Handler {
	return known(func(w http.ResponseWriter, r *http.Request, id auth.Identity) error {
		living, err := a.Sessions(r.Context(), id.UserID)
		if err != nil {
			return err
		}
		list := make([]session, len(living))
		for i, s := range living {
			list[i] = session{
				ID:         s.ID,
				CreatedAt:  s.CreatedAt,
				LastUsedAt: s.LastUsedAt,
				ExpiresAt:  s.IdleUntil,
				Current:    s.ID == id.SessionID,
				Client:     client(s.Client),
			}
		}
		bearer.WriteJSON(w, http.StatusOK, "application/json", map[string][]session{"sessions": list})
		return nil
	}, http.MethodGet, http.MethodHead)
}

// Reauthenticate returns a handler, for use behind [Require], that checks the
// password in the JSON object {"password":…} and answers as [WriteTokens] does, with
// the tokens of a new session in place of the one of who is asking; [RequireFresh] lets
// them pass. A wrong password is 403, so that the client keeps its tokens. It reads as
// [Register] does.
func Reauthenticate(a *auth.Authenticator) http.Handler { return passwordAgain(a, false) }

// LogoutOthers is like [Reauthenticate], but ends all other sessions of who is asking
// too (ASVS 5.0 7.5.2).
func LogoutOthers(a *auth.Authenticator) http.Handler { return passwordAgain(a, true) }

func passwordAgain(a *auth.Authenticator, endOthers bool) http.Handler {
	return known(func(w http.ResponseWriter, r *http.Request, id auth.Identity) error {
		password, err := readString(w, r, "password")
		if err != nil {
			return err
		}
		result, err := a.Reauthenticate(r.Context(), auth.Reauthentication{
			Identity:  id,
			Password:  auth.NewPassword(password),
			Client:    clientOf(r),
			EndOthers: endOthers,
		})
		if err != nil {
			return err
		}
		WriteTokens(w, result.Tokens)
		return nil
	}, http.MethodPost)
}

// ChangePassword returns a handler, for use behind [Require], that replaces the
// password by the JSON object {"current":…,"new":…} and answers as [WriteTokens] does,
// with the tokens of a new session: all others end, that of who is asking too. A wrong
// current password is 403, so that the client keeps its tokens. It reads as [Register]
// does.
func ChangePassword(a *auth.Authenticator) http.Handler {
	return known(func(w http.ResponseWriter, r *http.Request, id auth.Identity) error {
		c := auth.PasswordChange{Identity: id, Client: clientOf(r)}
		err := readStrings(w, r, map[string]func(string){
			"current": func(s string) { c.Current = auth.NewPassword(s) },
			"new":     func(s string) { c.New = auth.NewPassword(s) },
		})
		if err != nil {
			return err
		}
		result, err := a.ChangePassword(r.Context(), c)
		if err != nil {
			return err
		}
		WriteTokens(w, result.Tokens)
		return nil
	}, http.MethodPost)
}

// known returns a handler for who is asking, by f, which has answered unless it
// returns an error. Without Require before it, every answer is a 401.
func known(f func(http.ResponseWriter, *http.Request, auth.Identity) error, methods ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, ok := auth.FromContext(r.Context())
		if !ok || id.UserID == "" {
			WriteError(w, r, bearer.MissingToken())
			return
		}
		err := checkMethod(r, methods...)
		if err == nil {
			err = f(w, r, id)
		}
		if errors.Is(err, auth.ErrUserNotFound) || errors.Is(err, auth.ErrUserDisabled) {
			err = auth.ErrInvalidToken // that of a user who may not use it any more
		}
		if err != nil {
			WriteError(w, r, err)
		}
	})
}

// done answers 204 unless there is an error, and passes that on.
func done(w http.ResponseWriter, err error) error {
	if err == nil {
		w.Header().Set("Cache-Control", "no-store")
		bearer.NoSniff(w)
		w.WriteHeader(http.StatusNoContent)
	}
	return err
}

// writeRefreshError answers where a refresh token was not accepted, or could not be
// looked at. The challenge only names the scheme, since no token was sent as RFC
// 6750 §2 has it.
func writeRefreshError(w http.ResponseWriter, r *http.Request, err error) {
	code, sentence := "invalid_token", "The refresh token is not valid."
	if errors.Is(err, auth.ErrExpiredToken) {
		code, sentence = "expired_token", "The refresh token expired."
	}
	if errors.Is(err, auth.ErrInvalidToken) {
		err = &problem{
			Status:   http.StatusUnauthorized,
			Code:     code,
			Sentence: sentence,
			Header:   map[string]string{"WWW-Authenticate": bearer.Challenge},
		}
	}
	WriteError(w, r, err)
}

// readString reads a JSON object with one member, which may not be empty.
func readString(w http.ResponseWriter, r *http.Request, name string) (string, error) {
	var value string
	err := readStrings(w, r, map[string]func(string){name: func(s string) { value = s }})
	if err == nil && value == "" {
		p := badRequest("required", "The "+name+" is missing.")
		p.Field = name
		err = p
	}
	return value, err
}
