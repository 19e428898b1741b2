package sqlite_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"

	"github.com/freehold-dev/freehold/store/sqlite"
	"github.com/freehold-dev/freehold/tenancy"
)

// One file holds all of it. Open makes it, and brings one of an earlier version up to date.
func ExampleOpen() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	for range 2 {
		st, err := sqlite.Open(ctx, filepath.Join(dir, "app.db"))
		if err != nil {
			panic(err)
		}
		svc, err := tenancy.New(tenancy.Config{Store: st})
		if err != nil {
			panic(err)
		}
		_, err = svc.Users.Create(ctx, tenancy.NewUser{Email: "ada@acme.example"})
		fmt.Println(tenancy.CodeOf(err) == tenancy.ErrAlreadyExists)
		if err := st.Close(); err != nil {
			panic(err)
		}
	}
	// Output:
	// false
	// true
}

// Where the program's own transaction is there already, the store and the Service join it. Most
// programs need [Transact] alone.
func ExampleStore_InTx() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	db, _, err := openApp(ctx, filepath.Join(dir, "app.db"))
	if err != nil {
		panic(err)
	}
	defer func() { _ = db.Close() }()
	st, err := sqlite.New(ctx, db)
	if err != nil {
		panic(err)
	}
	svc, err := tenancy.New(tenancy.Config{Store: st})
	if err != nil {
		panic(err)
	}

	create := func(tx *sql.Tx) error {
		ctx, in, err := svc.Join(ctx, st.InTx(tx))
		if err != nil {
			return err
		}
		_, err = in.Users.Create(ctx, tenancy.NewUser{Email: "ada@acme.example"})
		return err
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		panic(err)
	}
	fmt.Println(create(tx), tx.Rollback()) // the program's to commit or not
	_, err = svc.Users.GetByEmail(ctx, "ada@acme.example")
	fmt.Println(tenancy.CodeOf(err))
	// Output:
	// <nil> <nil>
	// not_found
}
