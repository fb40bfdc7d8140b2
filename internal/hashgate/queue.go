package hashgate

import "container/list"

// queue has two lanes, of strangers and of who is known, which are served in turn. In each
// lane those of one [Turn] wait behind one another, and the turns are served in turn.
//
// A lane that is full makes room for somebody of a turn that has fewer waiting than
// another one: the last of the turn with most has to go. So nobody can fill a lane for
// others. Everything takes constant time, however many wait.
type queue struct {
	most  int // may wait in a lane
	lanes [2]lane
	next  int // whose turn it is, if anybody waits there
}

type lane struct {
	flows   map[string]*flow
	ring    list.List // of *flow: the first is served next
	waiting int

	sizes   []*list.List // of *flow, by how many wait in them
	longest int          // the last of sizes with any
}

// flow is those of one turn who wait.
type flow struct {
	key          string
	lane         *lane
	waiters      list.List // of *waiter
	place, sized *list.Element
}

type waiter struct {
	bytes int64
	done  chan struct{} // is closed when the waiting is over
	err   error         // then: nil is admitted
	flow  *flow
	place *list.Element
}

func (q *queue) len() int { return q.lanes[0].waiting + q.lanes[1].waiting }

// push has w wait, and returns who has to go for it. False: there is no room.
func (q *queue) push(t Turn, w *waiter) (gone *waiter, ok bool) {
	l := &q.lanes[0]
	if t.known {
		l = &q.lanes[1]
	}
	f := l.flows[t.key]
	if l.waiting >= q.most {
		own := 0
		if f != nil {
			own = f.waiters.Len()
		}
		if l.longest <= own+1 {
			return nil, false
		}
		last := l.sizes[l.longest].Front().Value.(*flow)
		gone = last.waiters.Back().Value.(*waiter)
		q.remove(gone)
	}
	if f == nil {
		f = &flow{key: t.key, lane: l}
		f.place = l.ring.PushBack(f)
		if l.flows == nil {
			l.flows = map[string]*flow{}
		}
		l.flows[t.key] = f
	}
	w.flow, w.place = f, f.waiters.PushBack(w)
	l.waiting++
	f.resized(-1)
	return gone, true
}

// first returns who is served next, or nil.
func (q *queue) first() *waiter {
	l := &q.lanes[q.next]
	if l.waiting == 0 {
		l = &q.lanes[1-q.next]
	}
	if l.waiting == 0 {
		return nil
	}
	return l.ring.Front().Value.(*flow).waiters.Front().Value.(*waiter)
}

// pop removes who is first: then it is the turn of others.
func (q *queue) pop() {
	w := q.first()
	l := w.flow.lane
	l.ring.MoveToBack(w.flow.place)
	q.remove(w)
	q.next = 0
	if l == &q.lanes[0] {
		q.next = 1
	}
}

// remove removes somebody who waits.
func (q *queue) remove(w *waiter) {
	f, l := w.flow, w.flow.lane
	f.waiters.Remove(w.place)
	l.waiting--
	f.resized(1)
	if f.waiters.Len() == 0 {
		l.ring.Remove(f.place)
		delete(l.flows, f.key)
	}
}

// resized notes that one more waits in f, or one fewer, than there did: before is how many
// more that were.
func (f *flow) resized(before int) {
	l, n := f.lane, f.waiters.Len()
	if f.sized != nil {
		l.sizes[n+before].Remove(f.sized)
		f.sized = nil
	}
	if n > 0 {
		for len(l.sizes) <= n {
			l.sizes = append(l.sizes, list.New())
		}
		f.sized = l.sizes[n].PushBack(f)
		l.longest = max(l.longest, n)
	}
	for l.longest > 0 && l.sizes[l.longest].Len() == 0 {
		l.longest--
	}
}
