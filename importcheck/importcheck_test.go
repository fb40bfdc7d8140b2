package importcheck_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/authtest"
	"github.com/seed89488a0c/auth/importcheck"
	"github.com/seed89488a0c/auth/legacyhash"
)

const (
	bcrypt12 = "$2b$12$....................................................."
	phpass   = "$P$9.............................."
)

func row(id, email, hash string) auth.UserRecord {
	return auth.UserRecord{User: auth.User{ID: id, Email: email}, PasswordHash: hash}
}

func all(rows []auth.UserRecord) iter.Seq2[auth.UserRecord, error] {
	return func(yield func(auth.UserRecord, error) bool) {
		for _, r := range rows {
			if !yield(r, nil) {
				return
			}
		}
	}
}

func combined(t testing.TB) auth.Hasher {
	t.Helper()
	h, err := legacyhash.Combine(authtest.Hasher{}, legacyhash.Bcrypt{}, legacyhash.PHPass{}, legacyhash.Django{})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestCheck(t *testing.T) {
	current, err := authtest.Hasher{}.Hash(t.Context(), auth.NewPassword("password"))
	if err != nil {
		t.Fatal(err)
	}
	late := row("13", "late@example.com", current)
	late.CreatedAt = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)
	rows := []auth.UserRecord{
		row("1", "ada@example.com", current),
		row("2", "ADA@example.com", current),        // the mailbox of 1
		row("1", "grace@example.com", current),      // the ID of 1
		row("4", "alan@example.com ", bcrypt12),     // padded
		row("5", "alan@example.com", phpass),        // which 4 would be without
		row("6", "ada@exam\u200bple.com\t", ""),     // which is 1 without
		row("7", "admin@intranet", "!unusable"),     // no address, and Django's mark
		row("8", "", "$2b$31$"+bcrypt12[7:]),        // NULL, and too costly
		row("9", "\xff", "plaintext"),               // two faults
		row("10", "eve@example.com", bcrypt12+"\n"), // stray white space
		row("11", "bob@example.com", bcrypt12[:50]), // cut
		row(strings.Repeat("x", 65), "c@example.com", current),
		late,
		row("", "no-id@example.com", current),
		row("15", "\x00Alan@example.com", current), // which 4 would be too
		row("16", "ada", current),                  // a user name
	}
	var got []string
	summary, err := importcheck.Check(t.Context(), auth.Options{Hasher: combined(t)}, all(rows), func(f importcheck.Finding) {
		text := fmt.Sprintf("%d %s %s", f.Row, f.Field, f.Code)
		if f.Refused {
			text += " refused"
		}
		if f.First > 0 {
			text += fmt.Sprint(" ", f.First)
		}
		if f.Hash != nil && f.Hash.Limit != "" {
			text += fmt.Sprintf(" %s %d>%d", f.Hash.Limit, f.Hash.Value, f.Hash.Max)
		}
		got = append(got, strings.TrimSpace(text+" "+f.Scheme))
		if f.ID != rows[f.Row-1].ID {
			t.Errorf("row %d has the ID %q, told as %q", f.Row, rows[f.Row-1].ID, f.ID)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"2 email duplicate refused 1",
		"3 id duplicate refused 1",
		"4 email padded refused", "4 password_hash outdated bcrypt",
		"5 email duplicate 4", "5 password_hash weak phpass",
		"6 email invalid_character refused", "6 email duplicate 1", "6 password_hash no_password",
		"7 password_hash hash_no_password refused django", "7 email unusual",
		"8 email required refused", "8 password_hash hash_too_costly refused cost 31>15 bcrypt",
		"9 email invalid_encoding refused", "9 password_hash hash_unknown refused",
		"10 password_hash hash_white_space refused bcrypt",
		"11 password_hash hash_damaged refused bcrypt",
		"12 id too_long refused",
		"13 time out_of_range refused",
		"15 email padded refused", "15 email duplicate 5",
		"16 email unusual",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if summary.Rows != len(rows) || summary.Refused != 12 || !maps.Equal(summary.Schemes, map[string]int{"authtest": 8, "bcrypt": 1, "phpass": 1}) ||
		summary.Codes["email duplicate"] != 4 || summary.Codes["email padded"] != 2 {
		t.Errorf("got %+v", summary)
	}
}

// What stands in for an address that is refused is nobody's, whatever the table has.
func TestCheckStandIn(t *testing.T) {
	var got []string
	_, err := importcheck.Check(t.Context(), auth.Options{Hasher: authtest.Hasher{}}, all([]auth.UserRecord{
		row("1", "nobody@importcheck.example", ""),
		row("2", "x@example.com ", ""),
		row("3", "y@example.com ", ""),
		row("4", "nobody@importcheck.example", ""),
	}), func(f importcheck.Finding) {
		if f.Field == "email" {
			got = append(got, fmt.Sprint(f.Row, " ", f.Code, " ", f.First))
		}
	})
	if want := []string{"2 padded 0", "3 padded 0", "4 duplicate 1"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
}

// What passes is imported, and what is refused is not, by a real Authenticator and
// store.
func TestCheckAgreesWithImport(t *testing.T) {
	h := combined(t)
	emails := []string{"ada@example.com", "Ada@Example.com", "ada@example.com ", "\ufeffeve@example.com", "e\u200bve", "", "\xff", "admin@intranet", strings.Repeat("x", 400), "비밀@example.com", "a@example.com", "ada@xn--bcher-kva.example", "ada@bücher.example"}
	hashes := []string{"", bcrypt12, phpass, "x", "!", bcrypt12 + " ", strings.Repeat("x", 2000), "$2b$16$" + bcrypt12[7:]}
	var rows []auth.UserRecord
	for i, email := range emails {
		for j, hash := range hashes {
			rows = append(rows, row(fmt.Sprint(i*len(hashes)+j), email, hash))
		}
	}
	slices.Reverse(rows)
	refused := map[int]bool{}
	if _, err := importcheck.Check(t.Context(), auth.Options{Hasher: h}, all(rows), func(f importcheck.Finding) {
		refused[f.Row] = refused[f.Row] || f.Refused
	}); err != nil {
		t.Fatal(err)
	}
	a := authtest.New(t, auth.Options{Hasher: h})
	for i, r := range rows {
		_, err := a.Import(t.Context(), r)
		// A row that is refused for its hash alone still keeps its address for the check.
		if errors.Is(err, auth.ErrUserExists) || err == nil {
			if err != nil && !refused[i+1] {
				t.Errorf("row %d, %q: Import says %v, Check nothing", i+1, r.Email, err)
			}
			continue
		}
		if !refused[i+1] {
			t.Errorf("row %d, %q, %.20q: Import says %v, Check nothing", i+1, r.Email, r.PasswordHash, err)
		}
	}
}

func TestCheckEnds(t *testing.T) {
	broken := errors.New("broken pipe")
	rows := func(yield func(auth.UserRecord, error) bool) {
		if yield(row("1", "ada@example.com", ""), nil) && yield(auth.UserRecord{}, broken) {
			t.Error("read on after an error")
		}
	}
	if s, err := importcheck.Check(t.Context(), auth.Options{Hasher: authtest.Hasher{}}, rows, nil); err != broken || s.Rows != 0 {
		t.Errorf("got %+v, %v", s, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := importcheck.Check(ctx, auth.Options{Hasher: authtest.Hasher{}}, all(make([]auth.UserRecord, 1)), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if _, err := importcheck.Check(t.Context(), auth.Options{Hasher: authtest.Hasher{}, HashMemory: 1}, all(nil), nil); err == nil {
		t.Error("a hasher beyond its memory is no error")
	}
}

// A hash that the service has no memory for is told, though the hasher could verify it.
func TestCheckHashMemory(t *testing.T) {
	var got *auth.HashError
	_, err := importcheck.Check(t.Context(), auth.Options{HashMemory: 32 << 20}, all([]auth.UserRecord{
		row("1", "ada@example.com", "$argon2id$v=19$m=65536,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
	}), func(f importcheck.Finding) { got = f.Hash })
	if want := (auth.HashError{Code: "hash_too_costly", Scheme: "argon2id", Limit: "memory", Value: 64 << 20, Max: 32 << 20}); err != nil || got == nil || *got != want {
		t.Errorf("got %+v, %v", got, err)
	}
}

// BenchmarkCheck goes over 100,000 rows of the formats of a real table.
func BenchmarkCheck(b *testing.B) {
	const rows = 100_000
	hasher, err := legacyhash.Combine(auth.Argon2id{}, legacyhash.Bcrypt{}, legacyhash.PBKDF2{}, legacyhash.Django{}, legacyhash.WordPress{},
		legacyhash.Crypt{}, legacyhash.LDAP{}, legacyhash.Drupal{}, legacyhash.MediaWiki{}, legacyhash.Digest{})
	if err != nil {
		b.Fatal(err)
	}
	hashes := []string{
		bcrypt12, phpass, "$pbkdf2-sha256$29000$N2YMIWQsBWBMae09x1jrPQ$1t8iyB2A.WF/Z5JZv.lfCIhXXN33N23OSgQYThBYRfk",
		"pbkdf2_sha256$260000$saltsaltsalt$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "!", "", "{SSHA}AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", bcrypt12 + " ", "unreadable",
	}
	table := func(yield func(auth.UserRecord, error) bool) {
		for i := range rows {
			if !yield(row(fmt.Sprint(i), fmt.Sprintf("somebody.%d@example%d.com", i%(rows-rows/100), i%50), hashes[i%len(hashes)]), nil) {
				return
			}
		}
	}
	var before, after runtime.MemStats
	var kept uint64
	for b.Loop() {
		runtime.GC()
		runtime.ReadMemStats(&before)
		peak := uint64(0)
		n := 0
		summary, err := importcheck.Check(b.Context(), auth.Options{Hasher: hasher}, table, func(f importcheck.Finding) {
			if n++; n%10_000 == 0 {
				runtime.ReadMemStats(&after)
				peak = max(peak, after.HeapAlloc-min(after.HeapAlloc, before.HeapAlloc))
			}
		})
		if err != nil || summary.Rows != rows {
			b.Fatal(summary, err)
		}
		kept = max(kept, peak)
	}
	b.ReportMetric(float64(rows*b.N)/b.Elapsed().Seconds(), "rows/s")
	b.ReportMetric(float64(kept)/(1<<20), "peak-MiB")
}
