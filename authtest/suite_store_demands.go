package authtest

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/seed89488a0c/auth"
)

// otherEpochs are what a comparison of fewer bits, with a sign, or of floats takes
// for e, and others.
func otherEpochs(e uint64) []uint64 {
	others := []uint64{e - 1, e + 1, e + 7, -e, ^e, e / 2, e &^ math.MaxUint32, uint64(uint32(e)), 0, 1, math.MaxInt64, math.MaxUint64}
	for _, bit := range []int{0, 8, 16, 31, 32, 52, 61, 62, 63} {
		others = append(others, e^1<<bit)
	}
	var different []uint64
	for _, other := range others {
		if other != e {
			different = append(different, other)
		}
	}
	return different
}

func (s userStore) compareEpoch(t *testing.T) {
	for i, epoch := range []uint64{0, 1, 1<<32 + 7, 1<<53 + 1, 1<<62 + 3} {
		r := record(t, i)
		r.Epoch = epoch
		r = s.create(t, r)
		hash := "$next$"
		refuse := func(other uint64) {
			t.Helper()
			err := s.UpdateUser(t.Context(), auth.UserUpdate{ID: r.ID, At: r.CreatedAt, IfEpoch: &other, PasswordHash: &hash, RaiseEpoch: 7})
			wantError(t, fmt.Sprintf("UpdateUser demanding epoch %d of %d", other, r.Epoch), err, auth.ErrConflict)
		}
		for _, other := range otherEpochs(epoch) {
			refuse(other)
		}
		s.demand(t, r)
		r.PasswordHash = hash
		s.apply(t, "PasswordHash and RaiseEpoch demanding the epoch", auth.UserUpdate{IfEpoch: &epoch, PasswordHash: &hash, RaiseEpoch: 7}, &r)
		refuse(epoch) // which was raised
		s.demand(t, r)
	}
	epoch := uint64(7)
	err := s.UpdateUser(t.Context(), auth.UserUpdate{ID: "unknown", At: time.Unix(0, 0).UTC(), IfEpoch: &epoch, RaiseEpoch: 7})
	wantError(t, "UpdateUser of nobody", err, auth.ErrUserNotFound)
}

func (s userStore) demands(t *testing.T) {
	r := s.create(t, record(t, 1))
	for i, fields := range append(changes(t), nil) {
		for _, raise := range []uint64{0, 1 << 40} {
			what := fmt.Sprintf("[%s], RaiseEpoch %d", strings.Join(fields, ", "), raise)
			for j, met := range []struct {
				what        string
				hash, epoch bool // is demanded
			}{{"hash", true, false}, {"epoch", false, true}, {"hash and epoch", true, true}} {
				want := r
				u := auth.UserUpdate{ID: r.ID, At: r.UpdatedAt.Add(time.Second), RaiseEpoch: raise}
				change(&u, &want, record(t, 2+10*i+j), fields...)
				hash, epoch, wrongHash, wrongEpoch := r.PasswordHash, r.Epoch, "another hash", r.Epoch+raise+1
				for wrong, demand := range map[string]func(u *auth.UserUpdate){
					"a wrong hash":                   func(u *auth.UserUpdate) { u.IfPasswordHash = &wrongHash },
					"a wrong epoch":                  func(u *auth.UserUpdate) { u.IfEpoch = &wrongEpoch },
					"the hash and a wrong epoch":     func(u *auth.UserUpdate) { u.IfPasswordHash, u.IfEpoch = &hash, &wrongEpoch },
					"a wrong hash and the epoch":     func(u *auth.UserUpdate) { u.IfPasswordHash, u.IfEpoch = &wrongHash, &epoch },
					"a wrong hash and a wrong epoch": func(u *auth.UserUpdate) { u.IfPasswordHash, u.IfEpoch = &wrongHash, &wrongEpoch },
				} {
					if j > 0 {
						break // once is enough
					}
					refused := u
					demand(&refused)
					wantError(t, "UpdateUser of "+what+" demanding "+wrong, s.UpdateUser(t.Context(), refused), auth.ErrConflict)
				}
				if j == 0 {
					s.demand(t, r)
				}
				if met.hash {
					u.IfPasswordHash = &hash
				}
				if met.epoch {
					u.IfEpoch = &epoch
				}
				s.apply(t, what+" demanding the right "+met.what, u, &want)
				r = want
			}
		}
	}
}

// timeless updates without a time, and fails unless the user is want then.
func (s userStore) timeless(t *testing.T) {
	bystander, r := s.create(t, record(t, 1)), s.create(t, record(t, 2))
	for i, fields := range append(changes(t), nil) {
		for j, raise := range []uint64{0, 7} {
			for k, demanding := range []bool{false, true} {
				what := fmt.Sprintf("[%s] without a time, RaiseEpoch %d, with demands: %t", strings.Join(fields, ", "), raise, demanding)
				want := r
				u := auth.UserUpdate{ID: r.ID, RaiseEpoch: raise}
				change(&u, &want, record(t, 3+10*i+2*j+k), fields...)
				want.Epoch += raise
				hash, epoch, wrongHash, wrongEpoch := r.PasswordHash, r.Epoch, "another hash", r.Epoch+1
				if demanding {
					u.IfPasswordHash, u.IfEpoch = &wrongHash, &epoch
					wantError(t, "UpdateUser of "+what+", the hash not met", s.UpdateUser(t.Context(), u), auth.ErrConflict)
					u.IfPasswordHash, u.IfEpoch = &hash, &wrongEpoch
					wantError(t, "UpdateUser of "+what+", the epoch not met", s.UpdateUser(t.Context(), u), auth.ErrConflict)
					s.demand(t, r)
					u.IfEpoch = &epoch
				}
				if err := s.UpdateUser(t.Context(), u); err != nil {
					t.Fatalf("UpdateUser of %s: %v", what, err)
				}
				s.demand(t, want)
				if t.Failed() {
					t.Fatalf("that was after an update of %s", what)
				}
				r = want
			}
		}
	}
	s.demand(t, bystander)
	// Where there was none, there is none.
	r = record(t, 100)
	r.UpdatedAt = time.Time{}
	r = s.create(t, r)
	username := "another name"
	r.Username = username
	if err := s.UpdateUser(t.Context(), auth.UserUpdate{ID: r.ID, Username: &username}); err != nil {
		t.Fatalf("UpdateUser: %v", err)
	}
	s.demand(t, r)
}

// confirm changes the user after it was read, for the sake of stores that remember
// what they read, and asks for nothing but demands.
func (s userStore) confirm(t *testing.T) {
	r, bystander := s.create(t, record(t, 1)), s.create(t, record(t, 2))
	s.demand(t, r)
	hashBefore, epochBefore := r.PasswordHash, r.Epoch
	hash := "another hash"
	u := auth.UserUpdate{ID: r.ID, At: r.UpdatedAt.Add(time.Second), PasswordHash: &hash, RaiseEpoch: 7}
	if err := s.UpdateUser(t.Context(), u); err != nil {
		t.Fatalf("UpdateUser: %v", err)
	}
	r.UpdatedAt, r.PasswordHash, r.Epoch = u.At, hash, r.Epoch+u.RaiseEpoch
	epoch, noHash, noEpoch, longHash := r.Epoch, "", uint64(0), strings.Repeat(hash, 1000)
	tests := []struct {
		what  string
		hash  *string
		epoch *uint64
		want  error
	}{
		{"nothing", nil, nil, nil},
		{"the hash", &hash, nil, nil},
		{"the epoch", nil, &epoch, nil},
		{"hash and epoch", &hash, &epoch, nil},
		{"the hash before", &hashBefore, nil, auth.ErrConflict},
		{"the epoch before", nil, &epochBefore, auth.ErrConflict},
		{"the hash and the epoch before", &hash, &epochBefore, auth.ErrConflict},
		{"the hash before and the epoch", &hashBefore, &epoch, auth.ErrConflict},
		{"both before", &hashBefore, &epochBefore, auth.ErrConflict},
		{"no hash", &noHash, nil, auth.ErrConflict},
		{"epoch 0", nil, &noEpoch, auth.ErrConflict},
		{"a hash that no user has", &longHash, nil, auth.ErrConflict},
		{"a hash that no user has, and the epoch", &longHash, &epoch, auth.ErrConflict},
	}
	for range 2 { // nothing is used up
		for _, test := range tests {
			err := s.UpdateUser(t.Context(), auth.UserUpdate{ID: r.ID, IfPasswordHash: test.hash, IfEpoch: test.epoch})
			wantError(t, "UpdateUser demanding "+test.what, err, test.want)
		}
	}
	s.demand(t, r)
	s.demand(t, bystander)
	if err := s.DeleteUser(t.Context(), r.ID); err != nil {
		t.Fatalf("DeleteUser: %v", err)
	}
	for _, id := range []string{r.ID, "unknown"} {
		for _, test := range tests {
			err := s.UpdateUser(t.Context(), auth.UserUpdate{ID: id, IfPasswordHash: test.hash, IfEpoch: test.epoch})
			wantError(t, "UpdateUser of nobody demanding "+test.what, err, auth.ErrUserNotFound)
		}
		s.absentID(t, id)
	}
	s.demand(t, bystander)
}

func (s userStore) raise(t *testing.T) {
	for i, amounts := range [][]uint64{
		{1, 255, 1 << 16, 1 << 31, 1, math.MaxUint32, 1 << 32, 1<<53 + 1, 1, 1 << 61, 1 << 62, 1},
		{math.MaxInt64},
		{1 << 62, 1, 1<<62 - 2},
	} {
		r := record(t, i)
		r.Epoch = 0
		r = s.create(t, r)
		for _, amount := range amounts {
			s.apply(t, fmt.Sprintf("nothing but RaiseEpoch %d", amount), auth.UserUpdate{RaiseEpoch: amount}, &r)
		}
	}
}
