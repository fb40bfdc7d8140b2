package mysqlstore

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/go-sql-driver/mysql"
)

// Open opens a pool with settings that suit the store, which auth.OpenMySQL
// documents. Its error has nothing of the DSN.
func Open(dsn string) (*sql.DB, error) {
	cfg, err := mysql.ParseDSN(dsn)
	if err != nil { // whose text quotes the DSN
		return nil, errors.New("not a DSN of github.com/go-sql-driver/mysql")
	}
	cfg.InterpolateParams = true
	cfg.RejectReadOnly = true
	cfg.Logger = &mysql.NopLogger{}
	if cfg.Timeout == 0 {
		cfg.Timeout = 5 * time.Second
	}
	if cfg.ReadTimeout == 0 {
		cfg.ReadTimeout = 10 * time.Second
	}
	if cfg.WriteTimeout == 0 {
		cfg.WriteTimeout = 10 * time.Second
	}
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		return nil, errors.New("the DSN's collation is none that parameters can be interpolated in")
	}
	pool := sql.OpenDB(waiting{connector})
	// As many idle as open ones: with fewer, load would open and close them all the time.
	pool.SetMaxOpenConns(16)
	pool.SetMaxIdleConns(16)
	pool.SetConnMaxIdleTime(90 * time.Second)
	pool.SetConnMaxLifetime(5 * time.Minute)
	return pool, nil
}

// Close closes the pool, after the statements that run.
func (s *Store) Close() error {
	if err := s.pool.Close(); err != nil {
		return failure(context.Background(), "close", err)
	}
	return nil
}
