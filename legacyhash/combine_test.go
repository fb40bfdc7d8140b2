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
		if k.Family == "devise" || k.Family == "appended" {
			continue // claimed by Bcrypt and PBKDF2
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
		{auth.Argon2id{}, ambiguous},
	} {
		if h, err := legacyhash.Combine(hashers[0], hashers[1:]...); h != nil || err == nil {
			t.Errorf("%T: Combine returned %v, %v, want an error", hashers, h, err)
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
	for form := range strings.FieldsSeq(legacyhash.Forms) {
		claims := 0
		for name, h := range families() {
			if h.Inspect(form).Scheme != "" {
				claims++
				claimed[name]++
			}
		}
		if claims != 1 {
			t.Errorf("%d hashers claim %s", claims, form)
		}
	}
	for name := range families() {
		if claimed[name] == 0 {
			t.Errorf("%s claims no form", name)
		}
	}
}
