package keyring

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync/atomic"
	"time"

	"github.com/seed89488a0c/auth"
)

// Directory is an [auth.KeySource] that reads a directory of key files. It is
// safe for concurrent use, and starts no goroutine.
type Directory struct {
	config  Config
	view    atomic.Pointer[view]
	reading chan struct{} // holds one element while somebody reads

	// These belong to who reads.
	told    map[string]bool     // what was wrong at the last reading
	useless map[*file]time.Time // since when rotation finds what it may remove, by the monotonic clock
}

// view is what is known at a moment. It is immutable.
type view struct {
	files   []*file
	asked   time.Time // when the files were read, or somebody found that they were being read
	at      time.Time // when the following was computed
	change  time.Time // when it is something else; zero: never
	due     time.Time // when Keys has something to do: at change, or to read
	members []*file   // of set
	set     *auth.KeySet
}

// wall returns the time by the clock that replicas share. How long this process
// has been running is nobody else's business, and stands still while a machine
// sleeps.
func wall() time.Time { return time.Now().Round(0).UTC() }

// Open reads the directory of c. Anything that is wrong with it is an error: a
// bad file, as a [*FileError] that names it, or no key that can sign; see the
// package comment for what else. With c.Rotate an empty directory gets its first key.
func Open(ctx context.Context, c Config) (*Directory, error) {
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("keyring: Config: %w", err)
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("keyring: %w", err)
	}
	d := &Directory{config: c, reading: make(chan struct{}, 1)}
	if c.Rotate > 0 {
		if err := c.tidy(wall()); err != nil {
			return nil, fileError(c.Path, "", err)
		}
	}
	asked := wall()
	files, problems := c.read(nil)
	if c.Rotate > 0 && len(problems) == 0 && signer(files, asked) < 0 {
		if err := makeKey(c.Path, firstKey, c.Algorithm); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, fileError(c.Path, firstKey, err)
		}
		files, problems = c.read(nil) // maybe another's
	}
	switch {
	case len(problems) > 0:
		return nil, problems[0]
	case signer(files, asked) < 0:
		return nil, fileError(c.Path, "", errNoKey)
	}
	d.view.Store(&view{})
	d.publish(func(v *view) { v.files, v.asked = files, asked })
	return d, nil
}

// Keys returns the keys of the moment, with the one that signs first, and the
// same pointer until they change.
//
// It answers from memory. Once per Config.Poll one call reads the directory
// first; ctx is looked at before, as to leave off in the middle would cost the
// next call as much. Others do not wait for it, unless nobody has asked for 2 Poll:
// then what is in memory may be too old, and all wait. If ctx ends meanwhile the
// error matches [auth.ErrUnavailable] and that of ctx; there is no other.
func (d *Directory) Keys(ctx context.Context) (*auth.KeySet, error) {
	v := d.view.Load()
	if now := time.Now(); now.Before(v.due) && !now.Before(v.at) { // else the clock was set back
		return v.set, nil
	}
	return d.update(ctx, d.config.Poll)
}

// Run does ahead of time what Keys would do, so that no call has to read, and
// rotation does not depend on calls. It returns when ctx ends, with its error.
func (d *Directory) Run(ctx context.Context) error {
	poll := d.config.Poll - d.config.Poll/8
	for {
		v, now := d.view.Load(), wall()
		wait := v.asked.Add(poll).Sub(now)
		if !v.change.IsZero() {
			wait = min(wait, v.change.Sub(now))
		}
		timer := time.NewTimer(min(wait, poll)) // the clock may be set back
		select {
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-timer.C:
			d.update(ctx, poll) //nolint:errcheck // fails only when ctx has ended
		}
	}
}

// Status returns the state of every key, sorted by the time from which it signs
// by its file's name. It does not read the directory.
func (d *Directory) Status() []KeyStatus {
	list, _ := d.config.states(d.view.Load().files, wall())
	return list
}

// update reads the directory if poll has passed since that was done, and computes
// what the time has changed.
func (d *Directory) update(ctx context.Context, poll time.Duration) (*auth.KeySet, error) {
	for {
		v := d.view.Load()
		age := wall().Sub(v.asked)
		if 0 <= age && age < poll {
			return d.publish(nil).set, nil
		}
		idle := age > 2*d.config.Poll
		switch err := ctx.Err(); {
		case err != nil && idle:
			return nil, fmt.Errorf("keyring: waiting for the directory: %w: %w", auth.ErrUnavailable, err)
		case err != nil:
			return d.publish(nil).set, nil
		case idle:
			select {
			case d.reading <- struct{}{}:
			case <-ctx.Done():
				continue
			}
		default:
			select {
			case d.reading <- struct{}{}:
			default: // in use, and so not idle, however long the one who reads takes
				return d.publish(func(v *view) { v.asked = wall() }).set, nil
			}
		}
		if d.view.Load().asked.Equal(v.asked) {
			return d.read(ctx, idle).set, nil
		}
		<-d.reading // another has done it meanwhile
	}
}

// read reads the directory, and rotates. The caller holds d.reading, which is
// given back.
func (d *Directory) read(ctx context.Context, idle bool) *view {
	defer func() { <-d.reading }()
	asked, c := wall(), &d.config
	if !idle { // from now on, so that nobody else waits
		d.publish(func(v *view) { v.asked = asked })
	}
	files, problems := c.read(d.view.Load().files)
	readable := !slices.ContainsFunc(problems, func(e *FileError) bool { return e.Name == "" })
	if c.Rotate > 0 && readable { // what looks empty may be a volume that is not mounted
		changed, failed := d.rotate(files, wall())
		if changed {
			files, problems = c.read(files)
		}
		problems = append(problems, failed...)
	}
	v := d.publish(func(v *view) {
		if v.files = files; idle {
			v.asked = asked
		}
	})
	d.tell(ctx, problems)
	return v
}

// tell passes on what was not told after the last reading. It does so before the
// next one begins, so that what is told is in order.
func (d *Directory) tell(ctx context.Context, problems []*FileError) {
	before := d.told
	d.told = make(map[string]bool, len(problems))
	for _, p := range problems {
		if d.told[p.Error()] = true; !before[p.Error()] {
			d.config.OnError(ctx, p)
		}
	}
}

// publish replaces the view by an edited one of this moment.
func (d *Directory) publish(edit func(*view)) *view {
	for {
		old := d.view.Load()
		v := *old
		if edit != nil {
			edit(&v)
		}
		v.compute(&d.config, wall())
		if d.view.CompareAndSwap(old, &v) {
			return &v
		}
	}
}

// compute fills in what follows from the files and the time.
func (v *view) compute(c *Config, now time.Time) {
	states, change := c.states(v.files, now)
	v.at, v.change, v.due = now, change, v.asked.Add(c.Poll)
	if !change.IsZero() && change.Before(v.due) {
		v.due = change
	}
	members := make([]*file, 0, len(v.files))
	for i, s := range states {
		switch s.State {
		case Retired:
		case Active:
			members = slices.Insert(members, 0, v.files[i])
		default:
			members = append(members, v.files[i])
		}
	}
	if slices.Equal(members, v.members) {
		return // and others who compare the pointer know it
	}
	keys := make([]auth.Key, len(members))
	for i, f := range members {
		keys[i] = f.key
	}
	v.members, v.set = members, &auth.KeySet{Keys: keys, MaxAge: c.MaxAge, MaxTTL: c.MaxTTL}
}
