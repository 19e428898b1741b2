package sqlite_test

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/freehold-dev/freehold/store/sqlite"
	"github.com/freehold-dev/freehold/tenancy"
	"github.com/freehold-dev/freehold/tenancyhttp"
)

// In a handler behind a Guard, the transaction begins on the program's own Service, and what is done
// in it is bound to the person.
func ExampleTransact_handler() {
	var (
		ctx          context.Context  // of a request that a Guard let through
		svc          *tenancy.Service // the program's own
		organization tenancy.OrganizationID
		user         tenancy.UserID
	)
	err := sqlite.Transact(tenancy.Trusted(ctx), svc, func(ctx context.Context, in *tenancy.Service, tx *sql.Tx) error {
		in = in.As(tenancyhttp.Principal(ctx))
		_, err := in.Memberships.Deactivate(ctx, organization, user)
		return err // and tx.ExecContext for rows of the program's own
	})
	fmt.Println(err)
}

func ExampleStore_Backup_name() {
	var (
		ctx context.Context
		st  *sqlite.Store
	)
	err := st.Backup(ctx, "/backups/app-"+time.Now().UTC().Format("20060102T150405Z")+".db")
	fmt.Println(err)
}
