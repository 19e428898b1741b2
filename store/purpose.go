package store

import "context"

type purposeKey struct{}

// For gives a context that says what a transaction is for, in words such as "add member": a
// backend may count by it, and does nothing else with it.
func For(ctx context.Context, purpose string) context.Context {
	return context.WithValue(ctx, purposeKey{}, purpose)
}

// PurposeOf is what [For] said; "" if nothing did.
func PurposeOf(ctx context.Context) string {
	purpose, _ := ctx.Value(purposeKey{}).(string)
	return purpose
}
