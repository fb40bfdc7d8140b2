package jwks_test

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/seed89488a0c/auth/jwks"
)

// members are the public JWK of a signer as a map, with changes; nil takes one away.
func (s signer) members(t testing.TB, changes map[string]any) map[string]any {
	t.Helper()
	var set struct{ Keys []map[string]any }
	if err := json.Unmarshal([]byte(jwkSet(t, s)), &set); err != nil {
		t.Fatal(err)
	}
	m := set.Keys[0]
	maps.Copy(m, changes)
	maps.DeleteFunc(m, func(_ string, v any) bool { return v == nil })
	return m
}

// setOf is a JWK Set of anything.
func setOf(t testing.TB, keys ...any) string {
	t.Helper()
	text, err := json.Marshal(map[string]any{"keys": keys})
	return string(must(t, text, err))
}

// sign signs any header and claims.
func (s signer) sign(t testing.TB, header, claims any) string {
	t.Helper()
	h, err := json.Marshal(header)
	must(t, h, err)
	c, err := json.Marshal(claims)
	input := encode(string(h), string(must(t, c, err)))
	signature, err := s.method.Sign(input, s.private)
	return input + "." + encode(string(must(t, signature, err)))
}

type object = map[string]any

// TestProviders: the key set and tokens of public providers, in the shape that their
// documentation has, with keys of our own, are taken with the settings that the
// package's documentation names, and what is for others is not.
func TestProviders(t *testing.T) {
	a, b, e := rs(t, "a"), rs(t, "b"), es(t, "e")
	strangers := map[jwt.SigningMethod]signer{jwt.SigningMethodRS256: rs(t, "x"), jwt.SigningMethodES256: es(t, "x")}
	const authTime = 946684700
	for _, tt := range []struct {
		name   string
		config jwks.Config // beside URL, Issuer and Client
		issuer string
		keys   []any
		passed []string // codes of keys that are passed over
		by     signer
		header object
		claims object // beside iss, iat and exp
		want   jwks.Identity
		forUs  object // what makes the token another one that is not for us: changes of its claims
	}{
		{
			name:   "Auth0",
			config: jwks.Config{Audience: "https://orders.example", InsecureAnyType: true, Required: []string{"iat"}},
			issuer: "https://tenant.eu.auth0.com/",
			keys: []any{
				a.members(t, object{"alg": "RS256", "x5t": "NjVBRjY5MDlCMUIwNzU4RTA2QzZFMDQ4QzQ2MDAyQjVDNjk1RTM2Qg", "x5c": []string{"MIIC+DCCAeCgAwIBAgIJBIGjYW6hFpn2MA0GCSqGSIb3DQEBBQUAMCMx"}}),
				b.members(t, object{"alg": "RS256", "x5t": "NjVBRjY5MDlCMUIwNzU4RTA2QzZFMDQ4QzQ2MDAyQjVDNjk1RTM2Qc", "x5c": []string{"MIIC+DCCAeCgAwIBAgIJBIGjYW6hFpn2MA0GCSqGSIb3DQEBBQUAMCMy"}}),
			},
			by:     b,
			header: object{"alg": "RS256", "typ": "JWT", "kid": "b"},
			claims: object{
				"sub": "auth0|507f1f77bcf86cd799439020", "aud": []string{"https://orders.example", "https://tenant.eu.auth0.com/userinfo"},
				"azp": "my_client_id", "scope": "openid profile read:orders", "permissions": []string{"read:orders"},
			},
			want:  jwks.Identity{UserID: "auth0|507f1f77bcf86cd799439020"},
			forUs: object{"aud": []string{"https://tenant.eu.auth0.com/userinfo"}},
		},
		{
			name:   "Auth0, RFC 9068",
			config: jwks.Config{Audience: "https://orders.example"},
			issuer: "https://tenant.eu.auth0.com/",
			keys:   []any{a.members(t, object{"alg": "RS256"})},
			by:     a,
			header: object{"typ": "at+jwt", "alg": "RS256", "kid": "a"},
			claims: object{
				"sub": "auth0|507f1f77bcf86cd799439020", "aud": "https://orders.example", "client_id": "my_client_id", "jti": "3e1kMLcrVHhJKTSRvnZrgT", "scope": "read:orders",
			},
			want:  jwks.Identity{UserID: "auth0|507f1f77bcf86cd799439020", ClientID: "my_client_id", TokenID: "3e1kMLcrVHhJKTSRvnZrgT"},
			forUs: object{"aud": "https://invoices.example"},
		},
		{
			name:   "Okta",
			config: jwks.Config{Audience: "api://default", InsecureAnyType: true, Required: []string{"iat", "jti"}},
			issuer: "https://dev-1.okta.com/oauth2/default",
			keys:   []any{a.members(t, object{"alg": "RS256"})},
			by:     a,
			header: object{"kid": "a", "alg": "RS256"},
			claims: object{
				"ver": 1, "jti": "AT.0mP4JKAZX1iACIT4vbEDF7LpvDVjxypPMf0D7uX39RE", "aud": "api://default", "cid": "nmdP1fcyvdVO11AL7ECm", "uid": "00ulni8tJpWUVXzOD0h7",
				"scp": []string{"openid", "offline_access"}, "auth_time": authTime, "sub": "ada@example.com",
			},
			want:  jwks.Identity{UserID: "ada@example.com", TokenID: "AT.0mP4JKAZX1iACIT4vbEDF7LpvDVjxypPMf0D7uX39RE", AuthTime: time.Unix(authTime, 0).UTC()},
			forUs: object{"aud": "https://dev-1.okta.com"},
		},
		{
			name:   "Google",
			config: jwks.Config{Audience: "1234987819200.apps.googleusercontent.com", InsecureAnyType: true, Required: []string{"iat"}},
			issuer: "https://accounts.google.com",
			keys:   []any{a.members(t, object{"alg": "RS256"}), b.members(t, object{"alg": "RS256"})},
			by:     a,
			header: object{"alg": "RS256", "kid": "a", "typ": "JWT"},
			claims: object{
				"azp": "1234987819200.apps.googleusercontent.com", "aud": "1234987819200.apps.googleusercontent.com", "sub": "10769150350006150715113082367",
				"at_hash": "HK6E_P6Dh8Y93mRNtsDB1Q", "hd": "example.com", "email": "ada@example.com", "email_verified": true, "nonce": "0394852-3190485-2490358", "picture": "https://example.com/a.png",
			},
			want:  jwks.Identity{UserID: "10769150350006150715113082367"},
			forUs: object{"aud": "4321987819200.apps.googleusercontent.com"},
		},
		{
			name:   "Microsoft Entra",
			config: jwks.Config{Audience: "6e74172b-be56-4843-9ff4-e66a39bb12e3", InsecureAnyType: true, Required: []string{"iat"}},
			issuer: "https://login.microsoftonline.com/72f988bf-86f1-41af-91ab-2d7cd011db47/v2.0",
			keys: []any{
				a.members(t, object{"alg": nil, "x5t": "a", "x5c": []string{"MIIC"}, "cloud_instance_name": "microsoftonline.com", "issuer": "https://login.microsoftonline.com/{tenantid}/v2.0"}),
				b.members(t, object{"alg": nil, "x5t": "b", "x5c": []string{"MIIC"}, "cloud_instance_name": "microsoftonline.com", "issuer": "https://login.microsoftonline.com/{tenantid}/v2.0"}),
			},
			by:     b,
			header: object{"typ": "JWT", "alg": "RS256", "kid": "b"},
			claims: object{
				"aud": "6e74172b-be56-4843-9ff4-e66a39bb12e3", "nbf": authTime, "aio": "AXQAi/8IAAAA", "azp": "6e74172b-be56-4843-9ff4-e66a39bb12e3", "azpacr": "0", "name": "Ada",
				"oid": "690222be-ff1a-4d56-abd1-7e4f7d38e474", "preferred_username": "ada@example.com", "rh": "I", "scp": "access_as_user", "sub": "HKZpfaHyWadeOouYlitjrI-KffTm222X5rrV3xDqfKQ",
				"tid": "72f988bf-86f1-41af-91ab-2d7cd011db47", "uti": "fqiBqXLPj0eQa82S-IYFAA", "ver": "2.0", "amr": []string{"pwd", "mfa"}, "acr": 1,
			},
			want:  jwks.Identity{UserID: "HKZpfaHyWadeOouYlitjrI-KffTm222X5rrV3xDqfKQ", AMR: "pwd mfa"},
			forUs: object{"aud": "00000003-0000-0000-c000-000000000000"},
		},
		{
			name:   "Amazon Cognito",
			config: jwks.Config{InsecureNoAudience: []string{"57cbishk4j24pabc1234567890"}, InsecureAnyType: true},
			issuer: "https://cognito-idp.us-west-2.amazonaws.com/us-west-2_example",
			keys:   []any{a.members(t, object{"alg": "RS256"}), b.members(t, object{"alg": "RS256"})},
			by:     b,
			header: object{"kid": "b", "alg": "RS256"},
			claims: object{
				"sub": "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee", "cognito:groups": []string{"testgroup"}, "version": 2, "client_id": "57cbishk4j24pabc1234567890", "origin_jti": "aaaa",
				"event_id": "bbbb", "token_use": "access", "scope": "aws.cognito.signin.user.admin", "auth_time": authTime, "jti": "cccc", "username": "my-test-user",
			},
			want:  jwks.Identity{UserID: "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee", ClientID: "57cbishk4j24pabc1234567890", TokenID: "cccc", AuthTime: time.Unix(authTime, 0).UTC()},
			forUs: object{"client_id": "another"},
		},
		{
			name:   "Amazon Cognito's ID token",
			config: jwks.Config{InsecureNoAudience: []string{"57cbishk4j24pabc1234567890"}, InsecureAnyType: true, Required: []string{}},
			issuer: "https://cognito-idp.us-west-2.amazonaws.com/us-west-2_example",
			keys:   []any{a.members(t, object{"alg": "RS256"})},
			by:     a,
			header: object{"kid": "a", "alg": "RS256"},
			claims: object{"sub": "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee", "client_id": "57cbishk4j24pabc1234567890"},
			want:   jwks.Identity{UserID: "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee", ClientID: "57cbishk4j24pabc1234567890"},
			forUs:  object{"aud": "57cbishk4j24pabc1234567890", "token_use": "id", "client_id": nil},
		},
		{
			name:   "Keycloak",
			config: jwks.Config{Audience: "orders", InsecureAnyType: true, Required: []string{"iat", "jti"}},
			issuer: "https://keycloak.example/realms/demo",
			keys: []any{
				b.members(t, object{"alg": "RSA-OAEP", "use": "enc", "x5c": []string{"MIIC"}, "x5t": "b", "x5t#S256": "b"}),
				a.members(t, object{"alg": "RS256", "x5c": []string{"MIIC"}, "x5t": "a", "x5t#S256": "a"}),
			},
			passed: []string{"use"},
			by:     a,
			header: object{"alg": "RS256", "typ": "JWT", "kid": "a"},
			claims: object{
				"auth_time": authTime, "jti": "onrtac:6a8ba3f2", "aud": []string{"orders", "account"}, "sub": "f1616b4f-0e52-4cf2-9d82-7d3b4b0b9a5e", "typ": "Bearer", "azp": "shop", "sid": "1b8f9c1e",
				"acr": "1", "allowed-origins": []string{"https://shop.example"}, "realm_access": object{"roles": []string{"offline_access"}}, "resource_access": object{"account": object{"roles": []string{"view-profile"}}},
				"scope": "email profile", "email_verified": false, "preferred_username": "ada",
			},
			want:  jwks.Identity{UserID: "f1616b4f-0e52-4cf2-9d82-7d3b4b0b9a5e", TokenID: "onrtac:6a8ba3f2", SessionID: "1b8f9c1e", ACR: "1", AuthTime: time.Unix(authTime, 0).UTC()},
			forUs: object{"aud": "account"},
		},
		{
			name:   "Keycloak's service account without the scope basic",
			config: jwks.Config{Audience: "orders", InsecureAnyType: true, InsecureNoSubject: []string{"worker"}},
			issuer: "https://keycloak.example/realms/demo",
			keys:   []any{a.members(t, object{"alg": "RS256"})},
			by:     a,
			header: object{"alg": "RS256", "typ": "JWT", "kid": "a"},
			claims: object{
				"jti": "trrtcc:1", "aud": "orders", "typ": "Bearer", "azp": "worker", "acr": "1", "scope": "profile", "clientHost": "10.0.0.1", "preferred_username": "service-account-worker", "clientAddress": "10.0.0.1", "client_id": "worker",
			},
			want:  jwks.Identity{UserID: "worker", ClientID: "worker", TokenID: "trrtcc:1", ACR: "1"},
			forUs: object{"client_id": "another"},
		},
		{
			name:   "Supabase",
			config: jwks.Config{Audience: "authenticated", InsecureAnyType: true, Required: []string{"iat"}},
			issuer: "https://project.supabase.co/auth/v1",
			keys:   []any{e.members(t, object{"alg": "ES256", "ext": true, "key_ops": []string{"verify"}}), a.members(t, object{"alg": "RS256"})},
			by:     e,
			header: object{"alg": "ES256", "kid": "e", "typ": "JWT"},
			claims: object{
				"aal": "aal1", "amr": []object{{"method": "password", "timestamp": authTime}}, "app_metadata": object{"provider": "email", "providers": []string{"email"}}, "aud": "authenticated",
				"email": "ada@example.com", "is_anonymous": false, "phone": "", "role": "authenticated", "session_id": "b8c7", "sub": "8a2b", "user_metadata": object{},
			},
			want:  jwks.Identity{UserID: "8a2b"},
			forUs: object{"aud": "anon"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var passed []string
				o := &origin{body: setOf(t, tt.keys...)}
				c := tt.config
				c.URL, c.Issuer, c.Client = o.config().URL, tt.issuer, o.config().Client
				c.OnError = func(_ context.Context, err error) {
					if e, ok := errors.AsType[*jwks.KeyError](err); ok {
						passed = append(passed, e.Code)
					}
				}
				v := newVerifier(t, c)
				now := time.Now().Unix()
				with := func(changes object) object {
					m := object{"iss": tt.issuer, "iat": now, "exp": now + 3600}
					maps.Copy(m, tt.claims)
					maps.Copy(m, changes)
					maps.DeleteFunc(m, func(_ string, v any) bool { return v == nil })
					return m
				}
				text := tt.by.sign(t, tt.header, with(nil))
				for range 2 {
					id, err := v.Verify(t.Context(), text)
					want := tt.want
					want.Issuer, want.IssuedAt, want.ExpiresAt = tt.issuer, time.Unix(now, 0).UTC(), time.Unix(now+3600, 0).UTC()
					switch aud := tt.claims["aud"].(type) {
					case string:
						want.Audience = aud
					case []string:
						want.Audience = strings.Join(aud, " ")
					}
					if err != nil || id.WithClaims(nil) != want {
						type plain jwks.Identity
						t.Fatalf("got %+v, want %+v: %v", plain(id), plain(want), err)
					}
					m := map[string]json.RawMessage{}
					if err := id.Claims(&m); err != nil || len(m) != len(with(nil)) {
						t.Errorf("claims %s: %v", m, err)
					}
				}
				if !slices.Equal(passed, tt.passed) {
					t.Errorf("passed over %q, want %q", passed, tt.passed)
				}
				stranger := tt.by
				stranger.private = strangers[tt.by.method].private
				refused(t, v, stranger.sign(t, tt.header, with(nil)), "signature")
				refused(t, v, tt.by.sign(t, tt.header, with(object{"iss": "https://else.example"})), "issuer")
				refused(t, v, tt.by.sign(t, tt.header, with(object{"iat": 1, "exp": now})), "expired")
				if err := verify(t, v, tt.by.sign(t, tt.header, with(tt.forUs))); !errors.Is(err, jwks.ErrInvalidToken) {
					t.Errorf("for others: %v", err)
				}
				time.Sleep(5 * time.Second)
			})
		})
	}
}
