package authtest

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed89488a0c/auth"
)

// writingMutants write other users than they are given.
func writingMutants(t *testing.T) []storeMutant {
	times := func(r *auth.UserRecord, f func(time.Time) time.Time) {
		for _, at := range []*time.Time{&r.CreatedAt, &r.UpdatedAt, &r.DisabledAt, &r.EmailVerifiedAt} {
			if !at.IsZero() {
				*at = f(*at)
			}
		}
	}
	mutants := []storeMutant{
		read("times that are not UTC", ruleRoundTrip, func(r *auth.UserRecord) {
			times(r, func(at time.Time) time.Time { return at.In(time.FixedZone("Seoul", 9*60*60)) })
		}),
		created("times cut to seconds", ruleRoundTrip, func(r *auth.UserRecord) {
			times(r, func(at time.Time) time.Time { return at.Truncate(time.Second) })
		}),
		created("times cut to milliseconds", ruleRoundTrip, func(r *auth.UserRecord) {
			times(r, func(at time.Time) time.Time { return at.Truncate(time.Millisecond) })
		}),
		created("a clock of its own", ruleRoundTrip, func(r *auth.UserRecord) { r.CreatedAt = time.Now().UTC() }),
		created("DisabledAt is UpdatedAt", ruleRoundTrip, func(r *auth.UserRecord) { r.DisabledAt = r.UpdatedAt }),
		created("EmailVerifiedAt is DisabledAt", ruleRoundTrip, func(r *auth.UserRecord) { r.EmailVerifiedAt = r.DisabledAt }),
		created("Email is EmailKey", ruleRoundTrip, func(r *auth.UserRecord) { r.Email = r.EmailKey }),
		created("zero times become 1970", ruleZero, func(r *auth.UserRecord) {
			if r.DisabledAt.IsZero() {
				r.DisabledAt = time.Unix(0, 0).UTC()
			}
		}),
		created("1970 becomes the zero time", ruleZero, func(r *auth.UserRecord) {
			if r.EmailVerifiedAt.Unix() == 0 {
				r.EmailVerifiedAt = time.Time{}
			}
		}),
		created("usernames of 255 bytes", ruleLongest, func(r *auth.UserRecord) { r.Username = r.Username[:min(255, len(r.Username))] }),
		created("hashes of 255 bytes", ruleLongest, func(r *auth.UserRecord) { r.PasswordHash = r.PasswordHash[:min(255, len(r.PasswordHash))] }),
		created("Epoch of 32 bits", ruleLongest, func(r *auth.UserRecord) { r.Epoch = uint64(uint32(r.Epoch)) }),
		created("times of 64 bits of nanoseconds", ruleLongest, func(r *auth.UserRecord) {
			times(r, func(at time.Time) time.Time { return time.Unix(0, at.UnixNano()).UTC() })
		}),
		created("text of three bytes a character", "text is kept character by character", func(r *auth.UserRecord) {
			r.Username = strings.Map(func(c rune) rune {
				if c > 0xffff {
					return '?'
				}
				return c
			}, r.Username)
		}),
		created("text without spaces around", "text is kept character by character", func(r *auth.UserRecord) { r.Username = strings.TrimSpace(r.Username) }),
	}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[auth.UserRecord]()) {
		if f.Anonymous {
			continue
		}
		drop := func(r *auth.UserRecord) { reflect.ValueOf(r).Elem().FieldByIndex(f.Index).SetZero() }
		mutants = append(mutants, created("create drops "+f.Name, ruleRoundTrip, drop), read("reading drops "+f.Name, ruleRoundTrip, drop))
	}
	return mutants
}

// changingMutants make other changes than they are asked for.
func changingMutants(t *testing.T) []storeMutant {
	mutants := []storeMutant{
		before("UpdatedAt is not set", ruleUpdate, func(u *auth.UserUpdate, r auth.UserRecord) { u.At = r.UpdatedAt }),
		before("UpdatedAt is not set by RaiseEpoch", ruleEnd, func(u *auth.UserUpdate, r auth.UserRecord) {
			if u.RaiseEpoch > 0 {
				u.At = r.UpdatedAt
			}
		}),
		before("UpdatedAt by a clock of its own", ruleUpdate, func(u *auth.UserUpdate, _ auth.UserRecord) { u.At = time.Now().UTC().Truncate(time.Microsecond) }),
		before("every update ends the sessions", ruleUpdate, func(u *auth.UserUpdate, _ auth.UserRecord) { u.RaiseEpoch++ }),
		before("RaiseEpoch is lost", ruleEnd, func(u *auth.UserUpdate, _ auth.UserRecord) { u.RaiseEpoch = 0 }),
		before("RaiseEpoch is lost beside a demanded hash", ruleEnd, func(u *auth.UserUpdate, _ auth.UserRecord) {
			if u.IfPasswordHash != nil {
				u.RaiseEpoch = 0
			}
		}),
		before("RaiseEpoch is lost beside many fields", ruleUpdateAll, func(u *auth.UserUpdate, _ auth.UserRecord) {
			if u.Username != nil && u.PasswordHash != nil {
				u.RaiseEpoch = 0
			}
		}),
		before("a second field is lost", ruleUpdateAll, func(u *auth.UserUpdate, _ auth.UserRecord) {
			if u.PasswordHash != nil {
				u.Username = nil
			}
		}),
		before("a time cannot be zero again", ruleUpdate, func(u *auth.UserUpdate, _ auth.UserRecord) {
			if u.DisabledAt != nil && u.DisabledAt.IsZero() {
				u.DisabledAt = nil
			}
		}),
		before("a hash is demanded of new hashes only", ruleDemand, func(u *auth.UserUpdate, _ auth.UserRecord) {
			if u.PasswordHash == nil {
				u.IfPasswordHash = nil
			}
		}),
		before("a hash is demanded where sessions end only", ruleDemand, func(u *auth.UserUpdate, _ auth.UserRecord) {
			if u.RaiseEpoch == 0 {
				u.IfPasswordHash = nil
			}
		}),
		before("a hash is not demanded where sessions end", ruleSwap, func(u *auth.UserUpdate, _ auth.UserRecord) {
			if u.RaiseEpoch > 0 {
				u.IfPasswordHash = nil
			}
		}),
		before("an empty hash demands nothing", ruleSwap, func(u *auth.UserUpdate, _ auth.UserRecord) {
			if u.IfPasswordHash != nil && *u.IfPasswordHash == "" {
				u.IfPasswordHash = nil
			}
		}),
		wrap("a new hash that ends the sessions is not written", ruleEnd, func(w *wrapped, s *auth.MemoryStore) {
			w.update = func(ctx context.Context, u auth.UserUpdate) error {
				if u.IfPasswordHash != nil && u.PasswordHash != nil && u.RaiseEpoch > 0 {
					r, err := s.UserByID(ctx, u.ID)
					if err == nil && r.PasswordHash == *u.IfPasswordHash {
						return nil
					}
				}
				return s.UpdateUser(ctx, u)
			}
		}),
		wrap("an update that changes nothing finds nobody", "an update that changes nothing succeeds", func(w *wrapped, s *auth.MemoryStore) {
			w.update = func(ctx context.Context, u auth.UserUpdate) error {
				old, _ := s.UserByID(ctx, u.ID)
				err := s.UpdateUser(ctx, u)
				if r, _ := s.UserByID(ctx, u.ID); err == nil && r == old {
					return auth.ErrUserNotFound
				}
				return err
			}
		}),
		wrap("an update to a taken key writes the rest", ruleTaken, func(w *wrapped, s *auth.MemoryStore) {
			w.update = func(ctx context.Context, u auth.UserUpdate) error {
				err := s.UpdateUser(ctx, u)
				if err == auth.ErrUserExists {
					u.Email, u.EmailKey = nil, nil
					s.UpdateUser(ctx, u)
				}
				return err
			}
		}),
		wrap("a conflict ends the sessions", ruleSwap, func(w *wrapped, s *auth.MemoryStore) {
			w.update = func(ctx context.Context, u auth.UserUpdate) error {
				err := s.UpdateUser(ctx, u)
				if err == auth.ErrConflict {
					s.UpdateUser(ctx, auth.UserUpdate{ID: u.ID, At: u.At, RaiseEpoch: 7})
				}
				return err
			}
		}),
		others("an update changes all users", ruleUpdate, func(u auth.UserUpdate, other auth.UserRecord) bool { return u.EmailKey == nil }),
		others("an update changes all users with the hash", ruleUpdateAll, func(u auth.UserUpdate, other auth.UserRecord) bool {
			return u.IfPasswordHash != nil && other.PasswordHash == *u.IfPasswordHash
		}),
	}
	for _, fields := range changes(t) {
		for _, name := range fields {
			drop := func(u *auth.UserUpdate, _ auth.UserRecord) { reflect.ValueOf(u).Elem().FieldByName(name).SetZero() }
			mutants = append(mutants, before("update drops "+name, ruleUpdate, drop))
		}
		end := func(u *auth.UserUpdate, _ auth.UserRecord) {
			if !reflect.ValueOf(u).Elem().FieldByName(fields[0]).IsZero() {
				u.RaiseEpoch = 0
			}
		}
		mutants = append(mutants, before("RaiseEpoch is lost beside "+fields[0], ruleEnd, end))
	}
	return mutants
}

// before makes a mutant that changes an update of a user that there is.
func before(name, rule string, f func(u *auth.UserUpdate, r auth.UserRecord)) storeMutant {
	return wrap(name, rule, func(w *wrapped, s *auth.MemoryStore) {
		w.update = func(ctx context.Context, u auth.UserUpdate) error {
			if r, err := s.UserByID(ctx, u.ID); err == nil {
				f(&u, r)
			}
			return s.UpdateUser(ctx, u)
		}
	})
}

// others makes a mutant whose updates change other users too.
func others(name, rule string, too func(u auth.UserUpdate, other auth.UserRecord) bool) storeMutant {
	return wrap(name, rule, func(w *wrapped, s *auth.MemoryStore) {
		var ids shared[[]string]
		w.create = func(ctx context.Context, r auth.UserRecord) (string, error) {
			ids.do(func(ids *[]string) { *ids = append(*ids, r.ID) })
			return s.CreateUser(ctx, r)
		}
		w.update = func(ctx context.Context, u auth.UserUpdate) error {
			err := s.UpdateUser(ctx, u)
			if err != nil {
				return err
			}
			var all []string
			ids.do(func(ids *[]string) { all = slices.Clone(*ids) })
			for _, id := range all {
				if r, err := s.UserByID(ctx, id); err == nil && id != u.ID && too(u, r) {
					s.UpdateUser(ctx, auth.UserUpdate{ID: id, At: u.At, PasswordHash: u.PasswordHash, RaiseEpoch: u.RaiseEpoch})
				}
			}
			return nil
		}
	})
}
