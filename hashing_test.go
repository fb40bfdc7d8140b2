package auth_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/authtest"
)

// sizedHasher says of a hash that it takes as much memory as the password's
// length in MiB, and holds whoever verifies at a gate.
type sizedHasher struct {
	auth.Hasher
	armed   atomic.Bool
	gate    chan struct{}
	mu      sync.Mutex
	running []string // who began
}

const mib = 1 << 20

// sized returns a hash that takes n MiB.
func sized(t testing.TB, n int) string { return hashOf(t, password) + strings.Repeat("~", n) }

func (h *sizedHasher) Inspect(encoded string) auth.HashInfo {
	info := h.Hasher.Inspect(strings.TrimRight(encoded, "~"))
	if info.Scheme != "" {
		info.MemoryBytes = mib * int64(max(1, strings.Count(encoded, "~")))
	}
	return info
}

func (h *sizedHasher) Verify(ctx context.Context, encoded string, p auth.Password) (bool, error) {
	if h.armed.Load() {
		h.mu.Lock()
		h.running = append(h.running, p.Reveal())
		h.mu.Unlock()
		<-h.gate
	}
	return h.Hasher.Verify(ctx, strings.TrimRight(encoded, "~"), p)
}

func (h *sizedHasher) begun() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Sorted(slices.Values(h.running))
}

// What runs has to be within the budget; who came first is served first.
// ASVS 5.0 15.2.2, 15.4.4
func TestHashMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hasher := &sizedHasher{Hasher: authtest.Hasher{}, gate: make(chan struct{})}
		a := newAuth(t, auth.NewMemoryStore(), auth.Options{Hasher: hasher, HashMemory: 20 * mib})
		auth.SetHashSlots(a, 4, 21*mib) // as before HashMemory was lowered: Import refuses what it cannot hold
		for _, n := range []int{1, 5, 15, 20, 21} {
			importUser(t, a, fmt.Sprintf("size%d@example.com", n), sized(t, n))
		}
		auth.SetHashSlots(a, 4, 20*mib)
		hasher.armed.Store(true)
		results := make(chan error, 10)
		login := func(size int, name string) {
			go func() {
				_, err := a.Login(t.Context(), credentials(fmt.Sprintf("size%d@example.com", size), name))
				results <- err
			}()
			synctest.Wait()
		}
		defer close(hasher.gate)
		want := func(names ...string) {
			t.Helper()
			if got := hasher.begun(); !slices.Equal(got, names) {
				t.Fatalf("begun have %q, want %q", got, names)
			}
		}
		done := func() { hasher.gate <- struct{}{}; synctest.Wait() }
		login(15, "a")
		login(5, "b")
		want("a", "b") // 20, though two of four slots are free
		login(1, "c")
		want("a", "b")
		done()
		done() // 20 have ended: c is admitted when they are collected
		want("a", "b", "c")
		login(20, "d")
		login(1, "e") // would fit, but d came first
		want("a", "b", "c")
		done()
		want("a", "b", "c", "d")
		done()
		want("a", "b", "c", "d", "e")
		done()
		for range 5 {
			if err := <-results; err != auth.ErrInvalidCredentials {
				t.Errorf("got %v", err)
			}
		}
		login(21, "f") // can never be admitted: a decoy is verified, of 1 MiB
		login(20, "g")
		want("a", "b", "c", "d", "e", "f")
	})
}

// ASVS 5.0 15.2.2
func TestQueueIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hasher := &sizedHasher{Hasher: authtest.Hasher{}, gate: make(chan struct{})}
		a := newAuth(t, auth.NewMemoryStore(), auth.Options{Hasher: hasher, HashMemory: 1 * mib}) // one at a time
		hasher.armed.Store(true)
		const logins = 2000
		results := make(chan error, logins)
		ctx, cancel := context.WithCancel(t.Context())
		for range logins {
			go func() {
				_, err := a.Login(ctx, credentials(email, password))
				results <- err
			}()
		}
		synctest.Wait()
		refused := len(results)
		for range refused {
			if err := <-results; err != auth.ErrOverloaded {
				t.Errorf("got %v", err)
			}
		}
		if refused == 0 || refused == logins-1 {
			t.Errorf("%d of %d were refused at once", refused, logins)
		}
		cancel() // whoever waits leaves, and blocks nobody
		synctest.Wait()
		if got := len(results); got != logins-refused-1 {
			t.Errorf("%d left the queue, want %d", got, logins-refused-1)
		}
		go func() {
			_, err := a.Login(t.Context(), credentials(email, password))
			results <- err
		}()
		synctest.Wait()
		close(hasher.gate)
		synctest.Wait()
		var done int
		for range logins - refused + 1 {
			if err := <-results; err == auth.ErrInvalidCredentials {
				done++
			} else if !errors.Is(err, auth.ErrOverloaded) || !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
		}
		if done != 2 {
			t.Errorf("%d logins were checked, want 2", done)
		}
	})
}

func TestHashMemoryRefuses(t *testing.T) {
	issuer := newIssuer(t, auth.JWTConfig{})
	for name, opt := range map[string]auth.Options{
		"negative":      {HashMemory: -1},
		"less than one": {HashMemory: 19*mib - 1},
	} {
		if _, err := auth.New(auth.NewMemoryStore(), issuer, opt); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
	if _, err := auth.New(auth.NewMemoryStore(), issuer, auth.Options{HashMemory: 19 * mib}); err != nil {
		t.Error(err)
	}
}

// Unknown addresses draw their class by weight, and always the same one.
func TestDecoys(t *testing.T) {
	calls := &trace{}
	hasher := &recordingHasher{Hasher: &sizedHasher{Hasher: authtest.Hasher{}}, trace: calls}
	secret := []byte("a secret of thirty-two bytes...\xff")
	a := newAuth(t, auth.NewMemoryStore(), auth.Options{Hasher: hasher, Secrets: [][]byte{secret}, Decoys: []auth.Decoy{{Weight: 1}, {Hash: sized(t, 7), Weight: 2}, {Hash: sized(t, 9), Weight: 1}}})
	draw := func(email, hash string) string {
		if hash != "" {
			importUser(t, a, email, hash)
		}
		calls.take()
		if _, err := a.Login(t.Context(), credentials(email, password)); err != auth.ErrInvalidCredentials {
			t.Fatalf("got %v", err)
		}
		return calls.take()[1]
	}
	count := map[string]int{}
	for i := range 4000 {
		email := fmt.Sprintf("user%d@example.com", i)
		drawn := draw(email, "")
		count[drawn]++
		if i < 20 && (draw(email, "") != drawn || draw(strings.ToUpper(email), "") != drawn) {
			t.Errorf("%s draws another class the next time", email)
		}
	}
	for class, want := range map[string]int{"1048576": 1000, "7340032": 2000, "9437184": 1000} {
		class = "Verify authtest " + class + " bytes"
		if got := count[class]; got < want*8/10 || got > want*12/10 {
			t.Errorf("%s is drawn %d times, want about %d: %v", class, got, want, count)
		}
	}
	// Weights of one class that have no room in 32 bits are not none.
	many := newAuth(t, auth.NewMemoryStore(), auth.Options{Secrets: [][]byte{secret}, Decoys: []auth.Decoy{{Weight: 1 << 31}, {Weight: 1 << 31}, {Hash: sized(t, 7)}}, Hasher: hasher})
	wantErr(t, login(t, many, password), auth.ErrInvalidCredentials)
	issuer := newIssuer(t, auth.JWTConfig{})
	for name, opt := range map[string]auth.Options{
		"short secret":   {Secrets: [][]byte{secret[:31]}, Decoys: []auth.Decoy{{Weight: 1}}},
		"secret text":    {Secrets: [][]byte{[]byte("a secret of thirty-two bytes....")}},
		"no secret":      {Decoys: []auth.Decoy{{Weight: 1}}},
		"doubled secret": {Secrets: [][]byte{secret, secret}},
		"no weight":      {Secrets: [][]byte{secret}, Decoys: []auth.Decoy{{}}},
		"unreadable":     {Secrets: [][]byte{secret}, Decoys: []auth.Decoy{{Hash: "x", Weight: 1}}},
		"beyond budget":  {HashMemory: 100 * mib, Secrets: [][]byte{secret}, Decoys: []auth.Decoy{{Hash: "$argon2id$v=19$m=262144,t=1,p=1$" + salt8 + "$" + digest32, Weight: 1}}},
	} {
		if _, err := auth.New(auth.NewMemoryStore(), issuer, opt); err == nil {
			t.Errorf("%s: was accepted", name)
		}
	}
}

func TestDisabledRevealed(t *testing.T) {
	a := newAuth(t, auth.NewMemoryStore(), auth.Options{RevealDisabled: true})
	user := register(t, a).User
	if err := a.SetDisabled(t.Context(), user.ID, true); err != nil {
		t.Fatal(err)
	}
	wantErr(t, login(t, a, password), auth.ErrUserDisabled, auth.ErrInvalidCredentials)
	if err := login(t, a, "wrong"); err != auth.ErrInvalidCredentials {
		t.Errorf("a wrong password tells that the user is disabled: %v", err)
	}
}

// ASVS 5.0 6.2.12
func TestBreached(t *testing.T) {
	var asked []string
	var answer error
	policy := auth.PasswordPolicy{Breached: func(_ context.Context, p auth.Password) (bool, error) {
		asked = append(asked, p.Reveal())
		return p.Reveal() == "breached password", answer
	}}
	a, store, _ := recorded(t, auth.Options{Passwords: policy})
	try := func(password string) error {
		r := registration()
		r.Password = auth.NewPassword(password)
		_, err := a.Register(t.Context(), r)
		return err
	}
	wantInput(t, try("short"), "password", "too_short")
	wantInput(t, try("password"), "password", "password_common")
	if len(asked) > 0 {
		t.Errorf("asked for %q, which other rules refuse", asked)
	}
	wantInput(t, try("breached password"), "password", "password_breached")
	answer = errors.New("canary")
	err := try("some long password")
	wantErr(t, err, auth.ErrUnavailable)
	if strings.Contains(err.Error(), "canary") {
		t.Errorf("the text of the error is passed on: %v", err)
	}
	if calls := store.take(); len(calls) > 0 {
		t.Errorf("work was done: %v", calls)
	}
	answer = nil
	if err := try("some long password"); err != nil {
		t.Error(err)
	}
}
