package authtest

import (
	"context"
	"math"
	"net/netip"
	"reflect"
	"strings"
	"time"

	"github.com/seed89488a0c/auth"
)

// isNothingNew reports whether an update changes nothing.
func isNothingNew(u auth.SessionUpdate) bool { return u.Rotation == nil && u.RepeatsBelow == 0 }

// sessionDemandMutants take bounds, and what AnyDigests demands, for other than they are.
func sessionDemandMutants() []sessionMutant {
	// bounds makes a mutant that compares Repeats with a bound by f.
	bounds := func(name string, f func(repeats, below uint32) bool) sessionMutant {
		return wrapSessions(name, ruleSessionBound, func(w *wrappedSessions, s *auth.MemoryStore) {
			w.update = func(ctx context.Context, u auth.SessionUpdate) error {
				if r, err := s.SessionByID(ctx, u.ID); err == nil && u.RepeatsBelow > 0 {
					if !f(r.Repeats, u.RepeatsBelow) {
						return auth.ErrConflict
					}
					u.RepeatsBelow = r.Repeats + 1
				}
				return s.UpdateSession(ctx, u)
			}
		})
	}
	// counts makes a mutant after whose counting Repeats is what f says.
	counts := func(name string, f func(u auth.SessionUpdate, old uint32) uint32) sessionMutant {
		return afterUpdate(name, ruleSessionBound, func(u auth.SessionUpdate, old auth.SessionRecord, r *auth.SessionRecord) {
			if u.Rotation == nil {
				r.Repeats = f(u, old.Repeats)
			}
		})
	}
	// resets makes a mutant after whose rotations Repeats is what f says.
	resets := func(name string, f func(u auth.SessionUpdate, old uint32) uint32) sessionMutant {
		return afterUpdate(name, ruleSessionReset, func(u auth.SessionUpdate, old auth.SessionRecord, r *auth.SessionRecord) {
			if u.Rotation != nil {
				r.Repeats = f(u, old.Repeats)
			}
		})
	}
	// anyDigests makes a mutant that changes updates with AnyDigests.
	anyDigests := func(name string, f func(u *auth.SessionUpdate, r auth.SessionRecord)) sessionMutant {
		return updated(name, ruleSessionAny, func(u *auth.SessionUpdate, r auth.SessionRecord) {
			if u.AnyDigests {
				f(u, r)
			}
		})
	}
	// confirming makes a mutant that answers what changes nothing by itself.
	confirming := func(name string, f func(ctx context.Context, u auth.SessionUpdate, s *auth.MemoryStore) error) sessionMutant {
		return wrapSessions(name, ruleSessionConfirm, func(w *wrappedSessions, s *auth.MemoryStore) {
			w.update = func(ctx context.Context, u auth.SessionUpdate) error {
				if isNothingNew(u) && ctx.Err() == nil {
					return f(ctx, u, s)
				}
				return s.UpdateSession(ctx, u)
			}
		})
	}
	return []sessionMutant{
		bounds("a bound is not demanded", func(_, _ uint32) bool { return true }),
		bounds("a bound may be reached", func(repeats, below uint32) bool { return repeats <= below }),
		bounds("a bound is one lower", func(repeats, below uint32) bool { return uint64(repeats)+1 < uint64(below) }),
		bounds("a bound of 8 bits", func(repeats, below uint32) bool { return uint8(repeats) < uint8(below) || repeats < below }),
		bounds("a count of 16 bits is below a bound", func(repeats, below uint32) bool { return uint32(uint16(repeats)) < below }),
		bounds("a bound has a sign", func(repeats, below uint32) bool { return int32(repeats) < int32(below) }),
		bounds("a bound is demanded exactly", func(repeats, below uint32) bool { return repeats+1 == below }),
		bounds("a bound is always a hundred", func(repeats, below uint32) bool { return repeats < min(below, 100) }),
		counts("nothing is counted below a bound", func(_ auth.SessionUpdate, old uint32) uint32 { return old }),
		counts("below a bound two are counted", func(u auth.SessionUpdate, old uint32) uint32 {
			if u.RepeatsBelow == 0 {
				return old
			}
			return old + 2
		}),
		counts("what is counted is the bound", func(u auth.SessionUpdate, old uint32) uint32 {
			if u.RepeatsBelow == 0 {
				return old
			}
			return u.RepeatsBelow
		}),
		counts("every update counts", func(_ auth.SessionUpdate, old uint32) uint32 { return old + 1 }),
		counts("a count begins anew at 256", func(u auth.SessionUpdate, old uint32) uint32 {
			if u.RepeatsBelow == 0 {
				return old
			}
			return (old + 1) & math.MaxUint8
		}),
		updated("a bound is not demanded with AnyDigests", ruleSessionBound, func(u *auth.SessionUpdate, _ auth.SessionRecord) {
			if u.AnyDigests && u.RepeatsBelow > 0 {
				u.RepeatsBelow = math.MaxUint32
			}
		}),
		updated("nothing is counted with AnyDigests", ruleSessionBound, func(u *auth.SessionUpdate, r auth.SessionRecord) {
			if u.AnyDigests && r.Repeats < u.RepeatsBelow {
				u.RepeatsBelow = 0
			}
		}),
		updated("a bound is not demanded beside a rotation", ruleSessionReset, func(u *auth.SessionUpdate, _ auth.SessionRecord) {
			if u.Rotation != nil {
				u.RepeatsBelow = 0
			}
		}),
		updated("a rotation beside a bound is lost", ruleSessionReset, func(u *auth.SessionUpdate, _ auth.SessionRecord) {
			if u.RepeatsBelow > 0 {
				u.Rotation = nil
			}
		}),
		wrapSessions("a rotation and a bound exclude each other", ruleSessionReset, func(w *wrappedSessions, s *auth.MemoryStore) {
			w.update = func(ctx context.Context, u auth.SessionUpdate) error {
				if u.Rotation != nil && u.RepeatsBelow > 0 {
					return auth.ErrConflict
				}
				return s.UpdateSession(ctx, u)
			}
		}),
		wrapSessions("a conflict counts", ruleSessionBound, func(w *wrappedSessions, s *auth.MemoryStore) {
			w.update = func(ctx context.Context, u auth.SessionUpdate) error {
				err := s.UpdateSession(ctx, u)
				if r, found := s.SessionByID(ctx, u.ID); err == auth.ErrConflict && found == nil && u.RepeatsBelow > 0 {
					r.Repeats++
					put(ctx, s, r)
				}
				return err
			}
		}),
		wrapSessions("a rotation at the bound counts", ruleSessionReset, func(w *wrappedSessions, s *auth.MemoryStore) {
			w.update = func(ctx context.Context, u auth.SessionUpdate) error {
				err := s.UpdateSession(ctx, u)
				if r, found := s.SessionByID(ctx, u.ID); err == auth.ErrConflict && found == nil && u.RepeatsBelow > 0 && u.Rotation != nil {
					r.Repeats = 0
					put(ctx, s, r)
				}
				return err
			}
		}),
		afterUpdate("a count is no use", ruleSessionBound, func(u auth.SessionUpdate, old auth.SessionRecord, r *auth.SessionRecord) {
			if u.Rotation == nil {
				r.LastUsedAt = old.LastUsedAt
			}
		}),
		resets("a rotation keeps Repeats", func(_ auth.SessionUpdate, old uint32) uint32 { return old }),
		resets("a rotation counts", func(_ auth.SessionUpdate, old uint32) uint32 { return old + 1 }),
		resets("a rotation sets Repeats to 1", func(auth.SessionUpdate, uint32) uint32 { return 1 }),
		resets("a rotation beside a bound counts", func(u auth.SessionUpdate, old uint32) uint32 {
			if u.RepeatsBelow > 0 {
				return old + 1
			}
			return 0
		}),
		resets("a rotation beside a bound is the first to count", func(u auth.SessionUpdate, _ uint32) uint32 { return min(u.RepeatsBelow, 1) }),

		anyDigests("AnyDigests is ignored", func(u *auth.SessionUpdate, _ auth.SessionRecord) { u.AnyDigests = false }),
		anyDigests("with AnyDigests the token is demanded", func(u *auth.SessionUpdate, r auth.SessionRecord) {
			u.AnyDigests, u.IfFamily = false, r.Family
		}),
		anyDigests("with AnyDigests the family is demanded", func(u *auth.SessionUpdate, r auth.SessionRecord) {
			u.AnyDigests, u.IfToken = false, r.Token
		}),
		anyDigests("with AnyDigests digests are demanded that are not zero", func(u *auth.SessionUpdate, r auth.SessionRecord) {
			u.AnyDigests = u.IfFamily == [32]byte{} && u.IfToken == [32]byte{}
		}),
		anyDigests("AnyDigests is ignored of a rotation", func(u *auth.SessionUpdate, _ auth.SessionRecord) { u.AnyDigests = u.Rotation == nil }),
		anyDigests("AnyDigests is ignored of a count", func(u *auth.SessionUpdate, _ auth.SessionRecord) { u.AnyDigests = u.RepeatsBelow == 0 }),
		anyDigests("AnyDigests is ignored where nothing changes", func(u *auth.SessionUpdate, _ auth.SessionRecord) { u.AnyDigests = !isNothingNew(*u) }),
		anyDigests("with AnyDigests nothing changes", func(u *auth.SessionUpdate, r auth.SessionRecord) {
			if u.RepeatsBelow == 0 || r.Repeats < u.RepeatsBelow {
				u.Rotation, u.RepeatsBelow = nil, 0
			}
		}),
		anyDigests("with AnyDigests ends are not compared", func(u *auth.SessionUpdate, r auth.SessionRecord) { u.At = r.CreatedAt }),
		anyDigests("with AnyDigests the end is a microsecond late", func(u *auth.SessionUpdate, r auth.SessionRecord) {
			if u.At.Equal(r.IdleUntil) || u.At.Equal(r.ExpiresAt) {
				u.At = u.At.Add(-time.Microsecond)
			}
		}),
		updated("digests are never compared", ruleSessionAny, func(u *auth.SessionUpdate, _ auth.SessionRecord) { u.AnyDigests = true }),
		updated("zero digests are any digests", ruleSessionAny, func(u *auth.SessionUpdate, _ auth.SessionRecord) {
			u.AnyDigests = u.AnyDigests || u.IfFamily == [32]byte{} && u.IfToken == [32]byte{}
		}),
		wrapSessions("with AnyDigests none is no error", ruleSessionAny, func(w *wrappedSessions, s *auth.MemoryStore) {
			w.update = func(ctx context.Context, u auth.SessionUpdate) error {
				if _, err := s.SessionByID(ctx, u.ID); err == auth.ErrSessionNotFound && u.AnyDigests {
					return nil
				}
				return s.UpdateSession(ctx, u)
			}
		}),
		wrapSessions("with AnyDigests none is not found", ruleSessionAny, func(w *wrappedSessions, s *auth.MemoryStore) {
			w.update = func(ctx context.Context, u auth.SessionUpdate) error {
				if _, err := s.SessionByID(ctx, u.ID); err == auth.ErrSessionNotFound && u.AnyDigests {
					return err
				}
				return s.UpdateSession(ctx, u)
			}
		}),

		confirming("nothing to change is no error", func(context.Context, auth.SessionUpdate, *auth.MemoryStore) error { return nil }),
		confirming("nothing to change is always a conflict", func(context.Context, auth.SessionUpdate, *auth.MemoryStore) error { return auth.ErrConflict }),
		confirming("nothing to change demands no token", func(ctx context.Context, u auth.SessionUpdate, s *auth.MemoryStore) error {
			u.AnyDigests = true
			return s.UpdateSession(ctx, u)
		}),
		confirming("nothing to change takes the parent", func(ctx context.Context, u auth.SessionUpdate, s *auth.MemoryStore) error {
			if r, err := s.SessionByID(ctx, u.ID); err == nil && u.IfToken == r.Parent {
				u.IfToken = r.Token
			}
			return s.UpdateSession(ctx, u)
		}),
		confirming("nothing to change is a last use", func(ctx context.Context, u auth.SessionUpdate, s *auth.MemoryStore) error {
			err := s.UpdateSession(ctx, u)
			if r, found := s.SessionByID(ctx, u.ID); err == nil && found == nil {
				r.LastUsedAt = u.At
				put(ctx, s, r)
			}
			return err
		}),
		wrapSessions("nothing to change is confirmed by what was read", ruleSessionConfirm, func(w *wrappedSessions, s *auth.MemoryStore) {
			var known shared[map[string]auth.SessionRecord]
			w.byID = func(ctx context.Context, id string) (auth.SessionRecord, error) {
				r, err := s.SessionByID(ctx, id)
				known.do(func(known *map[string]auth.SessionRecord) {
					if *known == nil {
						*known = map[string]auth.SessionRecord{}
					}
					if err == nil {
						(*known)[id] = r
					}
				})
				return r, err
			}
			w.update = func(ctx context.Context, u auth.SessionUpdate) (err error) {
				answered := false
				known.do(func(known *map[string]auth.SessionRecord) {
					if r, ok := (*known)[u.ID]; ok && isNothingNew(u) && ctx.Err() == nil {
						one := auth.NewMemoryStore()
						one.CreateSession(ctx, r)
						answered, err = true, one.UpdateSession(ctx, u)
					}
				})
				if answered {
					return err
				}
				return s.UpdateSession(ctx, u)
			}
		}),
		wrapSessions("an ended context stops no confirmation", ruleSessionContext, func(w *wrappedSessions, s *auth.MemoryStore) {
			w.update = func(ctx context.Context, u auth.SessionUpdate) error {
				if isNothingNew(u) {
					ctx = context.WithoutCancel(ctx)
				}
				return s.UpdateSession(ctx, u)
			}
		}),
	}
}

// sessionRotationMutants keep other than a rotation says.
func sessionRotationMutants() []sessionMutant {
	rotated := func(name, rule string, f func(n *auth.SessionRotation, r auth.SessionRecord)) sessionMutant {
		return updated(name, rule, func(u *auth.SessionUpdate, r auth.SessionRecord) {
			if u.Rotation != nil {
				changed := *u.Rotation
				f(&changed, r)
				u.Rotation = &changed
			}
		})
	}
	mutants := []sessionMutant{
		rotated("a rotation to no grace keeps the one before", ruleSessionRotated, func(n *auth.SessionRotation, r auth.SessionRecord) {
			if n.GraceUntil.IsZero() {
				n.GraceUntil = r.GraceUntil
			}
		}),
		rotated("a rotation to no grace has one of 1970", ruleSessionRotated, func(n *auth.SessionRotation, _ auth.SessionRecord) {
			if n.GraceUntil.IsZero() {
				n.GraceUntil = time.Unix(0, 0).UTC()
			}
		}),
		rotated("a rotation to no grace has one until the idle end", ruleSessionRotated, func(n *auth.SessionRotation, _ auth.SessionRecord) {
			if n.GraceUntil.IsZero() {
				n.GraceUntil = n.IdleUntil
			}
		}),
		rotated("a rotation to a grace of 1970 has none", ruleSessionRotated, func(n *auth.SessionRotation, _ auth.SessionRecord) {
			if n.GraceUntil.Unix() == 0 {
				n.GraceUntil = time.Time{}
			}
		}),
		rotated("a grace ends with idling", ruleSessionUpdate, func(n *auth.SessionRotation, _ auth.SessionRecord) { n.GraceUntil = n.IdleUntil }),
		rotated("a grace in seconds", ruleSessionUpdate, func(n *auth.SessionRotation, _ auth.SessionRecord) {
			n.GraceUntil = n.GraceUntil.Truncate(time.Second)
		}),
		rotated("a rotation to no parent keeps the one before", ruleSessionRotated, func(n *auth.SessionRotation, r auth.SessionRecord) {
			if n.Parent == [32]byte{} {
				n.Parent = r.Parent
			}
		}),
		rotated("a rotation to no client keeps the one before", ruleSessionRotated, func(n *auth.SessionRotation, r auth.SessionRecord) {
			if n.Client == (auth.Client{}) {
				n.Client = r.Client
			}
		}),
		rotated("a rotation to no address has 0.0.0.0", ruleSessionRotated, func(n *auth.SessionRotation, _ auth.SessionRecord) {
			if !n.Client.Address.IsValid() {
				n.Client.Address = netip.IPv4Unspecified()
			}
		}),
		rotated("a rotation unmaps the address", ruleSessionRotated, func(n *auth.SessionRotation, _ auth.SessionRecord) { n.Client.Address = n.Client.Address.Unmap() }),
		rotated("a rotation drops the zone", ruleSessionRotated, func(n *auth.SessionRotation, _ auth.SessionRecord) {
			n.Client.Address = n.Client.Address.WithZone("")
		}),
		rotated("a rotation cuts the user agent to 255 bytes", ruleSessionRotated, func(n *auth.SessionRotation, _ auth.SessionRecord) {
			n.Client.UserAgent = n.Client.UserAgent[:min(255, len(n.Client.UserAgent))]
		}),
		rotated("a rotation cuts the label to 99 bytes", ruleSessionRotated, func(n *auth.SessionRotation, _ auth.SessionRecord) {
			n.Client.Label = n.Client.Label[:min(99, len(n.Client.Label))]
		}),
		rotated("a rotation drops spaces around the label", ruleSessionRotated, func(n *auth.SessionRotation, _ auth.SessionRecord) {
			n.Client.Label = strings.TrimSpace(n.Client.Label)
		}),
		rotated("a rotation has times of 64 bits of nanoseconds", ruleSessionRotated, func(n *auth.SessionRotation, _ auth.SessionRecord) {
			if !n.GraceUntil.IsZero() {
				n.GraceUntil = time.Unix(0, n.GraceUntil.UnixNano()).UTC()
			}
		}),
		rotated("a rotation cuts zeros of the nonce", ruleSessionRotated, func(n *auth.SessionRotation, r auth.SessionRecord) {
			for i := len(n.Nonce) - 1; i >= 0 && n.Nonce[i] == 0; i-- {
				n.Nonce[i] = r.Nonce[i]
			}
		}),
	}
	client := reflect.TypeFor[auth.Client]()
	for i := range client.NumField() {
		name := client.Field(i).Name
		field := func(c *auth.Client) reflect.Value { return reflect.ValueOf(c).Elem().Field(i) }
		mutants = append(mutants,
			rotated("a rotation keeps the Client."+name+" of before", ruleSessionUpdate, func(n *auth.SessionRotation, r auth.SessionRecord) {
				field(&n.Client).Set(field(&r.Client))
			}),
			rotated("a rotation loses Client."+name, ruleSessionUpdate, func(n *auth.SessionRotation, _ auth.SessionRecord) { field(&n.Client).SetZero() }),
			rotated("a rotation without Client."+name+" keeps the one before", ruleSessionRotated, func(n *auth.SessionRotation, r auth.SessionRecord) {
				if field(&n.Client).IsZero() {
					field(&n.Client).Set(field(&r.Client))
				}
			}))
	}
	rotation := reflect.TypeFor[auth.SessionRotation]()
	for i := range rotation.NumField() {
		if name := rotation.Field(i).Name; name != "IdleUntil" { // which is never zero
			mutants = append(mutants, rotated("a rotation loses "+name, ruleSessionUpdate, func(n *auth.SessionRotation, _ auth.SessionRecord) {
				reflect.ValueOf(n).Elem().Field(i).SetZero()
			}))
		}
	}
	return mutants
}
