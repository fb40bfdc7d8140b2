package authtest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/seed89488a0c/auth"
)

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
		{"keys and IDs are compared to their last byte", userStore.lastByte},
		{"a taken key or ID is ErrUserExists, and changes nothing", userStore.duplicate},
		{"an update changes its fields and no other", userStore.update},
		{"an update may change every field at once", userStore.updateAll},
		{"an update that changes nothing succeeds", userStore.updateSame},
		{"an update may move a user to a new key, which frees the old one", userStore.rekey},
		{"an update to a taken key is ErrUserExists if it is as demanded, and changes nothing", userStore.rekeyTaken},
		{"an update demands the very hash, else it is ErrConflict and changes nothing", userStore.compareAndSwap},
		{"an update demands the very epoch, else it is ErrConflict and changes nothing", userStore.compareEpoch},
		{"hash and epoch are demanded, alone and together, whatever the update changes", userStore.demands},
		{"an update of nothing confirms what is demanded", userStore.confirm},
		{"an update without a time leaves UpdatedAt as it is", userStore.timeless},
		{"RaiseEpoch is added to Epoch, whatever else the update changes", userStore.endSessions},
		{"RaiseEpoch may be any amount", userStore.raise},
		{"a deleted user is gone, and the key is free", userStore.delete},
		{"what was read before is read anew after every change", userStore.fresh},
		{"of many that create one key, exactly one wins", userStore.raceKey},
		{"of many that create one ID, exactly one wins", userStore.raceID},
		{"of many that move to one key, exactly one wins", userStore.raceRekey},
		{"of many that replace one hash, exactly one wins", userStore.raceSwap},
		{"of many that raise one epoch, exactly one wins", userStore.raceDemandedEpoch},
		{"concurrent ends of sessions all count", userStore.raceEpoch},
		{"of many that delete one user, exactly one wins", userStore.raceDelete},
		{"a context that has ended is recognisable, and nothing is changed", userStore.contextEnded},
		{"errors do not repeat addresses", userStore.silentErrors},
	}
	for _, rule := range rules {
		if !wanted(t, rule.name) {
			continue
		}
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

// absent fails unless there is no user with this ID and none with this key.
func (s userStore) absent(t testing.TB, id, key string) {
	t.Helper()
	s.absentID(t, id)
	s.absentKey(t, key)
}

func (s userStore) absentID(t testing.TB, id string) {
	t.Helper()
	got, err := s.UserByID(t.Context(), id)
	wantError(t, "UserByID", err, auth.ErrUserNotFound)
	wantZero(t, "UserByID", got)
}

func (s userStore) absentKey(t testing.TB, key string) {
	t.Helper()
	got, err := s.UserByEmail(t.Context(), key)
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
	r.EmailVerifiedAt = time.Date(1000, 1, 1, 0, 0, 0, 1000, time.UTC)
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

// hugeText is more bytes than many a database takes in one packet; fewer in the
// tests of this package.
var hugeText = 10 << 20

func (s userStore) unknown(t *testing.T) {
	s.absent(t, "id-1", "key-1") // of the empty store
	r := s.create(t, record(t, 1))
	wrongEpoch := r.Epoch + 1
	hostile := append([]string{
		"", "x", "0", "00", "' OR ''='", "\" OR \"\"=\"", "\x00", "\xff\xfe", "a\x00b", "%", "_", "*",
		strings.Repeat("_", len(r.ID)), strings.Repeat("_", len(r.EmailKey)), strings.Repeat("?", len(r.EmailKey)),
		"0" + r.ID, "+" + r.ID, strings.Repeat("x", hugeText),
	}, texts...)
	for _, known := range []string{r.ID, r.EmailKey} {
		hostile = append(hostile, known+" ", " "+known, known+"\n", known+"\x00", known+"\x00x", known+"abc", known[:len(known)-1], known+"%")
	}
	for _, text := range hostile {
		s.absent(t, text, text)
		wantError(t, "UpdateUser", s.UpdateUser(t.Context(), auth.UserUpdate{ID: text, At: r.CreatedAt, RaiseEpoch: 7}), auth.ErrUserNotFound)
		wantError(t, "UpdateUser with a demand", s.UpdateUser(t.Context(), auth.UserUpdate{ID: text, IfEpoch: &wrongEpoch}), auth.ErrUserNotFound)
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
	for i := range created { // each moves in between the others
		r := &created[i]
		r.EmailKey = "moved " + r.EmailKey
		r.UpdatedAt = r.UpdatedAt.Add(time.Second)
		if err := s.UpdateUser(t.Context(), auth.UserUpdate{ID: r.ID, At: r.UpdatedAt, Email: &r.Email, EmailKey: &r.EmailKey}); err != nil {
			t.Fatalf("UpdateUser of the key to %q: %v", r.EmailKey, err)
		}
	}
	if err := s.DeleteUser(t.Context(), created[0].ID); err != nil {
		t.Fatalf("DeleteUser: %v", err)
	}
	for _, r := range created[1:] {
		s.demand(t, r)
	}
}

func (s userStore) lastByte(t *testing.T) {
	id, key := strings.Repeat("i", 63), strings.Repeat("k", 319)
	var created []auth.UserRecord
	for i, last := range []string{"a", "b"} {
		r := record(t, i)
		r.ID, r.EmailKey = id+last, key+last
		created = append(created, s.create(t, r))
	}
	s.absent(t, id+"c", key+"c")
	wantError(t, "UpdateUser", s.UpdateUser(t.Context(), auth.UserUpdate{ID: id + "c", At: created[0].CreatedAt, RaiseEpoch: 7}), auth.ErrUserNotFound)
	wantError(t, "DeleteUser", s.DeleteUser(t.Context(), id+"c"), auth.ErrUserNotFound)
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
	s.absentID(t, second.ID)
	s.demand(t, first)
	second.EmailKey = "free"
	s.demand(t, s.create(t, second)) // the ID was not taken by the attempt

	third := record(t, 3)
	third.ID = first.ID
	if id, err = s.CreateUser(t.Context(), third); err == nil && id != first.ID {
		return // the store makes IDs of its own
	}
	wantError(t, "CreateUser", err, auth.ErrUserExists)
	wantZero(t, "CreateUser", id)
	s.absentKey(t, third.EmailKey)
	s.demand(t, first)
	third.ID = "free"
	s.demand(t, s.create(t, third)) // nor was the key
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
		wantError(t, "UpdateUser of nothing", s.UpdateUser(ctx, auth.UserUpdate{ID: r.ID}), want)
		wantError(t, "UpdateUser with a demand that is not met", s.UpdateUser(ctx, auth.UserUpdate{ID: r.ID, IfPasswordHash: &hash}), want)
		wantError(t, "UpdateUser of nobody", s.UpdateUser(ctx, auth.UserUpdate{ID: other.ID}), want)
		wantError(t, "DeleteUser", s.DeleteUser(ctx, r.ID), want)
		s.demand(t, r)
	}
}

func (s userStore) silentErrors(t *testing.T) {
	r := record(t, 1)
	r.Email, r.EmailKey, r.PasswordHash = "canary@example.com", "canary@example.com", "canary-hash"
	r = s.create(t, r)
	other := s.create(t, record(t, 2))
	again := r
	again.ID = "id-of-another"
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	wrong := "canary-other"
	_, create := s.CreateUser(t.Context(), again)
	_, createLate := s.CreateUser(canceled, again)
	_, unknown := s.UserByEmail(t.Context(), wrong)
	_, readLate := s.UserByEmail(canceled, r.EmailKey)
	for what, err := range map[string]error{
		"CreateUser of a taken key":       create,
		"CreateUser in an ended context":  createLate,
		"UserByEmail of nobody":           unknown,
		"UserByEmail in an ended context": readLate,
		"UpdateUser with a wrong hash":    s.UpdateUser(t.Context(), auth.UserUpdate{ID: r.ID, At: r.CreatedAt, IfPasswordHash: &wrong}),
		"UpdateUser to a taken key":       s.UpdateUser(t.Context(), auth.UserUpdate{ID: other.ID, At: r.CreatedAt, Email: &r.Email, EmailKey: &r.EmailKey}),
		"UpdateUser in an ended context":  s.UpdateUser(canceled, auth.UserUpdate{ID: other.ID, At: r.CreatedAt, Email: &wrong, EmailKey: &wrong, PasswordHash: &wrong}),
	} {
		if err == nil || strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), "canary") {
			t.Errorf("%s: no error, or one that repeats an address or a hash", what)
		}
	}
}
