package auth

// MySQLSchema is the version of the schema that Check demands.
const MySQLSchema = mysqlSchema

// MySQLIDColumn is the line of the schema that MySQLIntegerIDs replaces.
const MySQLIDColumn = mysqlIDColumn

// Statements returns those that find one row, each with one parameter.
func (s *MySQLStore) Statements() []string {
	q := s.statements
	return []string{q.byID, q.byEmail, q.exists, q.delete, q.update + "version = version + 1" + q.whereID}
}
