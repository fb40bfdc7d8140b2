package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"time"
)

// pace is the time from one request to the next: some load, and little beside
// the hashes'.
const pace = 5 * time.Millisecond

// tokenTimes is how long requests took that only verify a token.
type tokenTimes struct {
	Requests int
	P50, P99 time.Duration
}

// ask sends a request with a token at every tick until stop ends. It does not
// wait for answers: who waits with the next request until a slow one is
// answered measures fewer slow ones.
func ask(stop io.Reader, url, token string) (tokenTimes, error) {
	stopped := make(chan struct{})
	go func() {
		io.Copy(io.Discard, stop)
		close(stopped)
	}()
	client := &http.Client{
		Timeout:   time.Minute,
		Transport: &http.Transport{MaxIdleConnsPerHost: 1000},
	}
	if _, err := askOnce(client, url, token); err != nil { // opens the first connection
		return tokenTimes{}, err
	}
	var (
		requests sync.WaitGroup
		mu       sync.Mutex
		times    []time.Duration
		failed   error
	)
	tick := time.NewTicker(pace)
	defer tick.Stop()
	for {
		select {
		case <-stopped:
			requests.Wait()
			if failed == nil && len(times) == 0 {
				failed = errors.New("no time to ask")
			}
			return tokenTimes{len(times), quantile(times, 0.5), quantile(times, 0.99)}, failed
		case <-tick.C:
			requests.Go(func() {
				took, err := askOnce(client, url, token)
				mu.Lock()
				defer mu.Unlock()
				times, failed = append(times, took), errors.Join(failed, err)
			})
		}
	}
}

func askOnce(client *http.Client, url, token string) (time.Duration, error) {
	r, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	r.Header.Set("Authorization", "Bearer "+token)
	start := time.Now()
	resp, err := client.Do(r)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return 0, err
	}
	if resp.StatusCode != http.StatusNoContent {
		return 0, fmt.Errorf("a token was answered by %s", resp.Status)
	}
	return time.Since(start), nil
}

// askBeside has a client of its own process ask while f runs.
func askBeside(url, token string, f func()) (tokenTimes, error) {
	self, err := os.Executable()
	if err != nil {
		return tokenTimes{}, err
	}
	cmd := exec.Command(self, clientCommand, url, token)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return tokenTimes{}, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return tokenTimes{}, err
	}
	if err := cmd.Start(); err != nil {
		return tokenTimes{}, err
	}
	f()
	stdin.Close()
	var t tokenTimes
	err = json.NewDecoder(stdout).Decode(&t)
	return t, errors.Join(cmd.Wait(), err)
}
