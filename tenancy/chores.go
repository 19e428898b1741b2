package tenancy

import (
	"context"
	"time"
)

// choreRounds bounds how often in a row a chore goes on while there is more to do.
const choreRounds = 20

// chore does a part of what has to go on in the background, at once and then at each
// interval, until ctx ends. do says how much it did; while that is something there may
// be more. The Logger hears of the first of several failures in a row.
func (s *Service) chore(ctx context.Context, name string, interval time.Duration, do func(context.Context) (int, error)) {
	failing := false
	_ = every(ctx, interval, func() {
		for range choreRounds {
			n, err := do(ctx)
			if err != nil && !failing && ctx.Err() == nil {
				s.instance.config.Logger.ErrorContext(ctx, "freehold: cannot "+name, "error", err)
			}
			failing = err != nil
			if err != nil || n == 0 {
				return
			}
		}
	})
}
