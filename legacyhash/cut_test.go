package legacyhash_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/authtest"
	"github.com/seed89488a0c/auth/internal/argon2phc"
	"github.com/seed89488a0c/auth/legacyhash"
	"github.com/seed89488a0c/auth/pepper"
)

// Of all hashes that the originals made, one that verifies more than its password says
// from where on.
func TestInspectSaysWhatIsCut(t *testing.T) {
	cut, whole := map[string]bool{}, map[string]bool{}
	for _, k := range readKnown(t, "known.jsonl") {
		if !k.Match || len(k.Password) < 72 {
			continue
		}
		h := hasherOf(k.Family)
		info := h.Inspect(k.Stored)
		for _, p := range []string{k.Password + "x", k.Password + "\n", k.Password[:len(k.Password)-1], k.Password[:72] + "another end"} {
			match, err := h.Verify(t.Context(), k.Stored, auth.NewPassword(p))
			if err != nil {
				t.Fatal(err)
			}
			match = match && !(strings.HasPrefix(info.Scheme, "drupal") && strings.TrimSpace(p) == k.Password) // Drupal trims
			if match && p != k.Password && (info.CutAt == 0 || len(p) < info.CutAt) {
				t.Errorf("%s verifies %q, which is not its password, and Inspect returned %+v", k.Stored, p, info)
			}
			cut[info.Scheme] = cut[info.Scheme] || match
		}
		if info.CutAt == 0 {
			whole[info.Scheme] = true
		}
	}
	for scheme, is := range cut {
		if want := strings.HasSuffix(scheme, "bcrypt") && scheme != "wordpress-bcrypt" || scheme == "devise"; is != want || is == whole[scheme] {
			t.Errorf("%s: cut %t, whole %t", scheme, is, whole[scheme])
		}
	}
	if len(cut) < 30 {
		t.Errorf("long passwords of %d schemes, want thirty", len(cut))
	}
}

// Who mistypes the end of a long password logs in, as at the origin, and locks nobody
// out by it: the hash stays, an event says why, and the right password is as good.
func TestCutPasswordIsNotUpgraded(t *testing.T) {
	right := strings.Repeat("a long passphrase ", 5) // 90 bytes
	quotes := strings.Repeat(`"`, 36)
	bcrypted := func(password string) string {
		encoded, err := bcrypt.GenerateFromPassword([]byte(password)[:min(72, len(password))], bcrypt.MinCost)
		if err != nil {
			t.Fatal(err)
		}
		return string(encoded)
	}
	peppered, err := pepper.New(authtest.Hasher{}, pepper.Pepper{ID: "k", MAC: func(context.Context, []byte) ([]byte, error) { return make([]byte, 32), nil }})
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		other    auth.Hasher
		primary  auth.Hasher // nil = authtest's
		stored   string
		password string
		upgraded bool
	}{
		"bcrypt, 90 bytes":          {legacyhash.Bcrypt{}, nil, bcrypted(right), right, false},
		"bcrypt, 72 bytes":          {legacyhash.Bcrypt{}, nil, bcrypted(right[:72]), right[:72], false},
		"bcrypt, 71 bytes":          {legacyhash.Bcrypt{}, nil, bcrypted(right[:71]), right[:71], true},
		"bcrypt as the primary too": {legacyhash.Argon2i{}, legacyhash.Bcrypt{}, bcrypted(right), right, false},
		"under a new pepper":        {legacyhash.Bcrypt{}, peppered, bcrypted(right), right, false},
		"Devise":                    {legacyhash.Devise{Pepper: auth.NewPassword("pepper")}, nil, bcrypted(right + "pepper"), right, false},
		"Devise, 71 bytes":          {legacyhash.Devise{Pepper: auth.NewPassword("pepper")}, nil, bcrypted(right[:71] + "pepper"), right[:71], true},
		"Appended":                  {legacyhash.Appended{Text: auth.NewPassword("text"), Hasher: legacyhash.Bcrypt{}}, nil, bcrypted(right + "text"), right, false},
		"Django":                    {legacyhash.Django{}, nil, "bcrypt$" + bcrypted(right), right, false},
		"Django, digested":          {legacyhash.Django{}, nil, "bcrypt_sha256$" + bcrypted(legacyhash.SHA256Hex(right)), right, true},
		"Meteor, digested":          {legacyhash.Prepared{Prepare: legacyhash.SHA256Hex, Hasher: legacyhash.Bcrypt{}}, nil, bcrypted(legacyhash.SHA256Hex(right)), right, true},
		"escaped, 36 quotes":        {legacyhash.Prepared{Prepare: legacyhash.Slashed, Hasher: legacyhash.Bcrypt{}}, nil, bcrypted(legacyhash.Slashed(quotes)), quotes, false},
		"escaped, 35 quotes":        {legacyhash.Prepared{Prepare: legacyhash.Slashed, Hasher: legacyhash.Bcrypt{}}, nil, bcrypted(legacyhash.Slashed(quotes[1:])), quotes[1:], true},
		"phpBB, 12 quotes":          {legacyhash.Prepared{Prepare: legacyhash.PHPBBInput, Hasher: legacyhash.Bcrypt{}}, nil, bcrypted(legacyhash.PHPBBInput(quotes[:12])), quotes[:12], false},
		"phpBB, 11 quotes":          {legacyhash.Prepared{Prepare: legacyhash.PHPBBInput, Hasher: legacyhash.Bcrypt{}}, nil, bcrypted(legacyhash.PHPBBInput(quotes[:11])), quotes[:11], true},
		"lowered, longer":           {legacyhash.Prepared{Prepare: strings.ToLower, Hasher: legacyhash.Bcrypt{}}, nil, bcrypted(strings.Repeat("\u2c65", 24)), strings.Repeat("\u023a", 24), false},
		"Spring":                    {legacyhash.Spring{}, nil, "{bcrypt}" + bcrypted(right), right, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if test.primary == nil {
				test.primary = authtest.Hasher{}
			}
			hasher, err := legacyhash.Combine(test.primary, test.other)
			if err != nil {
				t.Fatal(err)
			}
			var events []auth.Event
			store := auth.NewMemoryStore()
			a := authtest.New(t, auth.Options{Hasher: hasher, Events: func(_ context.Context, e auth.Event) { events = append(events, e) }}).WithStore(store)
			user, err := a.Import(t.Context(), auth.UserRecord{User: auth.User{Email: "ada@example.com"}, PasswordHash: test.stored})
			if err != nil {
				t.Fatal(err)
			}
			login := func(password string) error {
				_, err := a.Login(t.Context(), auth.Credentials{Email: user.Email, Password: auth.NewPassword(password)})
				return err
			}
			if !test.upgraded {
				if err := login(test.password + "typo"); err != nil {
					t.Errorf("a password of the same beginning, which the origin took: %v", err)
				}
			}
			events = nil
			if err := login(test.password); err != nil {
				t.Fatal(err)
			}
			r, err := store.UserByEmail(t.Context(), user.Email)
			if err != nil || (r.PasswordHash != test.stored) != test.upgraded {
				t.Errorf("upgraded %t, want %t; %v", r.PasswordHash != test.stored, test.upgraded, err)
			}
			var input *auth.InputError
			if e := events[len(events)-1]; e.Kind != "password_rehashed" || e.UserID != user.ID || errors.As(e.Err, &input) == test.upgraded {
				t.Errorf("the event is %+v", e)
			}
			if input != nil && (input.Field != "password" || input.Code != "too_long") {
				t.Errorf("the event's error is %v", input)
			}
		})
	}
}

// To PBKDF2 and scrypt a NUL at the end of a password is none. Who enters one by mistake
// logs in, as at the origin, and the right password goes on to do.
func TestNULIsNotUpgraded(t *testing.T) {
	hasher, err := legacyhash.Combine(authtest.Hasher{}, legacyhash.PBKDF2{})
	if err != nil {
		t.Fatal(err)
	}
	stored, err := legacyhash.Cheap{Hasher: legacyhash.PBKDF2{Rounds: 1}}.Hash(t.Context(), auth.NewPassword("x"))
	if err != nil {
		t.Fatal(err)
	}
	var events []auth.Event
	store := auth.NewMemoryStore()
	a := authtest.New(t, auth.Options{Hasher: hasher, Events: func(_ context.Context, e auth.Event) { events = append(events, e) }}).WithStore(store)
	if _, err := a.Import(t.Context(), auth.UserRecord{User: auth.User{Email: "ada@example.com"}, PasswordHash: stored}); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		password string
		code     string // of the event, "" = upgraded
	}{{"x\x00", "invalid_character"}, {"x", ""}, {"x", "-"}} {
		events = nil
		if _, err := a.Login(t.Context(), auth.Credentials{Email: "ada@example.com", Password: auth.NewPassword(test.password)}); err != nil {
			t.Fatalf("%q: %v", test.password, err)
		}
		r, err := store.UserByEmail(t.Context(), "ada@example.com")
		if upgraded := test.code == "" || test.code == "-"; err != nil || (r.PasswordHash != stored) != upgraded {
			t.Errorf("%q: upgraded %t, %v", test.password, !upgraded, err)
		}
		last := events[len(events)-1]
		if rehashed := last.Kind == "password_rehashed"; rehashed != (test.code != "-") || rehashed && last.Code != test.code {
			t.Errorf("%q: the event is %+v", test.password, last)
		}
	}
}

// Replicas whose costs are within a factor of four of each other never undo each
// other's upgrades: of no two does each make the other's hash anew.
func TestReplicasDoNotUndoEachOther(t *testing.T) {
	type replica struct {
		h    auth.Hasher
		made string // what it makes
		work float64
	}
	families := map[string][]replica{}
	add := func(name string, h auth.Hasher, work float64, made string) {
		if info := h.Inspect(made); info.Scheme == "" || info.Outdated {
			t.Fatalf("%+v says of %s, which it makes: %+v", h, made, info)
		}
		families[name] = append(families[name], replica{h, made, work})
	}
	for cost := 10; cost <= 15; cost++ {
		add("bcrypt", legacyhash.Bcrypt{Cost: cost}, float64(int(1)<<cost), fmt.Sprintf("$2b$%d$%s", cost, strings.Repeat(".", 53)))
	}
	for _, k := range []float64{1, 1.5, 2, 3.99, 4, 5, 8} {
		sha256, sha512 := min(int(600_000*k), 5_000_000), min(int(210_000*k), 2_000_000)
		add("pbkdf2", legacyhash.PBKDF2{Rounds: sha256}, float64(sha256)/600_000, fmt.Sprintf("$pbkdf2-sha256$%d$%s$%s", sha256, zero16, zero32))
		add("pbkdf2", legacyhash.PBKDF2{Rounds: sha512, SHA512: true}, float64(sha512)/210_000, fmt.Sprintf("$pbkdf2-sha512$%d$%s$%s", sha512, zero16, zero64))
	}
	for logN := 13; logN <= 18; logN++ {
		for _, p := range []int{1, 2, 3, 5, 10, 20, 40, 64} {
			h := legacyhash.Scrypt{LogN: logN, P: p}
			if work := 8 * p << logN; p >= []int{10, 5, 3, 2, 1, 1}[logN-13] && work <= 1<<22 {
				add("scrypt", h, float64(work), fmt.Sprintf("$scrypt$ln=%d,r=8,p=%d$%s$%s", logN, p, zero16, zero32))
			}
		}
	}
	for _, memory := range []uint32{12 << 10, 19 << 10, 46 << 10, 64 << 10, 100 << 10, 256 << 10} {
		for _, time := range []uint32{1, 2, 3, 4, 7, 16} {
			h := auth.Argon2id{MemoryKiB: memory, Time: time}
			if floor := []uint32{46 << 10, 19 << 10, 12 << 10}[min(time, 3)-1]; memory >= floor && memory*time <= 1<<20 {
				add("argon2id", h, float64(memory*time), fmt.Sprintf("$argon2id$v=19$m=%d,t=%d,p=1$%s$%s", memory, time, zero16, zero32))
			}
		}
	}
	for name, replicas := range families {
		var pairs, dear int
		for _, a := range replicas {
			for _, b := range replicas {
				ratio := b.work / a.work
				outdated := a.h.Inspect(b.made).Outdated
				if ratio >= 1 && ratio <= argon2phc.TooDear {
					pairs++
					if outdated && b.h.Inspect(a.made).Outdated {
						t.Errorf("%+v and %+v undo each other's upgrades", a.h, b.h)
					}
					if outdated {
						t.Errorf("%s, %.2f times as dear, is outdated to %+v", b.made, ratio, a.h)
					}
				}
				if ratio > argon2phc.TooDear {
					dear++
					if !outdated {
						t.Errorf("%s, %.2f times as dear, is not outdated to %+v", b.made, ratio, a.h)
					}
				}
			}
		}
		if pairs < 10 || dear < 3 {
			t.Errorf("%s: %d pairs within the factor, %d beyond", name, pairs, dear)
		}
	}
}

// A pepper's MAC is of the whole password, however much of it the hash reads.
func TestPepperedIsNotCut(t *testing.T) {
	k, err := pepper.HMAC("k", []byte("a secret of thirty-two bytes....\xff"))
	if err != nil {
		t.Fatal(err)
	}
	bcrypt := legacyhash.Cheap{Hasher: legacyhash.Bcrypt{Cost: 4}}
	h, err := pepper.New(bcrypt, k)
	if err != nil {
		t.Fatal(err)
	}
	authtest.TestHasher(t, h)
	plain, err := bcrypt.Hash(t.Context(), auth.NewPassword("password"))
	if err != nil {
		t.Fatal(err)
	}
	if at := h.Inspect(plain).CutAt; at != 72 {
		t.Errorf("a hash without pepper is cut at %d, want 72", at)
	}
}
