package legacyhash_test

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/authtest"
	"github.com/seed89488a0c/auth/legacyhash"
)

func combineAll(t testing.TB, primary auth.Hasher) auth.Hasher {
	t.Helper()
	h, err := legacyhash.Combine(primary, slices.Collect(maps.Values(families()))...)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestCombine(t *testing.T) {
	authtest.TestHasher(t, combineAll(t, authtest.Hasher{}))
}

// Every known answer is verified through the combination of all families, and is
// outdated there.
func TestCombineKnownAnswers(t *testing.T) {
	h := combineAll(t, authtest.Hasher{})
	for _, k := range samples(t) {
		if slices.Contains([]string{"devise", "appended", "wordpress"}, k.Family) || ambiguous(k.Stored) {
			continue // claimed by Bcrypt, PBKDF2 and PHPass, or in one form of Django and Werkzeug
		}
		if info := h.Inspect(k.Stored); info.Scheme == "" || !info.Outdated {
			t.Errorf("Inspect of %s returned %+v", k.Stored, info)
		}
		if match, err := h.Verify(t.Context(), k.Stored, auth.NewPassword(k.Password)); err != nil || !match {
			t.Errorf("Verify of %q against %s returned %t, %v", k.Password, k.Stored, match, err)
		}
	}
}

func TestCombineOutdated(t *testing.T) {
	current := "$scrypt$ln=17,r=8,p=1$" + zero16 + "$" + zero32
	if info := combineAll(t, authtest.Hasher{}).Inspect(current); info.Scheme != "scrypt" || !info.Outdated {
		t.Errorf("a hash of another hasher is %+v", info)
	}
	h, err := legacyhash.Combine(legacyhash.Scrypt{}, legacyhash.PBKDF2{})
	if err != nil {
		t.Fatal(err)
	}
	if info := h.Inspect(current); info.Scheme != "scrypt" || info.Outdated {
		t.Errorf("a hash of the primary is %+v", info)
	}
	if got, want := h.Inspect(""), (legacyhash.Scrypt{}).Inspect(""); got != want {
		t.Errorf("the next hash is %+v, want %+v", got, want)
	}
}

func TestCombineErrors(t *testing.T) {
	h := combineAll(t, authtest.Hasher{})
	for stored, want := range map[string]error{
		"":                                     auth.ErrUnknownHash,
		"$unknown$":                            auth.ErrUnknownHash,
		"$argon2d$v=19$m=64,t=1,p=1$YQ$YQ":     auth.ErrUnknownHash,
		"$argon2i$v=16$m=64,t=1,p=1$YQ$YQ":     auth.ErrMalformedHash,
		"$2b$31$" + strings.Repeat(".", 53):    auth.ErrMalformedHash,
		"$wrapped$JFAk$$argon2id$v=19$m=64$YQ": auth.ErrUnknownHash,
	} {
		if _, err := h.Verify(t.Context(), stored, auth.NewPassword("password")); !errors.Is(err, want) || errors.Is(err, legacyhash.ErrAmbiguousHash) {
			t.Errorf("Verify of %q returned %v, want %v", stored, err, want)
		}
	}

	ambiguous := h
	for _, hashers := range [][]auth.Hasher{
		{nil},
		{auth.Argon2id{}, nil},
		{legacyhash.Django{}},                      // cannot hash
		{legacyhash.Django{}, auth.Argon2id{}},     // cannot hash
		{auth.Argon2id{}, auth.Argon2id{Time: 3}},  // both claim $argon2id$
		{legacyhash.Bcrypt{}, legacyhash.Devise{}}, // both claim $2b$
		{legacyhash.PBKDF2{}, legacyhash.Appended{}},
		{auth.Argon2id{}, firebase(), firebase()},
		{auth.Argon2id{}, legacyhash.PHPass{}, legacyhash.PHPass{}},
		{auth.Argon2id{}, legacyhash.PHPass{}, legacyhash.WordPress{}},
		{auth.Argon2id{}, legacyhash.WordPress{}, legacyhash.WordPress{}},
		{auth.Argon2id{}, legacyhash.Bcrypt{}, legacyhash.Prepared{Prepare: legacyhash.SHA256Hex, Hasher: legacyhash.Bcrypt{}}},
		{auth.Argon2id{}, ambiguous},
	} {
		if h, err := legacyhash.Combine(hashers[0], hashers[1:]...); h != nil || err == nil {
			t.Errorf("%T: Combine returned %v, %v, want an error", hashers, h, err)
		}
	}
}

// ambiguous tells the forms that Django and Werkzeug used to write for different things.
func ambiguous(stored string) bool {
	return strings.HasPrefix(stored, "md5$") || strings.HasPrefix(stored, "sha1$")
}

func TestDjangoAndWerkzeugAreAmbiguous(t *testing.T) {
	h, err := legacyhash.Combine(auth.Argon2id{}, legacyhash.Django{}, legacyhash.Werkzeug{})
	if err != nil {
		t.Fatal(err)
	}
	for stored, want := range map[string]error{
		"md5$salt$5f4dcc3b5aa765d61d8327deb882cf99":          legacyhash.ErrAmbiguousHash,
		"sha1$salt$5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8": legacyhash.ErrAmbiguousHash,
		"md5$$5f4dcc3b5aa765d61d8327deb882cf99":              nil, // Django's alone
		"sha256$salt$" + hex32:                               nil, // Werkzeug's alone
	} {
		if _, err := h.Verify(t.Context(), stored, auth.NewPassword("password")); !errors.Is(err, want) {
			t.Errorf("Verify of %s returned %v, want %v", stored, err, want)
		}
	}
}

// A foreign form that two hashers claim is found when it is met.
func TestAmbiguous(t *testing.T) {
	h, err := legacyhash.Combine(auth.Argon2id{}, authtest.Hasher{}, legacyhash.Appended{Hasher: authtest.Hasher{}})
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := authtest.Hasher{}.Hash(t.Context(), auth.NewPassword("password"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = h.Verify(t.Context(), encoded, auth.NewPassword("password"))
	if !errors.Is(err, legacyhash.ErrAmbiguousHash) || !errors.Is(err, auth.ErrUnknownHash) || h.Inspect(encoded) != (auth.HashInfo{}) {
		t.Errorf("got %v, %+v", err, h.Inspect(encoded))
	}
}

// Every family has a form by which Combine finds it twice, and no form is
// claimed by two families.
func TestForms(t *testing.T) {
	claimed := map[string]int{}
	hashers := families()
	hashers["wordpress"] = legacyhash.WordPress{}
	for form := range strings.FieldsSeq(legacyhash.Forms) {
		claims := 0
		for name, h := range hashers {
			if h.Inspect(form).Scheme != "" {
				claims++
				claimed[name]++
			}
		}
		if shared := strings.HasPrefix(form, "$P$"); claims != 1 && !(shared && claims == 2) { // WordPress's and phpass's own
			t.Errorf("%d hashers claim %s", claims, form)
		}
	}
	for name := range hashers {
		if claimed[name] == 0 {
			t.Errorf("%s claims no form", name)
		}
	}
}
