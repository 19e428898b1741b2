//go:build cgo

package mattn

import (
	"testing"

	_ "github.com/mattn/go-sqlite3"
	"go.uber.org/goleak"

	"github.com/freehold-dev/freehold/store/sqlite/drivers"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestDriver(t *testing.T) {
	drivers.Run(t, drivers.Driver{
		DSN:        "file:%s?_journal_mode=WAL&_foreign_keys=1&_busy_timeout=5000&_synchronous=FULL&_secure_delete=1",
		Hasty:      "_sync=OFF",
		QueryOnly:  "_query_only=1",
		LocksReads: true,
		Refused: map[string]string{
			":memory:":                  "store/memory",
			"file:%s?_foreign_keys=1":   "journal_mode",
			"file:%s?_journal_mode=WAL": "foreign_keys",
			"file:%s?_journal_mode=WAL&_foreign_keys=1&_busy_timeout=0":   "busy_timeout",
			"file:%s?_pragma=journal_mode(WAL)&_pragma=foreign_keys(1)":   "journal_mode", // the other drivers' DSN
			"file:%s?_journal_mode=WAL&_foreign_keys=1&_txlock=immediate": "leave _txlock out",
		},
	})
}
