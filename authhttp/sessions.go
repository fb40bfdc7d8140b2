package authhttp

import (
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/internal/bearer"
)

// Refresh returns a handler that exchanges a refresh token, in the JSON object
// {"refresh_token":…}, for new tokens, and answers as [WriteTokens] does. It reads
// as [Register] does, and needs no access token. A member "audience" may be there, with
// words separated by single spaces, of those that the session is for: the access token
// is then for these alone, and the next one for all of them again.
//
// Like everything here that is of no use without [auth.Options.Sessions] it panics where
// a has none.
//
// A token that is not accepted is 401 with the code expired_token or, for all other
// reasons alike, invalid_token: all that a client can do is to log in. That a token
// was replayed is not for whoever shows it, who may be the thief or the victim, but
// for the user: [auth.Options.Events] tells the service, which can write to them.
func Refresh(a *auth.Authenticator) http.Handler {
	needSessions(a, "Refresh")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r = located(r)
		in := auth.Renewal{Client: ClientOf(r)}
		err := readStrings(w, r, map[string]func(string){
			"refresh_token": func(s string) { in.Token = s },
			"audience":      func(s string) { in.Audience = strings.Split(s, " ") },
		})
		if err == nil {
			err = required("refresh_token", in.Token)
		}
		if err != nil {
			WriteError(w, r, err)
			return
		}
		result, err := a.Refresh(r.Context(), in)
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
	needSessions(a, "Logout")
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

// LogoutAll returns a handler that ends all sessions of who is asking and answers a
// POST, whatever its body, with 204. Access tokens end with their sessions as far as
// [auth.SessionConfig]'s Staleness says.
//
// This one and those below are for who is asking, and guard themselves: by a's own
// [Require], unless the request's context knows somebody already. Either way it has to be
// an Identity that a has verified, of a token for a's audience alone
// ([auth.Authenticator.CheckIdentity]): any other is 401, or 403 with the code
// wide_audience.
func LogoutAll(a *auth.Authenticator) http.Handler {
	needSessions(a, "LogoutAll")
	return known(a, func(w http.ResponseWriter, r *http.Request, id auth.Identity) error {
		return done(w, a.EndSessions(r.Context(), id.UserID))
	}, http.MethodPost)
}

// EndSession returns a handler that ends one session of who is asking, whose ID sessionID
// finds in the request; nil is for net/http's patterns with an {id}. With another router
// it is what that router has, for instance with chi
//
//	func(r *http.Request) string { return chi.URLParam(r, "id") }
//
// The handler answers a DELETE with 204, also where there is no such session or it is
// somebody else's, which stays as it is. Where no ID is found the answer is 500 with the
// code no_session_id, and says so: the route is not mounted as sessionID needs it.
func EndSession(a *auth.Authenticator, sessionID func(*http.Request) string) http.Handler {
	needSessions(a, "EndSession")
	if sessionID == nil {
		sessionID = func(r *http.Request) string { return r.PathValue("id") }
	}
	return known(a, func(w http.ResponseWriter, r *http.Request, id auth.Identity) error {
		session := sessionID(r)
		if session == "" {
			return &problem{
				Status: http.StatusInternalServerError,
				Code:   "no_session_id",
				Sentence: "This route does not say which session: mount authhttp.EndSession at a pattern with {id}, " +
					"or give it a function that finds the ID.",
			}
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

// Sessions returns a handler that answers GET and HEAD with the list of the sessions of
// who is asking, newest first. What it says of a client is what that client said: show
// it as text.
func Sessions(a *auth.Authenticator) http.Handler {
	needSessions(a, "Sessions")
	return known(a, func(w http.ResponseWriter, r *http.Request, id auth.Identity) error {
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

// Reauthenticate returns a handler that checks the password of who is asking, in the
// JSON object {"password":…}, and answers as [WriteTokens] does, with the tokens of a new session in place of the one of who is asking; [RequireFresh] lets
// them pass. A wrong password is 403, so that the client keeps its tokens. It reads as
// [Register] does.
func Reauthenticate(a *auth.Authenticator) http.Handler { return passwordAgain(a, false) }

// LogoutOthers is like [Reauthenticate], but ends all other sessions of who is asking
// too (ASVS 5.0 7.5.2).
func LogoutOthers(a *auth.Authenticator) http.Handler {
	needSessions(a, "LogoutOthers")
	return passwordAgain(a, true)
}

func passwordAgain(a *auth.Authenticator, endOthers bool) http.Handler {
	return known(a, func(w http.ResponseWriter, r *http.Request, id auth.Identity) error {
		password, err := readString(w, r, "password")
		if err != nil {
			return err
		}
		result, err := a.Reauthenticate(r.Context(), auth.Reauthentication{
			Identity:  id,
			Password:  auth.NewPassword(password),
			Client:    ClientOf(r),
			EndOthers: endOthers,
		})
		if err != nil {
			return err
		}
		WriteTokens(w, result.Tokens)
		return nil
	}, http.MethodPost)
}

// ChangePassword returns a handler that replaces the password of who is asking, by the JSON object {"current":…,"new":…} and answers as [WriteTokens] does,
// with the tokens of a new session: all others end, that of who is asking too. A wrong
// current password is 403, so that the client keeps its tokens. It reads as [Register]
// does.
func ChangePassword(a *auth.Authenticator) http.Handler {
	return known(a, func(w http.ResponseWriter, r *http.Request, id auth.Identity) error {
		c := auth.PasswordChange{Identity: id, Client: ClientOf(r)}
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

// needSessions has a service that forgot the sessions find out when it starts.
func needSessions(a *auth.Authenticator, handler string) {
	if !a.HasSessions() {
		panic("authhttp: " + handler + ": the Authenticator has no sessions: give auth.New an Options.Sessions with a Store")
	}
}

// known returns a handler for who is asking, by f, which has answered unless it
// returns an error.
func known(a *auth.Authenticator, f func(http.ResponseWriter, *http.Request, auth.Identity) error, methods ...string) http.Handler {
	answer := func(w http.ResponseWriter, r *http.Request, id auth.Identity) {
		r = located(r)
		err := a.CheckIdentity(r.Context(), id)
		if err == nil {
			err = checkMethod(r, methods...)
		}
		if err == nil {
			err = f(w, r, id)
		}
		if errors.Is(err, auth.ErrUserNotFound) || errors.Is(err, auth.ErrUserDisabled) {
			err = auth.ErrInvalidToken // that of a user who may not use it any more
		}
		if err != nil {
			WriteError(w, r, err)
		}
	}
	guarded := RequireFunc(a, answer)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if id, ok := auth.FromContext(r.Context()); ok {
			answer(w, r, id)
			return
		}
		guarded.ServeHTTP(w, r)
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
	if err == nil {
		err = required(name, value)
	}
	return value, err
}

// required returns the answer to a member that is missing or empty.
func required(name, value string) error {
	if value != "" {
		return nil
	}
	p := badRequest("required", "The "+name+" is missing.")
	p.Field = name
	return p
}
