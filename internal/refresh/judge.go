package refresh

import "time"

// MaxRepeats is how often the parent of a token can stand for it. Honest clients, whose
// answers are lost now and then, come nowhere near.
const MaxRepeats = 100

// State is what a session has by which its tokens are judged: digests, and times.
type State struct {
	Family, Token, Parent [32]byte

	// Sibling is another successor of the parent, which was given out before Token and
	// is worth as much; zero = none.
	Sibling [32]byte

	LastUsedAt, RotatedAt time.Time // RotatedAt: zero = the token has no parent
	GraceUntil            time.Time // zero = there is no grace
	IdleUntil             time.Time
	Repeats               uint32
}

// Verdict is what a token is worth.
type Verdict int

// The verdicts.
const (
	Foreign   Verdict = iota // not of this family: somebody knows an ID
	Copy                     // of the family, and of no use: two hold the session
	Overtaken                // of no use any more, as it was at an earlier look of the same call
	Idle                     // the session was not used for too long
	Itself                   // too young to be replaced: gives itself
	Rotate                   // gives its successor
	Repeat                   // is the parent, and gives the successor that there is
	Another                  // is the parent, and gives another successor
	TooOften                 // is the parent, and was used too often
)

// Judge says what t is worth now. seen means that it was of use when the same call looked
// before.
func (s State) Judge(t Token, seen bool, now time.Time) Verdict {
	digest := t.Digest()
	current := Equal(s.Token, digest) || s.Sibling != [32]byte{} && Equal(s.Sibling, digest)
	parent := !current && !s.RotatedAt.IsZero() && Equal(s.Parent, digest)
	switch {
	case !Equal(s.Family, t.Family()):
		return Foreign
	case !current && !parent && seen:
		return Overtaken
	case !current && !parent, parent && s.GraceUntil.IsZero():
		return Copy
	case !now.Before(s.IdleUntil):
		return Idle
	case current && now.Before(s.youngUntil()):
		return Itself
	case current:
		return Rotate
	case !seen && s.Sibling == [32]byte{} && !now.Before(s.repeatUntil()):
		return Another
	case s.Repeats >= MaxRepeats:
		return TooOften
	}
	return Repeat
}

// youngUntil returns until when the current token is not replaced: as long as answers
// that gave it out may be on their way, unless the session would then be idle before the
// client comes again. So there are no two generations within a grace.
func (s State) youngUntil() time.Time {
	until := s.repeatUntil()
	if half := s.LastUsedAt.Add(s.IdleUntil.Sub(s.LastUsedAt) / 2); half.Before(until) {
		until = half
	}
	return until
}

// repeatUntil returns until when the parent gets the successor that there is: as long
// as the grace lasts, and as long again after each time, since that answer may still be
// on its way when another tab asks.
func (s State) repeatUntil() time.Time {
	if s.RotatedAt.IsZero() {
		return s.GraceUntil
	}
	again := s.LastUsedAt.Add(s.GraceUntil.Sub(s.RotatedAt))
	if s.GraceUntil.IsZero() || again.Before(s.GraceUntil) {
		return s.GraceUntil
	}
	return again
}
