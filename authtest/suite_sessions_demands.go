package authtest

import (
	"fmt"
	"math"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/seed89488a0c/auth"
)

// bound updates sessions that were repeated so and so often, with and without what
// else an update can have.
func (s sessionStore) bound(t *testing.T) {
	for i, test := range []struct {
		repeats, below uint32
		ok             bool
	}{
		{0, 0, true},
		{7, 0, true},
		{math.MaxUint32, 0, true},
		{0, 1, true},
		{0, 2, true},
		{0, math.MaxUint32, true},
		{99, 100, true},
		{255, 256, true},
		{math.MaxUint16, math.MaxUint16 + 1, true},
		{math.MaxInt32, math.MaxInt32 + 1, true},
		{7, math.MaxUint32, true},
		{math.MaxUint32 - 1, math.MaxUint32, true},
		{1, 1, false},
		{2, 1, false},
		{100, 100, false},
		{256, 1, false},
		{1 << 16, 1, false},
		{1 << 31, 1, false},
		{math.MaxUint32, 1, false},
		{math.MaxUint32, math.MaxUint32, false},
	} {
		for j, other := range []string{"", "Rotation", "AnyDigests"} {
			r := session(t, 10*i+j)
			r.Repeats = test.repeats
			s.create(t, r)
			u, want := demanding(r), r
			u.RepeatsBelow = test.below
			if test.below > 0 {
				want.Repeats++
				want.LastUsedAt = u.At
			}
			switch other {
			case "Rotation":
				changeSession(&u, &want, session(t, 1000), "Rotation")
			case "AnyDigests":
				u.AnyDigests, u.IfFamily, u.IfToken = true, [32]byte{}, [32]byte{}
			}
			err := s.UpdateSession(t.Context(), u)
			what := fmt.Sprintf("UpdateSession [%s] with RepeatsBelow %d of %d", other, test.below, test.repeats)
			if test.ok {
				wantError(t, what, err, nil)
			} else {
				wantError(t, what, err, auth.ErrConflict)
				want = r
			}
			s.demand(t, want)
			if t.Failed() {
				t.Fatalf("that was after %s", what)
			}
		}
	}
	// One after the other, up to the bound.
	r := session(t, 2000)
	r.Repeats = 5
	s.create(t, r)
	u := demanding(r)
	u.RepeatsBelow = 9
	for r.Repeats < u.RepeatsBelow {
		wantError(t, "UpdateSession below the bound", s.UpdateSession(t.Context(), u), nil)
		r.Repeats++
		r.LastUsedAt = u.At
		s.demand(t, r)
	}
	wantError(t, "UpdateSession at the bound", s.UpdateSession(t.Context(), u), auth.ErrConflict)
	s.demand(t, r)
}

// sessionUpdates are what an update can change: nothing, each, and everything.
func sessionUpdates(t testing.TB) [][]string {
	names := sessionChanges(t)
	updates := [][]string{nil}
	for _, name := range names {
		updates = append(updates, []string{name})
	}
	return append(updates, names)
}

func (s sessionStore) anyDigests(t *testing.T) {
	other := s.create(t, session(t, 1))
	for i, names := range sessionUpdates(t) {
		for j := range 5 {
			r := s.create(t, session(t, 10*i+j+2))
			u, want := demanding(r), r
			changeSession(&u, &want, session(t, 1000), names...)
			digests := [5][2][32]byte{{}, {r.Family, {}}, {{}, r.Token}, {r.Token, r.Family}, {other.Family, other.Token}}[j]
			u.IfFamily, u.IfToken = digests[0], digests[1]
			what := fmt.Sprintf("UpdateSession of %v demanding digests %d", names, j)
			wantError(t, what, s.UpdateSession(t.Context(), u), auth.ErrConflict)
			u.AnyDigests = true
			unknown, late, over := u, u, u
			unknown.ID = "unknown"
			late.At = r.IdleUntil
			over.At = r.ExpiresAt
			wantError(t, what+", any, of none", s.UpdateSession(t.Context(), unknown), auth.ErrConflict)
			wantError(t, what+", any, of one that is idle for too long", s.UpdateSession(t.Context(), late), auth.ErrConflict)
			wantError(t, what+", any, of one that has ended", s.UpdateSession(t.Context(), over), auth.ErrConflict)
			if u.RepeatsBelow > 0 {
				bound := u
				bound.RepeatsBelow = r.Repeats
				wantError(t, what+", any, of one at the bound", s.UpdateSession(t.Context(), bound), auth.ErrConflict)
			}
			s.absent(t, "unknown")
			s.demand(t, r)
			wantError(t, what+", any", s.UpdateSession(t.Context(), u), nil)
			s.demand(t, want)
			if t.Failed() {
				t.Fatalf("that was after %s", what)
			}
		}
	}
	s.demand(t, other)
}

// confirm changes the session after it was read, for the sake of stores that remember
// what they read, and asks for nothing but demands.
func (s sessionStore) confirm(t *testing.T) {
	longAgo := time.Unix(0, 0).UTC()
	by := func(r auth.SessionRecord) auth.SessionUpdate {
		return auth.SessionUpdate{ID: r.ID, IfFamily: r.Family, IfToken: r.Token, At: longAgo}
	}
	before, bystander := s.create(t, session(t, 1)), s.create(t, session(t, 2))
	s.demand(t, before)
	rotation, r := demanding(before), before
	changeSession(&rotation, &r, session(t, 3), "Rotation")
	wantError(t, "UpdateSession", s.UpdateSession(t.Context(), rotation), nil)
	parent, late := by(r), by(r)
	parent.IfToken = r.Parent
	late.At = r.ExpiresAt.Add(-time.Microsecond) // which is before IdleUntil
	anyDigests := auth.SessionUpdate{ID: r.ID, AnyDigests: true, At: longAgo}
	for range 2 { // nothing is used up
		wantError(t, "UpdateSession of nothing demanding the token", s.UpdateSession(t.Context(), by(r)), nil)
		wantError(t, "UpdateSession of nothing just before the end", s.UpdateSession(t.Context(), late), nil)
		wantError(t, "UpdateSession of nothing demanding any digests", s.UpdateSession(t.Context(), anyDigests), nil)
		wantError(t, "UpdateSession of nothing demanding the token before", s.UpdateSession(t.Context(), by(before)), auth.ErrConflict)
		wantError(t, "UpdateSession of nothing demanding the parent", s.UpdateSession(t.Context(), parent), auth.ErrConflict)
	}
	s.demand(t, r)
	s.remove(t, auth.SessionFilter{ID: r.ID}, 1)
	for range 2 {
		for what, u := range map[string]auth.SessionUpdate{"the token": by(r), "the token before": by(before), "any digests": anyDigests} {
			wantError(t, "UpdateSession of nothing, of none, demanding "+what, s.UpdateSession(t.Context(), u), auth.ErrConflict)
		}
	}
	s.absent(t, r.ID)
	again := session(t, 4)
	again.ID = r.ID
	s.create(t, again)
	wantError(t, "UpdateSession of nothing, of the next with the ID", s.UpdateSession(t.Context(), by(again)), nil)
	wantError(t, "UpdateSession of nothing, of the next with the ID", s.UpdateSession(t.Context(), anyDigests), nil)
	wantError(t, "UpdateSession of nothing demanding the token of one that is gone", s.UpdateSession(t.Context(), by(r)), auth.ErrConflict)
	s.demand(t, again)
	s.demand(t, bystander)
}

// rotated rotates a session to what a store may find hard to keep, one after the
// other, each in place of the one before.
func (s sessionStore) rotated(t *testing.T) {
	r := s.create(t, session(t, 1))
	seed := 1
	rotate := func(f func(next *auth.SessionRecord)) {
		t.Helper()
		seed++
		next := session(t, seed)
		f(&next)
		s.apply(t, &r, next, "Rotation")
	}
	full := func(*auth.SessionRecord) {}
	rotate(func(next *auth.SessionRecord) { // longest
		next.GraceUntil = time.Date(9999, 12, 31, 23, 59, 59, 999_999_000, time.UTC)
		next.IdleUntil = next.GraceUntil
		next.Client = longestClient(0)
	})
	rotate(full)
	rotate(func(next *auth.SessionRecord) { next.Client = longestClient(1) })
	rotate(func(next *auth.SessionRecord) { next.GraceUntil = time.Date(1000, 1, 1, 0, 0, 0, 1000, time.UTC) })
	// What is not set is not what was before.
	for _, f := range []func(next *auth.SessionRecord){
		func(next *auth.SessionRecord) { next.GraceUntil = time.Time{} },
		func(next *auth.SessionRecord) { next.Parent, next.Nonce = [32]byte{}, [32]byte{} },
		func(next *auth.SessionRecord) { next.Client = auth.Client{} },
		func(next *auth.SessionRecord) { next.Client.Address = netip.Addr{} },
		func(next *auth.SessionRecord) { next.Client.UserAgent = "" },
		func(next *auth.SessionRecord) { next.Client.Label = "" },
		func(next *auth.SessionRecord) { next.GraceUntil = time.Unix(0, 0).UTC() }, // a time as any other
	} {
		rotate(f)
		rotate(full)
	}
	for _, text := range texts {
		rotate(func(next *auth.SessionRecord) { next.Client.UserAgent, next.Client.Label = text, text })
	}
	for _, address := range addresses {
		rotate(func(next *auth.SessionRecord) { next.Client.Address = netip.MustParseAddr(address) })
	}
	for _, b := range oddBytes {
		rotate(func(next *auth.SessionRecord) {
			for j := range 16 { // in front and behind
				next.Token[31-j], next.Parent[j], next.Nonce[31-j] = b, b, b
			}
		})
	}
}

// longestClient returns one of two clients whose fields are as long as they can be.
func longestClient(i int) auth.Client {
	return auth.Client{
		Address:   netip.MustParseAddr("2001:db8:1111:2222:3333:4444:255.255.255.255%enp0s31f6.4094-abcdefgh"),
		UserAgent: []string{strings.Repeat("𝔸", 64), strings.Repeat("u", 256)}[i], // 256 bytes
		Label:     []string{strings.Repeat("l", 100), strings.Repeat("홍", 33)}[i],
	}
}

// oddBytes are what a comparison or a column of text cuts, pads or escapes.
var oddBytes = []byte{0xff, ' ', 0, '\\', '\''}

var addresses = []string{"0.0.0.0", "203.0.113.255", "::", "::1", "2001:db8::1", "::ffff:192.0.2.1", "fe80::1%eth0"}
