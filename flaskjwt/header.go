package flaskjwt

import (
	"net/http"
	"strings"
)

// FromHeader returns middleware for clients that send their token as a fleet's
// JWT_HEADER_NAME and JWT_HEADER_TYPE say: it stands before what reads it as a bearer
// token, such as authhttp.Require, and puts it there. The scheme is taken in any case;
// "" = the field is the token alone. What the client sends as Authorization counts only
// if that is the name. It panics on a name or scheme that cannot be one.
//
// The answers, and so the WWW-Authenticate header of a 401, speak of Bearer all the same.
func FromHeader(name, scheme string) func(http.Handler) http.Handler {
	const token = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	if name == "" || strings.Trim(name, token) != "" || strings.Trim(scheme, token) != "" {
		panic("flaskjwt: FromHeader: not the name of a header, or not a scheme")
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fields := r.Header.Values(name)
			moved := r.WithContext(r.Context())
			moved.Header = r.Header.Clone()
			moved.Header.Del("Authorization")
			for _, field := range fields { // of which there may be one, as always
				text := strings.Trim(field, " \t")
				if scheme != "" {
					before, after, _ := strings.Cut(text, " ")
					if !strings.EqualFold(before, scheme) {
						continue // no token, as another scheme is for Bearer
					}
					text = strings.TrimLeft(after, " ")
				}
				moved.Header.Add("Authorization", "Bearer "+text)
			}
			next.ServeHTTP(w, moved)
		})
	}
}
