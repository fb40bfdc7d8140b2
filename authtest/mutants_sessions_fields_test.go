package authtest

import (
	"bytes"
	"cmp"
	"context"
	"math"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed89488a0c/auth"
)

// sessionFieldMutants keep other sessions than they are given.
func sessionFieldMutants() []sessionMutant {
	times := func(r *auth.SessionRecord, f func(time.Time) time.Time) {
		for _, at := range []*time.Time{&r.CreatedAt, &r.LastUsedAt, &r.IdleUntil, &r.ExpiresAt, &r.AuthTime, &r.RotatedAt, &r.GraceUntil} {
			if !at.IsZero() {
				*at = f(*at)
			}
		}
	}
	mutants := []sessionMutant{
		readSession("times that are not UTC", ruleSession, func(r *auth.SessionRecord) {
			times(r, func(at time.Time) time.Time { return at.In(time.FixedZone("Seoul", 9*60*60)) })
		}),
		createdSession("times cut to seconds", ruleSession, func(r *auth.SessionRecord) {
			times(r, func(at time.Time) time.Time { return at.Truncate(time.Second) })
		}),
		createdSession("times cut to milliseconds", ruleSession, func(r *auth.SessionRecord) {
			times(r, func(at time.Time) time.Time { return at.Truncate(time.Millisecond) })
		}),
		createdSession("a clock of its own", ruleSession, func(r *auth.SessionRecord) { r.CreatedAt = time.Now().UTC() }),
		createdSession("AuthTime is CreatedAt", ruleSession, func(r *auth.SessionRecord) { r.AuthTime = r.CreatedAt }),
		createdSession("GraceUntil is IdleUntil", ruleSession, func(r *auth.SessionRecord) { r.GraceUntil = r.IdleUntil }),
		createdSession("Audience is AMR", ruleSession, func(r *auth.SessionRecord) { r.Audience = r.AMR }),
		createdSession("a new session was never repeated", ruleSession, func(r *auth.SessionRecord) { r.Repeats = 0 }),
		createdSession("the parent is the token", ruleSession, func(r *auth.SessionRecord) { r.Parent = r.Token }),
		createdSession("times of 64 bits of nanoseconds", ruleSessionLongest, func(r *auth.SessionRecord) {
			times(r, func(at time.Time) time.Time { return time.Unix(0, at.UnixNano()).UTC() })
		}),
		createdSession("Epoch of 32 bits", ruleSessionLongest, func(r *auth.SessionRecord) { r.Epoch = uint64(uint32(r.Epoch)) }),
		createdSession("Repeats of 16 bits", ruleSessionLongest, func(r *auth.SessionRecord) { r.Repeats = uint32(uint16(r.Repeats)) }),
		createdSession("Repeats of 31 bits", ruleSessionLongest, func(r *auth.SessionRecord) { r.Repeats &= math.MaxInt32 }),
		createdSession("AMR of 63 bytes", ruleSessionLongest, func(r *auth.SessionRecord) { r.AMR = r.AMR[:min(63, len(r.AMR))] }),
		createdSession("audiences of 255 bytes", ruleSessionLongest, func(r *auth.SessionRecord) { r.Audience = r.Audience[:min(255, len(r.Audience))] }),
		createdSession("audiences of 1023 bytes", ruleSessionLongest, func(r *auth.SessionRecord) { r.Audience = r.Audience[:min(1023, len(r.Audience))] }),
		createdSession("user agents of 255 bytes", ruleSessionLongest, func(r *auth.SessionRecord) {
			r.Client.UserAgent = r.Client.UserAgent[:min(255, len(r.Client.UserAgent))]
		}),
		createdSession("labels of 99 bytes", ruleSessionLongest, func(r *auth.SessionRecord) {
			r.Client.Label = r.Client.Label[:min(99, len(r.Client.Label))]
		}),
		createdSession("addresses of 45 bytes", ruleSessionLongest, func(r *auth.SessionRecord) {
			if len(r.Client.Address.String()) > 45 {
				r.Client.Address = r.Client.Address.WithZone("")
			}
		}),
		createdSession("zero times become 1970", ruleSessionZero, func(r *auth.SessionRecord) {
			if r.RotatedAt.IsZero() {
				r.RotatedAt = time.Unix(0, 0).UTC()
			}
		}),
		createdSession("no grace becomes 1970", ruleSessionZero, func(r *auth.SessionRecord) {
			if r.GraceUntil.IsZero() {
				r.GraceUntil = time.Unix(0, 0).UTC()
			}
		}),
		createdSession("no grace becomes CreatedAt", ruleSessionZero, func(r *auth.SessionRecord) {
			if r.GraceUntil.IsZero() {
				r.GraceUntil = r.CreatedAt
			}
		}),
		createdSession("a grace of 1970 becomes none", ruleSessionZero, func(r *auth.SessionRecord) {
			if r.GraceUntil.Unix() == 0 {
				r.GraceUntil = time.Time{}
			}
		}),
		createdSession("no audience becomes one", ruleSessionZero, func(r *auth.SessionRecord) { r.Audience = cmp.Or(r.Audience, "*") }),
		createdSession("1970 becomes the zero time", ruleSessionZero, func(r *auth.SessionRecord) {
			if r.AuthTime.Unix() == 0 {
				r.AuthTime = time.Time{}
			}
		}),
		createdSession("digests without spaces behind", ruleSessionZero, func(r *auth.SessionRecord) {
			var cut [32]byte
			copy(cut[:], bytes.TrimRight(r.Token[:], " "))
			r.Token = cut
		}),
		createdSession("no address becomes 0.0.0.0", ruleSessionZero, func(r *auth.SessionRecord) {
			if !r.Client.Address.IsValid() {
				r.Client.Address = netip.IPv4Unspecified()
			}
		}),
		createdSession("addresses are unmapped", ruleSessionText, func(r *auth.SessionRecord) { r.Client.Address = r.Client.Address.Unmap() }),
		createdSession("addresses lose their zone", ruleSessionText, func(r *auth.SessionRecord) { r.Client.Address = r.Client.Address.WithZone("") }),
		createdSession("audiences without spaces around", ruleSessionText, func(r *auth.SessionRecord) { r.Audience = strings.TrimSpace(r.Audience) }),
		createdSession("labels without spaces around", ruleSessionText, func(r *auth.SessionRecord) { r.Client.Label = strings.TrimSpace(r.Client.Label) }),
		createdSession("text of three bytes a character", ruleSessionText, func(r *auth.SessionRecord) {
			r.Client.UserAgent = strings.Map(func(c rune) rune {
				if c > 0xffff {
					return '?'
				}
				return c
			}, r.Client.UserAgent)
		}),
		wrapSessions("the user that was given is returned", ruleSession, func(w *wrappedSessions, s *auth.MemoryStore) {
			var users shared[map[string]*auth.UserRecord]
			w.create = func(ctx context.Context, r auth.SessionRecord) error {
				users.do(func(users *map[string]*auth.UserRecord) {
					if *users == nil {
						*users = map[string]*auth.UserRecord{}
					}
					(*users)[r.ID] = r.User
				})
				return s.CreateSession(ctx, r)
			}
			w.byID = func(ctx context.Context, id string) (auth.SessionRecord, error) {
				r, err := s.SessionByID(ctx, id)
				users.do(func(users *map[string]*auth.UserRecord) { r.User = (*users)[id] })
				return r, err
			}
		}),
	}
	fields := reflect.VisibleFields(reflect.TypeFor[auth.SessionRecord]())
	client, _ := reflect.TypeFor[auth.SessionRecord]().FieldByName("Client")
	for _, f := range reflect.VisibleFields(client.Type) {
		f.Name, f.Index = "Client."+f.Name, slices.Concat(client.Index, f.Index)
		fields = append(fields, f)
	}
	for _, f := range fields {
		if f.Anonymous || f.Name == "User" {
			continue
		}
		drop := func(r *auth.SessionRecord) { reflect.ValueOf(r).Elem().FieldByIndex(f.Index).SetZero() }
		mutants = append(mutants,
			createdSession("create drops "+f.Name, ruleSession, drop),
			readSession("reading drops "+f.Name, ruleSession, drop),
			listedSessions("the list drops "+f.Name, ruleSession, func(list []auth.SessionRecord) []auth.SessionRecord {
				for i := range list {
					drop(&list[i])
				}
				return list
			}))
	}
	return mutants
}

// sessionUpdateMutants make other changes than they are asked for, or make them
// where they must not.
func sessionUpdateMutants(t *testing.T) []sessionMutant {
	second := func(at time.Time) time.Time { return at.Truncate(time.Second) }
	mutants := []sessionMutant{
		afterUpdate("RotatedAt is not set", ruleSessionUpdate, func(_ auth.SessionUpdate, old auth.SessionRecord, r *auth.SessionRecord) { r.RotatedAt = old.RotatedAt }),
		afterUpdate("LastUsedAt is not set", ruleSessionUpdate, func(_ auth.SessionUpdate, old auth.SessionRecord, r *auth.SessionRecord) {
			r.LastUsedAt = old.LastUsedAt
		}),
		afterUpdate("LastUsedAt is set by every update", ruleSessionSame, func(u auth.SessionUpdate, _ auth.SessionRecord, r *auth.SessionRecord) { r.LastUsedAt = u.At }),
		afterUpdate("RotatedAt by a clock of its own", ruleSessionUpdate, func(u auth.SessionUpdate, _ auth.SessionRecord, r *auth.SessionRecord) {
			if u.Rotation != nil {
				r.RotatedAt = time.Now().UTC().Truncate(time.Microsecond)
			}
		}),
		afterUpdate("the parent is what was the token", ruleSessionUpdate, func(u auth.SessionUpdate, old auth.SessionRecord, r *auth.SessionRecord) {
			if u.Rotation != nil {
				r.Parent = old.Token
			}
		}),
		afterUpdate("a rotation is an authentication", ruleSessionUpdate, func(u auth.SessionUpdate, _ auth.SessionRecord, r *auth.SessionRecord) {
			if u.Rotation != nil {
				r.AuthTime = u.At
			}
		}),
		afterUpdate("a rotation moves the absolute end", ruleSessionUpdate, func(u auth.SessionUpdate, old auth.SessionRecord, r *auth.SessionRecord) {
			if u.Rotation != nil {
				r.ExpiresAt = r.ExpiresAt.Add(r.IdleUntil.Sub(old.IdleUntil))
			}
		}),
		afterUpdate("a rotation changes the family", ruleSessionUpdate, func(u auth.SessionUpdate, _ auth.SessionRecord, r *auth.SessionRecord) {
			if u.Rotation != nil {
				r.Family[0]++
			}
		}),
		wrapSessions("an update that changes nothing conflicts", ruleSessionSame, func(w *wrappedSessions, s *auth.MemoryStore) {
			w.update = func(ctx context.Context, u auth.SessionUpdate) error {
				old, _ := s.SessionByID(ctx, u.ID)
				err := s.UpdateSession(ctx, u)
				if r, _ := s.SessionByID(ctx, u.ID); err == nil && r == old {
					return auth.ErrConflict
				}
				return err
			}
		}),
		wrapSessions("a conflict changes Epoch", ruleSessionSwap, func(w *wrappedSessions, s *auth.MemoryStore) {
			w.update = func(ctx context.Context, u auth.SessionUpdate) error {
				err := s.UpdateSession(ctx, u)
				if r, found := s.SessionByID(ctx, u.ID); err == auth.ErrConflict && found == nil {
					r.Epoch++
					put(ctx, s, r)
				}
				return err
			}
		}),
		wrapSessions("an update changes all sessions of the user", ruleSessionUpdate, func(w *wrappedSessions, s *auth.MemoryStore) {
			w.update = func(ctx context.Context, u auth.SessionUpdate) error {
				r, _ := s.SessionByID(ctx, u.ID)
				if err := s.UpdateSession(ctx, u); err != nil {
					return err
				}
				others, _ := s.Sessions(ctx, r.UserID)
				for _, other := range others {
					u.ID, u.IfFamily, u.IfToken = other.ID, other.Family, other.Token
					s.UpdateSession(ctx, u)
				}
				return nil
			}
		}),
		wrapSessions("an update of none makes one", ruleSessionSwap, func(w *wrappedSessions, s *auth.MemoryStore) {
			w.update = func(ctx context.Context, u auth.SessionUpdate) error {
				if _, err := s.SessionByID(ctx, u.ID); err == auth.ErrSessionNotFound && u.Rotation != nil {
					r := auth.SessionRecord{Family: u.IfFamily, Token: u.Rotation.Token}
					r.ID, r.UserID = u.ID, "1"
					return s.CreateSession(ctx, r)
				}
				return s.UpdateSession(ctx, u)
			}
		}),
		wrapSessions("earlier tokens are taken", "a token that was replaced is demanded in vain", func(w *wrappedSessions, s *auth.MemoryStore) {
			var earlier shared[map[[32]byte]bool]
			w.update = func(ctx context.Context, u auth.SessionUpdate) error {
				r, _ := s.SessionByID(ctx, u.ID)
				earlier.do(func(tokens *map[[32]byte]bool) {
					if *tokens == nil {
						*tokens = map[[32]byte]bool{}
					}
					if (*tokens)[u.IfToken] {
						u.IfToken = r.Token
					}
					(*tokens)[r.Token] = true
				})
				return s.UpdateSession(ctx, u)
			}
		}),
	}
	for _, c := range []struct {
		name, rule string
		f          func(u *auth.SessionUpdate, r auth.SessionRecord)
	}{
		{"the family is not compared", ruleSessionSwap, func(u *auth.SessionUpdate, r auth.SessionRecord) { u.IfFamily = r.Family }},
		{"the token is not compared", ruleSessionSwap, func(u *auth.SessionUpdate, r auth.SessionRecord) { u.IfToken = r.Token }},
		{"the family or the token is compared", ruleSessionSwap, func(u *auth.SessionUpdate, r auth.SessionRecord) {
			if u.IfFamily == r.Family || u.IfToken == r.Token {
				u.IfFamily, u.IfToken = r.Family, r.Token
			}
		}},
		{"a zero family demands nothing", ruleSessionSwap, func(u *auth.SessionUpdate, r auth.SessionRecord) {
			if u.IfFamily == [32]byte{} {
				u.IfFamily = r.Family
			}
		}},
		{"a zero token demands nothing", ruleSessionSwap, func(u *auth.SessionUpdate, r auth.SessionRecord) {
			if u.IfToken == [32]byte{} {
				u.IfToken = r.Token
			}
		}},
		{"the parent is taken for the token", ruleSessionSwap, func(u *auth.SessionUpdate, r auth.SessionRecord) {
			if u.IfToken == r.Parent {
				u.IfToken = r.Token
			}
		}},
		{"digests are compared for rotations only", ruleSessionSwap, func(u *auth.SessionUpdate, r auth.SessionRecord) {
			if u.Rotation == nil {
				u.IfFamily, u.IfToken = r.Family, r.Token
			}
		}},
		{"tokens are compared for rotations only", ruleSessionSwap, func(u *auth.SessionUpdate, r auth.SessionRecord) {
			if u.Rotation == nil {
				u.IfToken = r.Token
			}
		}},
		{"tokens are compared by 16 bytes", ruleSessionSwap, func(u *auth.SessionUpdate, r auth.SessionRecord) {
			if bytes.Equal(u.IfToken[:16], r.Token[:16]) {
				u.IfToken = r.Token
			}
		}},
		{"tokens are compared by 31 bytes", ruleSessionSwap, func(u *auth.SessionUpdate, r auth.SessionRecord) {
			if bytes.Equal(u.IfToken[:31], r.Token[:31]) {
				u.IfToken = r.Token
			}
		}},
		{"families are compared by their last 31 bytes", ruleSessionSwap, func(u *auth.SessionUpdate, r auth.SessionRecord) {
			if bytes.Equal(u.IfFamily[1:], r.Family[1:]) {
				u.IfFamily = r.Family
			}
		}},
		{"tokens are compared folded", ruleSessionSwap, func(u *auth.SessionUpdate, r auth.SessionRecord) {
			if bytes.Equal(bytes.ToLower(u.IfToken[:]), bytes.ToLower(r.Token[:])) {
				u.IfToken = r.Token
			}
		}},
		{"ends are not compared", ruleSessionEnded, func(u *auth.SessionUpdate, r auth.SessionRecord) { u.At = r.CreatedAt }},
		{"ends are compared for rotations only", ruleSessionEnded, func(u *auth.SessionUpdate, r auth.SessionRecord) {
			if u.Rotation == nil {
				u.At = r.CreatedAt
			}
		}},
		{"the end is a microsecond late", ruleSessionEnded, func(u *auth.SessionUpdate, r auth.SessionRecord) {
			if u.At.Equal(r.IdleUntil) || u.At.Equal(r.ExpiresAt) {
				u.At = u.At.Add(-time.Microsecond)
			}
		}},
		{"ends are compared in seconds", ruleSessionEnded, func(u *auth.SessionUpdate, r auth.SessionRecord) {
			if !second(u.At).After(second(r.IdleUntil)) && !second(u.At).After(second(r.ExpiresAt)) {
				u.At = r.CreatedAt
			}
		}},
		{"ends are compared with a clock of its own", ruleSessionEnded, func(u *auth.SessionUpdate, _ auth.SessionRecord) { u.At = time.Now().UTC() }},
	} {
		mutants = append(mutants, updated(c.name, c.rule, c.f))
	}
	// Those that look at one end only see the other one far away.
	for name, far := range map[string]func(r *auth.SessionRecord){
		"the idle end is not compared":     func(r *auth.SessionRecord) { r.IdleUntil = r.ExpiresAt },
		"the absolute end is not compared": func(r *auth.SessionRecord) { r.ExpiresAt = r.IdleUntil },
	} {
		mutants = append(mutants, wrapSessions(name, ruleSessionEnded, func(w *wrappedSessions, s *auth.MemoryStore) {
			w.update = func(ctx context.Context, u auth.SessionUpdate) error {
				r, err := s.SessionByID(ctx, u.ID)
				if err != nil {
					return s.UpdateSession(ctx, u)
				}
				moved := r
				far(&moved)
				put(ctx, s, moved)
				err = s.UpdateSession(ctx, u)
				next, _ := s.SessionByID(ctx, u.ID)
				if u.Rotation == nil || err != nil {
					next.IdleUntil = r.IdleUntil
				}
				next.ExpiresAt = r.ExpiresAt
				put(ctx, s, next)
				return err
			}
		}))
	}
	for _, name := range sessionChanges(t) {
		mutants = append(mutants, updated("update drops "+name, ruleSessionUpdate, func(u *auth.SessionUpdate, _ auth.SessionRecord) {
			reflect.ValueOf(u).Elem().FieldByName(name).SetZero()
		}))
	}
	rotation := reflect.TypeFor[auth.SessionRotation]()
	for i := range rotation.NumField() {
		mutants = append(mutants, updated("a rotation drops "+rotation.Field(i).Name, ruleSessionUpdate, func(u *auth.SessionUpdate, r auth.SessionRecord) {
			if u.Rotation != nil {
				changed := *u.Rotation
				old := reflect.ValueOf(r).FieldByName(rotation.Field(i).Name)
				reflect.ValueOf(&changed).Elem().Field(i).Set(old)
				u.Rotation = &changed
			}
		}))
	}
	return mutants
}
