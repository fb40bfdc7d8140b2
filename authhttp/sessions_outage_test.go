package authhttp_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed89488a0c/auth"
)

// downStore is a store that can be switched off, and then talks about it.
type downStore struct {
	*auth.MemoryStore
	down atomic.Pointer[error]
}

func (s *downStore) err() error {
	if err := s.down.Load(); err != nil {
		return *err
	}
	return nil
}

func (s *downStore) UserByID(ctx context.Context, id string) (auth.UserRecord, error) {
	if err := s.err(); err != nil {
		return auth.UserRecord{}, err
	}
	return s.MemoryStore.UserByID(ctx, id)
}

func (s *downStore) UserByEmail(ctx context.Context, key string) (auth.UserRecord, error) {
	if err := s.err(); err != nil {
		return auth.UserRecord{}, err
	}
	return s.MemoryStore.UserByEmail(ctx, key)
}

func (s *downStore) UpdateUser(ctx context.Context, u auth.UserUpdate) error {
	if err := s.err(); err != nil {
		return err
	}
	return s.MemoryStore.UpdateUser(ctx, u)
}

func (s *downStore) SessionByID(ctx context.Context, id string) (auth.SessionRecord, error) {
	if err := s.err(); err != nil {
		return auth.SessionRecord{}, err
	}
	return s.MemoryStore.SessionByID(ctx, id)
}

func (s *downStore) Sessions(ctx context.Context, userID string) ([]auth.SessionRecord, error) {
	if err := s.err(); err != nil {
		return nil, err
	}
	return s.MemoryStore.Sessions(ctx, userID)
}

func (s *downStore) DeleteSessions(ctx context.Context, f auth.SessionFilter) (int, error) {
	if err := s.err(); err != nil {
		return 0, err
	}
	return s.MemoryStore.DeleteSessions(ctx, f)
}

// While the store is down every answer is a 503, and everybody is still logged in
// once it is back.
func TestSessionOutages(t *testing.T) {
	store := &downStore{MemoryStore: auth.NewMemoryStore()}
	unchecked := newSessionAPI(t, store, auth.SessionConfig{})
	checked := newSessionAPI(t, store, auth.SessionConfig{Staleness: time.Microsecond})
	user := unchecked.login(t, "/register", "canary@example.com")
	user2 := checked.login(t, "/login", "canary@example.com")
	for name, err := range map[string]error{
		"driver":                              errors.New(canaryDriver),
		"store":                               &auth.StoreError{Op: "canary", Code: canaryDriver},
		"schema":                              auth.ErrSchema,
		"deadline":                            fmt.Errorf("%s: %w", canaryDriver, context.DeadlineExceeded),
		"a driver that says more than it may": fmt.Errorf("%w: %w: %w", auth.ErrUnavailable, auth.ErrInvalidToken, auth.ErrInvalidCredentials),
	} {
		t.Run(name, func(t *testing.T) {
			store.down.Store(&err)
			defer store.down.Store(nil)
			for api, user := range map[sessionAPI]pair{unchecked: user, checked: user2} {
				for path, method := range map[string]string{
					"/logout-all": "POST", "/logout-others": "POST", "/sessions": "GET", "/sessions/x": "DELETE", "/reauthenticate": "POST",
				} {
					got := api.as(t, user.access, method, path, `{"password":"`+canaryPassword+`"}`)
					got.want(t, 503, "unavailable")
				}
				for _, path := range []string{"/refresh", "/logout"} {
					send(t, post(t, api.URL+path, `{"refresh_token":"`+user.refresh+`"}`)).want(t, 503, "unavailable")
				}
			}
			checked.as(t, user2.access, "GET", "/me", "").want(t, 503, "unavailable")
			checked.as(t, user2.access, "GET", "/pay", "").want(t, 503, "unavailable")
			if got := unchecked.as(t, user.access, "GET", "/pay", ""); got.Status != 200 {
				t.Errorf("without asking the store: answer %d %s", got.Status, got.Text)
			}
		})
	}
	if got := checked.as(t, user2.access, "GET", "/me", ""); got.Status != 200 {
		t.Errorf("answer %d %s", got.Status, got.Text)
	}
	pairOf(t, unchecked.refresh(t, user.refresh))
	pairOf(t, checked.refresh(t, user2.refresh))
}
