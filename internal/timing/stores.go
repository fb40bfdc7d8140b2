package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/internal/mysqltest"
)

// usersAndSessions is a store of both, and of the counters of what has failed.
type usersAndSessions interface {
	auth.UserStore
	auth.SessionStore
	auth.AttemptStore
}

// store is where users are kept.
type store struct {
	name   string
	server bool
	limit  time.Duration                    // under the hasher of 50 µs
	open   func() (usersAndSessions, error) // once: it has no users yet
	close  func()
}

var memoryStore = store{
	name:  "memory",
	limit: 20 * time.Microsecond,
	open:  func() (usersAndSessions, error) { return auth.NewMemoryStore(), nil },
	close: func() {},
}

// openStores returns the store in memory and one in each of some servers, by their
// paths. "mariadbd" is the one that is found.
func openStores(servers string) ([]store, error) {
	stores := []store{memoryStore}
	for server := range strings.SplitSeq(servers, ",") {
		if server == "" {
			continue
		}
		s, err := openServer(strings.TrimPrefix(server, "mariadbd"))
		if err != nil {
			for _, s := range stores {
				s.close()
			}
			return nil, fmt.Errorf("%s: %w", server, err)
		}
		stores = append(stores, s)
	}
	return stores, nil
}

func openServer(path string) (store, error) {
	dsn, version, stop, err := mysqltest.Run(path)
	if err != nil {
		return store{}, err
	}
	name := "MySQL"
	if strings.Contains(version, "MariaDB") {
		name = "MariaDB"
	}
	return store{
		name:   name,
		server: true,
		limit:  20 * time.Microsecond,
		open: func() (usersAndSessions, error) {
			s, err := auth.OpenMySQL(context.Background(), dsn, auth.MySQLConfig{})
			if err == nil {
				err = s.Migrate(context.Background())
			}
			return s, err
		},
		close: stop,
	}, nil
}
