package token_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/seed89488a0c/auth/internal/token"
)

// ASVS 5.0 11.2.3
func TestHMACSecret(t *testing.T) {
	random := bytes.Repeat(secret("x"), 33)
	for _, tt := range []struct {
		name   string
		secret []byte
		want   error
	}{
		{"nil", nil, token.ErrWeakKey},
		{"empty", []byte{}, token.ErrWeakKey},
		{"31 bytes", random[:31], token.ErrWeakKey},
		{"32 bytes", random[:32], nil},
		{"33 bytes", random[:33], nil},
		{"1024 bytes", random[:1024], nil},
		{"1025 bytes", random[:1025], token.ErrInvalidKey},
		{"zeros", make([]byte, 32), token.ErrWeakKey},
		{"one letter", bytes.Repeat([]byte("a"), 64), token.ErrWeakKey},
		{"one letter but the last", append(bytes.Repeat([]byte("a"), 63), 'b'), nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			k, err := token.NewHMAC(tt.secret)
			checkKey(t, k, err, tt.want, "HS256", true)
		})
	}
}

func TestEd25519Private(t *testing.T) {
	valid := edPrivate("e")
	mixed := slices.Concat(valid[:32], edPrivate("other")[32:])
	for _, tt := range []struct {
		name string
		key  ed25519.PrivateKey
		want error
	}{
		{"nil", nil, token.ErrInvalidKey},
		{"seed only", valid[:32], token.ErrInvalidKey},
		{"63 bytes", valid[:63], token.ErrInvalidKey},
		{"64 bytes", valid, nil},
		{"65 bytes", append(slices.Clone(valid), 0), token.ErrInvalidKey},
		{"another public half", mixed, token.ErrInvalidKey},
		{"zeros", make([]byte, 64), token.ErrWeakKey},
		{"zero seed", ed25519.NewKeyFromSeed(make([]byte, 32)), token.ErrWeakKey},
	} {
		t.Run(tt.name, func(t *testing.T) {
			k, err := token.NewSigner(tt.key)
			checkKey(t, k, err, tt.want, "EdDSA", true)
		})
	}
}

func TestEd25519Public(t *testing.T) {
	valid := edPrivate("e").Public().(ed25519.PublicKey)
	for _, tt := range []struct {
		name string
		key  ed25519.PublicKey
		want error
	}{
		{"nil", nil, token.ErrInvalidKey},
		{"31 bytes", valid[:31], token.ErrInvalidKey},
		{"32 bytes", valid, nil},
		{"33 bytes", append(slices.Clone(valid), 0), token.ErrInvalidKey},
	} {
		t.Run(tt.name, func(t *testing.T) {
			k, err := token.NewPublic(tt.key)
			checkKey(t, k, err, tt.want, "EdDSA", false)
		})
	}
}

func checkKey(t *testing.T, k token.Key, err, want error, algorithm string, signs bool) {
	t.Helper()
	if want != nil {
		if !errors.Is(err, want) || k.Algorithm() != "" || k.ID() != "" || k.CanSign() {
			t.Fatalf("got %v, %v; want no key and %v", k, err, want)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if k.Algorithm() != algorithm || k.CanSign() != signs {
		t.Errorf("%q, signs: %t", k.Algorithm(), k.CanSign())
	}
}

// smallOrder has the encodings of the points of order 1, 2, 4 and 8.
func smallOrder(t *testing.T) [][]byte {
	var points [][]byte
	for _, s := range []string{
		"0100000000000000000000000000000000000000000000000000000000000000",
		"0100000000000000000000000000000000000000000000000000000000000080", // with a sign though x = 0
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", // with a sign though x = 0
		"0000000000000000000000000000000000000000000000000000000000000000",
		"0000000000000000000000000000000000000000000000000000000000000080",
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
	} {
		b, err := hex.DecodeString(s)
		points = append(points, must(t, b, err))
	}
	return points
}

// A signature that anybody can write down is good for a key of small order: so
// crypto/ed25519 leaves the check to us.
func TestEd25519SmallOrder(t *testing.T) {
	for _, public := range smallOrder(t) {
		forged := false
		for _, r := range smallOrder(t) {
			signature := slices.Concat(r, make([]byte, 32))
			for i := 0; i < 64 && !forged; i++ {
				forged = ed25519.Verify(public, []byte{byte(i)}, signature)
			}
		}
		if !forged {
			t.Errorf("%x: could not be forged, is it of small order?", public)
		}
		if k, err := token.NewPublic(ed25519.PublicKey(public)); !errors.Is(err, token.ErrInvalidKey) {
			t.Errorf("%x: got %v, %v", public, k, err)
		}
	}
}

// TestEd25519Curve holds the check of the curve against crypto/ed25519, which
// tells only in its message whether it is the key or the signature that is bad.
func TestEd25519Curve(t *testing.T) {
	on := 0
	for i := range 500 {
		public := ed25519.PublicKey(secret(fmt.Sprint(i)))
		err := ed25519.VerifyWithOptions(public, nil, make([]byte, 64), &ed25519.Options{})
		if err == nil {
			t.Fatalf("%x: zeros are a signature", public)
		}
		onCurve := !strings.Contains(err.Error(), "bad public key")
		if onCurve {
			on++
		}
		if _, err := token.NewPublic(ed25519.PublicKey(public)); (err == nil) != onCurve {
			t.Errorf("%x: on the curve: %t, got %v", public, onCurve, err)
		}
	}
	if on < 150 || on > 350 {
		t.Errorf("%d of 500 on the curve, want about half", on)
	}
}

// A y between p and 2²⁵⁵ is another spelling of y-p.
func TestEd25519NonCanonical(t *testing.T) {
	p := new(big.Int).Lsh(big.NewInt(1), 255)
	p.Sub(p, big.NewInt(19))
	points := 0
	for i := range 19 {
		for _, sign := range []byte{0, 0x80} {
			public := new(big.Int).Add(p, big.NewInt(int64(i))).FillBytes(make([]byte, 32))
			slices.Reverse(public)
			public[31] |= sign
			err := ed25519.VerifyWithOptions(public, nil, make([]byte, 64), &ed25519.Options{})
			if err == nil || !strings.Contains(err.Error(), "bad public key") {
				points++
			}
			if _, err := token.NewPublic(ed25519.PublicKey(public)); !errors.Is(err, token.ErrInvalidKey) {
				t.Errorf("%x: got %v", public, err)
			}
		}
	}
	if points < 5 {
		t.Errorf("crypto/ed25519 takes %d of them, want several: the test shows nothing", points)
	}
}

// RFC 7515 appendix A.1.
func TestVectorHS256(t *testing.T) {
	const (
		secret    = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"
		input     = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
		signature = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	)
	k, err := token.NewHMAC(decode(t, secret))
	checkVector(t, must(t, k, err), input, signature)
}

// RFC 8037 appendices A.1 to A.5.
func TestVectorEd25519(t *testing.T) {
	const (
		seed       = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"
		public     = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
		thumbprint = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
		input      = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc"
		signature  = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
	)
	private, err := token.NewSigner(ed25519.NewKeyFromSeed(decode(t, seed)))
	checkVector(t, must(t, private, err), input, signature)
	verifier, err := token.NewPublic(ed25519.PublicKey(decode(t, public)))
	checkVector(t, must(t, verifier, err), input, signature)
	for _, k := range []token.Key{private, verifier} {
		if k.ID() != thumbprint {
			t.Errorf("ID %s, want %s", k.ID(), thumbprint)
		}
	}
}

func checkVector(t *testing.T, k token.Key, input, signature string) {
	t.Helper()
	if k.CanSign() {
		b, err := k.SignInput(input)
		if got := encode(must(t, b, err)); got != signature {
			t.Errorf("signature %s, want %s", got, signature)
		}
	}
	good := decode(t, signature)
	if err := k.VerifyInput(input, good); err != nil {
		t.Errorf("refused: %v", err)
	}
	for i := range 8 * len(good) {
		bad := slices.Clone(good)
		bad[i/8] ^= 1 << (i % 8)
		if k.VerifyInput(input, bad) == nil {
			t.Errorf("accepted with bit %d flipped", i)
		}
	}
}

func TestHMACKeyID(t *testing.T) {
	id := hmacKey(t, "a").ID()
	if len(id) != 22 || id != hmacKey(t, "a").ID() || id == hmacKey(t, "b").ID() {
		t.Errorf("ID %q", id)
	}
	// The ID is not the plain hash of the secret, in either alphabet.
	h := secret(string(secret("a")))
	if strings.HasPrefix(encode(h), id) || strings.HasPrefix(base64.StdEncoding.EncodeToString(h), id) {
		t.Error("the ID is the hash of the secret")
	}
	// It is a promise: tokens of before an update must still find their key.
	if want := "EVU4MrMVhYjLCJXjPK58FA"; id != want {
		t.Errorf("ID %q, want %q", id, want)
	}
}

func TestWithID(t *testing.T) {
	k := hmacKey(t, "a")
	for _, id := range []string{"1", "A-z_0.9~", "..", strings.Repeat("k", 64)} {
		got, err := k.WithID(id)
		if err != nil || got.ID() != id || got.Algorithm() != "HS256" || !got.CanSign() {
			t.Errorf("%q: %v, %v", id, got, err)
		}
	}
	for _, id := range []string{"", " ", "a b", "a\n", "\x00", `a"`, `a\`, "a/b", "a+b", "a=", "é", "\xff", strings.Repeat("k", 65)} {
		if got, err := k.WithID(id); !errors.Is(err, token.ErrInvalidKey) || got.CanSign() {
			t.Errorf("%q: %v, %v", id, got, err)
		}
	}
	if k.ID() != hmacKey(t, "a").ID() {
		t.Error("the key itself changed")
	}
	if _, err := (token.Key{}).WithID("a"); !errors.Is(err, token.ErrInvalidKey) {
		t.Errorf("zero key: %v", err)
	}
}

func TestKeyCopies(t *testing.T) {
	for name, build := range map[string]func(b []byte) (token.Key, error){
		"HMAC":    token.NewHMAC,
		"private": func(b []byte) (token.Key, error) { return token.NewSigner(ed25519.PrivateKey(b)) },
		"public":  func(b []byte) (token.Key, error) { return token.NewPublic(ed25519.PublicKey(b)) },
	} {
		t.Run(name, func(t *testing.T) {
			s, material := edSigner(), []byte(nil)
			switch name {
			case "HMAC":
				s, material = hmacSigner(), secret("h")
			case "private":
				material = edPrivate("e")
			case "public":
				material = edPrivate("e")[32:]
			}
			k, err := build(material)
			must(t, k, err)
			clear(material)
			r := ourRules(t)
			r.keys = []token.Key{withID(t, k, s.keyID())}
			c, err := newParser(t, r).Parse(s.mint(t, s.header, payload), at(1))
			wantIdentity(t, c, err, claims())
			if !k.CanSign() {
				return
			}
			text, err := token.Sign(withID(t, k, s.keyID()), claims())
			c, err = newParser(t, ourRules(t)).Parse(must(t, text, err), at(1))
			wantIdentity(t, c, err, claims())
		})
	}
}

func (s signer) keyID() string {
	if s.method.Alg() == "HS256" {
		return "h"
	}
	return "e"
}

func TestZeroKey(t *testing.T) {
	var k token.Key
	if k.ID() != "" || k.Algorithm() != "" || k.CanSign() || fmt.Sprint(k) != "no key" {
		t.Errorf("%v", k)
	}
}

type holder struct {
	hidden  token.Key
	pointer *token.Key
	Shown   token.Key
	list    []token.Key
	byName  map[string]token.Key
	any     any
	parser  parser
}

// TestKeyNeverPrints looks for the material in whatever prints a key, and for
// the ID, so that the test shows that something was printed at all.
func TestKeyNeverPrints(t *testing.T) {
	for _, tt := range []struct {
		key      token.Key
		material []byte
	}{
		{hmacKey(t, "h"), secret("h")},
		{edKey(t, "e"), edPrivate("e").Seed()},
		{parseKey(t, p256PrivateJWK), decode(t, "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI")},
		{parseKey(t, withAlg(rsaPrivateJWK, "PS256")), rsaPrivate(t).D.Bytes()[:40]},
		{parseKey(t, rsaPrivateJWK), rsaPrivate(t).Primes[1].Bytes()[:40]},
	} {
		k := tt.key
		r := ourRules(t)
		r.keys = []token.Key{k}
		h := holder{k, &k, k, []token.Key{k}, map[string]token.Key{"k": k}, k, newParser(t, r)}
		values := map[string]any{
			"key": k, "pointer": &k, "slice": []token.Key{k}, "map": map[string]token.Key{"k": k},
			"holder": h, "holder pointer": &h, "parser": h.parser, "set": h.parser.keys, "rules": r, "error": fmt.Errorf("with %v", k),
		}
		for name, v := range values {
			for _, verb := range []string{
				"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "% x", "%#x", "%d", "%o", "%b", "%c", "%U", "%e", "%t", "%p", "%w", "%T", "%z", "%20v", "%-5.3s",
			} {
				checkPrint(t, name+" "+verb, fmt.Sprintf(verb, v), tt.material)
			}
			checkPrint(t, name+" deep", dump(v), tt.material)

			var text, js bytes.Buffer
			slog.New(slog.NewTextHandler(&text, nil)).Info("m", "k", v, slog.Any("l", v))
			slog.New(slog.NewJSONHandler(&js, nil)).Info("m", "k", v, slog.Any("l", v))
			checkPrint(t, name+" slog text", text.String(), tt.material)
			checkPrint(t, name+" slog JSON", js.String(), tt.material)

			b, err := json.Marshal(v)
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			checkPrint(t, name+" JSON", string(b), tt.material)
		}

		want := k.Algorithm() + " key " + k.ID()
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%t", "%z"} {
			if got := fmt.Sprintf(verb, k); got != want {
				t.Errorf("%s: %q, want %q", verb, got, want)
			}
			if got := fmt.Sprintf(verb, &k); got != want {
				t.Errorf("%s of a pointer: %q, want %q", verb, got, want)
			}
		}
		b, err := json.Marshal(map[string]any{"k": k})
		if got := string(must(t, b, err)); got != `{"k":"`+want+`"}` {
			t.Errorf("JSON %s", got)
		}
		b, err = xml.Marshal(k)
		if got := string(must(t, b, err)); got != "<Key>"+want+"</Key>" {
			t.Errorf("XML %s", got)
		}
		if !strings.Contains(dump(h), k.ID()) {
			t.Error("the deep dump finds no ID, so it would find no secret either")
		}
	}
	checkDump(t)
}

// checkPrint looks for runs of the material in the spellings that printers use.
func checkPrint(t *testing.T, name, printed string, material []byte) {
	t.Helper()
	const run = 6 // bytes
	for i := range len(material) - run {
		part := material[i : i+run]
		for _, spelling := range []string{
			string(part),
			fmt.Sprintf("%x", part), fmt.Sprintf("%X", part), fmt.Sprintf("% x", part), fmt.Sprintf("%x", fmt.Sprintf("%x", part)),
			strings.Trim(fmt.Sprint(part), "[]"),
			strings.Trim(fmt.Sprintf("%#v", part), "[]byte{}"),
			strings.Trim(fmt.Sprintf("%q", part), `"`),
			encode(part[:3]) + encode(part[3:]),
			base64.StdEncoding.EncodeToString(part),
		} {
			if strings.Contains(printed, spelling) {
				t.Fatalf("%s shows the secret: %s", name, printed)
			}
		}
	}
}

// checkDump makes sure that the dump would find a secret in a field.
func checkDump(t *testing.T) {
	t.Helper()
	b := secret("h")
	leak := struct{ inner struct{ material []byte } }{struct{ material []byte }{b}}
	if !strings.Contains(dump(leak), strings.Trim(fmt.Sprint(b), "[]")) {
		t.Error("the deep dump would not find a secret")
	}
}

// dump prints all that reflection can reach, methods or not, as debugging
// printers do.
func dump(v any) string {
	var b strings.Builder
	seen := map[uintptr]bool{}
	var walk func(v reflect.Value)
	walk = func(v reflect.Value) {
		switch v.Kind() {
		case reflect.Pointer:
			if v.IsNil() || seen[v.Pointer()] {
				return
			}
			seen[v.Pointer()] = true
			walk(v.Elem())
		case reflect.Interface:
			walk(v.Elem())
		case reflect.Struct:
			for i := range v.NumField() {
				walk(v.Field(i))
			}
		case reflect.Slice, reflect.Array:
			for i := range v.Len() {
				walk(v.Index(i))
			}
		case reflect.Map:
			for it := v.MapRange(); it.Next(); {
				walk(it.Key())
				walk(it.Value())
			}
		case reflect.String:
			fmt.Fprint(&b, v.String(), " ")
		case reflect.Uint8:
			fmt.Fprint(&b, v.Uint(), " ")
		default:
			fmt.Fprint(&b, v.Kind(), " ")
		}
	}
	walk(reflect.ValueOf(v))
	return b.String()
}
