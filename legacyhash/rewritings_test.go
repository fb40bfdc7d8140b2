package legacyhash_test

import (
	"bufio"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/text/unicode/norm"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/authtest"
	"github.com/seed89488a0c/auth/legacyhash"
)

// rewritings is the table of this package's documentation: what each system has in a
// row, what is written, and the type that verifies it.
var rewritings = map[string]struct {
	write func(row map[string]string) string
	types []auth.Hasher
}{
	"Meteor": {
		func(row map[string]string) string { return row["bcrypt"] },
		[]auth.Hasher{legacyhash.Prepared{Prepare: legacyhash.SHA256Hex, Hasher: legacyhash.Bcrypt{}}},
	},
	"better-auth": {
		func(row map[string]string) string {
			salt, key, _ := strings.Cut(row["password"], ":")
			return "scrypt:16384:16:1$" + salt + "$" + key
		},
		[]auth.Hasher{legacyhash.Prepared{Prepare: norm.NFKC.String, Hasher: legacyhash.Werkzeug{}}},
	},
	"passport-local-mongoose": { // with 25000 for its default
		func(row map[string]string) string {
			return fmt.Sprintf("$pbkdf2-sha256$i=1000,l=512$%s$%s", raw64([]byte(row["salt"])), raw64(unhex(row["hash"])))
		},
		[]auth.Hasher{legacyhash.PBKDF2{}},
	},
	"Discourse": {
		func(row map[string]string) string {
			return row["password_algorithm"] + raw64([]byte(row["salt"])) + "$" + raw64(unhex(row["password_hash"]))
		},
		[]auth.Hasher{legacyhash.PBKDF2{}},
	},
	"Keycloak": {
		func(row map[string]string) string {
			var secret struct{ Value, Salt []byte }
			var credential struct {
				HashIterations int
				Algorithm      string
			}
			if json.Unmarshal([]byte(row["secretData"]), &secret) != nil || json.Unmarshal([]byte(row["credentialData"]), &credential) != nil {
				return ""
			}
			return fmt.Sprintf("$%s$i=%d,l=%d$%s$%s", credential.Algorithm, credential.HashIterations, len(secret.Value), raw64(secret.Salt), raw64(secret.Value))
		},
		[]auth.Hasher{legacyhash.PBKDF2{}},
	},
	"Auth0": {
		func(row map[string]string) string { return row["passwordHash"] },
		[]auth.Hasher{legacyhash.Bcrypt{}},
	},
	"Nextcloud": {
		func(row map[string]string) string { return row["password"][len("1|"):] },
		[]auth.Hasher{legacyhash.Bcrypt{}, auth.Argon2id{}, legacyhash.Argon2i{}},
	},
	"Moodle": {
		func(row map[string]string) string { return row["password"] },
		[]auth.Hasher{legacyhash.Crypt{}, legacyhash.Bcrypt{}},
	},
	"phpBB": {
		func(row map[string]string) string { return row["user_password"] },
		[]auth.Hasher{
			legacyhash.Prepared{Prepare: legacyhash.PHPBBInput, Hasher: legacyhash.PHPass{}},
			legacyhash.Prepared{Prepare: legacyhash.PHPBBInput, Hasher: legacyhash.Bcrypt{}},
		},
	},
	"vBulletin": digest("md5(md5(p).s)"),
	"MyBB":      digest("md5(md5(s).md5(p))"),
	"OpenCart":  digest("sha1(s.sha1(s.sha1(p)))"),
	"Magento": {
		func(row map[string]string) string {
			fields := strings.Split(row["password_hash"], ":")
			return fmt.Sprintf("$digest$sha256(s.p)$%x$%s", fields[1], fields[0])
		},
		[]auth.Hasher{legacyhash.Digest{}},
	},
	"Joomla": {
		func(row map[string]string) string {
			digest, salt, _ := strings.Cut(row["password"], ":")
			return fmt.Sprintf("$digest$md5(p.s)$%x$%s", salt, digest)
		},
		[]auth.Hasher{legacyhash.Digest{}},
	},
	"LDIF": {
		func(row map[string]string) string {
			b, err := base64.StdEncoding.DecodeString(row["userPassword"])
			if err != nil {
				return ""
			}
			return string(b)
		},
		[]auth.Hasher{legacyhash.LDAP{}},
	},
	"MD5 made stronger": {
		func(row map[string]string) string { return row["hash"] },
		[]auth.Hasher{legacyhash.Prepared{Prepare: legacyhash.MD5Hex, Hasher: legacyhash.Bcrypt{}}},
	},
	"Firebase": {
		func(row map[string]string) string {
			return "$firebase-scrypt$" + row["salt"] + "$" + row["passwordHash"]
		},
		[]auth.Hasher{firebase()},
	},
}

func digest(expression string) (r struct {
	write func(row map[string]string) string
	types []auth.Hasher
}) {
	r.write = func(row map[string]string) string {
		return fmt.Sprintf("$digest$%s$%x$%s", expression, row["salt"], row["password"])
	}
	r.types = []auth.Hasher{legacyhash.Digest{}}
	return r
}

func raw64(b []byte) string { return base64.RawStdEncoding.EncodeToString(b) }

func unhex(text string) []byte {
	b, err := hex.DecodeString(text)
	if err != nil {
		return nil
	}
	return b
}

// Rows as other systems have them are rewritten as the table says, imported, and log
// in. rewritings.jsonl was made by generate.py.
func TestRewritings(t *testing.T) {
	file, err := os.Open("testdata/rewritings.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	done := map[string]int{}
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		var vector struct {
			System, Source, Password string
			Row                      map[string]string
		}
		if err := json.Unmarshal(lines.Bytes(), &vector); err != nil {
			t.Fatal(err)
		}
		r, ok := rewritings[vector.System]
		if !ok {
			t.Fatalf("%s is not in the table", vector.System)
		}
		done[vector.System]++
		h, err := legacyhash.Combine(authtest.Hasher{}, r.types...)
		if err != nil {
			t.Fatal(err)
		}
		stored := r.write(vector.Row)
		a := authtest.New(t, auth.Options{Hasher: h})
		if _, err := a.Import(t.Context(), auth.UserRecord{User: auth.User{Email: "ada@example.com"}, PasswordHash: stored}); err != nil {
			t.Errorf("%s, %s: Import of %s returned %v", vector.System, vector.Source, stored, err)
			continue
		}
		for password, want := range map[string]bool{vector.Password: true, vector.Password + ".": false} {
			if match, err := h.Verify(t.Context(), stored, auth.NewPassword(password)); err != nil || match != want {
				t.Errorf("%s, %s: Verify of %q returned %t, %v, want %t", vector.System, vector.Source, password, match, err, want)
			}
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	for system := range rewritings {
		if done[system] < 5 && system != "Firebase" { // which has known answers of its own
			t.Errorf("%s has %d vectors, want at least 5", system, done[system])
		}
		if !strings.Contains(string(doc), "//\t"+system+"  ") {
			t.Errorf("%s is not in the table of doc.go", system)
		}
	}
}
