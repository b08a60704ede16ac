package store

// Pragma reads a setting of the connection that writes.
func Pragma(s Store, name string) (value string, err error) {
	err = s.(*base).write.QueryRow("PRAGMA " + name).Scan(&value)
	return value, err
}
