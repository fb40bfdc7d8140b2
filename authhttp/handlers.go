package authhttp

import (
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"

	"github.com/seed89488a0c/auth"
)

// maxBody is what the handlers read of a body. The longest password that any
// policy allows, the longest address and name fit, every character written as
// an escaped surrogate pair.
const maxBody = 16 << 10

// Register returns a handler that creates a user from the JSON object
// {"email":…,"password":…,"username":…}, where the username may be missing, and
// answers as [WriteResult] or [WriteError] do. As with [Login], an "audience" may be
// there too.
//
// Like [Login] it takes a POST of at most 16 KiB of application/json in UTF-8,
// and is strict: exactly one object, no member that it does not know, none
// twice, names in lower case, every value a string, no half of a surrogate
// pair. White space at the ends of the address is removed, since phones add it; of a
// password nothing is. It sets no deadline and logs nothing: that is for the service, by
// the request's context and by [auth.Options.Events].
//
// The session, where there are any, is shown in the list of [Sessions] with what
// [ClientOf] returns. Behind a proxy, and for clients in a private network, mount
// [ClientAddress]: without it they have no address.
func Register(a *auth.Authenticator) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r = located(r)
		in := auth.Registration{Client: ClientOf(r)}
		err := readStrings(w, r, map[string]func(string){
			"email":    func(s string) { in.Email = strings.TrimSpace(s) },
			"password": func(s string) { in.Password = auth.NewPassword(s) },
			"username": func(s string) { in.Username = s },
			"audience": func(s string) { in.Audience = strings.Split(s, " ") },
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
		WriteResult(w, result)
	})
}

// Login returns a handler that logs a user in from the JSON object
// {"email":…,"password":…}. One that is missing or empty is the answer 400, as
// it says nothing about anybody's credentials; a wrong one is 401. It reads as
// [Register] does.
//
// A member "device_token" may be there, from the answer to an earlier login or
// registration of the same client; one that is not accepted is ignored.
//
// A member "audience" may be there, with words separated by single spaces: the tokens
// are then for these audiences alone, and so are those that a refresh gives.
func Login(a *auth.Authenticator) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r = located(r)
		in := auth.Credentials{Client: ClientOf(r)}
		err := readStrings(w, r, map[string]func(string){
			"email":    func(s string) { in.Email = strings.TrimSpace(s) },
			"password": func(s string) { in.Password = auth.NewPassword(s) },
			"audience": func(s string) { in.Audience = strings.Split(s, " ") },

			"device_token": func(s string) { in.Device = s },
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

// checkMethod returns the answer to a request by another method.
func checkMethod(r *http.Request, methods ...string) error {
	if slices.Contains(methods, r.Method) {
		return nil
	}
	return &problem{
		Status:   http.StatusMethodNotAllowed,
		Code:     "method_not_allowed",
		Sentence: "Use " + strings.Join(methods, " or ") + ".",
		Header:   map[string]string{"Allow": strings.Join(methods, ", ")},
	}
}

// readStrings reads a request's JSON object, see decodeStrings.
func readStrings(w http.ResponseWriter, r *http.Request, members map[string]func(string)) error {
	if err := checkMethod(r, http.MethodPost); err != nil {
		return err
	}
	if err := checkMedia(r.Header); err != nil {
		return err
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

// checkMedia returns the answer to a body that is not said to be JSON in UTF-8 (RFC
// 8259 §8.1), as it is and not compressed (RFC 9110 §8.4). It says what would be taken
// (RFC 9110 §15.5.16).
func checkMedia(h http.Header) error {
	refuse := func(code, sentence, header, accepted string) error {
		return &problem{
			Status:   http.StatusUnsupportedMediaType,
			Code:     code,
			Sentence: sentence,
			Header:   map[string]string{header: accepted},
		}
	}
	const json = "application/json"
	fields := h.Values("Content-Type")
	if strings.Join(fields, "") == "" {
		return refuse("content_type_missing", "The request has no Content-Type; it must be application/json.", "Accept", json)
	}
	mediaType, parameters, err := mime.ParseMediaType(fields[0])
	if err != nil || len(fields) > 1 {
		return refuse("content_type_malformed", "The request's Content-Type cannot be read; it must be application/json.", "Accept", json)
	}
	if mediaType != json {
		return refuse("unsupported_media_type", "The request's Content-Type must be application/json.", "Accept", json)
	}
	charset, given := parameters["charset"]
	if given && !strings.EqualFold(charset, "utf-8") && !strings.EqualFold(charset, "utf8") {
		return refuse("unsupported_charset", "The request must be in UTF-8.", "Accept", json)
	}
	for _, coding := range strings.Split(strings.Join(h.Values("Content-Encoding"), ","), ",") {
		if coding = strings.Trim(coding, " \t"); coding != "" && !strings.EqualFold(coding, "identity") {
			return refuse("unsupported_encoding", "The request must not be compressed.", "Accept-Encoding", "identity")
		}
	}
	return nil
}
