package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"runtime"
	"time"

	"github.com/seed89488a0c/auth"
)

// result is what was measured in a state and a store.
type result struct {
	store store
	state state
	limit time.Duration
	asked []class
	times [][]float64
}

// run measures and reports a section.
func (s section) run(w io.Writer) error {
	var results []result
	for _, store := range s.stores {
		r, err := s.in(store)
		if err != nil {
			return fmt.Errorf("%s: %w", store.name, err)
		}
		results = append(results, r...)
	}
	return s.report(w, results)
}

// in measures in one store.
func (s section) in(st store) (results []result, err error) {
	ctx := context.Background()
	issuer, err := auth.NewJWTIssuer(auth.JWTConfig{Issuer: "timing", Audience: "timing", Keys: []auth.Key{auth.GenerateKey()}})
	if err != nil {
		return nil, err
	}
	users, err := st.open()
	if err != nil {
		return nil, err
	}
	o := auth.Options{Hasher: s.hasher, Sessions: auth.SessionConfig{Store: users}}
	p := &process{store: users, renew: func() (*auth.Authenticator, error) { return auth.New(users, issuer, o) }}
	if err := p.begin(); err != nil {
		return nil, err
	}
	if err := fill(ctx, p.current, users, s.hasher); err != nil {
		return nil, err
	}
	var limit time.Duration
	url, stop, err := serve(newHandler(p, &limit))
	if err != nil {
		return nil, err
	}
	defer stop()
	c := client{url: url, http: &http.Client{Transport: &http.Transport{MaxConnsPerHost: 1}}}
	patience := time.Now().Add(s.patience)
	for _, state := range s.states {
		if state.refused && st.server {
			continue
		}
		if err := p.enter(ctx, state); err != nil {
			return nil, err
		}
		asks := func(of class) (time.Duration, error) {
			if err := p.before(ctx, state, of); err != nil {
				return 0, err
			}
			if of.forgotten {
				return c.ask(of, http.StatusUnauthorized)
			}
			return c.ask(of, state.status)
		}
		asked := append([]class{baseline}, state.classes...)
		warm, err := s.measure(asks, asked, s.rounds/20+1)
		if err != nil {
			return nil, err
		}
		limit = s.limit(st, state, time.Duration(median(warm[0])))
		asked = append(asked, state.controls...)
		times, err := s.measure(asks, asked, s.rounds)
		for err == nil && time.Now().Before(patience) && !resolved(times, limit) {
			var more [][]float64
			if more, err = s.measure(asks, asked, s.rounds/10+1); err == nil {
				for i := range times {
					times[i] = append(times[i], more[i]...)
				}
			}
		}
		if err != nil {
			return nil, err
		}
		results = append(results, result{st, state, limit, asked, times})
	}
	return results, nil
}

// resolved reports whether a difference of the limit would be found in every
// class. It does not look at what the differences are: whoever stops as soon as
// they like the answer has none.
func resolved(times [][]float64, limit time.Duration) bool {
	for _, own := range times[1:] {
		if compare(times[0], own).resolves > float64(limit) {
			return false
		}
	}
	return true
}

// measure asks for every class once a round, in random order, and returns what
// each took, in nanoseconds.
func (s section) measure(ask func(class) (time.Duration, error), asked []class, rounds int) ([][]float64, error) {
	times := make([][]float64, len(asked))
	for round := range rounds {
		if s.batch > 0 && round%s.batch == 0 {
			runtime.GC()
		}
		for _, i := range rand.Perm(len(asked)) {
			if s.batch == 0 {
				runtime.GC()
			}
			took, err := ask(asked[i])
			if err != nil {
				return nil, err
			}
			times[i] = append(times[i], float64(took))
		}
	}
	return times, nil
}

type client struct {
	url  string
	http *http.Client
}

// ask returns how long a refusal with this status took to arrive.
func (c client) ask(of class, status int) (time.Duration, error) {
	body, err := json.Marshal(map[string]string{"email": of.email, "password": of.password})
	if err != nil {
		return 0, err
	}
	r, err := http.NewRequest(http.MethodPost, c.url+of.path, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	r.Header.Set("Content-Type", "application/json")
	start := time.Now()
	resp, err := c.http.Do(r)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	took := time.Since(start)
	if err == nil && resp.StatusCode != status {
		err = fmt.Errorf("%s: %s", of.name, resp.Status)
	}
	return took, err
}
