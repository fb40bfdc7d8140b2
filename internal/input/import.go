package input

import (
	"time"

	"github.com/seed89488a0c/auth/internal/email"
	"github.com/seed89488a0c/auth/internal/row"
	"github.com/seed89488a0c/auth/internal/uuid"
)

// Import returns a user of another system as a store keeps it, but for the epoch: an ID
// and a time of creation that are empty are made, and the e-mail key always is. Or it
// returns the [*Error] of the first rule that is broken, in the order of ID, address, name,
// hash and times. unreadable says why nobody could log in with the hash, or nil.
func Import(u row.User, now time.Time, unreadable func(encoded string) *HashError) (row.User, error) {
	if u.ID == "" {
		u.ID = uuid.V7(now)
	}
	if code := ID(u.ID); code != "" {
		return row.User{}, &Error{Field: FieldID, Code: code, Max: row.MaxID}
	}
	address, err := email.ParseImport(u.Email)
	if err != nil {
		return row.User{}, Email(err)
	}
	u.Email, u.EmailKey = address.Address, address.Key
	if u.Username, err = Username(u.Username); err != nil {
		return row.User{}, err
	}
	if len(u.PasswordHash) > row.MaxPasswordHash {
		return row.User{}, &Error{Field: FieldPasswordHash, Code: TooLong, Max: row.MaxPasswordHash}
	}
	if why := unreadable(u.PasswordHash); why != nil {
		return row.User{}, &Error{Field: FieldPasswordHash, Code: why.Code, Hash: why}
	}
	u.UpdatedAt = now
	if u.CreatedAt.IsZero() {
		u.CreatedAt = now
	}
	for _, t := range []*time.Time{&u.CreatedAt, &u.DisabledAt, &u.EmailVerifiedAt} {
		*t = t.UTC().Truncate(time.Microsecond)
		if !t.IsZero() && (t.Year() < 1000 || t.Year() > 9999) { // what MySQL keeps
			return row.User{}, &Error{Field: FieldTime, Code: OutOfRange}
		}
	}
	return u, nil
}
