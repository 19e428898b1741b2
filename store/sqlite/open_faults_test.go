package sqlite_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/tenancy"
)

func TestOpenFaults(t *testing.T) {
	servicetest.OpenFaults(t, func(t *testing.T) store.Store { return open(t) })
}

// G13: known and not mended. A Service asks once, when it is made, whether reads can have
// to wait for a transaction of the caller's. Where that becomes so later, a read waits for
// itself until its context ends. This fails as soon as it is mended: then these cases
// belong to TestOuterCallInBeginTx.
func TestOuterReadWhereReadsWaitLater(t *testing.T) {
	for name, most := range map[string]int{"the limit comes later": 1, "all of several connections are taken": 2} {
		t.Run(name, func(t *testing.T) {
			db, st := hastyHost(t, "")
			if most > 1 {
				db.SetMaxOpenConns(most)
			}
			svc, err := tenancy.New(tenancy.Config{Store: st, WriteWait: shortly})
			require.NoError(t, err)
			db.SetMaxOpenConns(most)
			for range most {
				begin(t, db)
			}
			ctx, stop := context.WithTimeout(t.Context(), 4*shortly)
			defer stop()
			_, err = svc.Users.GetByEmail(ctx, "ann@mail.example")
			require.ErrorIs(t, err, tenancy.ErrCanceled, "mended: it answers busy")
		})
	}
}
