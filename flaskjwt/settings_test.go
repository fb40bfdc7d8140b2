package flaskjwt_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/authtest"
	"github.com/seed89488a0c/auth/flaskjwt"
)

// keyPair returns a key as JWT_PRIVATE_KEY and JWT_PUBLIC_KEY have it.
func keyPair(t testing.TB, private crypto.Signer, err error) (privatePEM, publicPEM string) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(private.Public())
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}))
}

func rsaPair(t testing.TB) (privatePEM, publicPEM string) {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	return keyPair(t, private, err)
}

func ecPair(t testing.TB) (privatePEM, publicPEM string) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	return keyPair(t, private, err)
}

// member is an identity that is no text: the user's ID and the organisation's.
type member struct {
	ID  int64 `json:"id"`
	Org int64 `json:"org"`
}

func readMember(identity json.RawMessage) (string, error) {
	var m member
	if err := json.Unmarshal(identity, &m); err != nil || m.ID == 0 {
		return "", errors.New("not a member")
	}
	return fmt.Sprintf("%d/%d", m.Org, m.ID), nil
}

func writeMember(userID string) (json.RawMessage, error) {
	var m member
	if _, err := fmt.Sscanf(userID, "%d/%d", &m.Org, &m.ID); err != nil {
		return nil, errors.New("not a member's ID")
	}
	return json.Marshal(m)
}

// setting is one setting of a fleet, and what it is here.
type setting struct {
	name     string
	settings settings // of Flask
	config   flaskjwt.Config
	identity any    // as Flask has it
	user     string // as we have it
	drop     []string
	claims   map[string]any // that Flask adds, or puts in the place of its own
	without  string         // why it is refused without the config; "" = it is not
}

func fleets(t *testing.T) []setting {
	rsaPrivate, rsaPublic := rsaPair(t)
	ecPrivate, ecPublic := ecPair(t)
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	edPrivate, edPublic := keyPair(t, ed, err)
	keyed := func(algorithm, private, public string) settings {
		return settings{"JWT_ALGORITHM": algorithm, "JWT_PRIVATE_KEY": private, "JWT_PUBLIC_KEY": public}
	}
	long := secret + secret
	ahead := map[string]any{"iat": time.Now().Unix() + 50, "nbf": time.Now().Unix() + 50}
	return []setting{
		{name: "JWT_ALGORITHM HS512", settings: settings{"JWT_ALGORITHM": "HS512", "JWT_SECRET_KEY": long}, config: flaskjwt.Config{Algorithm: "HS512", Secret: []byte(long)}, without: "algorithm"},
		{name: "HS384", settings: settings{"JWT_ALGORITHM": "HS384", "JWT_SECRET_KEY": long}, config: flaskjwt.Config{Algorithm: "HS384", Secret: []byte(long)}, without: "algorithm"},
		{name: "HS512 with a short secret", settings: settings{"JWT_ALGORITHM": "HS512", "JWT_SECRET_KEY": "s3cr!"}, config: flaskjwt.Config{Algorithm: "HS512", Secret: []byte("s3cr!"), InsecureShortSecret: true}, without: "algorithm"},
		{name: "RS256", settings: keyed("RS256", rsaPrivate, rsaPublic), config: flaskjwt.Config{Algorithm: "RS256", PrivateKey: []byte(rsaPrivate)}, without: "algorithm"},
		{name: "RS256 unnamed", settings: keyed("RS256", rsaPrivate, rsaPublic), config: flaskjwt.Config{PrivateKey: []byte(rsaPrivate)}, without: "algorithm"},
		{name: "RS512", settings: keyed("RS512", rsaPrivate, rsaPublic), config: flaskjwt.Config{Algorithm: "RS512", PrivateKey: []byte(rsaPrivate)}, without: "algorithm"},
		{name: "PS256", settings: keyed("PS256", rsaPrivate, rsaPublic), config: flaskjwt.Config{Algorithm: "PS256", PrivateKey: []byte(rsaPrivate)}, without: "algorithm"},
		{name: "ES256", settings: keyed("ES256", ecPrivate, ecPublic), config: flaskjwt.Config{Algorithm: "ES256", PrivateKey: []byte(ecPrivate)}, without: "algorithm"},
		{name: "EdDSA", settings: keyed("EdDSA", edPrivate, edPublic), config: flaskjwt.Config{Algorithm: "EdDSA", PrivateKey: []byte(edPrivate)}, without: "algorithm"},
		{name: "JWT_IDENTITY_CLAIM", settings: settings{"JWT_IDENTITY_CLAIM": "identity"}, config: flaskjwt.Config{IdentityClaim: "identity"}, without: "claims"},
		{name: "JWT_IDENTITY_CLAIM of integers", settings: settings{"JWT_IDENTITY_CLAIM": "https://a.example/id"}, config: flaskjwt.Config{IdentityClaim: "https://a.example/id", IntegerSubjects: true}, identity: json.Number("42"), without: "claims"},
		{name: "JWT_HEADER_TYPE", settings: settings{"JWT_HEADER_TYPE": "JWT"}},
		{name: "no JWT_HEADER_TYPE", settings: settings{"JWT_HEADER_TYPE": ""}},
		{name: "JWT_HEADER_NAME", settings: settings{"JWT_HEADER_NAME": "X-Access-Token"}},
		{name: "JWT_HEADER_NAME without type", settings: settings{"JWT_HEADER_NAME": "X-Access-Token", "JWT_HEADER_TYPE": ""}},
		{name: "JWT_DECODE_LEEWAY", settings: settings{"JWT_DECODE_LEEWAY": 60}, config: flaskjwt.Config{Leeway: time.Minute, Skew: time.Minute}, claims: ahead, without: "not_yet_valid"},
		{name: "an object", settings: settings{"JWT_VERIFY_SUB": false}, config: flaskjwt.Config{ReadUserID: readMember, WriteUserID: writeMember}, identity: map[string]any{"id": json.Number("42"), "org": json.Number("7")}, user: "7/42", without: "claims"},
		{name: "without jti, type and fresh", config: flaskjwt.Config{InsecureOldTokens: true}, drop: []string{"jti", "type", "fresh"}, without: "claims"},
		{name: "without type", config: flaskjwt.Config{InsecureOldTokens: true}, drop: []string{"type"}, without: "claims"},
		{name: "JWT_ENCODE_AUDIENCE, a list", settings: settings{"JWT_ENCODE_AUDIENCE": []string{"shop", "orders"}, "JWT_DECODE_AUDIENCE": "shop"}, config: flaskjwt.Config{Audience: "shop", OtherAudiences: []string{"orders"}}, without: "audience"},
		{name: "JWT_ENCODE_AUDIENCE, a list of one", settings: settings{"JWT_ENCODE_AUDIENCE": []string{"shop"}, "JWT_DECODE_AUDIENCE": []string{"shop"}}, config: flaskjwt.Config{Audience: "shop"}, without: "audience"},
		{name: "JWT_DECODE_AUDIENCE, a list", settings: settings{"JWT_ENCODE_AUDIENCE": "former", "JWT_DECODE_AUDIENCE": []string{"shop", "former"}}, config: flaskjwt.Config{Audience: "shop", AcceptAudiences: []string{"former"}}, without: "audience"},
		{name: "JWT_ENCODE_NBF", settings: settings{"JWT_ENCODE_NBF": false}},
		{name: "a header and times with fractions", claims: map[string]any{"iat": float64(time.Now().Unix()) - 0.5, "exp": float64(time.Now().Unix()) + 600.5}},
	}
}

// TestFleets: each setting both ways. Flask takes what we issue, and reads who it is; we
// take what Flask issues, and without the setting we refuse it.
func TestFleets(t *testing.T) {
	list := fleets(t)
	var mint []mintRequest
	var use []useRequest
	for n := range list {
		f := &list[n]
		if f.settings == nil {
			f.settings = settings{}
		}
		if f.identity == nil {
			f.identity = "42"
		}
		if f.user == "" {
			f.user = "42"
		}
		options := map[string]any{"additional_headers": map[string]any{"kid": "1"}}
		if f.claims != nil {
			options["additional_claims"] = f.claims
		}
		if f.drop != nil {
			options["drop"] = f.drop
		}
		mint = append(mint, mintRequest{Config: f.settings, Identity: f.identity, Options: options})
		issued := issue(t, newIssuer(t, f.config), auth.Subject{UserID: f.user, AuthTime: time.Now(), Claims: []byte(`{"role":"a"}`)})
		use = append(use, useRequest{f.settings, "/fresh", issued.Token})
		if f.name == "JWT_DECODE_LEEWAY" { // by another machine's clock
			use[n].Token = sign(secret, written, claims(map[string]any{"iat": f.claims["iat"], "nbf": f.claims["nbf"], "fresh": true}))
		}
	}
	a := ask(t, mint, use)
	for n, f := range list {
		if got := a.Used[n]; got.Status != 200 || fmt.Sprintf("%#v", got.Body.Identity) != fmt.Sprintf("%#v", f.identity) || f.claims == nil && got.Body.Claims["role"] != "a" {
			t.Errorf("%s: Flask says %d, identity %#v, %s", f.name, got.Status, got.Body.Identity, got.Body.Error)
		}
		i := newIssuer(t, f.config)
		id, err := i.Parse(t.Context(), a.Minted[n])
		if err != nil || id.UserID != f.user || (id.TokenID == "") != slices.Contains(f.drop, "jti") || !id.AuthTime.IsZero() {
			t.Errorf("%s: we say %v, token %q, authenticated %v: %v", f.name, id, id.TokenID, id.AuthTime, err)
		}
		if got := reason(t, newIssuer(t, flaskjwt.Config{}), a.Minted[n]); got != f.without {
			t.Errorf("%s: without the setting %q, want %q", f.name, got, f.without)
		}
	}
}

// TestFleetsContract: an issuer of any setting is one as the contract has it.
func TestFleetsContract(t *testing.T) {
	for _, f := range fleets(t) {
		f.config.Leeway = 0              // the contract is for none
		if f.config.WriteUserID == nil { // which takes IDs of its own alone
			t.Run(f.name, func(t *testing.T) {
				authtest.TestTokenIssuer(t, func(t *testing.T) auth.TokenIssuer { return newIssuer(t, f.config) })
			})
		}
	}
}

// TestVerifier: with the public key alone a service verifies, and cannot issue.
func TestVerifier(t *testing.T) {
	private, public := rsaPair(t)
	otherPrivate, other := rsaPair(t)
	_, ec := ecPair(t)
	var _ auth.Verifier = (*flaskjwt.Verifier)(nil)
	c := flaskjwt.Config{Algorithm: "RS256", PublicKeys: [][]byte{[]byte(other), []byte(public)}}
	v, err := flaskjwt.NewVerifier(c)
	if err != nil {
		t.Fatal(err)
	}
	clear(c.PublicKeys[1])
	text := issue(t, newIssuer(t, flaskjwt.Config{PrivateKey: []byte(private)}), auth.Subject{UserID: "42"}).Token
	if id, err := v.Verify(t.Context(), text); err != nil || id.UserID != "42" {
		t.Errorf("%v: %v", id, err)
	}
	// What everybody can read is no secret (RFC 8725 §2.1).
	for _, key := range []string{public, strings.TrimSpace(public), other} {
		id, err := v.Verify(t.Context(), sign(key, written, claims(nil)))
		if e, ok := errors.AsType[*auth.TokenError](err); !ok || e.Reason != "algorithm" || id != (auth.Identity{}) {
			t.Errorf("signed with the public key: %v", err)
		}
	}
	if _, err := flaskjwt.NewIssuer(flaskjwt.Config{PublicKeys: [][]byte{[]byte(public)}}); err == nil || err.Error() != "flaskjwt: Config: there is neither a Secret nor a PrivateKey" {
		t.Errorf("an issuer that cannot sign: %v", err)
	}
	rotated := newIssuer(t, flaskjwt.Config{PrivateKey: []byte(otherPrivate), PublicKeys: [][]byte{[]byte(public)}})
	if got := reason(t, rotated, text); got != "" {
		t.Errorf("a former key: %s", got)
	}
	for want, c := range map[string]flaskjwt.Config{
		"the secret: ":                             {},
		"there are both secrets and keys":          {Secret: []byte(secret), PublicKeys: [][]byte{[]byte(public)}},
		"public key 2: invalid key: for another":   {PublicKeys: [][]byte{[]byte(public), []byte(ec)}},
		"public key 1: invalid key: not an algo":   {Algorithm: "HS256", PublicKeys: [][]byte{[]byte(public)}},
		"public key 1: invalid key: a secret":      {PublicKeys: [][]byte{[]byte(`{"kty":"oct","k":"` + strings.Repeat("ab", 32) + `"}`)}},
		"the private key: key cannot sign":         {PrivateKey: []byte(public)},
		"the secret: invalid key: not an algorith": {Algorithm: "RS256", Secret: []byte(secret)},
		"the secret: weak key: fewer than 64":      {Algorithm: "HS512", Secret: []byte(secret)},
		"more than 8 public keys":                  {PublicKeys: slices.Repeat([][]byte{[]byte(public)}, 9)},
		"the IdentityClaim is no name":             {Secret: []byte(secret), IdentityClaim: "JTI"},
		"there are OtherAudiences":                 {Secret: []byte(secret), AcceptAudiences: []string{"a"}},
		"one of OtherAudiences":                    {Secret: []byte(secret), Audience: "a", OtherAudiences: []string{""}},
	} {
		_, err := flaskjwt.NewVerifier(c)
		if err == nil || !strings.HasPrefix(err.Error(), "flaskjwt: Config: "+want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// TestAudiences: a token is for all that are written, or for fewer if that is asked for,
// never for one that is accepted alone; and what is read may have spaces.
func TestAudiences(t *testing.T) {
	c := flaskjwt.Config{Audience: "shop", OtherAudiences: []string{"orders", "bills"}, AcceptAudiences: []string{"the shop"}}
	i := newIssuer(t, c)
	for _, tt := range []struct {
		asked, granted []string
		want           string // aud as JSON; "" = refused
	}{
		{nil, nil, `["shop","orders","bills"]`},
		{[]string{"shop"}, nil, `"shop"`},
		{[]string{"bills", "shop"}, nil, `["shop","bills"]`},
		{nil, []string{"gone", "shop", "orders"}, `["shop","orders"]`},
		{[]string{"shop"}, []string{"shop", "orders"}, `"shop"`},
		{[]string{"bills"}, []string{"shop", "orders"}, ""},
		{[]string{"the shop"}, nil, ""},
		{nil, []string{"the shop"}, ""},
	} {
		issued, err := i.Issue(t.Context(), auth.Subject{UserID: "42", Audience: tt.asked, Granted: tt.granted})
		if tt.want == "" {
			if e, ok := errors.AsType[*auth.InputError](err); !ok || e.Field != "audience" || e.Code != "not_allowed" {
				t.Errorf("%q of %q: %v", tt.asked, tt.granted, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%q of %q: %v", tt.asked, tt.granted, err)
			continue
		}
		id, err := i.Parse(t.Context(), issued.Token)
		var said struct {
			Audience json.RawMessage `json:"aud"`
		}
		if err != nil || id.Claims(&said) != nil || string(said.Audience) != tt.want {
			t.Errorf("%q of %q: aud is %s, want %s: %v", tt.asked, tt.granted, said.Audience, tt.want, err)
		}
	}
	id, err := i.Parse(t.Context(), sign(secret, written, claims(map[string]any{"aud": []string{"the shop", "x"}})))
	if err != nil || id.Audience != "the%20shop x" {
		t.Errorf("audience %q: %v", id.Audience, err)
	}
	for want, c := range map[string]flaskjwt.Config{
		"has a space":    {Audience: "the shop"},
		"is there twice": {Audience: "shop", OtherAudiences: []string{"orders", "shop"}},
	} {
		c.Secret = []byte(secret)
		if _, err := flaskjwt.NewIssuer(c); err == nil || err.Error() != "flaskjwt: Config: an audience that is written "+want {
			t.Errorf("%s: %v", want, err)
		}
		if _, err := flaskjwt.NewVerifier(c); err != nil {
			t.Errorf("a verifier, that writes none, where an audience %s: %v", want, err)
		}
	}
}

// TestUserIDFunctions: what they return is checked as text is, and their errors refuse.
func TestUserIDFunctions(t *testing.T) {
	c := flaskjwt.Config{ReadUserID: readMember, WriteUserID: writeMember}
	i := newIssuer(t, c)
	issued := issue(t, i, auth.Subject{UserID: "7/42"})
	if id, err := i.Parse(t.Context(), issued.Token); err != nil || id.UserID != "7/42" {
		t.Errorf("%v: %v", id, err)
	}
	if _, err := i.Issue(t.Context(), auth.Subject{UserID: "x"}); err == nil || !strings.HasPrefix(err.Error(), "flaskjwt: WriteUserID: ") {
		t.Errorf("an ID of another kind: %v", err)
	}
	for _, bad := range []string{`"42"`, "42", "null", `{"id":0}`, "[]"} {
		_, err := i.Parse(t.Context(), sign(secret, written, claims(map[string]any{"sub": json.RawMessage(bad)})))
		if e, ok := errors.AsType[*auth.TokenError](err); !ok || e.Reason != "claims" || e.Claim != "sub" {
			t.Errorf("%s: %v", bad, err)
		}
	}
	for _, id := range []string{"", "a\n", "\xff"} {
		c.ReadUserID = func(json.RawMessage) (string, error) { return id, nil }
		if got := reason(t, newIssuer(t, c), issued.Token); got != "claims" {
			t.Errorf("the ID %q: %q", id, got)
		}
	}
	for _, bad := range []string{"", "{", `{"a":1,"a":2}`, `1,"type":"refresh"`, `"` + strings.Repeat("a", 1024) + `"`, "\"\xff\""} {
		c.WriteUserID = func(string) (json.RawMessage, error) { return json.RawMessage(bad), nil }
		if got, err := newIssuer(t, c).Issue(t.Context(), auth.Subject{UserID: "42"}); err == nil {
			t.Errorf("the identity %.40q is written: %v", bad, got)
		}
	}
	named := newIssuer(t, flaskjwt.Config{IdentityClaim: "uid"})
	if _, err := named.Issue(t.Context(), auth.Subject{UserID: "42", Claims: []byte(`{"UID":"43"}`)}); err == nil {
		t.Error("a claim of a service's own names the user")
	}
	_, err := named.Parse(t.Context(), sign(secret, written, claims(nil)))
	if e, ok := errors.AsType[*auth.TokenError](err); !ok || e.Claim != "uid" {
		t.Errorf("sub in the place of uid: %v", err)
	}
}

// TestOldTokens: what is missing may be, and what is there counts.
func TestOldTokens(t *testing.T) {
	i := newIssuer(t, flaskjwt.Config{InsecureOldTokens: true})
	none := map[string]any{"type": nil, "jti": nil, "fresh": nil}
	if id, err := i.Parse(t.Context(), sign(secret, written, claims(none))); err != nil || id.TokenID != "" || !id.AuthTime.IsZero() {
		t.Errorf("%v: %v", id, err)
	}
	for name, want := range map[string]string{"type": "type", "jti": "claims", "fresh": "claims"} {
		value := any(json.RawMessage("null"))
		if name == "type" {
			value = "refresh"
		}
		if got := reason(t, i, sign(secret, written, claims(map[string]any{name: value}))); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	for _, name := range []string{"sub", "iat", "exp"} {
		if got := reason(t, i, sign(secret, written, claims(map[string]any{name: nil}))); got != "claims" {
			t.Errorf("without %s: %q", name, got)
		}
	}
}

// TestSettingsAreDocumented: the package's documentation has each setting of
// Flask-JWT-Extended, once.
func TestSettingsAreDocumented(t *testing.T) {
	source, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	_, table, ok := strings.Cut(string(source), "# Settings")
	if !ok {
		t.Fatal("no table")
	}
	table, _, _ = strings.Cut(table, "\n// #")
	var documented []string
	for _, m := range regexp.MustCompile(`(?m)^//\t(JWT_\w+)`).FindAllStringSubmatch(table, -1) {
		documented = append(documented, m[1])
	}
	slices.Sort(documented)
	there := ask(t, nil, nil).Settings
	there = append(there, "JWT_VERIFY_SUB") // of 4.7.1
	slices.Sort(there)
	if len(there) < 40 || !slices.Equal(documented, there) {
		t.Errorf("documented %q\nthere are  %q", documented, there)
	}
}
