package refresh_test

import (
	"testing"
	"time"

	"github.com/seed89488a0c/auth/internal/refresh"
)

func TestJudge(t *testing.T) {
	const grace = 30 * time.Second
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) // of the rotation
	older := refresh.New()
	parent := older.Next(refresh.NewNonce())
	sibling, current := parent.Next(refresh.NewNonce()), parent.Next(refresh.NewNonce())
	base := refresh.State{
		Family: current.Family(), Token: current.Digest(), Parent: parent.Digest(),
		LastUsedAt: at, RotatedAt: at, GraceUntil: at.Add(grace), IdleUntil: at.Add(24 * time.Hour),
	}
	with := func(change func(s *refresh.State)) refresh.State {
		s := base
		change(&s)
		return s
	}
	strict := with(func(s *refresh.State) { s.GraceUntil = time.Time{} })
	first := with(func(s *refresh.State) { s.RotatedAt, s.Parent = time.Time{}, [32]byte{} })
	two := with(func(s *refresh.State) { s.Sibling = sibling.Digest() })
	asked := with(func(s *refresh.State) { s.LastUsedAt, s.Repeats = at.Add(20*time.Second), 1 })
	often := with(func(s *refresh.State) { s.Repeats = refresh.MaxRepeats })
	short := with(func(s *refresh.State) { s.IdleUntil = at.Add(10 * time.Second) })
	for _, tt := range []struct {
		name  string
		s     refresh.State
		t     refresh.Token
		after time.Duration
		seen  bool
		want  refresh.Verdict
	}{
		{"current, at once", base, current, 0, false, refresh.Itself},
		{"current, by a clock that is behind", base, current, -5 * time.Second, false, refresh.Itself},
		{"current, at the end of its grace", base, current, grace - 1, false, refresh.Itself},
		{"current, after its grace", base, current, grace, false, refresh.Rotate},
		{"current, after its grace, given out lately", asked, current, grace + 19*time.Second, false, refresh.Itself},
		{"current, after its grace, given out a grace ago", asked, current, grace + 20*time.Second, false, refresh.Rotate},
		{"current, without grace", strict, current, 0, false, refresh.Rotate},
		{"current, half of the idle time before it ends", short, current, 5*time.Second - 1, false, refresh.Itself},
		{"current, then", short, current, 5 * time.Second, false, refresh.Rotate},
		{"current, idle", short, current, 10 * time.Second, false, refresh.Idle},
		{"the first one, after its grace", first, current, grace, false, refresh.Rotate},
		{"parent, at once", base, parent, 0, false, refresh.Repeat},
		{"parent, at the end of the grace", base, parent, grace - 1, false, refresh.Repeat},
		{"parent, after the grace", base, parent, grace, false, refresh.Another},
		{"parent, after the grace, asked for lately", asked, parent, grace + 19*time.Second, false, refresh.Repeat},
		{"parent, after the grace, asked for a grace ago", asked, parent, grace + 20*time.Second, false, refresh.Another},
		{"parent, after the grace, that was current when this call began", base, parent, time.Hour, true, refresh.Repeat},
		{"parent, after the grace, of two", two, parent, time.Hour, false, refresh.Repeat},
		{"parent, too often", often, parent, 0, false, refresh.TooOften},
		{"parent, too often, after the grace", often, parent, grace, false, refresh.Another},
		{"parent, without grace", strict, parent, 0, false, refresh.Copy},
		{"parent, without grace, that was current when this call began", strict, parent, 0, true, refresh.Copy},
		{"parent, idle", short, parent, 10 * time.Second, false, refresh.Idle},
		{"no parent: digests of nothing", first, older, 0, false, refresh.Copy},
		{"sibling, at once", two, sibling, 0, false, refresh.Itself},
		{"sibling, after the grace", two, sibling, grace, false, refresh.Rotate},
		{"sibling, that is none any more", base, sibling, 0, false, refresh.Copy},
		{"sibling, that was of use when this call began", base, sibling, 0, true, refresh.Overtaken},
		{"grandparent", base, older, 0, false, refresh.Copy},
		{"grandparent, that was of use when this call began", base, older, 0, true, refresh.Overtaken},
		{"a copy, idle", short, older, time.Hour, false, refresh.Copy},
		{"of another family", base, refresh.New(), 0, false, refresh.Foreign},
		{"of another family, seen", base, refresh.New(), 0, true, refresh.Foreign},
	} {
		if got := tt.s.Judge(tt.t, tt.seen, at.Add(tt.after)); got != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
		}
	}
}
