package authhttp

import (
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/seed89488a0c/auth"
)

// maxBody is what the handlers read of a body. The longest password that any
// policy allows, the longest address and name fit, every character written as
// an escaped surrogate pair.
const maxBody = 16 << 10

// Register returns a handler that creates a user from the JSON object
// {"email":…,"password":…,"username":…}, where the username may be missing, and
// answers as [WriteTokens] or [WriteError] do.
//
// Like [Login] it takes a POST of at most 16 KiB of application/json in UTF-8,
// and is strict: exactly one object, no member that it does not know, none
// twice, names in lower case, every value a string, no half of a surrogate
// pair. It sets no deadline and logs nothing: that is for the service, by the
// request's context and by [auth.WithEvents].
func Register(a *auth.Authenticator) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in auth.Registration
		err := readStrings(w, r, map[string]func(string){
			"email":    func(s string) { in.Email = s },
			"password": func(s string) { in.Password = auth.NewPassword(s) },
			"username": func(s string) { in.Username = s },
		})
		if err != nil {
			WriteError(w, r, err)
			return
		}
		result, err := a.Register(r.Context(), in)
		if err != nil {
			WriteError(w, r, err)
			return
		}
		WriteTokens(w, result.Tokens)
	})
}

// Login returns a handler that logs a user in from the JSON object
// {"email":…,"password":…}. One that is missing or empty is the answer 400, as
// it says nothing about anybody's credentials; a wrong one is 401. It reads as
// [Register] does.
func Login(a *auth.Authenticator) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in auth.Credentials
		err := readStrings(w, r, map[string]func(string){
			"email":    func(s string) { in.Email = s },
			"password": func(s string) { in.Password = auth.NewPassword(s) },
		})
		switch {
		case err != nil:
		case in.Email == "":
			err = &auth.InputError{Field: "email", Code: "required"}
		case in.Password.Reveal() == "":
			err = &auth.InputError{Field: "password", Code: "required"}
		}
		if err != nil {
			WriteError(w, r, err)
			return
		}
		result, err := a.Login(r.Context(), in)
		if err != nil {
			WriteError(w, r, err)
			return
		}
		WriteTokens(w, result.Tokens)
	})
}

// readStrings reads a request's JSON object, see decodeStrings.
func readStrings(w http.ResponseWriter, r *http.Request, members map[string]func(string)) error {
	if r.Method != http.MethodPost {
		return &problem{
			Status:   http.StatusMethodNotAllowed,
			Code:     "method_not_allowed",
			Sentence: "Use POST.",
			Header:   map[string]string{"Allow": http.MethodPost},
		}
	}
	if !isJSON(r.Header) {
		return &problem{
			Status:   http.StatusUnsupportedMediaType,
			Code:     "unsupported_media_type",
			Sentence: "The request must be application/json in UTF-8.",
		}
	}
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if _, tooLarge := err.(*http.MaxBytesError); tooLarge {
		return err
	}
	if err != nil {
		return badRequest("incomplete_body", "The request did not arrive whole.")
	}
	return decodeStrings(data, members)
}

// isJSON reports whether a body is said to be JSON in UTF-8 (RFC 8259 §8.1), as
// it is and not compressed (RFC 9110 §8.4).
func isJSON(h http.Header) bool {
	contentType := h.Values("Content-Type")
	if len(contentType) != 1 || len(h.Values("Content-Encoding")) != 0 {
		return false
	}
	mediaType, parameters, err := mime.ParseMediaType(contentType[0])
	charset, given := parameters["charset"]
	return err == nil && mediaType == "application/json" && (!given || strings.EqualFold(charset, "utf-8"))
}
