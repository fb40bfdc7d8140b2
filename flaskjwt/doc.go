// Package flaskjwt reads and writes the access tokens of Flask-JWT-Extended 4, so
// that a fleet of Flask services can be moved to Go one service at a time, with
// both sides accepting each other's tokens. New services use [auth.JWTIssuer],
// the default: what signs here by default is a secret that every verifier has.
//
// The format is that of PyJWT with the claims fresh, iat, jti, type, sub, nbf, csrf, exp
// and, where configured, aud and iss: what create_access_token writes by default
// from 4.6 on; before, csrf was there only with cookies. What [auth.Identity] needs
// beyond them goes into auth_time, sid, amr and acr, which Flask-JWT-Extended leaves
// alone.
//
// # Moving a fleet
//
//  1. Give the Flask services JWT_DECODE_LEEWAY = 5: by default they refuse a token
//     from a machine whose clock is a fraction of a second ahead.
//  2. Move services, each with an [Issuer] that has the fleet's secret or key, and
//     settings as the table below says. Where Flask services expect an integer as
//     identity, set Config.IntegerSubjects.
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
//     with a WWW-Authenticate header, and the scheme is taken in any case.
//   - Tokens come in one header alone, which has nothing else. Cookies are not read, so
//     the csrf claim is written for the Flask services and not looked at.
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
// # Settings
//
// What each setting of the Flask services is here; "not here" are those for what this
// package does not do:
//
//	JWT_ACCESS_TOKEN_EXPIRES      Config.TTL; False is not taken: a token has to expire
//	JWT_ALGORITHM                 Config.Algorithm
//	JWT_DECODE_ALGORITHMS         not here: one algorithm for each Issuer, or else whoever has a
//	                              public key might sign with it; for a change of it, see both above
//	JWT_SECRET_KEY                Config.Secret; where it is missing, Flask's SECRET_KEY
//	JWT_PRIVATE_KEY               Config.PrivateKey
//	JWT_PUBLIC_KEY                Config.PublicKeys; for NewVerifier without a private key
//	JWT_IDENTITY_CLAIM            Config.IdentityClaim; "identity" in version 3
//	JWT_VERIFY_SUB                False where sub is no text: PyJWT from 2.10 on refuses that, and
//	                              the setting is there from 4.7.1 on. Here see Config.ReadUserID
//	JWT_ENCODE_ISSUER             Config.Issuer
//	JWT_DECODE_ISSUER             Config.Issuer
//	JWT_ENCODE_AUDIENCE           Config.Audience, and the rest of a list Config.OtherAudiences
//	JWT_DECODE_AUDIENCE           Config.Audience, and the rest of a list Config.AcceptAudiences
//	JWT_DECODE_LEEWAY             Config.Leeway for exp, Config.Skew for nbf and iat
//	JWT_ENCODE_NBF                nbf is always written, and may be missing
//	JWT_HEADER_NAME               FromHeader
//	JWT_HEADER_TYPE               FromHeader
//	JWT_TOKEN_LOCATION            "headers" alone
//	JWT_ERROR_MESSAGE_KEY         not here: answers are package authhttp's (RFC 9457)
//
//	JWT_JSON_KEY                  not here: a token in the body
//	JWT_QUERY_STRING_NAME         not here: a token in a URL is in every log
//	JWT_QUERY_STRING_VALUE_PREFIX not here, the same
//
//	JWT_ACCESS_COOKIE_NAME        not here: tokens in cookies, and what guards them
//	JWT_ACCESS_COOKIE_PATH        not here
//	JWT_ACCESS_CSRF_COOKIE_NAME   not here
//	JWT_ACCESS_CSRF_COOKIE_PATH   not here
//	JWT_ACCESS_CSRF_FIELD_NAME    not here
//	JWT_ACCESS_CSRF_HEADER_NAME   not here
//	JWT_COOKIE_CSRF_PROTECT       not here; csrf is always written, as from 4.6 on
//	JWT_COOKIE_DOMAIN             not here
//	JWT_COOKIE_SAMESITE           not here
//	JWT_COOKIE_SECURE             not here
//	JWT_CSRF_CHECK_FORM           not here
//	JWT_CSRF_IN_COOKIES           not here
//	JWT_CSRF_METHODS              not here
//	JWT_SESSION_COOKIE            not here
//
//	JWT_REFRESH_TOKEN_EXPIRES     not here: refresh tokens are refused; package auth has its own
//	JWT_REFRESH_COOKIE_NAME       not here
//	JWT_REFRESH_COOKIE_PATH       not here
//	JWT_REFRESH_CSRF_COOKIE_NAME  not here
//	JWT_REFRESH_CSRF_COOKIE_PATH  not here
//	JWT_REFRESH_CSRF_FIELD_NAME   not here
//	JWT_REFRESH_CSRF_HEADER_NAME  not here
//	JWT_REFRESH_JSON_KEY          not here
//
// And what is no setting there:
//
//	additional_headers, decode_key_loader: members of a header such as kid are ignored;
//	  each secret and key of the Config is tried.
//	additional_claims: Identity.Claims reads them.
//	user_identity_loader: Config.ReadUserID and WriteUserID.
//	tokens without type, fresh or jti, of early versions: Config.InsecureOldTokens.
package flaskjwt
