package auth_test

import (
	"context"
	"crypto/rand"
	"database/sql"
	"database/sql/driver"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/internal/mysqltest"
)

// galeraEnv names DSNs of the nodes of a cluster, with a database each, separated by
// spaces. Without it nodes are played.
const galeraEnv = "AUTH_TEST_GALERA_DSNS"

// playedNode is a pool whose server says of wsrep what it is told to.
type playedNode struct {
	driver.Connector
	without string // what is asked of wsrep in place of the server's own
}

func (n playedNode) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := n.Connector.Connect(ctx)
	return playedConn{conn, n}, err
}

type playedConn struct {
	driver.Conn
	node playedNode
}

func (c playedConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if strings.Contains(query, "@@wsrep_on") {
		query = strings.Replace(query, "@@wsrep_on AND @@wsrep_sync_wait", c.node.without, 1)
	}
	return c.Conn.(driver.QueryerContext).QueryContext(ctx, query, args)
}

func (c playedConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	return c.Conn.(driver.ExecerContext).ExecContext(ctx, query, args)
}

func TestMySQLCheckFindsNodesThatDoNotWait(t *testing.T) {
	dsn := mysqltest.DSN(t)
	migrate(t, openMySQL(t, dsn))
	cfg, err := mysql.ParseDSN(withParams(t, dsn, "interpolateParams=true"))
	if err != nil {
		t.Fatal(err)
	}
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		t.Fatal(err)
	}
	for without, bad := range map[string]bool{
		"1 AND 0":           true,
		"1 AND 1":           true, // reads alone
		"1 AND 2":           true,
		"1 AND 3":           false,
		"1 AND 7":           false,
		"0 AND 0":           false, // MariaDB by itself
		"@@no_such AND @@x": false, // others do not know it
	} {
		pool := sql.OpenDB(playedNode{connector, without})
		defer pool.Close()
		s := newMySQLStore(t, pool)
		for op, err := range map[string]error{"check schema": s.Check(t.Context()), "check schema of Migrate": s.Migrate(t.Context())} {
			if !bad && err != nil {
				t.Errorf("%s, %s: %v", without, op, err)
			} else if bad {
				wantStoreError(t, err, "check schema", "no wsrep_sync_wait", nil)
			}
		}
	}
}

// Every connection waits for the other nodes, besides what its DSN has it wait for.
func TestOpenMySQLWaitsForOtherNodes(t *testing.T) {
	w, dsn := newWire(t, mysqltest.DSN(t))
	var mu sync.Mutex
	told := 0
	w.onWrite = func(b []byte) {
		mu.Lock()
		defer mu.Unlock()
		if strings.Contains(string(b), "SET SESSION wsrep_sync_wait = @@wsrep_sync_wait | 3") {
			told++
		}
	}
	s := migrate(t, openMySQL(t, dsn))
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() { s.UserByID(t.Context(), "x") })
	}
	all.Wait()
	if n := w.dials.Load(); int64(told) != n {
		t.Errorf("%d of %d connections were told to wait", told, n)
	}
}

// On a real cluster a session that one node has just made is found, refreshed and ended
// at another, and a pool that does not wait is found out.
func TestGalera(t *testing.T) {
	dsns := strings.Fields(os.Getenv(galeraEnv))
	if len(dsns) < 2 {
		t.Skip("no cluster: " + galeraEnv + " is not set")
	}
	migrate(t, openMySQL(t, dsns[0]))
	plain := newMySQLStore(t, openPool(t, dsns[0]))
	wantStoreError(t, plain.Check(t.Context()), "check schema", "no wsrep_sync_wait", nil)
	if err := newMySQLStore(t, openPool(t, withParams(t, dsns[0], "wsrep_sync_wait=3"))).Check(t.Context()); err != nil {
		t.Error(err)
	}
	missed := func(open func(dsn string) *auth.MySQLStore) (n int) {
		var nodes []*auth.MySQLStore
		for _, dsn := range dsns {
			nodes = append(nodes, open(dsn))
		}
		for i := range 800 {
			r := storedSession(rand.Text(), "1", sessionsEnd)
			if err := nodes[i%len(nodes)].CreateSession(t.Context(), r); err != nil {
				t.Fatal(err)
			}
			met, err := nodes[(i+1)%len(nodes)].DeleteSessions(t.Context(), auth.SessionFilter{ID: r.ID})
			if err != nil {
				t.Fatal(err)
			}
			if met == 0 {
				n++
			}
		}
		return n
	}
	if n := missed(func(dsn string) *auth.MySQLStore { return openMySQL(t, dsn) }); n != 0 {
		t.Errorf("%d of 800 endings at another node met no session", n)
	}
	t.Logf("without waiting: %d of 800", missed(func(dsn string) *auth.MySQLStore {
		return newMySQLStore(t, openPool(t, withParams(t, dsn, "interpolateParams=true&wsrep_sync_wait=1")))
	}))
}
