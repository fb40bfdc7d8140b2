package lifetime_test

import (
	"testing"
	"time"

	"github.com/seed89488a0c/auth/internal/lifetime"
)

var start = time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)

func at(d time.Duration) time.Time { return start.Add(d) }

func TestWithDefaults(t *testing.T) {
	const day = 24 * time.Hour
	for name, tt := range map[string]struct {
		given, want lifetime.Config
		wrong       string
	}{
		"nothing":       {lifetime.Config{}, lifetime.Config{Idle: 7 * day, Absolute: 30 * day, Grace: 30 * time.Second}, ""},
		"everything":    {lifetime.Config{Idle: time.Second, Absolute: time.Hour, Grace: -1}, lifetime.Config{Idle: time.Second, Absolute: time.Hour, Grace: -1}, ""},
		"short idle":    {lifetime.Config{Idle: time.Second - 1}, lifetime.Config{}, "IdleTTL or AbsoluteTTL is not 1 second to ten years"},
		"long absolute": {lifetime.Config{Absolute: 11 * 365 * day}, lifetime.Config{}, "IdleTTL or AbsoluteTTL is not 1 second to ten years"},
		"long grace":    {lifetime.Config{Grace: 2*time.Minute + 1}, lifetime.Config{}, "Grace is above 2 minutes"},
	} {
		got, wrong := tt.given.WithDefaults()
		if wrong != tt.wrong || wrong == "" && got != tt.want {
			t.Errorf("%s: %+v, %q, want %+v, %q", name, got, wrong, tt.want, tt.wrong)
		}
	}
}

func TestGraceUntil(t *testing.T) {
	for _, tt := range []struct {
		c    lifetime.Config
		want time.Time
	}{
		{lifetime.Config{Idle: time.Hour, Grace: time.Minute}, at(time.Minute)},
		{lifetime.Config{Idle: time.Minute, Grace: time.Minute}, at(30 * time.Second)},
		{lifetime.Config{Idle: time.Hour, Grace: 1999 * time.Nanosecond}, at(time.Microsecond)},
		{lifetime.Config{Idle: time.Hour, Grace: -1}, time.Time{}},
	} {
		if got := tt.c.GraceUntil(start); !got.Equal(tt.want) {
			t.Errorf("%+v: %v, want %v", tt.c, got, tt.want)
		}
	}
}

func TestEnds(t *testing.T) {
	c := lifetime.Config{Idle: time.Hour, Absolute: 10 * time.Hour}
	if got := c.IdleUntil(start, at(2*time.Hour)); !got.Equal(at(time.Hour)) {
		t.Errorf("idle until %v", got)
	}
	if got := c.IdleUntil(start, at(time.Minute)); !got.Equal(at(time.Minute)) {
		t.Errorf("near its end idle until %v", got)
	}
	for name, tt := range map[string]struct {
		created, used, idle, expires time.Time
		wantIdle, wantExpires        time.Time
	}{
		"as configured":    {start, at(time.Hour), at(2 * time.Hour), at(10 * time.Hour), at(2 * time.Hour), at(10 * time.Hour)},
		"both shortened":   {start, at(time.Hour), at(9 * time.Hour), at(99 * time.Hour), at(2 * time.Hour), at(10 * time.Hour)},
		"never lengthened": {start, at(time.Hour), at(90 * time.Minute), at(3 * time.Hour), at(90 * time.Minute), at(3 * time.Hour)},
		"idle by the end":  {start, at(9*time.Hour + 30*time.Minute), at(11 * time.Hour), at(11 * time.Hour), at(10 * time.Hour), at(10 * time.Hour)},
		"times unknown":    {time.Time{}, time.Time{}, at(99 * time.Hour), at(98 * time.Hour), at(98 * time.Hour), at(98 * time.Hour)},
	} {
		idle, expires := c.Limit(tt.created, tt.used, tt.idle, tt.expires)
		if !idle.Equal(tt.wantIdle) || !expires.Equal(tt.wantExpires) {
			t.Errorf("%s: %v and %v, want %v and %v", name, idle, expires, tt.wantIdle, tt.wantExpires)
		}
	}
}
