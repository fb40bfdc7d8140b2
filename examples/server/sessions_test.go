package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/authtest"
	"github.com/seed89488a0c/auth/internal/ci"
	"github.com/seed89488a0c/auth/internal/mysqltest"
)

const sessionsScript = `# Two sessions
200  register, which logs in
204  log out
401  refresh after that
200  log in from the phone
200  log in from the laptop
200  list the sessions:
     laptop, current: true
     phone, current: false
# One ends the other
204  end the phone's session from the laptop
204  end it again
401  refresh on the phone
200  list the sessions:
     laptop, current: true
# A refresh token can be used once
200  refresh on the laptop
401  a thief refreshes with the token from before (needs -grace 0s)
401  refresh on the laptop: the session has ended for both
# A new password ends all sessions, and begins one
200  log in from the phone
200  log in from the laptop
403  change the password, with a wrong one
200  change the password on the laptop, which is given new tokens
401  refresh on the phone
401  a thief refreshes with a copy of the laptop's token from before
200  refresh on the laptop
# What needs a login of late
200  refresh, after some time
401  delete the user (needs -fresh 15s): insufficient_user_authentication
403  authenticate again, with the old password
200  authenticate again, which gives new tokens
401  a thief refreshes with a copy of the laptop's token from before
# Log out everywhere else
200  log in from the phone
403  log out all others, with a wrong password
200  log out all others from the laptop, which is given new tokens
401  refresh on the phone
401  a thief refreshes with a copy of the laptop's token from before
200  refresh on the laptop
200  list the sessions:
     laptop, current: true
204  delete the user
`

// The script says what it should, whatever keeps the sessions, and whether or not
// access tokens end with them.
func TestSessionsScript(t *testing.T) {
	for _, program := range []string{"sh", "curl", "sed"} {
		if _, err := exec.LookPath(program); err != nil {
			ci.Missing(t, err)
		}
	}
	for _, tt := range []struct {
		name  string
		mysql bool
		args  []string
	}{
		{"memory", false, nil},
		{"memory, checked", false, []string{"-check-sessions", "1m"}},
		{"MySQL", true, nil},
		{"MySQL, checked", true, []string{"-check-sessions", "1m"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			args := append([]string{"-policy", "default", "-grace", "0s", "-fresh", "15s"}, tt.args...)
			if tt.mysql {
				args = append(args, "-dsn", mysqltest.DSN(t))
			}
			t.Parallel()
			s := start(t, args...)
			cmd := exec.Command("sh", "sessions.sh", s.url, "15")
			cmd.Env = append(os.Environ(), "NO_PROXY=*", "no_proxy=*")
			var stderr strings.Builder
			cmd.Stderr = &stderr
			got, err := cmd.Output()
			if err != nil || string(got) != sessionsScript || stderr.Len() > 0 {
				t.Errorf("%v: %s\n%s", err, &stderr, got)
			}
			log := s.stderr.String()
			if strings.Count(log, `"kind":"session_replayed"`) != 1 || strings.Contains(log, "sessions@") {
				t.Errorf("log:\n%s", log)
			}
		})
	}
}

// With -check-sessions an access token ends with its session, and without it lives on.
func TestCheckSessions(t *testing.T) {
	for _, tt := range []struct {
		args []string
		want int
	}{
		{nil, 200},
		{[]string{"-check-sessions", "1h"}, 401},
	} {
		s := start(t, tt.args...)
		one := s.must(t, "POST", "/users/register", "", credentials("abc@naver.com", "1234")).want(t, 200, "")
		two := s.must(t, "POST", "/users/login", "", credentials("abc@naver.com", "1234")).want(t, 200, "")
		s.must(t, "POST", "/users/logout", "", `{"refresh_token":"`+one.refreshToken()+`"}`).want(t, 204, "")
		s.must(t, "GET", "/users/me", one.token(), "").want(t, tt.want, "")
		s.must(t, "GET", "/users/me", two.token(), "").want(t, 200, "")
		s.must(t, "POST", "/users/logout-all", two.token(), "").want(t, 204, "")
		s.must(t, "GET", "/users/me", two.token(), "").want(t, tt.want, "")
		s.must(t, "POST", "/users/refresh", "", `{"refresh_token":"`+two.refreshToken()+`"}`).want(t, 401, "invalid_token")
	}
}

func TestPasswordRequests(t *testing.T) {
	s := start(t)
	token := s.must(t, "POST", "/users/register", "", credentials("abc@naver.com", "1234")).token()
	const path = "/users/me/password"
	s.must(t, "POST", path, "", `{"current":"1234","new":"5678"}`).want(t, 401, "missing_token")
	s.must(t, "POST", path, token, `{"current":"1234"}`).want(t, 400, "required")
	s.must(t, "POST", path, token, `{"current":"1234","new":"1"}`).want(t, 400, "too_short")
	s.must(t, "POST", path, token, `{"current":"123","new":"5678"}`).want(t, 403, "invalid_credentials")
	s.must(t, "POST", path, token, `{"current":1,"new":"5678"}`).want(t, 400, "invalid_type")
	s.must(t, "POST", path, token, `{"current":"1234","new":"5678","x":""}`).want(t, 400, "unknown_member")
	s.must(t, "POST", path, token, `{"current":"1234","new":"\ud800567"}`).want(t, 400, "malformed_json")
	s.must(t, "POST", path, token, `{"current":"`+strings.Repeat("x", 16<<10)+`"}`).want(t, 413, "body_too_large")
	token = s.must(t, "POST", path, token, `{"current":"1234","new":"5678"}`).want(t, 200, "").token()
	s.must(t, "POST", "/users/login", "", credentials("abc@naver.com", "5678")).want(t, 200, "")
	s.must(t, "DELETE", "/users/me", token, "").want(t, 204, "")
	s.must(t, "POST", path, token, `{"current":"5678","new":"1234"}`).want(t, 401, "invalid_token")
	s.must(t, "DELETE", "/users/me", token, "").want(t, 401, "invalid_token")
}

// Sessions that are over leave the store.
// ASVS 5.0 14.2.7
func TestPurge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := auth.NewMemoryStore()
		a := authtest.New(t, auth.Options{Sessions: auth.SessionConfig{Store: store, IdleTTL: time.Minute, AbsoluteTTL: time.Minute}}).WithStore(store)
		rows := func(want int) {
			t.Helper()
			synctest.Wait()
			user, err := store.UserByEmail(t.Context(), "abc@naver.com")
			if err != nil {
				t.Fatal(err)
			}
			if list, err := store.Sessions(t.Context(), user.ID); err != nil || len(list) != want {
				t.Errorf("%d sessions, %v, want %d", len(list), err, want)
			}
		}
		secret := auth.NewPassword("correct horse battery staple")
		if _, err := a.Register(t.Context(), auth.Registration{Email: "abc@naver.com", Password: secret}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		rows(1)
		go purge(t.Context(), a, nil)
		time.Sleep(purgeInterval - 1) // the first time is before that
		rows(0)
		if _, err := a.Login(t.Context(), auth.Credentials{Email: "abc@naver.com", Password: secret}); err != nil {
			t.Fatal(err)
		}
		rows(1)
		time.Sleep(2 * purgeInterval)
		rows(0)
	})
}
