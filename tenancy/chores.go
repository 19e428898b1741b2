package tenancy

import (
	"context"
	"time"
)

// choreRounds limits how often in a row a chore repeats while there is more to do.
const choreRounds = 20

// chore calls do at once and then at each interval, until ctx ends. do does a part of some background work,
// and returns how much it did; if that is not 0, chore repeats it. Of several failures in a row, the Logger
// gets the first.
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
