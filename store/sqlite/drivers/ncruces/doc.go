// Package ncruces runs the suite of package drivers on github.com/ncruces/go-sqlite3.
package ncruces
