// Package importcheck goes over the users of another system and says, row by row, what
// [auth.Authenticator.Import] would refuse and why, whom nobody could log in as, and
// what becomes of the password hashes. It writes nothing, and it asks the code that
// imports: what it passes, Import takes.
package importcheck

import (
	"context"
	"crypto/sha256"
	"errors"
	"iter"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/internal/email"
)

// Finding is one thing that is to be known of one row. It names no address, name or
// hash.
//
// Code is one of [auth.InputError]'s, or [auth.HashError]'s, or
//
//	duplicate    an earlier row, First, has the mailbox or the ID; not Refused where only [CleanEmail] would make it one mailbox
//	unusual      an address that registration refuses, such as admin@intranet or a user name; it can log in
//	no_password  the hash is empty: the user cannot log in before setting a password
//	weak         a hash of Scheme that costs next to nothing to guess: wrap it, or end it by a date
//	outdated     a hash of Scheme that the next login replaces; not told again of weak ones
type Finding struct {
	Row     int    // counted from 1
	ID      string // of the row's user; "" = the row has none
	Field   string // as in auth.InputError
	Code    string
	Refused bool            // Import would return an error, if it had taken the rows before
	First   int             // for duplicate
	Scheme  string          // of the hash; "" = not known, or of another field
	Hash    *auth.HashError // for the codes that begin with "hash_"
}

// Summary counts what was found.
type Summary struct {
	Rows    int            // that were read
	Refused int            // of which Import would refuse so many
	Codes   map[string]int // findings by "field code"
	Schemes map[string]int // hashes that can be verified, by scheme
}

// Check reads rows, calls found for each finding, in the order of the rows, and returns
// how many there were. found may be nil. Of o it takes the Hasher and HashMemory, with
// which the service will run; New's errors are returned, as is the first error of rows
// and ctx's.
//
// All that is wrong with a row is told, not only what Import would say first. A row whose
// address is refused is compared with the others as [CleanEmail] has it. Some 60
// bytes of memory are kept for each row. found runs in the caller's goroutine.
func Check(ctx context.Context, o auth.Options, rows iter.Seq2[auth.UserRecord, error], found func(Finding)) (Summary, error) {
	issuer, err := auth.NewJWTIssuer(auth.JWTConfig{Issuer: "importcheck", Audience: "importcheck", Keys: []auth.Key{auth.GenerateKey()}})
	if err != nil {
		return Summary{}, err
	}
	c := checker{
		seen:    &seen{rows: map[[16]byte]uint32{}},
		hasher:  o.Hasher,
		found:   found,
		summary: Summary{Codes: map[string]int{}, Schemes: map[string]int{}},
	}
	if c.hasher == nil {
		c.hasher = auth.Argon2id{}
	}
	// Nobody logs in here.
	nothing := auth.Throttle{InsecureOff: true}
	c.importer, err = auth.New(c.seen, issuer, auth.Options{Hasher: o.Hasher, HashMemory: o.HashMemory, Throttle: nothing})
	if err != nil {
		return Summary{}, err
	}
	for r, err := range rows {
		if err != nil {
			return Summary{}, err
		}
		if err := ctx.Err(); err != nil {
			return Summary{}, err
		}
		if err := c.check(ctx, r); err != nil {
			return Summary{}, err
		}
	}
	return c.summary, nil
}

type checker struct {
	importer *auth.Authenticator
	seen     *seen
	hasher   auth.Hasher
	found    func(Finding)
	summary  Summary
}

// check reports one row.
func (c *checker) check(ctx context.Context, r auth.UserRecord) error {
	c.summary.Rows++
	c.seen.row = uint32(c.summary.Rows)
	refused := false
	tell := func(f Finding) {
		f.Row, f.ID = c.summary.Rows, r.ID
		refused = refused || f.Refused
		c.summary.Codes[f.Field+" "+f.Code]++
		if c.found != nil {
			c.found(f)
		}
	}
	c.seen.nobody = false
	rest, fields := r, map[string]bool{} // rest is r without what was found wrong
	for {
		_, err := c.importer.Import(ctx, rest)
		input, ok := errors.AsType[*auth.InputError](err)
		switch {
		case ok && !fields[input.Field]:
			f := Finding{Field: input.Field, Code: input.Code, Refused: true, Hash: input.Hash}
			if input.Hash != nil {
				f.Scheme = input.Hash.Scheme
			}
			tell(f)
		case errors.Is(err, auth.ErrUserExists) && !fields[c.seen.field]:
			tell(Finding{Field: c.seen.field, Code: "duplicate", Refused: true, First: int(c.seen.first)})
			input = &auth.InputError{Field: c.seen.field}
		case err != nil:
			return err
		}
		if err == nil {
			break
		}
		fields[input.Field] = true
		c.seen.nobody = fields["email"]
		clear(&rest, input.Field)
	}
	c.address(r.Email, fields["email"], tell)
	if !fields["password_hash"] {
		c.hash(r.PasswordHash, tell)
	}
	if refused {
		c.summary.Refused++
	}
	return nil
}

// clear takes out of a row what Import refused, so that it says what else it does.
func clear(r *auth.UserRecord, field string) {
	switch field {
	case "id":
		r.ID = ""
	case "email":
		r.Email = "nobody@importcheck.example" // see seen.nobody
	case "username":
		r.Username = ""
	case "password_hash":
		r.PasswordHash = ""
	case "time":
		empty := auth.UserRecord{}
		r.CreatedAt, r.DisabledAt, r.EmailVerifiedAt = empty.CreatedAt, empty.DisabledAt, empty.EmailVerifiedAt
	}
}

// CleanEmail returns an address as people type it: without white space at its ends, such
// as the padding of a column, and without invisible characters. Import refuses the
// others, since no login would find them. Two rows that differ in these alone are one
// mailbox then, so run [Check] over what is imported, too.
func CleanEmail(address string) string { return email.Typed(address) }

// address reports what Import does not say of an address.
func (c *checker) address(address string, refused bool, tell func(Finding)) {
	clean := CleanEmail(address)
	key, ok := email.Key(clean)
	first, taken := uint32(0), false
	switch {
	case !ok || refused && clean == address: // it has been told
		return
	case refused:
		if first, taken = c.seen.find("email", key); !taken {
			first, taken = c.seen.take("clean email", key)
		}
	default:
		if _, err := auth.ParseEmail(address); err != nil {
			tell(Finding{Field: "email", Code: "unusual"})
		}
		first, taken = c.seen.find("clean email", key)
	}
	if taken {
		tell(Finding{Field: "email", Code: "duplicate", First: int(first)})
	}
}

func (c *checker) hash(encoded string, tell func(Finding)) {
	if encoded == "" {
		tell(Finding{Field: "password_hash", Code: "no_password"})
		return
	}
	info := c.hasher.Inspect(encoded)
	c.summary.Schemes[info.Scheme]++
	switch {
	case info.Weak:
		tell(Finding{Field: "password_hash", Code: "weak", Scheme: info.Scheme})
	case info.Outdated:
		tell(Finding{Field: "password_hash", Code: "outdated", Scheme: info.Scheme})
	}
}

// seen is a store that keeps of each user only which row it was in.
type seen struct {
	rows map[[16]byte]uint32 // by a digest of the e-mail key or ID; two have the same one never, by all that is known of SHA-256
	row  uint32

	nobody bool   // whatever address the row has now is not its own
	field  string // of the latest duplicate
	first  uint32
}

// take notes who has a key, or returns the other row that has it already.
func (s *seen) take(field, key string) (first uint32, taken bool) {
	digest := digestOf(field, key)
	if first, taken = s.rows[digest]; taken {
		return first, first != s.row
	}
	s.rows[digest] = s.row
	return s.row, false
}

// find returns the other row that has a key.
func (s *seen) find(field, key string) (first uint32, taken bool) {
	first, taken = s.rows[digestOf(field, key)]
	return first, taken && first != s.row
}

func digestOf(field, key string) [16]byte {
	sum := sha256.Sum256([]byte(field + "\x00" + key))
	return [16]byte(sum[:])
}

func (s *seen) CreateUser(_ context.Context, r auth.UserRecord) (string, error) {
	for _, key := range [][2]string{{"email", r.EmailKey}, {"id", r.ID}} {
		if key[0] == "email" && s.nobody {
			continue
		}
		if first, taken := s.take(key[0], key[1]); taken {
			s.field, s.first = key[0], first
			return "", auth.ErrUserExists
		}
	}
	return r.ID, nil
}

func (*seen) UserByEmail(context.Context, string) (auth.UserRecord, error) {
	return auth.UserRecord{}, auth.ErrUserNotFound
}

func (*seen) UserByID(context.Context, string) (auth.UserRecord, error) {
	return auth.UserRecord{}, auth.ErrUserNotFound
}

func (*seen) UpdateUser(context.Context, auth.UserUpdate) error { return auth.ErrUserNotFound }

func (*seen) DeleteUser(context.Context, string) error { return auth.ErrUserNotFound }
