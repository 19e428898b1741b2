//go:build !cgo

package mattn

import "testing"

func TestDriver(t *testing.T) {
	t.Skip("skipped: github.com/mattn/go-sqlite3 needs cgo and a C compiler")
}
