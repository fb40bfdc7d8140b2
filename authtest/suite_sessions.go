package authtest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/seed89488a0c/auth"
)

// TestSessionStore holds an implementation against the contract of
// [auth.SessionStore]. newStore is called for every rule and returns an empty
// store, which must be usable by many goroutines at once and take sessions of
// users that it does not know. The users' IDs are integers, unless the store
// takes others too; one that does not refuses them by an [*auth.StoreError].
func TestSessionStore(t *testing.T, newStore func(t *testing.T) auth.SessionStore) {
	rules := []struct {
		name string
		test func(s sessionStore, t *testing.T)
	}{
		{"what was created is read back, every field", sessionStore.roundTrip},
		{"fields may be as long as they are promised to be", sessionStore.longest},
		{"zero times, empty strings and digests of any bytes stay what they are", sessionStore.zero},
		{"text and addresses are kept as they are", sessionStore.text},
		{"an unknown ID finds nothing, whatever it is", sessionStore.unknown},
		{"IDs are compared byte for byte", sessionStore.bytewise},
		{"IDs are compared to their last byte", sessionStore.lastByte},
		{"a taken ID is ErrConflict, and changes nothing", sessionStore.duplicate},
		{"an update changes what it names and nothing else", sessionStore.update},
		{"a rotation keeps all that it is given, and nothing of the one before", sessionStore.rotated},
		{"a rotation sets Repeats to 0, beside a bound too", sessionStore.rotationBelow},
		{"an update that changes nothing succeeds", sessionStore.updateSame},
		{"an update of nothing confirms what is demanded", sessionStore.confirm},
		{"an update demands both digests, else it is ErrConflict and changes nothing", sessionStore.compareAndSwap},
		{"with AnyDigests an update demands all but the digests", sessionStore.anyDigests},
		{"RepeatsBelow demands that Repeats is below it, and adds 1", sessionStore.bound},
		{"an update is ErrConflict from the very microsecond at which the session ends", sessionStore.ended},
		{"a token that was replaced is demanded in vain", sessionStore.chain},
		{"of many that create one ID, exactly one wins", sessionStore.raceID},
		{"of many that replace one token, exactly one wins", sessionStore.raceRotation},
		{"of many that count up to a bound, exactly so many succeed", sessionStore.raceBound},
		{"concurrent counts undo no rotation", sessionStore.raceFields},
		{"a rotation does not bring back what is deleted meanwhile", sessionStore.raceDeletion},
		{"of many that delete one session, exactly one counts it", sessionStore.raceDelete},
		{"a list has the sessions of its user, newest first", sessionStore.list},
		{"a list has the newest thousand", sessionStore.longList},
		{"a filter deletes what it chooses, and counts it", sessionStore.filters},
		{"a filter demands the very family", sessionStore.families},
		{"a limit takes those that end first", sessionStore.limits},
		{"a filter that chooses by nothing deletes nothing", sessionStore.emptyFilter},
		{"a deleted session is gone, and its ID is free", sessionStore.deleted},
		{"a context that has ended is recognisable, and nothing is changed", sessionStore.contextEnded},
		{"errors do not repeat what they were asked", sessionStore.silentErrors},
		{"what was given and returned is the caller's", sessionStore.ownMemory},
	}
	for _, rule := range rules {
		if !wanted(t, rule.name) {
			continue
		}
		t.Run(rule.name, func(t *testing.T) {
			t.Helper()
			rule.test(sessionStore{newStore(t)}, t)
		})
	}
}

type sessionStore struct{ auth.SessionStore }

// session returns one with every field set but User; sessions of different seeds
// are of different users.
func session(t testing.TB, seed int) auth.SessionRecord {
	t.Helper()
	var r auth.SessionRecord
	fill(t, reflect.ValueOf(&r).Elem(), seed)
	r.UserID = strconv.Itoa(1_000_000 + seed)
	return r
}

func (s sessionStore) create(t testing.TB, r auth.SessionRecord) auth.SessionRecord {
	t.Helper()
	if err := s.CreateSession(t.Context(), r); err != nil {
		t.Fatalf("CreateSession: %v", err)
	}
	return r
}

// takesText reports whether users' IDs can be other than integers.
func (s sessionStore) takesText(t testing.TB) bool {
	t.Helper()
	r := session(t, 77_777)
	r.ID, r.UserID = "an ID for the users", "a user"
	err := s.CreateSession(t.Context(), r)
	if refused := new(auth.StoreError); errors.As(err, &refused) {
		return false
	}
	if err != nil {
		t.Fatalf("CreateSession: %v", err)
	}
	return true
}

// demand fails unless want is stored, under its ID and in the list of its user.
func (s sessionStore) demand(t testing.TB, want auth.SessionRecord) {
	t.Helper()
	got, err := s.SessionByID(t.Context(), want.ID)
	if err != nil {
		t.Fatalf("SessionByID: %v", err)
	}
	if got.User != nil {
		t.Error("SessionByID returned a user, of whom the store knows nothing")
	}
	wantSession(t, "SessionByID", got, want)
	list, err := s.Sessions(t.Context(), want.UserID)
	if err != nil {
		t.Fatalf("Sessions: %v", err)
	}
	times := 0
	for _, got := range list {
		if got.UserID != want.UserID {
			t.Errorf("Sessions of %q returned one of %q", want.UserID, got.UserID)
		}
		if got.ID == want.ID {
			times++
			wantSession(t, "Sessions", got, want)
		}
	}
	if times != 1 {
		t.Errorf("Sessions returned the session %d times", times)
	}
}

func wantSession(t testing.TB, method string, got, want auth.SessionRecord) {
	t.Helper()
	got.User, want.User = nil, nil
	if names := diff(reflect.ValueOf(got), reflect.ValueOf(want)); len(names) > 0 {
		t.Errorf("%s returned other values in: %s", method, strings.Join(names, ", "))
	}
}

// absent fails if there is a session with this ID.
func (s sessionStore) absent(t testing.TB, id string) {
	t.Helper()
	got, err := s.SessionByID(t.Context(), id)
	wantError(t, "SessionByID", err, auth.ErrSessionNotFound)
	wantZero(t, "SessionByID", got)
}

// empty fails if there are sessions of this user.
func (s sessionStore) empty(t testing.TB, userID string) {
	t.Helper()
	if got, err := s.Sessions(t.Context(), userID); err != nil || len(got) > 0 {
		t.Errorf("Sessions of %.40q returned %d sessions and %v, want none and no error", userID, len(got), err)
	}
}

// remove fails unless f chooses want sessions.
func (s sessionStore) remove(t testing.TB, f auth.SessionFilter, want int) {
	t.Helper()
	if got, err := s.DeleteSessions(t.Context(), f); err != nil || got != want {
		t.Errorf("DeleteSessions(%.200s) returned %d, %v, want %d", fmt.Sprintf("%+v", f), got, err, want)
	}
}

func (s sessionStore) roundTrip(t *testing.T) {
	first, second, third := session(t, 1), session(t, 2), session(t, 3)
	third.UserID = first.UserID
	user := record(t, 1)
	user.ID = first.UserID
	first.User = &user // which is not looked at
	for _, r := range []auth.SessionRecord{first, second, third} {
		s.create(t, r)
	}
	for _, r := range []auth.SessionRecord{first, second, third} {
		s.demand(t, r)
	}
}

func (s sessionStore) longest(t *testing.T) {
	r := session(t, 1)
	r.ID = strings.Repeat("i", 64)
	r.UserID = "18446744073709551615"
	r.Client = longestClient(0)
	r.AMR = strings.Repeat("m", 64)
	r.Audience = strings.Repeat("a", 1024)
	r.Epoch = 1 << 62
	r.Repeats = math.MaxUint32
	r.CreatedAt = time.Date(1000, 1, 1, 0, 0, 0, 1000, time.UTC)
	r.ExpiresAt = time.Date(9999, 12, 31, 23, 59, 59, 999_999_000, time.UTC)
	r.GraceUntil = r.ExpiresAt
	s.demand(t, s.create(t, r))
	if s.takesText(t) {
		r.ID, r.UserID = strings.Repeat("i", 63)+"j", strings.Repeat("u", 64)
		s.demand(t, s.create(t, r))
	}
	r.ID, r.Client = "other", longestClient(1)
	r.AMR, r.Audience = strings.Repeat("é", 32), strings.Repeat("𝔸", 256)
	s.demand(t, s.create(t, r))
}

func (s sessionStore) zero(t *testing.T) {
	r := session(t, 1)
	r.Epoch, r.Repeats, r.Client, r.AMR, r.Audience = 0, 0, auth.Client{}, "", ""
	r.LastUsedAt, r.RotatedAt, r.AuthTime, r.GraceUntil = time.Time{}, time.Time{}, time.Time{}, time.Time{}
	r.Parent, r.Nonce = [32]byte{}, [32]byte{}
	s.demand(t, s.create(t, r))
	// The first instant of Unix time is a time as any other.
	r = session(t, 2)
	epoch := time.Unix(0, 0).UTC()
	r.CreatedAt, r.LastUsedAt, r.RotatedAt, r.AuthTime, r.IdleUntil, r.ExpiresAt = epoch, epoch, epoch, epoch, epoch, epoch
	r.GraceUntil = epoch
	s.demand(t, s.create(t, r))
	for i, b := range oddBytes {
		r = session(t, 3+i)
		for j := range 16 { // in front and behind
			r.Family[j], r.Token[31-j], r.Parent[j], r.Nonce[31-j] = b, b, b, b
		}
		s.demand(t, s.create(t, r))
	}
}

func (s sessionStore) text(t *testing.T) {
	for i, text := range texts {
		r := session(t, i)
		r.Client.UserAgent, r.Client.Label, r.AMR, r.Audience = text, text, text, text
		s.demand(t, s.create(t, r))
	}
	for i, address := range addresses {
		r := session(t, 100+i)
		r.Client.Address = netip.MustParseAddr(address)
		s.demand(t, s.create(t, r))
	}
}

func (s sessionStore) unknown(t *testing.T) {
	s.absent(t, "id-1") // of the empty store
	s.empty(t, "1")
	r := s.create(t, session(t, 1))
	hostile := append([]string{
		"", "x", "0", "00", "' OR ''='", "\" OR \"\"=\"", "\x00", "\xff\xfe", "a\x00b", "%", "_", "*",
		strings.Repeat("_", len(r.ID)), strings.Repeat("_", len(r.UserID)), "0" + r.UserID, "+" + r.UserID, r.UserID + ".0",
		strings.Repeat("x", hugeText),
	}, texts...)
	for _, known := range []string{r.ID, r.UserID} {
		hostile = append(hostile, known+" ", " "+known, known+"\n", known+"\x00", known+"\x00x", known+"abc", known[:len(known)-1], known+"%")
	}
	for _, text := range hostile {
		s.absent(t, text)
		s.empty(t, text)
		u := demanding(r)
		u.ID = text
		wantError(t, "UpdateSession", s.UpdateSession(t.Context(), u), auth.ErrConflict)
		wantError(t, "UpdateSession", s.UpdateSession(t.Context(), auth.SessionUpdate{ID: text, AnyDigests: true, At: u.At}), auth.ErrConflict)
		s.remove(t, auth.SessionFilter{ID: text}, 0)
		s.remove(t, auth.SessionFilter{ID: text, Family: r.Family}, 0)
		s.remove(t, auth.SessionFilter{UserID: text}, 0)
		s.remove(t, auth.SessionFilter{ID: r.ID, UserID: text + "x"}, 0)
	}
	s.demand(t, r)
}

func (s sessionStore) bytewise(t *testing.T) {
	text := s.takesText(t)
	var created []auth.SessionRecord
	for i, v := range variants {
		s.absent(t, v)
		r := session(t, i)
		if text {
			s.empty(t, v)
			r.UserID = v
		}
		r.ID = v
		created = append(created, s.create(t, r))
	}
	for _, r := range created {
		s.demand(t, r)
		if list, err := s.Sessions(t.Context(), r.UserID); err != nil || len(list) != 1 {
			t.Errorf("Sessions of %q returned %d, %v", r.UserID, len(list), err)
		}
	}
	for i := range created {
		s.apply(t, &created[i], session(t, 50+i), "RepeatsBelow")
	}
	for i, r := range created {
		s.remove(t, []auth.SessionFilter{{ID: r.ID}, {UserID: r.UserID}}[i%2], 1)
		for _, other := range created[i+1:] {
			s.demand(t, other)
		}
	}
}

func (s sessionStore) lastByte(t *testing.T) {
	id := strings.Repeat("i", 63)
	text := s.takesText(t)
	var created []auth.SessionRecord
	for i, last := range []string{"a", "b"} {
		r := session(t, i)
		r.ID = id + last
		if text {
			r.UserID = id + last
		}
		created = append(created, s.create(t, r))
	}
	s.absent(t, id+"c")
	u := demanding(created[0])
	u.ID = id + "c"
	wantError(t, "UpdateSession", s.UpdateSession(t.Context(), u), auth.ErrConflict)
	s.remove(t, auth.SessionFilter{ID: id + "c"}, 0)
	s.remove(t, auth.SessionFilter{UserID: id + "c"}, 0)
	for _, r := range created {
		s.demand(t, r)
	}
}

func (s sessionStore) duplicate(t *testing.T) {
	first := s.create(t, session(t, 1))
	for _, user := range []string{first.UserID, session(t, 2).UserID} {
		second := session(t, 2)
		second.ID, second.UserID = first.ID, user
		wantError(t, "CreateSession", s.CreateSession(t.Context(), second), auth.ErrConflict)
		s.demand(t, first)
	}
	wantError(t, "CreateSession of the same once more", s.CreateSession(t.Context(), first), auth.ErrConflict)
	s.demand(t, first)
	s.empty(t, session(t, 2).UserID)
	// Nothing but the ID must be unique.
	twin := first
	twin.ID = "other"
	s.demand(t, s.create(t, twin))
	s.demand(t, first)
}

func (s sessionStore) deleted(t *testing.T) {
	bystander := s.create(t, session(t, 1))
	for _, f := range []auth.SessionFilter{{ID: "id-2"}, {UserID: session(t, 2).UserID}} {
		r := s.create(t, session(t, 2))
		s.remove(t, f, 1)
		s.absent(t, r.ID)
		s.empty(t, r.UserID)
		s.remove(t, f, 0)
		wantError(t, "UpdateSession", s.UpdateSession(t.Context(), demanding(r)), auth.ErrConflict)
		s.absent(t, r.ID)
		again := session(t, 3)
		again.ID = r.ID
		s.demand(t, s.create(t, again))
		s.remove(t, auth.SessionFilter{ID: r.ID}, 1)
	}
	s.demand(t, bystander)
}

func (s sessionStore) contextEnded(t *testing.T) {
	r := s.create(t, session(t, 1))
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	late, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Hour))
	defer cancel()
	for ctx, want := range map[context.Context]error{canceled: context.Canceled, late: context.DeadlineExceeded} {
		other := session(t, 2)
		wantError(t, "CreateSession", s.CreateSession(ctx, other), want)
		s.absent(t, other.ID)
		got, err := s.SessionByID(ctx, r.ID)
		wantError(t, "SessionByID", err, want)
		wantZero(t, "SessionByID", got)
		u, ignored := demanding(r), r
		changeSession(&u, &ignored, other, sessionChanges(t)...)
		wantError(t, "UpdateSession", s.UpdateSession(ctx, u), want)
		wantError(t, "UpdateSession of nothing", s.UpdateSession(ctx, demanding(r)), want)
		wantError(t, "UpdateSession of none", s.UpdateSession(ctx, auth.SessionUpdate{ID: other.ID, AnyDigests: true, At: u.At}), want)
		list, err := s.Sessions(ctx, r.UserID)
		wantError(t, "Sessions", err, want)
		wantZero(t, "Sessions", list)
		n, err := s.DeleteSessions(ctx, auth.SessionFilter{ID: r.ID})
		wantError(t, "DeleteSessions", err, want)
		wantZero(t, "DeleteSessions", n)
		s.demand(t, r)
	}
}

func (s sessionStore) silentErrors(t *testing.T) {
	r := session(t, 1)
	r.ID, r.Client, r.Audience = "canary", auth.Client{UserAgent: "canary", Label: "canary"}, "canary"
	r = s.create(t, r)
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	_, unknown := s.SessionByID(t.Context(), "canary-2")
	_, readLate := s.SessionByID(canceled, r.ID)
	_, listLate := s.Sessions(canceled, "canary")
	_, deleteLate := s.DeleteSessions(canceled, auth.SessionFilter{ID: r.ID})
	wrong, ignored := demanding(r), r
	changeSession(&wrong, &ignored, r, "Rotation")
	copy(wrong.IfToken[:], "canary")
	for what, err := range map[string]error{
		"CreateSession of a taken ID":        s.CreateSession(t.Context(), r),
		"CreateSession in an ended context":  s.CreateSession(canceled, r),
		"SessionByID of none":                unknown,
		"SessionByID in an ended context":    readLate,
		"Sessions in an ended context":       listLate,
		"UpdateSession of a wrong token":     s.UpdateSession(t.Context(), wrong),
		"UpdateSession in an ended context":  s.UpdateSession(canceled, wrong),
		"DeleteSessions in an ended context": deleteLate,
	} {
		if err == nil || strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), "canary") {
			t.Errorf("%s: no error, or one that repeats what it was asked", what)
		}
	}
}

// ownMemory changes all that it can reach after each call.
func (s sessionStore) ownMemory(t *testing.T) {
	r := session(t, 1)
	user := record(t, 1)
	r.User = &user
	s.create(t, r)
	second := session(t, 2)
	second.UserID = r.UserID
	s.create(t, second)

	u := demanding(r)
	changeSession(&u, &r, session(t, 3), sessionChanges(t)...)
	if err := s.UpdateSession(t.Context(), u); err != nil {
		t.Fatalf("UpdateSession: %v", err)
	}
	*u.Rotation = auth.SessionRotation{}
	user.Epoch++
	s.demand(t, r)

	list, err := s.Sessions(t.Context(), r.UserID)
	if err != nil {
		t.Fatalf("Sessions: %v", err)
	}
	for i := range list {
		list[i] = auth.SessionRecord{}
	}
	s.demand(t, r)
	s.demand(t, second)
}
