package authtest

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed89488a0c/auth"
)

// wantList fails unless the list of a user is want, in this order.
func (s sessionStore) wantList(t testing.TB, userID string, want []auth.SessionRecord) {
	t.Helper()
	got, err := s.Sessions(t.Context(), userID)
	if err != nil {
		t.Fatalf("Sessions: %v", err)
	}
	if len(got) != len(want) {
		t.Fatalf("Sessions returned %d sessions, want %d", len(got), len(want))
	}
	for i := range got {
		if got[i].ID != want[i].ID {
			t.Fatalf("Sessions returned %q at place %d, want %q", got[i].ID, i, want[i].ID)
		}
		wantSession(t, "Sessions", got[i], want[i])
	}
}

func newestFirst(a, b auth.SessionRecord) int {
	return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), strings.Compare(b.ID, a.ID))
}

func (s sessionStore) list(t *testing.T) {
	stranger := s.create(t, session(t, 1))
	var want []auth.SessionRecord
	for i, id := range []string{"b", "a", "B", "é", "e\u0301", "A", "10", "9", "_", "~", "b ", "홍", "c"} {
		r := session(t, 100-i)
		r.ID, r.UserID = id, stranger.UserID+"0"
		// Some are as old as others, and the last are the oldest by a microsecond.
		r.CreatedAt = stranger.CreatedAt.Add(-time.Duration(i/4) * time.Microsecond)
		// Neither of these decides.
		r.LastUsedAt = r.LastUsedAt.Add(time.Duration(i%3) * time.Hour)
		r.ExpiresAt = r.ExpiresAt.Add(time.Duration(i%5) * time.Hour)
		want = append(want, s.create(t, r))
	}
	slices.SortFunc(want, newestFirst)
	s.wantList(t, want[0].UserID, want)
	s.wantList(t, stranger.UserID, []auth.SessionRecord{stranger})
	// A refresh makes a session no younger, and one that has ended is listed.
	s.apply(t, &want[len(want)-4], session(t, 200), sessionChanges(t)...)
	s.wantList(t, want[0].UserID, want)
	s.remove(t, auth.SessionFilter{ID: want[5].ID}, 1)
	s.wantList(t, want[0].UserID, slices.Delete(want, 5, 6))
}

func (s sessionStore) longList(t *testing.T) {
	const longest, youngest = 1000, 2
	all := make([]auth.SessionRecord, longest+3)
	var wg sync.WaitGroup
	for worker := range 16 {
		wg.Go(func() {
			for i := worker; i < len(all); i += 16 {
				r := session(t, i)
				r.UserID = "1"
				r.CreatedAt = r.CreatedAt.AddDate(0, 0, 2*(longest-i)) // the first are the newest
				r.Epoch = 1
				if i == 7 {
					r.Epoch = youngest
				}
				all[i] = r
				if err := s.CreateSession(t.Context(), r); err != nil {
					t.Errorf("CreateSession: %v", err)
				}
			}
		})
	}
	wg.Wait()
	slices.SortFunc(all, newestFirst)
	s.wantList(t, "1", all[:longest])
	// Without a limit a thousand go at once: what one user has stored stalls nobody.
	s.remove(t, auth.SessionFilter{UserID: "1", BeforeEpoch: youngest}, 1000)
	s.remove(t, auth.SessionFilter{UserID: "1", BeforeEpoch: youngest}, len(all)-1-1000)
	s.wantList(t, "1", all[7:8])
}

// lowEpoch is the lowest that populate gives, of more bits than a float has.
const lowEpoch = 1 << 61

// populate creates sessions of three users, each of which ends at its own time and
// has its own epoch, in an order that is not theirs.
func (s sessionStore) populate(t *testing.T) []auth.SessionRecord {
	t.Helper()
	all := make([]auth.SessionRecord, 12)
	for i := range all {
		r := session(t, i)
		r.UserID = []string{"1", "11", "2"}[i%3]
		r.Epoch = lowEpoch + uint64(i*5%len(all))
		// Neither of these decides.
		r.CreatedAt = r.CreatedAt.AddDate(0, 0, 10*(i*5%len(all)))
		r.IdleUntil = session(t, 0).ExpiresAt.AddDate(0, 0, -i)
		r.ExpiresAt = session(t, 0).ExpiresAt.Add(time.Duration(i*7%len(all)) * time.Microsecond)
		all[i] = s.create(t, r)
	}
	return all
}

// try deletes by f, fails unless exactly want are gone, and brings them back.
func (s sessionStore) try(t *testing.T, what string, f auth.SessionFilter, all, want []auth.SessionRecord) {
	t.Helper()
	n, err := s.DeleteSessions(t.Context(), f)
	if err != nil || n != len(want) {
		t.Errorf("DeleteSessions of %s returned %d, %v, want %d", what, n, err, len(want))
	}
	left := map[string][]auth.SessionRecord{}
	for _, r := range all {
		sessions := left[r.UserID]
		if slices.Contains(want, r) {
			s.absent(t, r.ID)
		} else {
			sessions = append(sessions, r)
		}
		left[r.UserID] = sessions
	}
	for userID, sessions := range left {
		slices.SortFunc(sessions, newestFirst)
		s.wantList(t, userID, sessions)
	}
	if t.Failed() {
		t.Fatalf("that was after DeleteSessions of %s", what)
	}
	for _, r := range want {
		s.create(t, r)
	}
}

func (s sessionStore) filters(t *testing.T) {
	all := s.populate(t)
	base := session(t, 0).ExpiresAt
	after := func(n int) time.Time { return base.Add(time.Duration(n) * time.Microsecond) }
	idle := func(n int) time.Time { return base.AddDate(0, 0, -n) } // from session n on
	for _, test := range []struct {
		what   string
		f      auth.SessionFilter
		chosen func(i int, r auth.SessionRecord) bool
	}{
		{"an ID", auth.SessionFilter{ID: "id-4"}, func(i int, _ auth.SessionRecord) bool { return i == 4 }},
		{"an ID and its user", auth.SessionFilter{ID: "id-4", UserID: "11"}, func(i int, _ auth.SessionRecord) bool { return i == 4 }},
		{"an ID and another user", auth.SessionFilter{ID: "id-4", UserID: "1"}, nil},
		{"an ID and an unknown user", auth.SessionFilter{ID: "id-4", UserID: "3"}, nil},
		{"an ID and nearly its user", auth.SessionFilter{ID: "id-4", UserID: "110"}, nil},
		{"an ID before its epoch", auth.SessionFilter{ID: "id-4", UserID: "11", BeforeEpoch: lowEpoch + 8}, nil},
		{"an ID after its epoch", auth.SessionFilter{ID: "id-4", UserID: "11", BeforeEpoch: lowEpoch + 9}, func(i int, _ auth.SessionRecord) bool { return i == 4 }},
		{"an ID that has ended", auth.SessionFilter{ID: "id-1", ExpiredBy: after(7)}, func(i int, _ auth.SessionRecord) bool { return i == 1 }},
		{"an ID that has not ended", auth.SessionFilter{ID: "id-1", ExpiredBy: after(6)}, nil},
		{"an unknown ID of a user", auth.SessionFilter{ID: "unknown", UserID: "1"}, nil},
		{"an ID, of which there is one, at most 5", auth.SessionFilter{ID: "id-4", Limit: 5}, func(i int, _ auth.SessionRecord) bool { return i == 4 }},
		{"IDs", auth.SessionFilter{IDs: []string{"id-4", "id-2", "unknown", "id-4", "id-0"}}, func(i int, _ auth.SessionRecord) bool { return i == 0 || i == 2 || i == 4 }},
		{"IDs of a user", auth.SessionFilter{IDs: []string{"id-4", "id-2", "id-1"}, UserID: "11"}, func(i int, _ auth.SessionRecord) bool { return i == 1 || i == 4 }},
		{"IDs before an epoch", auth.SessionFilter{IDs: []string{"id-0", "id-1", "id-2"}, UserID: "1", BeforeEpoch: lowEpoch + 1}, func(i int, _ auth.SessionRecord) bool { return i == 0 }},
		{"IDs after their epochs", auth.SessionFilter{IDs: []string{"id-1", "id-2"}, BeforeEpoch: lowEpoch + 1}, nil},
		{"IDs that have ended", auth.SessionFilter{IDs: []string{"id-0", "id-1", "id-2"}, ExpiredBy: after(2)}, func(i int, _ auth.SessionRecord) bool { return i == 0 || i == 2 }},
		{"IDs that were idle", auth.SessionFilter{IDs: []string{"id-3", "id-6", "id-9"}, IdleBy: idle(6)}, func(i int, _ auth.SessionRecord) bool { return i == 6 || i == 9 }},
		{"IDs that were idle a moment later", auth.SessionFilter{IDs: []string{"id-3", "id-6"}, IdleBy: idle(6).Add(-time.Microsecond)}, nil},
		{"IDs, of which there are two, at most 5", auth.SessionFilter{IDs: []string{"id-4", "id-1"}, Limit: 5}, func(i int, _ auth.SessionRecord) bool { return i == 4 || i == 1 }},
		{"an ID among others", auth.SessionFilter{ID: "id-4", IDs: []string{"id-1", "id-4"}}, func(i int, _ auth.SessionRecord) bool { return i == 4 }},
		{"an ID not among others", auth.SessionFilter{ID: "id-4", IDs: []string{"id-1"}}, nil},
		{"a user that was idle", auth.SessionFilter{UserID: "1", IdleBy: idle(6)}, func(i int, r auth.SessionRecord) bool { return r.UserID == "1" && i >= 6 }},
		{"an ID that was idle", auth.SessionFilter{ID: "id-4", IdleBy: idle(4)}, func(i int, _ auth.SessionRecord) bool { return i == 4 }},
		{"an ID that was not idle", auth.SessionFilter{ID: "id-4", IdleBy: idle(5)}, nil},
		{"a user", auth.SessionFilter{UserID: "1"}, func(_ int, r auth.SessionRecord) bool { return r.UserID == "1" }},
		{"an unknown user", auth.SessionFilter{UserID: "3"}, nil},
		{"a user before an epoch", auth.SessionFilter{UserID: "1", BeforeEpoch: lowEpoch + 6}, func(_ int, r auth.SessionRecord) bool { return r.UserID == "1" && r.Epoch < lowEpoch+6 }},
		{"a user before the lowest epoch", auth.SessionFilter{UserID: "1", BeforeEpoch: lowEpoch}, nil},
		{"a user before the highest epoch there is", auth.SessionFilter{UserID: "1", BeforeEpoch: math.MaxUint64}, func(_ int, r auth.SessionRecord) bool { return r.UserID == "1" }},
		{"a user by a time", auth.SessionFilter{UserID: "1", ExpiredBy: after(5)}, func(_ int, r auth.SessionRecord) bool { return r.UserID == "1" && !r.ExpiresAt.After(after(5)) }},
		{"a user by a time before an epoch", auth.SessionFilter{UserID: "1", BeforeEpoch: lowEpoch + 9, ExpiredBy: after(6)}, func(_ int, r auth.SessionRecord) bool {
			return r.UserID == "1" && r.Epoch < lowEpoch+9 && !r.ExpiresAt.After(after(6))
		}},
		{"a time before an epoch", auth.SessionFilter{BeforeEpoch: lowEpoch + 6, ExpiredBy: after(6)}, func(_ int, r auth.SessionRecord) bool {
			return r.Epoch < lowEpoch+6 && !r.ExpiresAt.After(after(6))
		}},
		{"a time before all", auth.SessionFilter{ExpiredBy: after(-1)}, nil},
		{"the first end", auth.SessionFilter{ExpiredBy: after(0)}, func(_ int, r auth.SessionRecord) bool { return r.ExpiresAt.Equal(base) }},
		{"a time", auth.SessionFilter{ExpiredBy: after(5)}, func(_ int, r auth.SessionRecord) bool { return !r.ExpiresAt.After(after(5)) }},
		{"a time after all", auth.SessionFilter{ExpiredBy: after(100)}, func(int, auth.SessionRecord) bool { return true }},
	} {
		var want []auth.SessionRecord
		for i, r := range all {
			if test.chosen != nil && test.chosen(i, r) {
				want = append(want, r)
			}
		}
		s.try(t, test.what, test.f, all, want)
	}
}

// families filters by families, of which some are nearly others.
func (s sessionStore) families(t *testing.T) {
	all := s.populate(t)
	// Bytes that a comparison of text would fold or cut.
	near := []string{"a \x00\x00", "A \x00\x00", "a  \x00", "a\x00\x00\x00", "a   ", "a\x00  "}
	for i, end := range near {
		r := session(t, 100+i)
		r.UserID = "1"
		r.Family = all[4].Family
		copy(r.Family[32-len(end):], end)
		all = append(all, s.create(t, r))
	}
	// Others may be of the same family.
	twin, brother := session(t, 200), session(t, 201)
	twin.UserID, brother.UserID = "2", "11"
	twin.Family, brother.Family = all[4].Family, all[4].Family
	twin.ExpiresAt, brother.ExpiresAt = all[4].ExpiresAt.Add(-time.Hour), all[4].ExpiresAt.Add(time.Hour)
	all = append(all, s.create(t, twin), s.create(t, brother))

	r := all[4]
	for _, wrong := range append(wrongDigests(r.Family, r.Token, r.Parent, r.Nonce, all[1].Family, all[7].Family)[1:], all[12].Family) {
		for _, f := range []auth.SessionFilter{{ID: r.ID}, {ID: r.ID, UserID: r.UserID}, {ID: r.ID, ExpiredBy: r.ExpiresAt}, {ID: r.ID, BeforeEpoch: r.Epoch + 1}} {
			f.Family = wrong
			s.remove(t, f, 0)
		}
	}
	for what, f := range map[string]auth.SessionFilter{
		"a family and an unknown ID":         {Family: r.Family, ID: "unknown"},
		"a family and an ID of another":      {Family: r.Family, ID: all[1].ID},
		"a family, its ID and another user":  {Family: r.Family, ID: r.ID, UserID: "2"},
		"a family and another user":          {Family: r.Family, UserID: "1"},
		"a family and an unknown user":       {Family: r.Family, UserID: "3"},
		"a family and an ID before its end":  {Family: r.Family, ID: r.ID, ExpiredBy: r.ExpiresAt.Add(-time.Microsecond)},
		"a family and an ID of its epoch":    {Family: r.Family, ID: r.ID, BeforeEpoch: r.Epoch},
		"a family and a time before its end": {Family: r.Family, ExpiredBy: twin.ExpiresAt.Add(-time.Microsecond)},
		"a family that nobody has, and all":  {Family: [32]byte{1}, ExpiredBy: brother.ExpiresAt.AddDate(10, 0, 0)},
	} {
		s.try(t, what, f, all, nil)
	}
	for what, test := range map[string]struct {
		f    auth.SessionFilter
		want []auth.SessionRecord
	}{
		"a family and an ID":                       {auth.SessionFilter{ID: r.ID}, []auth.SessionRecord{r}},
		"a family, an ID and a user":               {auth.SessionFilter{ID: r.ID, UserID: r.UserID}, []auth.SessionRecord{r}},
		"a family and an ID after its end":         {auth.SessionFilter{ID: r.ID, ExpiredBy: r.ExpiresAt}, []auth.SessionRecord{r}},
		"a family and an ID below an epoch":        {auth.SessionFilter{ID: r.ID, BeforeEpoch: r.Epoch + 1}, []auth.SessionRecord{r}},
		"a family and a user":                      {auth.SessionFilter{UserID: r.UserID}, []auth.SessionRecord{r, brother}},
		"a family and a user, at most 1":           {auth.SessionFilter{UserID: r.UserID, Limit: 1}, []auth.SessionRecord{r}},
		"a family and a user by a time":            {auth.SessionFilter{UserID: r.UserID, ExpiredBy: r.ExpiresAt}, []auth.SessionRecord{r}},
		"a family and a user below an epoch":       {auth.SessionFilter{UserID: "2", BeforeEpoch: twin.Epoch + 1}, []auth.SessionRecord{twin}},
		"a family and a time":                      {auth.SessionFilter{ExpiredBy: r.ExpiresAt}, []auth.SessionRecord{twin, r}},
		"a family and a time below an epoch":       {auth.SessionFilter{ExpiredBy: r.ExpiresAt, BeforeEpoch: twin.Epoch + 1}, []auth.SessionRecord{twin}},
		"a family and a time after all":            {auth.SessionFilter{ExpiredBy: brother.ExpiresAt}, []auth.SessionRecord{twin, r, brother}},
		"a family and a time after all, at most 2": {auth.SessionFilter{ExpiredBy: brother.ExpiresAt, Limit: 2}, []auth.SessionRecord{twin, r}},
	} {
		test.f.Family = r.Family
		s.try(t, what, test.f, all, test.want)
	}
	for _, r := range all[12 : 12+len(near)] {
		s.try(t, "a family of odd bytes and an ID", auth.SessionFilter{Family: r.Family, ID: r.ID}, all, []auth.SessionRecord{r})
		s.try(t, "a family of odd bytes and a user", auth.SessionFilter{Family: r.Family, UserID: r.UserID}, all, []auth.SessionRecord{r})
	}
}

func (s sessionStore) limits(t *testing.T) {
	all := s.populate(t)
	for what, f := range map[string]auth.SessionFilter{
		"a time":                    {ExpiredBy: session(t, 0).ExpiresAt.Add(6 * time.Microsecond)},
		"a user":                    {UserID: "1"},
		"a user before an epoch":    {UserID: "1", BeforeEpoch: lowEpoch + 6},
		"a user's sessions by then": {UserID: "11", ExpiredBy: session(t, 0).ExpiresAt.Add(8 * time.Microsecond)},
	} {
		for _, limit := range []int{1, 2, 3, 100} {
			f.Limit = limit
			var want []auth.SessionRecord
			for _, r := range all {
				if (f.UserID == "" || f.UserID == r.UserID) && (f.BeforeEpoch == 0 || r.Epoch < f.BeforeEpoch) && (f.ExpiredBy.IsZero() || !r.ExpiresAt.After(f.ExpiredBy)) {
					want = append(want, r)
				}
			}
			slices.SortFunc(want, func(a, b auth.SessionRecord) int { return a.ExpiresAt.Compare(b.ExpiresAt) })
			s.try(t, fmt.Sprintf("%s, at most %d", what, limit), f, all, want[:min(limit, len(want))])
		}
	}
	// A housekeeper calls until it gets less than it asked for.
	f := auth.SessionFilter{ExpiredBy: all[0].ExpiresAt.AddDate(1, 0, 0), Limit: 5}
	for _, want := range []int{5, 5, 2, 0} {
		s.remove(t, f, want)
	}
}

func (s sessionStore) emptyFilter(t *testing.T) {
	all := s.populate(t)
	for what, f := range map[string]auth.SessionFilter{
		"nothing":                    {},
		"a limit":                    {Limit: 5},
		"an epoch":                   {BeforeEpoch: lowEpoch + 100},
		"no ID of a user":            {IDs: []string{}, UserID: "1"},
		"an idle time":               {IdleBy: session(t, 0).ExpiresAt, Limit: 5},
		"an epoch and a limit":       {BeforeEpoch: lowEpoch + 100, Limit: 5},
		"a family":                   {Family: all[4].Family},
		"a family and a limit":       {Family: all[4].Family, Limit: 5},
		"a family and an epoch":      {Family: all[4].Family, BeforeEpoch: lowEpoch + 100},
		"the zero time in some zone": {ExpiredBy: time.Time{}.In(time.FixedZone("", 3600)), Limit: 5},
	} {
		s.try(t, what, f, all, nil)
	}
}
