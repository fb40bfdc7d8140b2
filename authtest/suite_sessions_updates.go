package authtest

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed89488a0c/auth"
)

// sessionChanges lists what an update can change.
func sessionChanges(t testing.TB) []string {
	t.Helper()
	var names []string
	update := reflect.TypeFor[auth.SessionUpdate]()
	for i := range update.NumField() {
		switch name := update.Field(i).Name; name {
		case "ID", "At", "IfFamily", "IfToken", "AnyDigests":
		case "Rotation", "RepeatsBelow":
			names = append(names, name)
		default:
			t.Fatalf("authtest does not know SessionUpdate.%s: the suite must learn it", name)
		}
	}
	return names
}

// changeSession makes u, whose At is set, change what is named to what it is in
// values, and changes want.
func changeSession(u *auth.SessionUpdate, want *auth.SessionRecord, values auth.SessionRecord, names ...string) {
	from, to := reflect.ValueOf(values), reflect.ValueOf(want).Elem()
	for _, name := range names {
		switch name {
		case "Rotation":
			u.Rotation = &auth.SessionRotation{}
			rotation := reflect.ValueOf(u.Rotation).Elem()
			for i := range rotation.NumField() {
				field := rotation.Type().Field(i).Name
				rotation.Field(i).Set(from.FieldByName(field))
				to.FieldByName(field).Set(from.FieldByName(field))
			}
			want.RotatedAt, want.LastUsedAt = u.At, u.At
		case "RepeatsBelow":
			u.RepeatsBelow = want.Repeats + 1
			want.Repeats++
			want.LastUsedAt = u.At
		}
	}
	if u.Rotation != nil {
		want.Repeats = 0
	}
}

// demanding returns an update that r allows.
func demanding(r auth.SessionRecord) auth.SessionUpdate {
	return auth.SessionUpdate{ID: r.ID, IfFamily: r.Family, IfToken: r.Token, At: r.LastUsedAt.Add(time.Microsecond)}
}

// apply fails unless want, with values in what is named, can be stored.
func (s sessionStore) apply(t testing.TB, want *auth.SessionRecord, values auth.SessionRecord, names ...string) {
	t.Helper()
	u := demanding(*want)
	changeSession(&u, want, values, names...)
	what := strings.Join(names, ", ")
	if err := s.UpdateSession(t.Context(), u); err != nil {
		t.Fatalf("UpdateSession of [%s]: %v", what, err)
	}
	s.demand(t, *want)
	if t.Failed() {
		t.Fatalf("that was after an update of [%s]", what)
	}
}

func (s sessionStore) update(t *testing.T) {
	bystander, want := s.create(t, session(t, 1)), s.create(t, session(t, 2))
	brother := session(t, 3)
	brother.UserID, brother.Family, brother.Token = want.UserID, want.Family, want.Token
	s.create(t, brother)
	s.demand(t, want)
	for i, name := range sessionChanges(t) {
		s.apply(t, &want, session(t, 4+i), name)
	}
	s.apply(t, &want, session(t, 20), "Rotation")
	s.demand(t, bystander)
	s.demand(t, brother)
}

// rotationBelow rotates beside a bound that holds, beside one that does not, and
// without one.
func (s sessionStore) rotationBelow(t *testing.T) {
	want := s.create(t, session(t, 1))
	s.apply(t, &want, session(t, 2), "Rotation")
	for i := range 3 { // Repeats rises from 0 again
		for range i {
			s.apply(t, &want, want, "RepeatsBelow")
		}
		u, ignored := demanding(want), want
		changeSession(&u, &ignored, session(t, 3+i), "Rotation")
		if u.RepeatsBelow = want.Repeats; i > 0 {
			wantError(t, "UpdateSession of a rotation at the bound", s.UpdateSession(t.Context(), u), auth.ErrConflict)
			s.demand(t, want)
		}
		s.apply(t, &want, session(t, 3+i), "Rotation", "RepeatsBelow")
	}
	// Above the bound of others a rotation without one happens.
	full := session(t, 10)
	full.Repeats = math.MaxUint32
	s.create(t, full)
	s.apply(t, &full, session(t, 11), "Rotation")
}

func (s sessionStore) updateSame(t *testing.T) {
	r := s.create(t, session(t, 1))
	s.apply(t, &r, r)
	s.apply(t, &r, r)
	// The same digests again, at the same time: who asks for that gets it.
	u := demanding(r)
	changeSession(&u, &r, r, "Rotation")
	for range 2 {
		if err := s.UpdateSession(t.Context(), u); err != nil {
			t.Fatalf("UpdateSession: %v", err)
		}
	}
	s.demand(t, r)
}

// wrongDigests returns digests that are nearly d.
func wrongDigests(d [32]byte, others ...[32]byte) [][32]byte {
	wrong := append([][32]byte{{}}, others...)
	for _, bit := range []int{0, 7, 8, 100, 127, 128, 160, 247, 248, 255} {
		other := d
		other[bit/8] ^= 1 << (bit % 8)
		wrong = append(wrong, other)
	}
	return wrong
}

func (s sessionStore) compareAndSwap(t *testing.T) {
	r, other := session(t, 1), session(t, 2)
	// Bytes that a comparison of text would fold or cut.
	copy(r.Family[28:], "a \x00\x00")
	copy(r.Token[28:], "Z\x00  ")
	s.create(t, r)
	s.create(t, other)
	updates := sessionUpdates(t)
	folded := func(d [32]byte, at int) [32]byte { d[at] ^= 0x20; return d }
	refuse := func(what string, demand func(u *auth.SessionUpdate)) {
		t.Helper()
		for _, names := range updates {
			u, ignored := demanding(r), r
			changeSession(&u, &ignored, session(t, 3), names...)
			demand(&u)
			wantError(t, fmt.Sprintf("UpdateSession of %v demanding %s", names, what), s.UpdateSession(t.Context(), u), auth.ErrConflict)
		}
	}
	for i, family := range wrongDigests(r.Family, r.Token, r.Parent, r.Nonce, other.Family, folded(r.Family, 28), folded(r.Family, 29)) {
		refuse(fmt.Sprintf("wrong family %d", i), func(u *auth.SessionUpdate) { u.IfFamily = family })
	}
	for i, token := range wrongDigests(r.Token, r.Family, r.Parent, r.Nonce, other.Token, folded(r.Token, 28), folded(r.Token, 31)) {
		refuse(fmt.Sprintf("wrong token %d", i), func(u *auth.SessionUpdate) { u.IfToken = token })
	}
	refuse("both exchanged", func(u *auth.SessionUpdate) { u.IfFamily, u.IfToken = u.IfToken, u.IfFamily })
	refuse("those of another session", func(u *auth.SessionUpdate) { u.IfFamily, u.IfToken = other.Family, other.Token })
	refuse("those under another ID", func(u *auth.SessionUpdate) { u.ID = other.ID })
	refuse("those under an unknown ID", func(u *auth.SessionUpdate) { u.ID = "unknown" })
	s.absent(t, "unknown")
	s.demand(t, r)
	s.demand(t, other)
	s.apply(t, &r, session(t, 3), sessionChanges(t)...)
}

func (s sessionStore) ended(t *testing.T) {
	first := session(t, 1)
	end := first.ExpiresAt
	for i, ends := range []struct {
		what           string
		idle, absolute time.Time
		at             time.Time
		ok             bool
	}{
		{"a microsecond before both ends", end, end, end.Add(-time.Microsecond), true},
		{"a microsecond before it is idle for too long", end, end.Add(time.Hour), end.Add(-time.Microsecond), true},
		{"a microsecond before its absolute end", end.Add(time.Hour), end, end.Add(-time.Microsecond), true},
		{"at the microsecond at which it is idle for too long", end, end.Add(time.Hour), end, false},
		{"at the microsecond of its absolute end", end.Add(time.Hour), end, end, false},
		{"a microsecond after it was idle for too long", end, end.Add(time.Hour), end.Add(time.Microsecond), false},
		{"a microsecond after its absolute end", end.Add(time.Hour), end, end.Add(time.Microsecond), false},
		{"long after both", end, end, end.AddDate(100, 0, 0), false},
	} {
		for j, names := range slices.Concat(sessionUpdates(t), sessionUpdates(t)) {
			r := session(t, 10+10*i+j)
			r.IdleUntil, r.ExpiresAt = ends.idle, ends.absolute
			s.create(t, r)
			u, want := demanding(r), r
			u.At = ends.at
			u.AnyDigests = j >= len(sessionUpdates(t))
			changeSession(&u, &want, session(t, 200), names...)
			err := s.UpdateSession(t.Context(), u)
			if !ends.ok {
				want = r
				wantError(t, fmt.Sprintf("UpdateSession of %v %s", names, ends.what), err, auth.ErrConflict)
			} else if err != nil {
				t.Errorf("UpdateSession of %v %s: %v", names, ends.what, err)
			}
			s.demand(t, want)
		}
	}
	// A rotation moves the end that it sets, and that one only.
	r := s.create(t, session(t, 300))
	values := session(t, 301)
	values.IdleUntil = r.LastUsedAt.Add(2 * time.Microsecond)
	s.apply(t, &r, values, "Rotation")
	u := demanding(r)
	u.At = r.IdleUntil
	wantError(t, "UpdateSession at the new end", s.UpdateSession(t.Context(), u), auth.ErrConflict)
	s.demand(t, r)
}

func (s sessionStore) chain(t *testing.T) {
	r := s.create(t, session(t, 1))
	tokens := [][32]byte{r.Token}
	for i := range 5 {
		next := session(t, 2+i)
		next.Parent = r.Token
		s.apply(t, &r, next, "Rotation")
		for _, old := range tokens {
			u, ignored := demanding(r), r
			u.IfToken = old
			changeSession(&u, &ignored, session(t, 20), sessionChanges(t)...)
			wantError(t, "UpdateSession demanding a token that was replaced", s.UpdateSession(t.Context(), u), auth.ErrConflict)
		}
		s.demand(t, r)
		tokens = append(tokens, r.Token)
	}
}
