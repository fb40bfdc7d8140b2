package phc_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/seed89488a0c/auth/internal/phc"
)

var valid = []string{
	"$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
	"$scrypt$ln=16,r=8,p=1$aM15713r3Xsvxbi31lqr1Q$nFNh2CVHVjNldFVKDHDlm4CbdRSCdEBsjjJxD+iCs5E",
	"$id$YQ$YQ",
	"$id$v=1$YQ$YQ",
	"$id$$YQ",
	"$id$a=1$$YQ",
	"$id-2$v=4294967295$a=0$YQ$YQ",
}

func TestParse(t *testing.T) {
	for _, s := range valid {
		h, err := phc.Parse(s)
		if err != nil || h.String() != s || phc.ID(s) != h.ID {
			t.Errorf("%s: got %s, %v", s, h, err)
		}
	}
	h, err := phc.Parse(valid[0])
	if err != nil || h.ID != "argon2id" || h.Version != 19 || len(h.Params) != 3 || h.Params[0] != (phc.Param{Name: "m", Value: 65536}) || string(h.Salt) != "somesalt" || len(h.Digest) != 32 {
		t.Errorf("got %+v, %v", h, err)
	}
	for _, s := range []string{
		"", "$", "$$", "$id", "$id$", "$id$YQ", "$id$$", "$id$YQ$", "$id$YQ$", "id$YQ$YQ", "x$id$YQ$YQ", "$$YQ$YQ", "$ID$YQ$YQ", "$i d$YQ$YQ",
		"$id$v=0$YQ$YQ", "$id$v=$YQ$YQ", "$id$v=01$YQ$YQ", "$id$v=-1$YQ$YQ", "$id$v=4294967296$YQ$YQ", "$id$v=1$v=1$YQ$YQ", "$id$a=1$v=1$YQ$YQ",
		"$id$a$YQ$YQ", "$id$a=$YQ$YQ", "$id$=1$YQ$YQ", "$id$a=1,$YQ$YQ", "$id$a=1,a=2$YQ$YQ", "$id$A=1$YQ$YQ", "$id$a=x$YQ$YQ", "$id$$YQ$YQ",
		"$id$a=1$b=1$YQ$YQ", "$id$v=1$a=1$YQ$YQ$YQ", "$id$YQ$YQ ", "$id$YQ=$YQ", "$id$YR$YQ", "$id$Y\nQ$YQ", "$id$YQ$YQ\n", "$id$Y$YQ", "$id$Y_Q$YQ",
		"$id$a=1,b=1,c=1,d=1,e=1,f=1,g=1,h=1,i=1$YQ$YQ",
		"$" + strings.Repeat("i", 33) + "$YQ$YQ", "$id$YQ$" + strings.Repeat("A", 1024), strings.Repeat("$", 1<<20),
	} {
		if h, err := phc.Parse(s); !errors.Is(err, phc.ErrMalformed) || h.ID != "" || h.Salt != nil {
			t.Errorf("%.60q: got %+v, %v", s, h, err)
		}
	}
}

func TestID(t *testing.T) {
	for s, want := range map[string]string{
		"$argon2id$": "argon2id", "$2b$12$": "2b", "": "", "$": "", "$argon2id": "", "argon2id$": "", "$Argon$": "",
		"$" + strings.Repeat("x", 32) + "$": strings.Repeat("x", 32), "$" + strings.Repeat("x", 33) + "$": "",
	} {
		if got := phc.ID(s); got != want {
			t.Errorf("%q: got %q, want %q", s, got, want)
		}
	}
}

// Whatever is read is written back byte for byte, and is within the limits.
func FuzzParse(f *testing.F) {
	for _, s := range valid {
		f.Add(s)
	}
	f.Add("$id$a=1,a=2$YQ$YQ")
	f.Fuzz(func(t *testing.T, s string) {
		h, err := phc.Parse(s)
		if err != nil {
			if h.ID != "" || h.Salt != nil || h.Digest != nil || h.Params != nil {
				t.Fatal("a value beside an error")
			}
			return
		}
		if h.String() != s || phc.ID(s) != h.ID || len(s) > 1024 || len(h.Digest) == 0 {
			t.Fatalf("%q came back as %q", s, h)
		}
	})
}
