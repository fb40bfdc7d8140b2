// Package flaskjwt reads and writes the access tokens of Flask-JWT-Extended 4, so
// that a fleet of Flask services can be moved to Go one service at a time, with
// both sides accepting each other's tokens. New services use [auth.JWTIssuer],
// the default: what signs here is a secret that every verifier has.
//
// The format is HS256 with the claims fresh, iat, jti, type, sub, nbf, csrf, exp
// and, where configured, aud and iss: what create_access_token writes by default
// from 4.6 on; before, csrf was there only with cookies. What [auth.Identity] needs
// beyond them goes into auth_time and sid, which Flask-JWT-Extended leaves alone.
//
// # Moving a fleet
//
//  1. Bring the Flask services to Flask-JWT-Extended 4 with the default claims:
//     JWT_IDENTITY_CLAIM sub, JWT_ALGORITHM HS256, no headers of their own. Give
//     them JWT_DECODE_LEEWAY = 5: by default they refuse a token from a machine
//     whose clock is a fraction of a second ahead.
//  2. Move services, each with an [Issuer] that has the fleet's secret. Where
//     Flask services expect an integer as identity, set Config.IntegerSubjects.
//  3. When no Flask service is left, let every service accept the tokens of an
//     [auth.JWTIssuer] as well, both{old, issuer}, and then issue them, both{issuer,
//     old}: see below.
//  4. One TTL later, drop the Issuer, and with it a short secret.
//
// An issuer that parses the tokens of another one as well:
//
//	type both struct {
//		auth.TokenIssuer
//		also auth.TokenIssuer
//	}
//
//	func (b both) Parse(ctx context.Context, token string) (auth.Identity, error) {
//		id, err := b.TokenIssuer.Parse(ctx, token)
//		if errors.Is(err, auth.ErrInvalidToken) && !errors.Is(err, auth.ErrExpiredToken) {
//			return b.also.Parse(ctx, token)
//		}
//		return id, err
//	}
//
// # What differs for clients
//
//   - A token that is malformed, forged or of another kind is 401 rather than 422,
//     with a WWW-Authenticate header, and the scheme is "bearer" in any case.
//   - Tokens come in the Authorization header alone. Cookies are not read, so the
//     csrf claim is written for the Flask services and not looked at.
//   - In place of jwt_required(fresh=True) there is authhttp.RequireFreshFunc, with the
//     age of Identity.AuthTime that the route allows. That is zero, and so too long ago
//     for any route, in a Flask service's token that is not fresh.
//   - Refresh tokens are not accepted. Leave the routes that take them to a Flask
//     service, or let users log in again.
//   - The Flask services' blocklist is not asked. Who revokes by jti looks at
//     Identity.TokenID.
//   - Tokens without exp are not accepted: with JWT_ACCESS_TOKEN_EXPIRES = False,
//     set an expiry first.
//
// PyJWT 2.10 and later take an integer sub only with JWT_VERIFY_SUB = False, which
// Flask-JWT-Extended has from 4.7.1 on.
package flaskjwt
