// Package migrations holds the database schema as plain SQL, for those who
// apply it with a tool of their own. [github.com/seed89488a0c/auth.MySQLStore.Migrate]
// applies the same files.
package migrations

import "embed"

// FS holds the folder mysql with one numbered file a version of the schema, to
// be applied in the order of their names. Each ends by recording its number,
// which [github.com/seed89488a0c/auth.MySQLStore.Check] reads, and may be
// applied again: its statements do nothing where they are done already.
//
//go:embed mysql/*.sql
var FS embed.FS
