package hashgate

import "container/list"

// queue has two lanes, of strangers and of who is known, which are served in turn. A lane
// is a tree of turns: those of a network, in it those of an address, in it those of an
// account, behind one another. At each branch the next is served in turn.
//
// Of one account one waits among the known, and others as strangers: else a device token of
// an attacker's own account, shown from a thousand networks, would fill that lane.
//
// A lane that is full makes room for somebody of a branch in which fewer wait than in
// another beside it: the last of the branch with most has to go. So whoever has one network,
// one address or one account cannot fill a lane for those of others. All that is done takes
// as long, however many wait.
type queue struct {
	most  int // may wait in a lane
	lanes [2]branch
	next  int             // whose turn it is, if anybody waits there
	known map[string]bool // the accounts of which somebody waits among the known
}

// branch is a part of a lane; the zero one is an empty lane.
type branch struct {
	key    string
	parent *branch // nil: it is a lane
	place  *list.Element
	length int // how many wait in it

	waiters list.List // of *waiter: where it is the last branch

	// Where it is not: the branches of it in which somebody waits.
	branches map[string]*branch
	ring     list.List // the first is served next
	lengths  lengths

	sized *list.Element // in the lengths of the parent
}

type waiter struct {
	bytes int64
	done  chan struct{} // is closed when the waiting is over
	err   error         // then: nil is admitted
	at    *branch
	place *list.Element
	known bool // waits among the known
}

func (q *queue) len() int { return q.lanes[0].length + q.lanes[1].length }

// push has w wait, and returns who has to go for it. False: there is no room.
func (q *queue) push(t Turn, w *waiter) (gone *waiter, ok bool) {
	lane := &q.lanes[0]
	if w.known = t.known && !q.known[t.account]; w.known {
		lane = &q.lanes[1]
	}
	if lane.length >= q.most {
		if gone = lane.longestBeside(t); gone == nil {
			return nil, false
		}
		q.remove(gone)
	}
	b := lane
	for _, key := range t.path() {
		next := b.branches[key]
		if next == nil {
			next = &branch{key: key, parent: b}
			next.place = b.ring.PushBack(next)
			if b.branches == nil {
				b.branches = map[string]*branch{}
			}
			b.branches[key] = next
		}
		b = next
	}
	w.at, w.place = b, b.waiters.PushBack(w)
	b.grow(1)
	if w.known {
		if q.known == nil {
			q.known = map[string]bool{}
		}
		q.known[t.account] = true
	}
	return gone, true
}

// longestBeside returns the last waiter of a branch that is longer than the one of t
// beside it would be with one more, or nil.
func (b *branch) longestBeside(t Turn) *waiter {
	for _, key := range t.path() {
		own := b.branches[key]
		length := 0
		if own != nil {
			length = own.length
		}
		if longest := b.lengths.longest(); longest != nil && longest.length > length+1 {
			return longest.last()
		}
		if own == nil {
			return nil
		}
		b = own
	}
	return nil
}

// last returns who waits last in the longest branches.
func (b *branch) last() *waiter {
	for b.branches != nil {
		b = b.lengths.longest()
	}
	return b.waiters.Back().Value.(*waiter)
}

// first returns who is served next, or nil.
func (q *queue) first() *waiter {
	b := &q.lanes[q.next]
	if b.length == 0 {
		b = &q.lanes[1-q.next]
	}
	if b.length == 0 {
		return nil
	}
	for b.branches != nil {
		b = b.ring.Front().Value.(*branch)
	}
	return b.waiters.Front().Value.(*waiter)
}

// pop removes who is first: then it is the turn of others, at each branch.
func (q *queue) pop() {
	w := q.first()
	b := w.at
	for ; b.parent != nil; b = b.parent {
		b.parent.ring.MoveToBack(b.place)
	}
	q.next = 0
	if b == &q.lanes[0] {
		q.next = 1
	}
	q.remove(w)
}

// remove removes somebody who waits.
func (q *queue) remove(w *waiter) {
	w.at.waiters.Remove(w.place)
	w.at.grow(-1)
	if w.known {
		delete(q.known, w.at.key)
	}
}

// grow notes that by so many more wait in a branch, and forgets branches where nobody does.
func (b *branch) grow(by int) {
	for ; b != nil; b = b.parent {
		before := b.length
		b.length += by
		if b.parent == nil {
			return
		}
		b.parent.lengths.change(b, before)
		if b.length == 0 {
			b.parent.ring.Remove(b.place)
			delete(b.parent.branches, b.key)
		}
	}
}

// lengths are branches by their length.
type lengths struct {
	of   []*list.List // of *branch, by length
	last int          // the last of them with any
}

// change notes that a branch had another length before; 0 is none.
func (l *lengths) change(b *branch, before int) {
	if before > 0 {
		l.of[before].Remove(b.sized)
	}
	if b.length > 0 {
		for len(l.of) <= b.length {
			l.of = append(l.of, list.New())
		}
		b.sized = l.of[b.length].PushBack(b)
		l.last = max(l.last, b.length)
	}
	for l.last > 0 && l.of[l.last].Len() == 0 {
		l.last--
	}
}

// longest returns, of the longest branches, the one whose length changed last, or nil.
func (l *lengths) longest() *branch {
	if l.last == 0 {
		return nil
	}
	return l.of[l.last].Back().Value.(*branch)
}
