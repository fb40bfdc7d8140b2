package auth_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/seed89488a0c/auth"
)

// ASVS 5.0 6.2.1, 6.2.4, 6.2.5, 6.2.11
func TestPasswordPolicy(t *testing.T) {
	tutorial := auth.PasswordPolicy{InsecureMinLength: 4, InsecureMaxLength: 12, InsecureAllowAny: true}
	long := auth.PasswordPolicy{MinLength: 15, MaxLength: 1024}
	tests := []struct {
		policy   auth.PasswordPolicy
		password string
		want     string // "" = accepted
	}{
		{auth.PasswordPolicy{MinLength: 15}, "fourteen chars", "too_short"},
		{auth.PasswordPolicy{MinLength: 15}, "fifteen chars !", ""},
		{auth.PasswordPolicy{Words: []string{"Naver", "Shop of Ada"}}, "naver2026!", "password_context"},
		{auth.PasswordPolicy{Words: []string{"Naver", "Shop of Ada"}}, "SHOP OF ADA", "password_context"},
		{auth.PasswordPolicy{Words: []string{"", "Naver"}}, "12345678901!", ""},
		{auth.PasswordPolicy{Words: []string{"Naver"}}, "navernaver", ""},
		{auth.PasswordPolicy{}, "", "required"},
		{auth.PasswordPolicy{}, "vj4Lq0z", "too_short"},
		{auth.PasswordPolicy{}, "vj4Lq0zt", ""},
		{auth.PasswordPolicy{}, "비밀번호는길다", "too_short"}, // characters, not bytes
		{auth.PasswordPolicy{}, "비밀번호는길다요", ""},
		{auth.PasswordPolicy{}, "        ", ""},
		{auth.PasswordPolicy{}, strings.Repeat("𝔸", 128), ""},
		{auth.PasswordPolicy{}, strings.Repeat("x", 129), "too_long"},
		{auth.PasswordPolicy{}, strings.Repeat("x", 4097), "too_long"},
		{auth.PasswordPolicy{}, "vj4Lq0zt\xff", "invalid_encoding"},
		{auth.PasswordPolicy{}, "vj4Lq0zt\x00", "invalid_character"},
		{auth.PasswordPolicy{}, "vj4Lq0zt\x01\t\n", ""},
		{auth.PasswordPolicy{}, "REDACTED", "password_common"}, // what a Password marshals as
		{auth.PasswordPolicy{}, "password", "password_common"},
		{auth.PasswordPolicy{}, "PassWord", "password_common"},
		{auth.PasswordPolicy{}, "1234567890", "password_common"},
		{auth.PasswordPolicy{}, "ada.lovelace@example.com", "password_personal"},
		{auth.PasswordPolicy{}, "1 Ada.Lovelace@EXAMPLE.com!", "password_personal"},
		{auth.PasswordPolicy{}, "ADA.lovelace", "password_personal"},
		{auth.PasswordPolicy{}, "ada.lovelace1815", "password_personal"},
		{auth.PasswordPolicy{}, "Ada.Lovelace@Example.com", "password_personal"},
		{auth.PasswordPolicy{}, "...Countess of L.!", "password_personal"},
		{auth.PasswordPolicy{}, "countess of lovely things", ""},
		{tutorial, "", "required"},
		{tutorial, "123", "too_short"},
		{tutorial, "1234", ""},
		{tutorial, "password", ""},
		{tutorial, "123456789012", ""},
		{tutorial, "1234567890123", "too_long"},
		{tutorial, "REDACTED", "password_common"},
		{long, "fourteen chars", "too_short"},
		{long, "fifteen chars !", ""},
		{long, strings.Repeat("𝔸", 1024), ""},
		{long, strings.Repeat("x", 1025), "too_long"},
	}
	for _, test := range tests {
		a := newAuth(t, auth.NewMemoryStore(), auth.Options{Passwords: test.policy})
		_, err := a.Register(t.Context(), auth.Registration{Email: "Ada.Lovelace@example.com", Username: "Countess of L", Password: auth.NewPassword(test.password)})
		if test.want == "" {
			if err != nil {
				t.Errorf("%.30q: %v", test.password, err)
			}
		} else {
			wantInput(t, err, "password", test.want)
			if err != nil && len(test.password) > 8 && strings.Contains(fmt.Sprintf("%+v %#v", err, err), test.password) {
				t.Errorf("%.30q: the error repeats it", test.password)
			}
		}
	}
}

// The user's own address and name are refused in every spelling.
func TestPersonalPasswords(t *testing.T) {
	tests := []struct{ email, username, password string }{
		{"anna@xn--bcher-kva.de", "", "anna@xn--bcher-kva.de"},
		{"anna@xn--bcher-kva.de", "", "Anna@B\u00dcCHER.de 1"},
		{"anna@bücher.de", "", "anna@xn--bcher-kva.de"},
		{"anna@bu\u0308cher.de", "", "anna@b\u00fccher.de"},
		{"anna@\uff45xample.com", "", "anna@\uff45xample.com"},
		{"annabelle@example.com", "", "!!AnnaBelle99"},
		{"12345987@example.com", "", "!12345987!"},
		{"x@example.com", "Rene\u0301 Descartes", "RENÉ DESCARTES"},
		{"x@example.com", "Ren\u00e9 Descartes", "1 rene\u0301 descartes."},
	}
	for _, test := range tests {
		a := newAuth(t, auth.NewMemoryStore())
		_, err := a.Register(t.Context(), auth.Registration{Email: test.email, Username: test.username, Password: auth.NewPassword(test.password)})
		wantInput(t, err, "password", "password_personal")
		result, err := a.Register(t.Context(), auth.Registration{Email: test.email, Username: test.username, Password: auth.NewPassword(password)})
		if err != nil {
			t.Fatal(err)
		}
		wantInput(t, a.SetPassword(t.Context(), result.User.ID, auth.NewPassword(test.password)), "password", "password_personal")
	}
}

// ASVS 5.0 6.2.9
func TestPasswordPolicyLimits(t *testing.T) {
	tests := []struct {
		policy auth.PasswordPolicy
		ok     bool
	}{
		{auth.PasswordPolicy{MinLength: 7}, false},
		{auth.PasswordPolicy{MinLength: -1}, false},
		{auth.PasswordPolicy{InsecureMinLength: -1}, false},
		{auth.PasswordPolicy{MinLength: 8, InsecureMinLength: 4}, false},
		{auth.PasswordPolicy{MaxLength: 63}, false},
		{auth.PasswordPolicy{MaxLength: 64}, true},
		{auth.PasswordPolicy{MaxLength: 1024}, true},
		{auth.PasswordPolicy{MaxLength: 1025}, false},
		{auth.PasswordPolicy{InsecureMaxLength: 1025}, false},
		{auth.PasswordPolicy{InsecureMaxLength: 7}, false}, // shorter than the shortest
		{auth.PasswordPolicy{InsecureMinLength: 1, InsecureMaxLength: 1}, true},
		{auth.PasswordPolicy{MinLength: 128}, true},
		{auth.PasswordPolicy{MinLength: 129}, false},
	}
	for _, test := range tests {
		_, err := auth.New(auth.NewMemoryStore(), newIssuer(t, auth.JWTConfig{}), auth.Options{Passwords: test.policy})
		if (err == nil) != test.ok {
			t.Errorf("%+v: %v", test.policy, err)
		}
	}
}

func TestInputErrorTellsTheLimits(t *testing.T) {
	a := newAuth(t, auth.NewMemoryStore())
	r := registration()
	r.Password = auth.NewPassword("short")
	_, err := a.Register(t.Context(), r)
	if got, ok := err.(*auth.InputError); !ok || got.Min != 8 || got.Max != 128 {
		t.Errorf("got %+v", err)
	}
}
