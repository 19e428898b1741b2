package store

import "context"

type purposeKey struct{}

// For returns a context that says what a transaction is for, in words such as "add member". A backend may count
// transactions by it, and does nothing else with it.
func For(ctx context.Context, purpose string) context.Context {
	return context.WithValue(ctx, purposeKey{}, purpose)
}

// PurposeOf returns the words given to [For], or "".
func PurposeOf(ctx context.Context) string {
	purpose, _ := ctx.Value(purposeKey{}).(string)
	return purpose
}
