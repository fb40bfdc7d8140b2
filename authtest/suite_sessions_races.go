package authtest

import (
	"sync/atomic"
	"testing"

	"github.com/seed89488a0c/auth"
)

// rounds is how often goroutines contend for a thing that is there again at once.
const rounds = 5

func (s sessionStore) raceID(t *testing.T) {
	records := make([]auth.SessionRecord, racers)
	for i := range records {
		records[i] = session(t, i)
		records[i].ID = "the one ID"
	}
	winner := oneWinner(t, "CreateSession", together(func(i int) error {
		return s.CreateSession(t.Context(), records[i])
	}), auth.ErrConflict)
	for i, r := range records {
		if i != winner {
			s.empty(t, r.UserID)
		}
	}
	s.demand(t, records[winner])
}

func (s sessionStore) raceRotation(t *testing.T) {
	r, bystander := s.create(t, session(t, 1)), s.create(t, session(t, 2))
	for range rounds {
		outcomes := make([]auth.SessionRecord, racers)
		updates := make([]auth.SessionUpdate, racers)
		for i := range racers {
			outcomes[i], updates[i] = r, demanding(r)
			next := session(t, 10+i)
			next.Parent = r.Token
			next.Token[0] ^= byte(i) ^ r.Token[0] // differs from that of the round before
			next.Token[1] = r.Token[1] + 1
			changeSession(&updates[i], &outcomes[i], next, "Rotation")
		}
		winner := oneWinner(t, "UpdateSession", together(func(i int) error {
			return s.UpdateSession(t.Context(), updates[i])
		}), auth.ErrConflict)
		r = outcomes[winner]
		s.demand(t, r)
	}
	s.demand(t, bystander)
}

func (s sessionStore) raceBound(t *testing.T) {
	for i, test := range []struct{ repeats, below, want uint32 }{
		{0, 1, 1}, {0, 10, 10}, {5, 25, 20}, {90, 100, 10}, {0, racers, racers}, {7, racers + 8, racers}, {100, 100, 0},
	} {
		r := session(t, i)
		r.Repeats = test.repeats
		s.create(t, r)
		u := demanding(r)
		u.RepeatsBelow = test.below
		succeeded := uint32(0)
		for _, err := range together(func(int) error { return s.UpdateSession(t.Context(), u) }) {
			if err == nil {
				succeeded++
			} else {
				wantError(t, "UpdateSession", err, auth.ErrConflict)
			}
		}
		if succeeded != test.want {
			t.Errorf("%d of %d concurrent calls of UpdateSession with RepeatsBelow %d of %d succeeded, want %d", succeeded, racers, test.below, test.repeats, test.want)
		}
		if test.want > 0 {
			r.Repeats += test.want
			r.LastUsedAt = u.At
		}
		s.demand(t, r)
	}
}

// raceFields has one goroutine rotate while others count, all of them demanding the
// first token. Whoever comes after the rotation fails,
// and whoever came before it has not undone it.
func (s sessionStore) raceFields(t *testing.T) {
	for round := range rounds {
		r := s.create(t, session(t, round))
		want := r
		rotation := demanding(r)
		changeSession(&rotation, &want, session(t, 200), "Rotation")
		errs := together(func(i int) error {
			if i == racers/2 {
				return s.UpdateSession(t.Context(), rotation)
			}
			u := demanding(r)
			u.RepeatsBelow = r.Repeats + racers
			return s.UpdateSession(t.Context(), u)
		})
		for i, err := range errs {
			if i == racers/2 && err != nil {
				t.Fatalf("UpdateSession with a rotation: %v", err)
			} else if err != nil {
				wantError(t, "UpdateSession", err, auth.ErrConflict)
			}
		}
		s.demand(t, want)
	}
}

func (s sessionStore) raceDeletion(t *testing.T) {
	for round := range rounds {
		r := s.create(t, session(t, round))
		errs := together(func(i int) error {
			if i == racers/2 {
				n, err := s.DeleteSessions(t.Context(), []auth.SessionFilter{{ID: r.ID}, {UserID: r.UserID}}[round%2])
				if err == nil && n != 1 {
					t.Errorf("DeleteSessions returned %d, want 1", n)
				}
				return err
			}
			u, ignored := demanding(r), r
			changeSession(&u, &ignored, session(t, 100+i), "Rotation")
			return s.UpdateSession(t.Context(), u)
		})
		rotations := 0
		for i, err := range errs {
			switch {
			case i == racers/2 && err != nil:
				t.Errorf("DeleteSessions: %v", err)
			case i != racers/2 && err == nil:
				rotations++
			case i != racers/2:
				wantError(t, "UpdateSession", err, auth.ErrConflict)
			}
		}
		if rotations > 1 {
			t.Errorf("%d rotations of one token succeeded", rotations)
		}
		s.absent(t, r.ID)
		s.empty(t, r.UserID)
	}
}

func (s sessionStore) raceDelete(t *testing.T) {
	for round := range rounds {
		r := s.create(t, session(t, round))
		var deleted atomic.Int64
		for _, err := range together(func(i int) error {
			f := []auth.SessionFilter{{ID: r.ID}, {UserID: r.UserID}, {ExpiredBy: r.ExpiresAt, Limit: 10}}[i%3]
			n, err := s.DeleteSessions(t.Context(), f)
			deleted.Add(int64(n))
			return err
		}) {
			if err != nil {
				t.Errorf("DeleteSessions: %v", err)
			}
		}
		if n := deleted.Load(); n != 1 {
			t.Errorf("%d of %d concurrent calls of DeleteSessions counted one session", n, racers)
		}
		s.absent(t, r.ID)
		s.empty(t, r.UserID)
	}
}
