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

// result is what was measured in a store.
type result struct {
	store store
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
		results = append(results, r)
	}
	return s.report(w, results)
}

// in measures in one store.
func (s section) in(st store) (result, error) {
	issuer, err := auth.NewJWTIssuer(auth.JWTConfig{Issuer: "timing", Audience: "timing", Keys: []auth.Key{auth.GenerateKey()}})
	if err != nil {
		return result{}, err
	}
	users, err := st.open()
	if err != nil {
		return result{}, err
	}
	a, err := auth.New(users, issuer, auth.Options{Hasher: s.hasher, Sessions: auth.SessionConfig{Store: users}})
	if err != nil {
		return result{}, err
	}
	if err := fill(context.Background(), a, users, s.hasher); err != nil {
		return result{}, err
	}
	var limit time.Duration
	url, stop, err := serve(newHandler(a, users, &limit))
	if err != nil {
		return result{}, err
	}
	defer stop()
	c := client{url: url, http: &http.Client{Transport: &http.Transport{MaxConnsPerHost: 1}}}

	asked := append([]class{baseline}, classes...)
	warm, err := s.measure(c, asked, s.rounds/20+1)
	if err != nil {
		return result{}, err
	}
	limit = s.limit(st, time.Duration(median(warm[0])))
	asked = append(asked, controls...)
	start := time.Now()
	times, err := s.measure(c, asked, s.rounds)
	for err == nil && time.Since(start) < s.patience && !resolved(times, limit) {
		var more [][]float64
		if more, err = s.measure(c, asked, s.rounds/10+1); err == nil {
			for i := range times {
				times[i] = append(times[i], more[i]...)
			}
		}
	}
	if err != nil {
		return result{}, err
	}
	return result{st, limit, asked, times}, nil
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
func (s section) measure(c client, asked []class, rounds int) ([][]float64, error) {
	times := make([][]float64, len(asked))
	for round := range rounds {
		if s.batch > 0 && round%s.batch == 0 {
			runtime.GC()
		}
		for _, i := range rand.Perm(len(asked)) {
			if s.batch == 0 {
				runtime.GC()
			}
			took, err := c.ask(asked[i])
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

// ask returns how long a refusal took to arrive.
func (c client) ask(of class) (time.Duration, error) {
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
	if err == nil && resp.StatusCode != http.StatusUnauthorized {
		err = fmt.Errorf("%s: %s", of.name, resp.Status)
	}
	return took, err
}
