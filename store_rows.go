package auth

import (
	"context"
	"time"

	"github.com/seed89488a0c/auth/internal/row"
)

// rowStore makes users, sessions and counters of rows, and the errors of [UserStore],
// [SessionStore] and [AttemptStore] of what the keeper of the rows answers.
type rowStore struct{ rows row.Keeper }

var _ interface {
	UserStore
	SessionStore
	AttemptStore
} = (*rowStore)(nil)

// isZero reports whether a store is nil or one of this package's that nobody made.
func isZero(store any) bool {
	switch s := store.(type) {
	case *MemoryStore:
		return s == nil || s.rows == nil
	case *MySQLStore:
		return s == nil || s.rows == nil
	}
	return store == nil
}

// CreateUser is as [UserStore] has it.
func (s *rowStore) CreateUser(ctx context.Context, r UserRecord) (string, error) {
	id, err := s.rows.CreateUser(ctx, userRow(r))
	return id, userError(err)
}

// UserByEmail is as [UserStore] has it.
func (s *rowStore) UserByEmail(ctx context.Context, key string) (UserRecord, error) {
	u, err := s.rows.UserByEmail(ctx, key)
	return userRecord(u), userError(err)
}

// userForLogin is UserByEmail, says whether so many sessions of the user or more are
// stored, ended ones too, and is Attempts, whose records are there beside
// ErrUserNotFound too.
func (s *rowStore) userForLogin(ctx context.Context, key string, sessions int, attempts [][32]byte) (UserRecord, bool, []AttemptRecord, error) {
	u, reached, counts, err := s.rows.UserForLogin(ctx, key, sessions, attempts)
	return userRecord(u), reached, counts, userError(err)
}

// userForProof is UserByID, and says the same of sessions.
func (s *rowStore) userForProof(ctx context.Context, id string, sessions int) (UserRecord, bool, error) {
	u, reached, err := s.rows.UserForProof(ctx, id, sessions)
	return userRecord(u), reached, userError(err)
}

// UserByID is as [UserStore] has it.
func (s *rowStore) UserByID(ctx context.Context, id string) (UserRecord, error) {
	u, err := s.rows.UserByID(ctx, id)
	return userRecord(u), userError(err)
}

// UpdateUser is as [UserStore] has it.
func (s *rowStore) UpdateUser(ctx context.Context, u UserUpdate) error {
	return userError(s.rows.UpdateUser(ctx, row.UserUpdate(u)))
}

// DeleteUser is as [UserStore] has it.
func (s *rowStore) DeleteUser(ctx context.Context, id string) error {
	return userError(s.rows.DeleteUser(ctx, id))
}

// CreateSession is as [SessionStore] has it.
func (s *rowStore) CreateSession(ctx context.Context, r SessionRecord) error {
	return sessionError(s.rows.CreateSession(ctx, row.Session{
		ID: r.ID, UserID: r.UserID, AMR: r.AMR, Audience: r.Audience, Epoch: r.Epoch,
		Family: r.Family, Token: r.Token, Parent: r.Parent, Sibling: r.Sibling, Nonce: r.Nonce, Repeats: r.Repeats,
		Address: r.Client.Address, UserAgent: r.Client.UserAgent, Label: r.Client.Label,
		CreatedAt: r.CreatedAt, LastUsedAt: r.LastUsedAt, RotatedAt: r.RotatedAt, GraceUntil: r.GraceUntil,
		AuthTime: r.AuthTime, IdleUntil: r.IdleUntil, ExpiresAt: r.ExpiresAt,
	}))
}

// SessionByID is as [SessionStore] has it.
func (s *rowStore) SessionByID(ctx context.Context, id string) (SessionRecord, error) {
	r, err := s.rows.SessionByID(ctx, id)
	return sessionRecord(r), sessionError(err)
}

// UpdateSession is as [SessionStore] has it.
func (s *rowStore) UpdateSession(ctx context.Context, u SessionUpdate) error {
	change := row.SessionUpdate{
		ID: u.ID, IfFamily: u.IfFamily, IfToken: u.IfToken, AnyDigests: u.AnyDigests,
		At: u.At, RepeatsBelow: u.RepeatsBelow,
	}
	if r := u.Rotation; r != nil {
		change.Rotation = &row.SessionRotation{
			Token: r.Token, Parent: r.Parent, Sibling: r.Sibling, Nonce: r.Nonce,
			GraceUntil: r.GraceUntil, IdleUntil: r.IdleUntil,
			Address: r.Client.Address, UserAgent: r.Client.UserAgent, Label: r.Client.Label,
		}
	}
	return sessionError(s.rows.UpdateSession(ctx, change))
}

// Sessions is as [SessionStore] has it.
func (s *rowStore) Sessions(ctx context.Context, userID string) ([]SessionRecord, error) {
	list, err := s.rows.Sessions(ctx, userID)
	if err != nil {
		return nil, sessionError(err)
	}
	records := make([]SessionRecord, len(list))
	for i, r := range list {
		records[i] = sessionRecord(r)
	}
	return records, nil
}

// DeleteSessions is as [SessionStore] has it.
func (s *rowStore) DeleteSessions(ctx context.Context, f SessionFilter) (int, error) {
	n, err := s.rows.DeleteSessions(ctx, row.SessionFilter(f))
	return n, sessionError(err)
}

func userRow(r UserRecord) row.User {
	return row.User{
		Profile: row.Profile(r.User), EmailKey: r.EmailKey, PasswordHash: r.PasswordHash, Epoch: r.Epoch,
		DisabledAt: r.DisabledAt, EmailVerifiedAt: r.EmailVerifiedAt,
	}
}

// Attempts is as [AttemptStore] has it.
func (s *rowStore) Attempts(ctx context.Context, keys [][32]byte) ([]AttemptRecord, error) {
	return s.rows.Attempts(ctx, keys)
}

// CountAttempts is as [AttemptStore] has it.
func (s *rowStore) CountAttempts(ctx context.Context, now time.Time, counts []AttemptRecord) error {
	return s.rows.CountAttempts(ctx, now, counts)
}

// ReserveAttempt is as [AttemptStore] has it.
func (s *rowStore) ReserveAttempt(ctx context.Context, r AttemptReservation) error {
	return s.rows.ReserveAttempt(ctx, r)
}

// ReturnAttempt is as [AttemptStore] has it.
func (s *rowStore) ReturnAttempt(ctx context.Context, r AttemptReservation) error {
	return s.rows.ReturnAttempt(ctx, r)
}

// DeleteAttempts is as [AttemptStore] has it.
func (s *rowStore) DeleteAttempts(ctx context.Context, f AttemptFilter) (int, error) {
	return s.rows.DeleteAttempts(ctx, f)
}

func userRecord(u row.User) UserRecord {
	return UserRecord{
		User: User(u.Profile), EmailKey: u.EmailKey, PasswordHash: u.PasswordHash, Epoch: u.Epoch,
		DisabledAt: u.DisabledAt, EmailVerifiedAt: u.EmailVerifiedAt,
	}
}

func sessionRecord(s row.Session) SessionRecord {
	r := SessionRecord{
		Session: Session{
			ID: s.ID, UserID: s.UserID, AMR: s.AMR, Audience: s.Audience,
			Client:    Client{Address: s.Address, UserAgent: s.UserAgent, Label: s.Label},
			CreatedAt: s.CreatedAt, LastUsedAt: s.LastUsedAt, IdleUntil: s.IdleUntil, ExpiresAt: s.ExpiresAt, AuthTime: s.AuthTime,
		},
		Epoch: s.Epoch, Family: s.Family, Token: s.Token, Parent: s.Parent, Sibling: s.Sibling, Nonce: s.Nonce,
		Repeats: s.Repeats, RotatedAt: s.RotatedAt, GraceUntil: s.GraceUntil,
	}
	if s.User != nil {
		user := userRecord(*s.User)
		r.User = &user
	}
	return r
}

func userError(err error) error    { return rowError(err, ErrUserExists, ErrUserNotFound) }
func sessionError(err error) error { return rowError(err, ErrConflict, ErrSessionNotFound) }

func rowError(err, taken, notFound error) error {
	switch err {
	case row.ErrTaken:
		return taken
	case row.ErrNotFound:
		return notFound
	}
	return err
}
