package mysqltest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// startTimeout is generous: a cold machine under the race detector, or crash
// recovery, takes seconds.
const startTimeout = 60 * time.Second

// A Server is a private server of one test. Its methods report what goes wrong
// to that test. They are not safe for concurrent use, except that Kill, Pause
// and Resume may run while other goroutines query the server.
type Server struct {
	t      testing.TB // nil for the shared server
	engine engine
	config config
	dir    string // holds the data directory, the socket and the log
	port   int
	unlock func()
	proc   *process
}

type config struct {
	tcp     bool
	durable bool
	flags   []string
}

// An Option of [Start].
type Option func(*config)

// TCP makes DSNs lead to a port on 127.0.0.1 instead of a unix socket. The port
// stays the same over a Restart.
func TCP(c *config) { c.tcp = true }

// Durable makes the server sync its log at every commit and write pages twice,
// as in production. Without it commits are cheaper.
func Durable(c *config) { c.durable = true }

// Flags adds command-line flags, which win over those this package sets.
// MariaDB takes a --max-connections below 10 as 10; the account of DSN may use
// one connection more than that and ignores --read-only, that of AppDSN not.
func Flags(flags ...string) Option {
	return func(c *config) { c.flags = append(c.flags, flags...) }
}

// Start starts a server for t alone and stops it when t ends. AUTH_TEST_MYSQL_DSN
// has no say in it, since nobody may kill that server.
//
// Without a server to run t is skipped, or fails where a server is required.
func Start(t testing.TB, opts ...Option) *Server {
	t.Helper()
	var c config
	for _, o := range opts {
		o(&c)
	}
	s, err := newServer(c)
	if err != nil {
		missing(t, err)
	}
	s.t = t
	t.Cleanup(s.close)
	return s
}

// Run starts a server for a program that is no test: the mysqld or mariadbd given, ""
// = the mariadbd found on the machine. It returns a DSN of an empty database, what the
// server says of its version, and what stops it.
func Run(mysqld string) (dsn, version string, stop func(), _ error) {
	e, err := engineAt(cmp.Or(mysqld, find("mariadbd")))
	if err != nil {
		return "", "", nil, err
	}
	s, err := newServerOf(e, config{})
	if err != nil {
		return "", "", nil, err
	}
	if err := run(s.DSN(""), "CREATE DATABASE d"); err != nil {
		s.close()
		return "", "", nil, err
	}
	return s.DSN("d"), e.version, s.close, nil
}

// DSN returns a DSN, without parameters, of the named database for an account
// that may do everything. It creates no database; "" names none.
func (s *Server) DSN(db string) string {
	return "root@" + s.address() + "/" + db
}

// AppDSN is like DSN for an account with all rights on the named database and
// none beside it, as a service should have: read-only mode and the limit of
// connections hold for it. It creates the database and the account if needed.
func (s *Server) AppDSN(db string) string {
	s.t.Helper()
	s.Exec("CREATE DATABASE IF NOT EXISTS " + db)
	s.Exec("CREATE USER IF NOT EXISTS app@localhost")
	s.Exec("GRANT ALL ON " + db + ".* TO app@localhost")
	return "app@" + s.address() + "/" + db
}

// Exec runs one statement as the account of DSN("").
func (s *Server) Exec(query string, args ...any) {
	s.t.Helper()
	if err := run(s.DSN(""), query, args...); err != nil {
		s.t.Fatalf("mysqltest: %.80s: %v", query, err)
	}
}

// Kill ends the server with SIGKILL and returns when it is gone.
func (s *Server) Kill() {
	if s.proc != nil {
		s.proc.kill()
		s.proc = nil
	}
}

// Restart starts the server again, with the same data, address and flags. One
// that still runs is killed first.
func (s *Server) Restart() {
	s.t.Helper()
	s.Kill()
	if err := s.start(); err != nil {
		s.t.Fatalf("mysqltest: restart: %v", err)
	}
}

// Pause stops the server with SIGSTOP: connections stay open and nothing is
// answered, as behind a network that drops packets.
func (s *Server) Pause() { s.signal((*process).pause) }

// Resume ends a Pause.
func (s *Server) Resume() { s.signal((*process).resume) }

func (s *Server) signal(send func(*process) error) {
	s.t.Helper()
	if s.proc == nil {
		s.t.Error("mysqltest: the server was killed")
	} else if err := send(s.proc); err != nil {
		s.t.Errorf("mysqltest: %v", err)
	}
}

func (s *Server) address() string {
	if s.config.tcp {
		return fmt.Sprintf("tcp(127.0.0.1:%d)", s.port)
	}
	return "unix(" + s.socket() + ")"
}

func (s *Server) socket() string { return filepath.Join(s.dir, "s") }

func newServer(c config) (*Server, error) {
	e, err := findEngine()
	if err != nil {
		return nil, err
	}
	return newServerOf(e, c)
}

func newServerOf(e engine, c config) (_ *Server, err error) {
	s := &Server{engine: e, config: c}
	if s.dir, s.unlock, err = newRunDir(); err != nil {
		return nil, err
	}
	err = func() error {
		if c.tcp {
			if s.port, err = freePort(); err != nil {
				return err
			}
		}
		// A path longer than 107 bytes fails with an error that hides why.
		if len(s.socket()) > 100 {
			return fmt.Errorf("the socket's path %s is too long: set TMPDIR to a shorter one", s.socket())
		}
		if err := copyTemplate(e, filepath.Join(s.dir, "data")); err != nil {
			return err
		}
		return s.start()
	}()
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *Server) start() error {
	log := filepath.Join(s.dir, "log")
	args := append(s.engine.serverFlags(s.config.durable),
		"--datadir="+filepath.Join(s.dir, "data"),
		"--tmpdir="+s.dir, // a server that starts removes the temporary tables that it finds
		"--socket="+s.socket(),
		"--pid-file="+filepath.Join(s.dir, "pid"),
		"--log-error="+log,
	)
	if s.config.tcp {
		args = append(args, "--bind-address=127.0.0.1", "--port="+strconv.Itoa(s.port))
	} else {
		args = append(args, "--skip-networking")
	}
	proc, err := startProcess(s.engine.server, append(args, s.config.flags...))
	if err != nil {
		return fmt.Errorf("start %s: %w", s.engine.server, err)
	}
	s.proc = proc
	if err := s.await(); err != nil {
		s.Kill()
		return fmt.Errorf("%w\n%s", err, tail(log))
	}
	return nil
}

// await returns when the server answers.
func (s *Server) await() error {
	db, err := open(s.DSN(""))
	if err != nil {
		return err
	}
	defer db.Close()
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	for {
		err := db.PingContext(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-s.proc.done:
			return errors.New("the server ended while it started")
		case <-ctx.Done():
			return fmt.Errorf("the server does not answer after %v: %w", startTimeout, err)
		case <-time.After(3 * time.Millisecond):
		}
	}
}

// close needs no orderly shutdown: the data goes as well.
func (s *Server) close() {
	s.Kill()
	os.RemoveAll(s.dir)
	s.unlock()
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// tail returns the end of a log, where the reason stands.
func tail(path string) []byte {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	return b[max(0, len(b)-4096):]
}
