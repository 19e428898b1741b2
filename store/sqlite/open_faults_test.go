package sqlite_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/internal/servicetest/rules"
	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/tenancy"
)

func TestOpenFaults(t *testing.T) {
	rules.OpenFaults(t, func(t *testing.T) store.Store { return open(t) })
}

// G13: a Service asks before each read whether it can have to wait for a transaction of the
// caller's, so a limit of one connection counts also where it comes later. Known and not
// mended is the second case: all of several connections are taken, and a read waits for
// itself until its context ends. It fails as soon as it is mended: then both belong to
// TestOuterCallInBeginTx. The code is compared, because busy wraps canceled.
func TestOuterReadWhereReadsWaitLater(t *testing.T) {
	for name, c := range map[string]struct {
		most int
		want tenancy.Code
	}{
		"the limit comes later":                {1, tenancy.ErrBusy},
		"all of several connections are taken": {2, tenancy.ErrCanceled},
	} {
		t.Run(name, func(t *testing.T) {
			most := c.most
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
			require.ErrorIs(t, err, tenancy.ErrCanceled)
			require.Equal(t, c.want, tenancy.CodeOf(err))
		})
	}
}
