package authtest

import (
	"context"
	"reflect"
	"testing"
	"time"

	"github.com/seed89488a0c/auth"
)

// isNothing reports whether an update changes nothing but, perhaps, UpdatedAt.
func isNothing(u auth.UserUpdate) bool {
	return u == auth.UserUpdate{ID: u.ID, At: u.At, IfPasswordHash: u.IfPasswordHash, IfEpoch: u.IfEpoch}
}

// demandingMutants take demands, amounts and times for others than they are.
func demandingMutants(t *testing.T) []storeMutant {
	// epochs makes a mutant that compares epochs by f.
	epochs := func(name string, f func(demanded, stored, raise uint64) bool) storeMutant {
		return before(name, ruleEpoch, func(u *auth.UserUpdate, r auth.UserRecord) {
			if u.IfEpoch != nil {
				demanded := r.Epoch
				if !f(*u.IfEpoch, r.Epoch, u.RaiseEpoch) {
					demanded++
				}
				u.IfEpoch = &demanded
			}
		})
	}
	// raises makes a mutant that raises epochs by what f says.
	raises := func(name, rule string, f func(stored, raise uint64) uint64) storeMutant {
		return before(name, rule, func(u *auth.UserUpdate, r auth.UserRecord) { u.RaiseEpoch = f(r.Epoch, u.RaiseEpoch) })
	}
	// timeless makes a mutant that changes updates without a time.
	timeless := func(name string, f func(u *auth.UserUpdate, r auth.UserRecord)) storeMutant {
		return before(name, ruleTimeless, func(u *auth.UserUpdate, r auth.UserRecord) {
			if u.At.IsZero() && !isNothing(*u) {
				f(u, r)
			}
		})
	}
	// confirming makes a mutant that answers what changes nothing by itself.
	confirming := func(name string, f func(ctx context.Context, u auth.UserUpdate, s *auth.MemoryStore) error) storeMutant {
		return wrap(name, ruleConfirm, func(w *wrapped, s *auth.MemoryStore) {
			w.update = func(ctx context.Context, u auth.UserUpdate) error {
				if u.At.IsZero() && isNothing(u) && ctx.Err() == nil {
					return f(ctx, u, s)
				}
				return s.UpdateUser(ctx, u)
			}
		})
	}
	mutants := []storeMutant{
		epochs("epochs are not compared", func(_, _, _ uint64) bool { return true }),
		epochs("epoch 0 demands nothing", func(demanded, stored, _ uint64) bool { return demanded == 0 || demanded == stored }),
		epochs("epochs compared by 32 bits", func(demanded, stored, _ uint64) bool { return uint32(demanded) == uint32(stored) }),
		epochs("epochs compared by 62 bits", func(demanded, stored, _ uint64) bool { return demanded<<2 == stored<<2 }),
		epochs("epochs compared without a sign", func(demanded, stored, _ uint64) bool { return demanded == stored || demanded == -stored }),
		epochs("epochs compared as floats", func(demanded, stored, _ uint64) bool { return float64(demanded) == float64(stored) }),
		epochs("a lower epoch will do", func(demanded, stored, _ uint64) bool { return demanded >= stored }),
		epochs("a higher epoch will do", func(demanded, stored, _ uint64) bool { return demanded <= stored }),
		epochs("an epoch is demanded as it will be", func(demanded, stored, raise uint64) bool { return demanded == stored+raise }),
		before("an epoch is not demanded where sessions end", ruleEpoch, func(u *auth.UserUpdate, _ auth.UserRecord) {
			if u.RaiseEpoch > 0 {
				u.IfEpoch = nil
			}
		}),
		before("an epoch is demanded where sessions end only", ruleDemand, func(u *auth.UserUpdate, _ auth.UserRecord) {
			if u.RaiseEpoch == 0 {
				u.IfEpoch = nil
			}
		}),
		before("an epoch is demanded of new hashes only", ruleDemand, func(u *auth.UserUpdate, _ auth.UserRecord) {
			if u.PasswordHash == nil {
				u.IfEpoch = nil
			}
		}),
		before("an epoch is not demanded of new hashes", ruleDemand, func(u *auth.UserUpdate, _ auth.UserRecord) {
			if u.PasswordHash != nil {
				u.IfEpoch = nil
			}
		}),
		before("an epoch is not demanded beside a hash", ruleDemand, func(u *auth.UserUpdate, _ auth.UserRecord) {
			if u.IfPasswordHash != nil {
				u.IfEpoch = nil
			}
		}),
		before("a hash is not demanded beside an epoch", ruleDemand, func(u *auth.UserUpdate, _ auth.UserRecord) {
			if u.IfEpoch != nil {
				u.IfPasswordHash = nil
			}
		}),
		before("a hash or an epoch is demanded", ruleDemand, func(u *auth.UserUpdate, r auth.UserRecord) {
			if u.IfPasswordHash != nil && u.IfEpoch != nil && (*u.IfPasswordHash == r.PasswordHash || *u.IfEpoch == r.Epoch) {
				u.IfPasswordHash, u.IfEpoch = nil, nil
			}
		}),
		before("RaiseEpoch is lost beside a demanded epoch", ruleDemand, func(u *auth.UserUpdate, _ auth.UserRecord) {
			if u.IfEpoch != nil {
				u.RaiseEpoch = 0
			}
		}),
		wrap("a hash and an epoch cannot be demanded together", ruleDemand, func(w *wrapped, s *auth.MemoryStore) {
			w.update = func(ctx context.Context, u auth.UserUpdate) error {
				if u.IfPasswordHash != nil && u.IfEpoch != nil {
					return auth.ErrConflict
				}
				return s.UpdateUser(ctx, u)
			}
		}),
		wrap("a wrong epoch is nobody", ruleEpoch, func(w *wrapped, s *auth.MemoryStore) {
			w.update = func(ctx context.Context, u auth.UserUpdate) error {
				err := s.UpdateUser(ctx, u)
				if err == auth.ErrConflict && u.IfEpoch != nil {
					return auth.ErrUserNotFound
				}
				return err
			}
		}),
		wrap("an epoch of nobody is a conflict", ruleEpoch, func(w *wrapped, s *auth.MemoryStore) {
			w.update = func(ctx context.Context, u auth.UserUpdate) error {
				err := s.UpdateUser(ctx, u)
				if err == auth.ErrUserNotFound && u.IfEpoch != nil {
					return auth.ErrConflict
				}
				return err
			}
		}),
		wrap("a wrong epoch changes UpdatedAt", ruleEpoch, func(w *wrapped, s *auth.MemoryStore) {
			w.update = func(ctx context.Context, u auth.UserUpdate) error {
				err := s.UpdateUser(ctx, u)
				if err == auth.ErrConflict && u.IfEpoch != nil {
					s.UpdateUser(ctx, auth.UserUpdate{ID: u.ID, At: u.At})
				}
				return err
			}
		}),
		wrap("a taken key is found before what is demanded", ruleTaken, func(w *wrapped, s *auth.MemoryStore) {
			w.update = func(ctx context.Context, u auth.UserUpdate) error {
				if u.EmailKey != nil {
					if owner, err := s.UserByEmail(ctx, *u.EmailKey); err == nil && owner.ID != u.ID {
						return auth.ErrUserExists
					}
				}
				return s.UpdateUser(ctx, u)
			}
		}),
		wrap("a taken key is a conflict where something is demanded", ruleTaken, func(w *wrapped, s *auth.MemoryStore) {
			w.update = func(ctx context.Context, u auth.UserUpdate) error {
				err := s.UpdateUser(ctx, u)
				if err == auth.ErrUserExists && u.IfEpoch != nil {
					return auth.ErrConflict
				}
				return err
			}
		}),

		raises("RaiseEpoch of 32 bits", ruleRaise, func(_, raise uint64) uint64 { return uint64(uint32(raise)) }),
		raises("RaiseEpoch of 62 bits", ruleRaise, func(_, raise uint64) uint64 { return raise << 2 >> 2 }),
		raises("an epoch stops at 1<<62", ruleRaise, func(stored, raise uint64) uint64 { return min(raise, 1<<62-min(stored, 1<<62)) }),
		raises("RaiseEpoch is added as a float", ruleRaise, func(stored, raise uint64) uint64 {
			return uint64(float64(stored)+float64(raise)) - stored
		}),
		raises("RaiseEpoch adds 1", ruleEnd, func(_, raise uint64) uint64 { return min(raise, 1) }),
		raises("RaiseEpoch becomes Epoch", ruleEnd, func(stored, raise uint64) uint64 {
			if raise == 0 {
				return 0
			}
			return raise - stored
		}),

		timeless("no time is 1970", func(u *auth.UserUpdate, _ auth.UserRecord) { u.At = time.Unix(0, 0).UTC() }),
		timeless("no time is CreatedAt", func(u *auth.UserUpdate, r auth.UserRecord) { u.At = r.CreatedAt }),
		timeless("no time is a microsecond later", func(u *auth.UserUpdate, r auth.UserRecord) { u.At = r.UpdatedAt.Add(time.Microsecond) }),
		timeless("no time is that of a clock of its own", func(u *auth.UserUpdate, _ auth.UserRecord) { u.At = time.Now().UTC() }),
		timeless("RaiseEpoch is lost without a time", func(u *auth.UserUpdate, _ auth.UserRecord) { u.RaiseEpoch = 0 }),
		timeless("a hash is not demanded without a time", func(u *auth.UserUpdate, _ auth.UserRecord) { u.IfPasswordHash = nil }),
		timeless("an epoch is not demanded without a time", func(u *auth.UserUpdate, _ auth.UserRecord) { u.IfEpoch = nil }),
		timeless("fields are lost without a time", func(u *auth.UserUpdate, _ auth.UserRecord) {
			*u = auth.UserUpdate{ID: u.ID, IfPasswordHash: u.IfPasswordHash, IfEpoch: u.IfEpoch, RaiseEpoch: u.RaiseEpoch}
		}),
		timeless("a user without UpdatedAt gets one", func(u *auth.UserUpdate, r auth.UserRecord) {
			if r.UpdatedAt.IsZero() {
				u.At = r.CreatedAt
			}
		}),
		wrap("no time is written as no time", ruleTimeless, func(w *wrapped, s *auth.MemoryStore) {
			w.update = func(ctx context.Context, u auth.UserUpdate) error {
				err := s.UpdateUser(ctx, u)
				if r, found := s.UserByID(ctx, u.ID); err == nil && found == nil && u.At.IsZero() {
					r.UpdatedAt = time.Time{}
					s.DeleteUser(ctx, r.ID)
					s.CreateUser(ctx, r)
				}
				return err
			}
		}),

		confirming("nothing to change is no error", func(context.Context, auth.UserUpdate, *auth.MemoryStore) error { return nil }),
		confirming("nothing to change is a conflict", func(context.Context, auth.UserUpdate, *auth.MemoryStore) error { return auth.ErrConflict }),
		confirming("nothing to change finds nobody", func(context.Context, auth.UserUpdate, *auth.MemoryStore) error { return auth.ErrUserNotFound }),
		confirming("nothing to change demands no hash", func(ctx context.Context, u auth.UserUpdate, s *auth.MemoryStore) error {
			u.IfPasswordHash = nil
			return s.UpdateUser(ctx, u)
		}),
		confirming("nothing to change demands no epoch", func(ctx context.Context, u auth.UserUpdate, s *auth.MemoryStore) error {
			u.IfEpoch = nil
			return s.UpdateUser(ctx, u)
		}),
		confirming("nothing to change and nobody is a conflict", func(ctx context.Context, u auth.UserUpdate, s *auth.MemoryStore) error {
			err := s.UpdateUser(ctx, u)
			if err == auth.ErrUserNotFound && (u.IfEpoch != nil || u.IfPasswordHash != nil) {
				return auth.ErrConflict
			}
			return err
		}),
		confirming("nothing to change is a change", func(ctx context.Context, u auth.UserUpdate, s *auth.MemoryStore) error {
			u.At = time.Now().UTC().Truncate(time.Microsecond)
			return s.UpdateUser(ctx, u)
		}),
		confirming("a hash that is too long is some other error", func(ctx context.Context, u auth.UserUpdate, s *auth.MemoryStore) error {
			if u.IfPasswordHash != nil && len(*u.IfPasswordHash) > 1024 {
				return errOther
			}
			return s.UpdateUser(ctx, u)
		}),
		wrap("nothing to change is confirmed by what was read", ruleConfirm, func(w *wrapped, s *auth.MemoryStore) {
			var known shared[map[string]auth.UserRecord]
			w.read = func(_ context.Context, r auth.UserRecord, err error) (auth.UserRecord, error) {
				known.do(func(known *map[string]auth.UserRecord) {
					if *known == nil {
						*known = map[string]auth.UserRecord{}
					}
					if err == nil {
						(*known)[r.ID] = r
					}
				})
				return r, err
			}
			w.update = func(ctx context.Context, u auth.UserUpdate) (err error) {
				answered := false
				known.do(func(known *map[string]auth.UserRecord) {
					r, ok := (*known)[u.ID]
					if !ok || !isNothing(u) || !u.At.IsZero() {
						return
					}
					answered = true
					if u.IfPasswordHash != nil && *u.IfPasswordHash != r.PasswordHash || u.IfEpoch != nil && *u.IfEpoch != r.Epoch {
						err = auth.ErrConflict
					}
				})
				if answered {
					return err
				}
				return s.UpdateUser(ctx, u)
			}
		}),
		wrap("an ended context stops no confirmation", ruleContext, func(w *wrapped, s *auth.MemoryStore) {
			w.update = func(ctx context.Context, u auth.UserUpdate) error {
				if isNothing(u) {
					ctx = context.WithoutCancel(ctx)
				}
				return s.UpdateUser(ctx, u)
			}
		}),
	}
	for _, fields := range changes(t) {
		changed := func(u *auth.UserUpdate) bool { return !reflect.ValueOf(u).Elem().FieldByName(fields[0]).IsZero() }
		mutants = append(mutants,
			before("a hash is not demanded for "+fields[0], ruleDemand, func(u *auth.UserUpdate, _ auth.UserRecord) {
				if changed(u) {
					u.IfPasswordHash = nil
				}
			}),
			before("an epoch is not demanded for "+fields[0], ruleDemand, func(u *auth.UserUpdate, _ auth.UserRecord) {
				if changed(u) {
					u.IfEpoch = nil
				}
			}),
			timeless(fields[0]+" sets a time", func(u *auth.UserUpdate, r auth.UserRecord) {
				if changed(u) {
					u.At = r.UpdatedAt.Add(time.Second)
				}
			}))
	}
	return mutants
}
