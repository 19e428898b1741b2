package tenancy_test

import (
	"context"
	"fmt"

	"github.com/freehold-dev/freehold/store/memory"
	"github.com/freehold-dev/freehold/tenancy"
)

// A store is all that must be given. What else a Config has is bad from the start or not at all.
func ExampleNew() {
	svc, err := tenancy.New(tenancy.Config{
		Store: memory.New(),
		Label: tenancy.Label{Singular: "workspace"}, // what the application calls an organization
	})
	fmt.Println(svc.Label().Plural, err)
	_, err = tenancy.New(tenancy.Config{Store: memory.New(), DefaultRole: "no such role"})
	fmt.Println(tenancy.CodeOf(err))
	// Output:
	// workspaces <nil>
	// unknown_role
}

// An import is one transaction in which no call may fail: a file goes in whole, or one row
// says what is wrong with it.
func ExampleService_Import() {
	ctx, svc := context.Background(), service(tenancy.Config{})
	rows := []string{"ada@acme.example", "bob@acme.example", "not an address"}
	err := svc.Import(ctx, func(ctx context.Context, tx *tenancy.Service) error {
		for i, email := range rows {
			if _, err := tx.Users.Create(ctx, tenancy.NewUser{Email: email}); err != nil {
				return fmt.Errorf("row %d: %w", i+1, err)
			}
		}
		return nil
	})
	fmt.Println(err != nil, tenancy.CodeOf(err))
	fmt.Println(len(must(svc.Users.List(ctx, tenancy.UserQuery{})).Items))
	// Output:
	// true invalid
	// 0
}

// Run is the one thing in the background. The program starts it, and ends it with its context.
func ExampleService_Run() {
	svc := service(tenancy.Config{})
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- svc.Run(ctx) }()
	// Here the program serves.
	stop()
	fmt.Println(<-ended)
	// Output: context canceled
}
