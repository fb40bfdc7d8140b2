package authtest

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed89488a0c/auth"
)

func (s attemptStore) contextEnded(t *testing.T) {
	r := s.begin(t, attempt(t, 1), 1)
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	late, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Hour))
	defer cancel()
	for ctx, want := range map[context.Context]error{canceled: context.Canceled, late: context.DeadlineExceeded} {
		other := attempt(t, 2)
		reservation := auth.AttemptReservation{AttemptRecord: r, Now: r.At, Before: r}
		inBucket := reservation
		inBucket.NotAfter = r.ExpiresAt
		got, err := s.Attempts(ctx, [][32]byte{r.Key})
		wantError(t, "Attempts", err, want)
		wantZero(t, "Attempts", got)
		wantError(t, "Attempts of none", second(s.Attempts(ctx, nil)), want)
		wantError(t, "CountAttempts", s.CountAttempts(ctx, r.At, []auth.AttemptRecord{r, other}), want)
		wantError(t, "CountAttempts of none", s.CountAttempts(ctx, r.At, nil), want)
		wantError(t, "ReserveAttempt", s.ReserveAttempt(ctx, reservation), want)
		wantError(t, "ReserveAttempt in a bucket", s.ReserveAttempt(ctx, inBucket), want)
		wantError(t, "ReturnAttempt", s.ReturnAttempt(ctx, reservation), want)
		for _, f := range []auth.AttemptFilter{{Keys: [][32]byte{r.Key}}, {ExpiredBy: r.ExpiresAt}, {Account: [16]byte(r.Key[:16])}, {}} {
			n, err := s.DeleteAttempts(ctx, f)
			wantError(t, "DeleteAttempts", err, want)
			wantZero(t, "DeleteAttempts", n)
		}
		s.demand(t, "after a call with an ended context", r)
		s.absent(t, "after a call with an ended context", other.Key)
	}
}

func second[T any](_ T, err error) error { return err }

func (s attemptStore) silentErrors(t *testing.T) {
	r := attempt(t, 1)
	copy(r.Key[:], "canary of an account and of a network")
	r = s.begin(t, r, 1)
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	reservation := auth.AttemptReservation{AttemptRecord: r, Now: r.At, Before: auth.AttemptRecord{Count: 7}}
	full := auth.AttemptReservation{AttemptRecord: r, Now: r.At, NotAfter: r.At.Add(-time.Second)}
	for what, err := range map[string]error{
		"ReserveAttempt that conflicts":      s.ReserveAttempt(t.Context(), reservation),
		"ReserveAttempt in a full bucket":    s.ReserveAttempt(t.Context(), full),
		"Attempts in an ended context":       second(s.Attempts(canceled, [][32]byte{r.Key})),
		"CountAttempts in an ended context":  s.CountAttempts(canceled, r.At, []auth.AttemptRecord{r}),
		"ReserveAttempt in an ended context": s.ReserveAttempt(canceled, reservation),
		"ReturnAttempt in an ended context":  s.ReturnAttempt(canceled, reservation),
		"DeleteAttempts in an ended context": second(s.DeleteAttempts(canceled, auth.AttemptFilter{Keys: [][32]byte{r.Key}})),
	} {
		if err == nil {
			t.Errorf("%s: no error", what)
			continue
		}
		for _, form := range []string{"%v", "%+v", "%#v"} {
			for _, key := range []string{"canary", hex.EncodeToString([]byte("canary")), "99 97 110", "0x63, 0x61, 0x6e"} {
				if strings.Contains(strings.ToLower(fmt.Sprintf(form, err)), key) {
					t.Errorf("%s: an error that repeats what it was asked", what)
				}
			}
		}
	}
}

// ownMemory changes all that it can reach after each call, and no call changes what it
// was given.
func (s attemptStore) ownMemory(t *testing.T) {
	var records []auth.AttemptRecord
	var keys [][32]byte
	for i := range 16 {
		records = append(records, attempt(t, i))
		keys = append(keys, records[i].Key)
	}
	given, asked := slices.Clone(records), slices.Clone(keys)
	now := records[15].At
	for i := range given {
		given[i].ExpiresAt, records[i].ExpiresAt = now.Add(time.Hour), now.Add(time.Hour)
	}
	want := s.count(t, now, given...)
	got, err := s.Attempts(t.Context(), asked)
	if err != nil || len(got) != 16 {
		t.Fatalf("Attempts: %d, %v", len(got), err)
	}
	s.remove(t, auth.AttemptFilter{Keys: asked, ExpiredBy: now}, 0)
	if !slices.Equal(given, records) || !slices.Equal(asked, keys) {
		t.Error("what was given was changed")
	}
	clear(given)
	clear(asked)
	clear(got)
	s.demand(t, "after what was given and returned was cleared", want...)
}
