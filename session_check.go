package auth

import (
	"context"
	"errors"
	"hash/maphash"
	"strings"
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
	forgot atomic.Uint64 // how often forget was called
	places []atomic.Pointer[knownSession]
}

type knownSession struct {
	id, userID string
	ended      bool
	until      time.Time // it need not be asked for before
}

func newKnownSessions() *knownSessions {
	return &knownSessions{seed: maphash.MakeSeed(), places: make([]atomic.Pointer[knownSession], knownPlaces)}
}

func (k *knownSessions) place(id string) *atomic.Pointer[knownSession] {
	return &k.places[maphash.String(k.seed, id)%knownPlaces]
}

// forget is for when sessions of a user have ended here.
func (k *knownSessions) forget(userID string) {
	if k == nil {
		return
	}
	k.forgot.Add(1)
	for i := range k.places {
		if known := k.places[i].Load(); known != nil && known.userID == userID {
			k.places[i].CompareAndSwap(known, nil)
		}
	}
}

// maxEnded is for how long a session that had ended is not asked for again. It may
// only have looked so: a session that goes on after a change of the password is
// moved up by a second write, and replicas of a database are behind.
const maxEnded = time.Second

// checkSession reports whether the session of a token still lives, by what is
// known or by asking the store.
func (a *Authenticator) checkSession(ctx context.Context, id Identity) error {
	if id.SessionID == "" {
		return ErrInvalidToken
	}
	now := time.Now() // with the monotonic clock: one that is set back changes nothing
	place := a.known.place(id.SessionID)
	known := place.Load()
	if known != nil && (known.id != id.SessionID || known.userID != id.UserID) {
		known = nil
	}
	if known == nil || !now.Before(known.until) {
		forgot := a.known.forgot.Load()
		s, _, err := a.livingSession(ctx, id.SessionID)
		switch {
		case err == nil, errors.Is(err, ErrInvalidToken):
		case a.sessionConfig.InsecureFailOpen && ctx.Err() == nil && (known == nil || !known.ended):
			return nil
		default:
			return err
		}
		ended := err != nil || s.UserID != id.UserID || !now.Before(s.IdleUntil)
		until := now.Add(a.sessionConfig.Staleness)
		if ended {
			until = now.Add(min(a.sessionConfig.Staleness, maxEnded))
		}
		// Clones, since the IDs are pieces of the token.
		known = &knownSession{strings.Clone(id.SessionID), strings.Clone(id.UserID), ended, until}
		place.Store(known)
		if a.known.forgot.Load() != forgot { // it may have ended since it was read
			place.CompareAndSwap(known, nil)
		}
	}
	if known.ended {
		return ErrInvalidToken
	}
	return nil
}
