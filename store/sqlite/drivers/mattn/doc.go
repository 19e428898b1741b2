// Package mattn runs the suite of package drivers on github.com/mattn/go-sqlite3, which needs cgo.
package mattn
