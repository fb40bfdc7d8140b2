package authtest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed89488a0c/auth"
)

// racers is how many goroutines contend for one thing.
const racers = 64

// TestUserStore holds an implementation against the contract of
// [auth.UserStore]. newStore is called for every rule and returns an empty
// store, which must be usable by many goroutines at once.
func TestUserStore(t *testing.T, newStore func(t *testing.T) auth.UserStore) {
	rules := []struct {
		name string
		test func(s userStore, t *testing.T)
	}{
		{"what was created is read back, every field", userStore.roundTrip},
		{"fields may be as long as they are promised to be", userStore.longest},
		{"zero times and empty strings stay what they are", userStore.zero},
		{"text is kept character by character", userStore.text},
		{"an unknown ID or key is ErrUserNotFound, whatever it is", userStore.unknown},
		{"keys and IDs are compared byte for byte", userStore.bytewise},
		{"a taken key or ID is ErrUserExists, and changes nothing", userStore.duplicate},
		{"an update changes its fields and no other", userStore.update},
		{"an update that changes nothing succeeds", userStore.updateSame},
		{"an update may move a user to a new key, which frees the old one", userStore.rekey},
		{"an update to a taken key is ErrUserExists, and changes nothing", userStore.rekeyTaken},
		{"an update demands the very hash, else it is ErrConflict and changes nothing", userStore.compareAndSwap},
		{"EndSessions adds 1 to Epoch", userStore.endSessions},
		{"a deleted user is gone, and the key is free", userStore.delete},
		{"of many that create one key, exactly one wins", userStore.raceCreate},
		{"of many that replace one hash, exactly one wins", userStore.raceSwap},
		{"concurrent ends of sessions all count", userStore.raceEpoch},
		{"of many that delete one user, exactly one wins", userStore.raceDelete},
		{"a context that has ended is recognisable, and nothing is changed", userStore.contextEnded},
		{"errors do not repeat addresses", userStore.silentErrors},
	}
	for _, rule := range rules {
		t.Run(rule.name, func(t *testing.T) {
			t.Helper()
			rule.test(userStore{newStore(t)}, t)
		})
	}
}

type userStore struct{ auth.UserStore }

// record returns a user with every field set.
func record(t testing.TB, seed int) auth.UserRecord {
	t.Helper()
	var r auth.UserRecord
	fill(t, reflect.ValueOf(&r).Elem(), seed)
	return r
}

// create stores r and returns it with the ID that the store gave it.
func (s userStore) create(t testing.TB, r auth.UserRecord) auth.UserRecord {
	t.Helper()
	id, err := s.CreateUser(t.Context(), r)
	if err != nil {
		t.Fatalf("CreateUser: %v", err)
	}
	if id == "" {
		t.Fatal("CreateUser returned no ID")
	}
	r.ID = id
	return r
}

// demand fails unless want is stored, under its ID and its key.
func (s userStore) demand(t testing.TB, want auth.UserRecord) {
	t.Helper()
	byID, err := s.UserByID(t.Context(), want.ID)
	if err != nil {
		t.Fatalf("UserByID: %v", err)
	}
	byKey, err := s.UserByEmail(t.Context(), want.EmailKey)
	if err != nil {
		t.Fatalf("UserByEmail: %v", err)
	}
	for method, got := range map[string]auth.UserRecord{"UserByID": byID, "UserByEmail": byKey} {
		if names := diff(reflect.ValueOf(got), reflect.ValueOf(want)); len(names) > 0 {
			t.Errorf("%s returned other values in: %s", method, strings.Join(names, ", "))
		}
	}
}

// absent fails unless there is no user with this ID and key.
func (s userStore) absent(t testing.TB, id, key string) {
	t.Helper()
	got, err := s.UserByID(t.Context(), id)
	wantError(t, "UserByID", err, auth.ErrUserNotFound)
	wantZero(t, "UserByID", got)
	got, err = s.UserByEmail(t.Context(), key)
	wantError(t, "UserByEmail", err, auth.ErrUserNotFound)
	wantZero(t, "UserByEmail", got)
}

func wantError(t testing.TB, method string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s returned %v, want %v", method, err, want)
	}
}

func wantZero[T any](t testing.TB, method string, got T) {
	t.Helper()
	if !reflect.ValueOf(got).IsZero() {
		t.Errorf("%s returned a value beside an error", method)
	}
}

func (s userStore) roundTrip(t *testing.T) {
	first, second := s.create(t, record(t, 1)), s.create(t, record(t, 2))
	if first.ID == second.ID {
		t.Fatal("two users have one ID")
	}
	s.demand(t, first)
	s.demand(t, second)
}

func (s userStore) longest(t *testing.T) {
	r := record(t, 1)
	r.ID = strings.Repeat("i", 64)
	r.Email = strings.Repeat("𝔸", 79) + "@xyz" // 320 bytes
	r.EmailKey = strings.Repeat("k", 320)
	r.Username = strings.Repeat("홍", 99) + "𝔸"
	r.PasswordHash = strings.Repeat("h", 1024)
	r.CreatedAt = time.Date(9999, 12, 31, 23, 59, 59, 999_999_000, time.UTC)
	r.Epoch = 1 << 62
	s.demand(t, s.create(t, r))
}

func (s userStore) zero(t *testing.T) {
	r := record(t, 1)
	r.Username, r.PasswordHash, r.Epoch = "", "", 0
	r.DisabledAt, r.EmailVerifiedAt = time.Time{}, time.Time{}
	s.demand(t, s.create(t, r))
	// The first instant of Unix time is a time as any other.
	r = record(t, 2)
	r.CreatedAt, r.UpdatedAt = time.Unix(0, 0).UTC(), time.Unix(0, 0).UTC()
	r.DisabledAt, r.EmailVerifiedAt = time.Unix(0, 0).UTC(), time.Unix(0, 0).UTC()
	s.demand(t, s.create(t, r))
}

var texts = []string{
	"홍길동", "Åse", "e\u0301", "\u00e9", "👩🏽‍🚀", "  spaces  ", "it's \"quoted\" \\ `ticked`", "% _ ? :name $1 --",
	"\t", "null", "NULL", "0", "-1", "1e3", "<b>", "\u202e", "\ufeff", "\U0010ffff", "'; DROP TABLE auth_users; --",
}

func (s userStore) text(t *testing.T) {
	for i, text := range texts {
		r := record(t, i)
		r.Username, r.Email, r.EmailKey, r.PasswordHash = text, text, text, text
		s.demand(t, s.create(t, r))
	}
}

func (s userStore) unknown(t *testing.T) {
	s.absent(t, "id-1", "key-1") // of the empty store
	r := s.create(t, record(t, 1))
	hostile := append([]string{
		"", "x", "0", "00", "' OR ''='", "\" OR \"\"=\"", "\x00", "\xff\xfe", "a\x00b", "%", "_", "*",
		r.ID + " ", " " + r.ID, r.ID + "\x00", r.ID + "abc", "0" + r.ID, "+" + r.ID, strings.Repeat("x", 10<<20),
	}, texts...)
	for _, text := range hostile {
		s.absent(t, text, text)
		wantError(t, "UpdateUser", s.UpdateUser(t.Context(), auth.UserUpdate{ID: text, At: r.CreatedAt, EndSessions: true}), auth.ErrUserNotFound)
		wantError(t, "DeleteUser", s.DeleteUser(t.Context(), text), auth.ErrUserNotFound)
	}
	s.demand(t, r)
}

// variants are all different, and equal to many a collation.
var variants = []string{"rene@x", "Rene@x", "rené@x", "rene\u0301@x", "rene@x ", " rene@x", "rene@ｘ", "ren\u0435@x", "straße", "strasse", "ﬀ", "ff", "İ", "i̇", "ı"}

func (s userStore) bytewise(t *testing.T) {
	var created []auth.UserRecord
	for i, v := range variants {
		r := record(t, i)
		s.absent(t, "id-"+v, v)
		r.ID, r.EmailKey = "id-"+v, v
		created = append(created, s.create(t, r))
	}
	for _, r := range created {
		s.demand(t, r)
	}
}

func (s userStore) duplicate(t *testing.T) {
	first := s.create(t, record(t, 1))
	second := record(t, 2)
	second.EmailKey = first.EmailKey
	id, err := s.CreateUser(t.Context(), second)
	wantError(t, "CreateUser", err, auth.ErrUserExists)
	wantZero(t, "CreateUser", id)
	s.demand(t, first)

	third := record(t, 3)
	third.ID = first.ID
	if id, err = s.CreateUser(t.Context(), third); err == nil && id != first.ID {
		return // the store makes IDs of its own
	}
	wantError(t, "CreateUser", err, auth.ErrUserExists)
	s.demand(t, first)
	if _, err := s.UserByEmail(t.Context(), third.EmailKey); !errors.Is(err, auth.ErrUserNotFound) {
		t.Errorf("half of a refused user is there: UserByEmail returned %v", err)
	}
}

func (s userStore) update(t *testing.T) {
	bystander := s.create(t, record(t, 1))
	want := s.create(t, record(t, 2))
	values := record(t, 3)
	alone := map[string]bool{"ID": true, "At": true, "IfPasswordHash": true, "EndSessions": true, "Email": true, "EmailKey": true}
	for i := range reflect.TypeFor[auth.UserUpdate]().NumField() {
		name := reflect.TypeFor[auth.UserUpdate]().Field(i).Name
		if alone[name] {
			continue // has a rule of its own
		}
		u := auth.UserUpdate{ID: want.ID, At: want.UpdatedAt.Add(time.Microsecond)}
		value := reflect.ValueOf(&values).Elem().FieldByName(name)
		if !value.IsValid() || reflect.ValueOf(u).Field(i).Kind() != reflect.Pointer {
			t.Fatalf("authtest does not know UserUpdate.%s: the suite must learn it", name)
		}
		for _, v := range []reflect.Value{value, reflect.Zero(value.Type())} {
			pointer := reflect.New(value.Type())
			pointer.Elem().Set(v)
			reflect.ValueOf(&u).Elem().Field(i).Set(pointer)
			reflect.ValueOf(&want).Elem().FieldByName(name).Set(v)
			want.UpdatedAt = u.At
			if err := s.UpdateUser(t.Context(), u); err != nil {
				t.Fatalf("UpdateUser of %s: %v", name, err)
			}
			s.demand(t, want)
		}
	}
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
	r.Email, r.EmailKey, r.UpdatedAt = "new@example.com", "new-key", r.UpdatedAt.Add(time.Second)
	if err := s.UpdateUser(t.Context(), auth.UserUpdate{ID: r.ID, At: r.UpdatedAt, Email: &r.Email, EmailKey: &r.EmailKey}); err != nil {
		t.Fatalf("UpdateUser: %v", err)
	}
	s.demand(t, r)
	if _, err := s.UserByEmail(t.Context(), oldKey); !errors.Is(err, auth.ErrUserNotFound) {
		t.Errorf("the old key still leads to the user: %v", err)
	}
	next := record(t, 2)
	next.EmailKey = oldKey
	s.demand(t, s.create(t, next))
	s.demand(t, r)
}

func (s userStore) rekeyTaken(t *testing.T) {
	first, second := s.create(t, record(t, 1)), s.create(t, record(t, 2))
	hash := "other"
	err := s.UpdateUser(t.Context(), auth.UserUpdate{ID: second.ID, At: first.CreatedAt, Email: &first.Email, EmailKey: &first.EmailKey, PasswordHash: &hash, EndSessions: true})
	wantError(t, "UpdateUser", err, auth.ErrUserExists)
	s.demand(t, first)
	s.demand(t, second)
}

func (s userStore) compareAndSwap(t *testing.T) {
	r := record(t, 1)
	r.PasswordHash = "$Hash$"
	r = s.create(t, r)
	next := "$next$"
	for _, other := range []string{"", "$hash$", "$Hash$ ", "$Hash$\x00", " $Hash$", "$Hash", "$H\u0430sh$", "0"} {
		err := s.UpdateUser(t.Context(), auth.UserUpdate{ID: r.ID, At: r.CreatedAt, IfPasswordHash: &other, PasswordHash: &next, EndSessions: true})
		wantError(t, fmt.Sprintf("UpdateUser demanding %q of %q", other, r.PasswordHash), err, auth.ErrConflict)
		s.demand(t, r)
	}
	for _, hash := range []string{"", "$last$"} { // the second step starts from a user without password
		r.UpdatedAt = r.UpdatedAt.Add(time.Second)
		if err := s.UpdateUser(t.Context(), auth.UserUpdate{ID: r.ID, At: r.UpdatedAt, IfPasswordHash: &r.PasswordHash, PasswordHash: &hash}); err != nil {
			t.Fatalf("UpdateUser: %v", err)
		}
		r.PasswordHash = hash
		s.demand(t, r)
	}
	err := s.UpdateUser(t.Context(), auth.UserUpdate{ID: "unknown", At: r.CreatedAt, IfPasswordHash: &r.PasswordHash})
	wantError(t, "UpdateUser of nobody", err, auth.ErrUserNotFound)
}

func (s userStore) endSessions(t *testing.T) {
	r := s.create(t, record(t, 1))
	r.Epoch++
	r.UpdatedAt = r.UpdatedAt.Add(time.Second)
	if err := s.UpdateUser(t.Context(), auth.UserUpdate{ID: r.ID, At: r.UpdatedAt, EndSessions: true}); err != nil {
		t.Fatalf("UpdateUser: %v", err)
	}
	s.demand(t, r)
}

func (s userStore) delete(t *testing.T) {
	bystander, r := s.create(t, record(t, 1)), s.create(t, record(t, 2))
	if err := s.DeleteUser(t.Context(), r.ID); err != nil {
		t.Fatalf("DeleteUser: %v", err)
	}
	s.absent(t, r.ID, r.EmailKey)
	wantError(t, "DeleteUser again", s.DeleteUser(t.Context(), r.ID), auth.ErrUserNotFound)
	wantError(t, "UpdateUser", s.UpdateUser(t.Context(), auth.UserUpdate{ID: r.ID, At: r.CreatedAt, EndSessions: true}), auth.ErrUserNotFound)
	again := record(t, 3)
	again.EmailKey = r.EmailKey
	s.demand(t, s.create(t, again))
	s.demand(t, bystander)
}

// race runs f in many goroutines and fails unless exactly one succeeds and the
// others return want.
func race(t *testing.T, method string, want error, f func(i int) error) {
	t.Helper()
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
	winners := 0
	for _, err := range errs {
		if err == nil {
			winners++
		} else {
			wantError(t, method, err, want)
		}
	}
	if winners != 1 {
		t.Errorf("%d of %d concurrent calls of %s won, want exactly one", winners, racers, method)
	}
}

func (s userStore) raceCreate(t *testing.T) {
	records := make([]auth.UserRecord, racers)
	for i := range records {
		records[i] = record(t, i)
		records[i].EmailKey = "the one key"
	}
	race(t, "CreateUser", auth.ErrUserExists, func(i int) error {
		id, err := s.CreateUser(t.Context(), records[i])
		if err == nil {
			records[i].ID = id
		}
		return err
	})
	winner, err := s.UserByEmail(t.Context(), "the one key")
	if err != nil {
		t.Fatalf("UserByEmail: %v", err)
	}
	s.demand(t, winner)
}

func (s userStore) raceSwap(t *testing.T) {
	r := s.create(t, record(t, 1))
	race(t, "UpdateUser", auth.ErrConflict, func(i int) error {
		hash := fmt.Sprintf("hash of racer %d", i)
		return s.UpdateUser(t.Context(), auth.UserUpdate{ID: r.ID, At: r.UpdatedAt, IfPasswordHash: &r.PasswordHash, PasswordHash: &hash})
	})
}

func (s userStore) raceEpoch(t *testing.T) {
	r := s.create(t, record(t, 1))
	var wg sync.WaitGroup
	for range racers {
		wg.Go(func() {
			if err := s.UpdateUser(t.Context(), auth.UserUpdate{ID: r.ID, At: r.UpdatedAt, EndSessions: true}); err != nil {
				t.Errorf("UpdateUser: %v", err)
			}
		})
	}
	wg.Wait()
	r.Epoch += racers
	s.demand(t, r)
}

func (s userStore) raceDelete(t *testing.T) {
	r := s.create(t, record(t, 1))
	race(t, "DeleteUser", auth.ErrUserNotFound, func(int) error { return s.DeleteUser(t.Context(), r.ID) })
}

func (s userStore) contextEnded(t *testing.T) {
	r := s.create(t, record(t, 1))
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	late, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Hour))
	defer cancel()
	hash := "other"
	for ctx, want := range map[context.Context]error{canceled: context.Canceled, late: context.DeadlineExceeded} {
		other := record(t, 2)
		id, err := s.CreateUser(ctx, other)
		wantError(t, "CreateUser", err, want)
		wantZero(t, "CreateUser", id)
		s.absent(t, other.ID, other.EmailKey)
		got, err := s.UserByEmail(ctx, r.EmailKey)
		wantError(t, "UserByEmail", err, want)
		wantZero(t, "UserByEmail", got)
		got, err = s.UserByID(ctx, r.ID)
		wantError(t, "UserByID", err, want)
		wantZero(t, "UserByID", got)
		wantError(t, "UpdateUser", s.UpdateUser(ctx, auth.UserUpdate{ID: r.ID, At: r.CreatedAt, PasswordHash: &hash}), want)
		wantError(t, "DeleteUser", s.DeleteUser(ctx, r.ID), want)
		s.demand(t, r)
	}
}

func (s userStore) silentErrors(t *testing.T) {
	r := record(t, 1)
	r.Email, r.EmailKey, r.PasswordHash = "canary@example.com", "canary@example.com", "canary-hash"
	r = s.create(t, r)
	again := r
	again.ID = "id-of-another"
	_, create := s.CreateUser(t.Context(), again)
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	_, read := s.UserByEmail(canceled, r.EmailKey)
	wrong := "canary-other"
	swap := s.UpdateUser(t.Context(), auth.UserUpdate{ID: r.ID, At: r.CreatedAt, IfPasswordHash: &wrong})
	for _, err := range []error{create, read, swap} {
		if err == nil || strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), "canary") {
			t.Errorf("no error, or one that repeats an address or a hash")
		}
	}
}
