package memory

// SingleWriter reports that one transaction writes at a time.
func (s *Store) SingleWriter() bool { return true }
