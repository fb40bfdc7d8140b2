package auth

// MySQLSchema is the version of the schema that Check demands.
const MySQLSchema = mysqlSchema

// The lines of the schema that MySQLIntegerIDs replaces.
const (
	MySQLIDColumn     = mysqlIDColumn
	MySQLUserIDColumn = mysqlUserIDColumn
)

// Statements returns those that find one row, each with one parameter.
func (s *MySQLStore) Statements() []string {
	q := s.statements
	return []string{q.byID, q.byEmail, q.exists, q.delete, q.update + "version = version + 1" + q.whereID}
}

// SessionStatements are those of the sessions, but for the insert.
func (s *MySQLStore) SessionStatements() (byID, list, update, deleteBy, byUser, byExpiry string) {
	q := s.statements.sessions
	return q.byID, q.list, q.update + "version = version + 1" + q.where, q.delete + q.id,
		q.delete + q.userID + " AND " + q.exceptID + q.oldestFirst, q.delete + q.expiredBy + q.oldestFirst
}
