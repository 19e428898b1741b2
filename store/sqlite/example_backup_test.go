package sqlite_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/freehold-dev/freehold/store/sqlite"
	"github.com/freehold-dev/freehold/tenancy"
)

// A copy is a database of its own.
func ExampleStore_Backup() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	st, err := sqlite.Open(ctx, filepath.Join(dir, "app.db"))
	if err != nil {
		panic(err)
	}
	defer func() { _ = st.Close() }()
	svc, err := tenancy.New(tenancy.Config{Store: st})
	if err != nil {
		panic(err)
	}
	if _, err := svc.Organizations.Create(ctx, tenancy.NewOrganization{DisplayName: "Acme", Slug: "acme"}); err != nil {
		panic(err)
	}
	if err := st.Backup(ctx, filepath.Join(dir, "backup.db")); err != nil {
		panic(err)
	}

	copied, err := sqlite.Open(ctx, filepath.Join(dir, "backup.db"))
	if err != nil {
		panic(err)
	}
	defer func() { _ = copied.Close() }()
	restored, err := tenancy.New(tenancy.Config{Store: copied})
	if err != nil {
		panic(err)
	}
	org, err := restored.Organizations.GetBySlug(ctx, "acme")
	fmt.Println(org.DisplayName, err)
	// Output: Acme <nil>
}
