package store

import "database/sql"

// Writer is the connection that writes.
func Writer(s Store) *sql.DB { return s.(*base).write }
