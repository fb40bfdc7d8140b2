package authtest

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed89488a0c/auth"
)

// changes lists what an update can change: single fields, and those that go
// together.
func changes(t testing.TB) [][]string {
	t.Helper()
	groups := [][]string{{"Email", "EmailKey"}}
	update, user := reflect.TypeFor[auth.UserUpdate](), reflect.TypeFor[auth.UserRecord]()
	for i := range update.NumField() {
		switch name := update.Field(i).Name; name {
		case "ID", "At", "IfPasswordHash", "IfEpoch", "RaiseEpoch", "Email", "EmailKey":
		default:
			field, ok := user.FieldByName(name)
			if !ok || update.Field(i).Type != reflect.PointerTo(field.Type) {
				t.Fatalf("authtest does not know UserUpdate.%s: the suite must learn it", name)
			}
			groups = append(groups, []string{name})
		}
	}
	return groups
}

// change makes u change fields to what they are in values, and changes want.
func change(u *auth.UserUpdate, want *auth.UserRecord, values auth.UserRecord, fields ...string) {
	for _, name := range fields {
		value := reflect.ValueOf(values).FieldByName(name)
		pointer := reflect.New(value.Type())
		pointer.Elem().Set(value)
		reflect.ValueOf(u).Elem().FieldByName(name).Set(pointer)
		reflect.ValueOf(want).Elem().FieldByName(name).Set(value)
	}
}

// apply fails unless u, with the next microsecond as its time, succeeds and
// makes the user want.
func (s userStore) apply(t testing.TB, what string, u auth.UserUpdate, want *auth.UserRecord) {
	t.Helper()
	u.ID, u.At = want.ID, want.UpdatedAt.Add(time.Microsecond)
	want.UpdatedAt = u.At
	want.Epoch += u.RaiseEpoch
	if err := s.UpdateUser(t.Context(), u); err != nil {
		t.Fatalf("UpdateUser of %s: %v", what, err)
	}
	s.demand(t, *want)
	if t.Failed() {
		t.Fatalf("that was after an update of %s", what)
	}
}

func (s userStore) update(t *testing.T) {
	bystander := s.create(t, record(t, 1))
	want := s.create(t, record(t, 2))
	for _, fields := range changes(t) {
		for _, values := range []auth.UserRecord{record(t, 3), {}} {
			if fields[0] == "Email" && values.EmailKey == "" {
				continue // nobody asks for that
			}
			var u auth.UserUpdate
			change(&u, &want, values, fields...)
			s.apply(t, strings.Join(fields, ", "), u, &want)
		}
	}
	s.demand(t, bystander)
}

func (s userStore) updateAll(t *testing.T) {
	want, bystander := record(t, 1), record(t, 2)
	bystander.PasswordHash = want.PasswordHash
	want, bystander = s.create(t, want), s.create(t, bystander)
	hash, epoch := want.PasswordHash, want.Epoch
	u := auth.UserUpdate{IfPasswordHash: &hash, IfEpoch: &epoch, RaiseEpoch: 7}
	change(&u, &want, record(t, 3), slices.Concat(changes(t)...)...)
	s.apply(t, "every field", u, &want)
	s.demand(t, bystander)
}

func (s userStore) updateSame(t *testing.T) {
	r := s.create(t, record(t, 1))
	u := auth.UserUpdate{ID: r.ID, At: r.UpdatedAt, Username: &r.Username, Email: &r.Email, EmailKey: &r.EmailKey, IfPasswordHash: &r.PasswordHash, PasswordHash: &r.PasswordHash}
	for range 2 {
		if err := s.UpdateUser(t.Context(), u); err != nil {
			t.Fatalf("UpdateUser: %v", err)
		}
	}
	s.demand(t, r)
}

func (s userStore) rekey(t *testing.T) {
	r := s.create(t, record(t, 1))
	oldKey := r.EmailKey
	var u auth.UserUpdate
	change(&u, &r, record(t, 3), "Email", "EmailKey")
	s.apply(t, "Email, EmailKey", u, &r)
	s.absentKey(t, oldKey)
	next := record(t, 2)
	next.EmailKey = oldKey
	s.demand(t, s.create(t, next))
	s.demand(t, r)
}

func (s userStore) rekeyTaken(t *testing.T) {
	first, second := s.create(t, record(t, 1)), s.create(t, record(t, 2))
	hash, wrongEpoch := "other", second.Epoch+1
	taking := auth.UserUpdate{ID: second.ID, At: first.CreatedAt, Email: &first.Email, EmailKey: &first.EmailKey, PasswordHash: &hash, RaiseEpoch: 7}
	met, hashUnmet, epochUnmet := taking, taking, taking
	met.IfPasswordHash, met.IfEpoch = &second.PasswordHash, &second.Epoch
	hashUnmet.IfPasswordHash, epochUnmet.IfEpoch = &hash, &wrongEpoch
	wantError(t, "UpdateUser", s.UpdateUser(t.Context(), taking), auth.ErrUserExists)
	wantError(t, "UpdateUser, as demanded", s.UpdateUser(t.Context(), met), auth.ErrUserExists)
	wantError(t, "UpdateUser demanding a wrong hash", s.UpdateUser(t.Context(), hashUnmet), auth.ErrConflict)
	wantError(t, "UpdateUser demanding a wrong epoch", s.UpdateUser(t.Context(), epochUnmet), auth.ErrConflict)
	s.demand(t, first)
	s.demand(t, second)
}

func (s userStore) compareAndSwap(t *testing.T) {
	// Two hashes under the same parameters have a long prefix in common.
	prefix := "$argon2id$v=19$m=19456,t=2,p=1$"
	for i, stored := range []string{"$Hash$", prefix + strings.Repeat("Salt", 4) + "$" + strings.Repeat("Digest", 8), strings.Repeat("h", 1024)} {
		r := record(t, i)
		r.PasswordHash = stored
		r = s.create(t, r)
		next := "$next$"
		cut := stored[:len(stored)-1]
		for _, other := range []string{
			"", "0", "*", "%", "$%", strings.Repeat("_", len(stored)), prefix, strings.ToLower(stored), strings.ToUpper(stored),
			cut, cut + "!", cut + "_", "!" + stored[1:], stored + " ", " " + stored, stored + "\n", stored + "\x00", stored + "!", cut + "\u0430",
			stored[:len(stored)/2] + "\u0430" + stored[len(stored)/2:], stored + stored,
		} {
			if other == stored {
				continue
			}
			err := s.UpdateUser(t.Context(), auth.UserUpdate{ID: r.ID, At: r.CreatedAt, IfPasswordHash: &other, PasswordHash: &next, RaiseEpoch: 7})
			wantError(t, fmt.Sprintf("UpdateUser demanding %.80q of %.80q", other, stored), err, auth.ErrConflict)
		}
		s.demand(t, r)
		for _, hash := range []string{"", "$last$"} { // the second step starts from a user without password
			demanded := r.PasswordHash
			r.PasswordHash = hash
			s.apply(t, "PasswordHash", auth.UserUpdate{IfPasswordHash: &demanded, PasswordHash: &hash}, &r)
		}
	}
	hash := "$last$"
	err := s.UpdateUser(t.Context(), auth.UserUpdate{ID: "unknown", At: time.Unix(0, 0).UTC(), IfPasswordHash: &hash})
	wantError(t, "UpdateUser of nobody", err, auth.ErrUserNotFound)
}

func (s userStore) endSessions(t *testing.T) {
	r := s.create(t, record(t, 1))
	s.apply(t, "nothing but RaiseEpoch", auth.UserUpdate{RaiseEpoch: 7}, &r)
	all := changes(t)
	for _, fields := range append(all, slices.Concat(all...)) {
		for _, demanding := range []bool{false, true} {
			for _, values := range []auth.UserRecord{{}, record(t, 2)} {
				if slices.Contains(fields, "Email") && values.EmailKey == "" {
					continue // nobody asks for that
				}
				u := auth.UserUpdate{RaiseEpoch: 7}
				if demanding {
					demanded := r.PasswordHash
					u.IfPasswordHash = &demanded
				}
				change(&u, &r, values, fields...)
				s.apply(t, fmt.Sprintf("%s with RaiseEpoch, demanding a hash: %t", strings.Join(fields, ", "), demanding), u, &r)
			}
		}
	}
}

func (s userStore) delete(t *testing.T) {
	bystander, r := s.create(t, record(t, 1)), s.create(t, record(t, 2))
	if err := s.DeleteUser(t.Context(), r.ID); err != nil {
		t.Fatalf("DeleteUser: %v", err)
	}
	s.absent(t, r.ID, r.EmailKey)
	wantError(t, "DeleteUser again", s.DeleteUser(t.Context(), r.ID), auth.ErrUserNotFound)
	wantError(t, "UpdateUser", s.UpdateUser(t.Context(), auth.UserUpdate{ID: r.ID, At: r.CreatedAt, RaiseEpoch: 7}), auth.ErrUserNotFound)
	again := record(t, 3)
	again.EmailKey = r.EmailKey
	s.demand(t, s.create(t, again))
	s.demand(t, bystander)
}

// fresh reads by ID and by key before each change, for the sake of stores that
// remember what they read.
func (s userStore) fresh(t *testing.T) {
	r := record(t, 1)
	s.absent(t, r.ID, r.EmailKey)
	r = s.create(t, r)
	s.demand(t, r)
	for _, fields := range changes(t) {
		oldKey := r.EmailKey
		var u auth.UserUpdate
		change(&u, &r, record(t, 2), fields...)
		s.apply(t, strings.Join(fields, ", "), u, &r)
		if oldKey != r.EmailKey {
			s.absentKey(t, oldKey)
		}
	}
	s.apply(t, "nothing but RaiseEpoch", auth.UserUpdate{RaiseEpoch: 7}, &r)
	if err := s.DeleteUser(t.Context(), r.ID); err != nil {
		t.Fatalf("DeleteUser: %v", err)
	}
	s.absent(t, r.ID, r.EmailKey)
	s.demand(t, s.create(t, r))
}
