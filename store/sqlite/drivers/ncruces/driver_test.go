package ncruces

import (
	"testing"

	_ "github.com/ncruces/go-sqlite3/driver"
	"go.uber.org/goleak"

	"github.com/freehold-dev/freehold/store/sqlite/drivers"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestDriver(t *testing.T) {
	drivers.Run(t, drivers.Driver{
		DSN:       "file:%s?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=foreign_keys(1)&_pragma=secure_delete(1)",
		Hasty:     "_pragma=synchronous(OFF)",
		QueryOnly: "_pragma=query_only(1)",
		Refused: map[string]string{
			":memory:": "store/memory",
			"file:%s?_pragma=busy_timeout(5000)&_pragma=foreign_keys(1)":                                                      "journal_mode",
			"file:%s?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=foreign_keys(0)":                            "foreign_keys",
			"file:%s?_pragma=journal_mode(WAL)&_pragma=foreign_keys(1)":                                                       "busy_timeout",
			"file:%s?_journal_mode=WAL&_foreign_keys=1&_busy_timeout=5000":                                                    "journal_mode", // another driver's DSN
			"file:%s?_pragma=encoding('UTF-16')&_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=foreign_keys(1)": "encoding",
		},
	})
}
