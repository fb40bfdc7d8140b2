package authtest

import (
	"fmt"
	"sync"
	"testing"

	"github.com/seed89488a0c/auth"
)

// racers is how many goroutines contend for one thing.
const racers = 64

// together runs f in many goroutines at once and returns what each returned.
func together(f func(i int) error) []error {
	start := make(chan struct{})
	errs := make([]error, racers)
	var wg sync.WaitGroup
	for i := range racers {
		wg.Go(func() {
			<-start
			errs[i] = f(i)
		})
	}
	close(start)
	wg.Wait()
	return errs
}

// oneWinner fails unless exactly one of errs is nil, and the others are want;
// it returns the one.
func oneWinner(t *testing.T, method string, errs []error, want error) (winner int) {
	t.Helper()
	winners := 0
	for i, err := range errs {
		if err == nil {
			winner = i
			winners++
		} else {
			wantError(t, method, err, want)
		}
	}
	if winners != 1 {
		t.Fatalf("%d of %d concurrent calls of %s won, want exactly one", winners, len(errs), method)
	}
	return winner
}

// createTogether creates records at once and writes the IDs into them.
func (s userStore) createTogether(t *testing.T, records []auth.UserRecord) []error {
	return together(func(i int) error {
		id, err := s.CreateUser(t.Context(), records[i])
		if err == nil {
			records[i].ID = id
		}
		return err
	})
}

func (s userStore) raceKey(t *testing.T) {
	records := make([]auth.UserRecord, racers)
	for i := range records {
		records[i] = record(t, i)
		records[i].EmailKey = "the one key"
	}
	winner := oneWinner(t, "CreateUser", s.createTogether(t, records), auth.ErrUserExists)
	for i, r := range records {
		if i != winner && r.ID != records[winner].ID {
			s.absentID(t, r.ID)
		}
	}
	s.demand(t, records[winner])
}

func (s userStore) raceID(t *testing.T) {
	records := make([]auth.UserRecord, racers)
	for i := range records {
		records[i] = record(t, i)
		records[i].ID = "the one ID"
	}
	errs := s.createTogether(t, records)
	ids := map[string]bool{}
	for _, r := range records {
		ids[r.ID] = true
	}
	if len(ids) == racers { // the store makes IDs of its own
		for _, r := range records {
			s.demand(t, r)
		}
		return
	}
	winner := oneWinner(t, "CreateUser", errs, auth.ErrUserExists)
	for i, r := range records {
		if i != winner {
			s.absentKey(t, r.EmailKey)
		}
	}
	s.demand(t, records[winner])
}

func (s userStore) raceRekey(t *testing.T) {
	users := make([]auth.UserRecord, racers)
	for i := range users {
		users[i] = s.create(t, record(t, i))
	}
	email, key := "new@example.com", "the one key"
	winner := oneWinner(t, "UpdateUser", together(func(i int) error {
		return s.UpdateUser(t.Context(), auth.UserUpdate{ID: users[i].ID, At: users[i].UpdatedAt, Email: &email, EmailKey: &key})
	}), auth.ErrUserExists)
	s.absentKey(t, users[winner].EmailKey)
	users[winner].Email, users[winner].EmailKey = email, key
	for _, r := range users {
		s.demand(t, r)
	}
}

func (s userStore) raceSwap(t *testing.T) {
	r := s.create(t, record(t, 1))
	hash := func(i int) string { return fmt.Sprintf("hash of racer %d", i) }
	winner := oneWinner(t, "UpdateUser", together(func(i int) error {
		next := hash(i)
		return s.UpdateUser(t.Context(), auth.UserUpdate{ID: r.ID, At: r.UpdatedAt, IfPasswordHash: &r.PasswordHash, PasswordHash: &next, RaiseEpoch: 7})
	}), auth.ErrConflict)
	r.PasswordHash = hash(winner)
	r.Epoch += 7
	s.demand(t, r)
}

func (s userStore) raceDemandedEpoch(t *testing.T) {
	r := s.create(t, record(t, 1))
	winner := oneWinner(t, "UpdateUser", together(func(i int) error {
		return s.UpdateUser(t.Context(), auth.UserUpdate{ID: r.ID, At: r.UpdatedAt, IfEpoch: &r.Epoch, RaiseEpoch: uint64(i) + 1})
	}), auth.ErrConflict)
	r.Epoch += uint64(winner) + 1
	s.demand(t, r)
}

func (s userStore) raceEpoch(t *testing.T) {
	r := s.create(t, record(t, 1))
	for _, err := range together(func(int) error {
		return s.UpdateUser(t.Context(), auth.UserUpdate{ID: r.ID, At: r.UpdatedAt, RaiseEpoch: 7})
	}) {
		if err != nil {
			t.Errorf("UpdateUser: %v", err)
		}
	}
	r.Epoch += 7 * racers
	s.demand(t, r)
}

func (s userStore) raceDelete(t *testing.T) {
	r := s.create(t, record(t, 1))
	oneWinner(t, "DeleteUser", together(func(int) error { return s.DeleteUser(t.Context(), r.ID) }), auth.ErrUserNotFound)
	s.absent(t, r.ID, r.EmailKey)
}
