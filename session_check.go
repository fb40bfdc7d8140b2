package auth

import (
	"context"
	"errors"
	"hash/maphash"
	"sync/atomic"
	"time"
)

// knownPlaces is how many sessions are remembered.
const knownPlaces = 1 << 14

// knownSessions remembers for a while which sessions live. A session has one
// place, which it may lose to another. It is safe for concurrent use, and nobody
// waits for anybody.
type knownSessions struct {
	seed   maphash.Seed
	places []atomic.Pointer[knownSession]
}

type knownSession struct {
	id, userID string
	ended      bool
	until      time.Time // it need not be asked for before
}

func newKnownSessions() *knownSessions {
	return &knownSessions{maphash.MakeSeed(), make([]atomic.Pointer[knownSession], knownPlaces)}
}

func (k *knownSessions) place(id string) *atomic.Pointer[knownSession] {
	return &k.places[maphash.String(k.seed, id)%knownPlaces]
}

// forget is for when sessions of a user have ended here.
func (k *knownSessions) forget(userID string) {
	if k == nil {
		return
	}
	for i := range k.places {
		if known := k.places[i].Load(); known != nil && known.userID == userID {
			k.places[i].CompareAndSwap(known, nil)
		}
	}
}

// checkSession reports whether the session of a token still lives, by what is
// known or by asking the store.
func (a *Authenticator) checkSession(ctx context.Context, id Identity) error {
	if id.SessionID == "" {
		return ErrInvalidToken
	}
	now := currentTime()
	place := a.known.place(id.SessionID)
	known := place.Load()
	if known == nil || known.id != id.SessionID || known.userID != id.UserID || !now.Before(known.until) {
		s, _, err := a.livingSession(ctx, id.SessionID)
		switch {
		case errors.Is(err, ErrInvalidToken):
		case err == nil:
		case a.sessionConfig.InsecureFailOpen:
			return nil
		default:
			return err
		}
		ended := err != nil || s.UserID != id.UserID || !now.Before(s.IdleUntil)
		known = &knownSession{id.SessionID, id.UserID, ended, now.Add(a.sessionConfig.Staleness)}
		place.Store(known)
	}
	if known.ended {
		return ErrInvalidToken
	}
	return nil
}
