module github.com/seed89488a0c/auth/legacyhash/yescrypt

go 1.26.0

replace github.com/seed89488a0c/auth => ../../

require (
	github.com/go-crypt/x v0.4.17
	github.com/seed89488a0c/auth v0.0.0
)

require (
	filippo.io/edwards25519 v1.2.0 // indirect
	github.com/go-sql-driver/mysql v1.10.1 // indirect
	github.com/golang-jwt/jwt/v5 v5.3.1 // indirect
	github.com/jmoiron/sqlx v1.4.0 // indirect
	golang.org/x/crypto v0.58.0 // indirect
	golang.org/x/net v0.62.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
	golang.org/x/text v0.43.0 // indirect
)
