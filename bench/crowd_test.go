package bench

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/freehold-dev/freehold/tenancy"
)

// BenchmarkCrowd has four read and four write at once: no call fails, and besides the
// rates it tells the slowest write and what share of the rate of one writer alone is
// left to the writers.
func BenchmarkCrowd(b *testing.B) {
	span := 3 * time.Second
	if testing.Short() {
		span = 50 * time.Millisecond
	}
	w := openWorld(b)
	must(b, w.load(b.Context(), 100, 10, 1000))
	for b.Loop() {
		alone, _, _ := w.crowd(b, span, 1, 0)
		writes, reads, slowest := w.crowd(b, span, 4, 4)
		b.ReportMetric(writes, "writes/s")
		b.ReportMetric(reads, "reads/s")
		b.ReportMetric(float64(slowest.Milliseconds()), "slowest-ms")
		b.ReportMetric(writes/alone, "of-alone")
	}
}

func (w *world) crowd(b *testing.B, span time.Duration, writers, readers int) (writes, reads float64, slowest time.Duration) {
	b.Helper()
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	var written, read, worst atomic.Int64
	var all sync.WaitGroup
	end := time.Now().Add(span)
	for i := range writers {
		all.Go(func() {
			for n := 0; time.Now().Before(end); n++ {
				began, name := time.Now(), fmt.Sprint("Name ", n)
				_, err := w.svc.Users.Update(ctx, w.users[i], tenancy.UserUpdate{GivenName: &name})
				must(b, err)
				written.Add(1)
				for took := time.Since(began).Nanoseconds(); ; {
					most := worst.Load()
					if took <= most || worst.CompareAndSwap(most, took) {
						break
					}
				}
			}
		})
	}
	for i := range readers {
		all.Go(func() {
			for n := i; time.Now().Before(end); n++ {
				_, err := w.svc.Memberships.List(ctx, w.orgs[n%len(w.orgs)], tenancy.MemberQuery{})
				must(b, err)
				read.Add(1)
			}
		})
	}
	all.Wait()
	return float64(written.Load()) / span.Seconds(), float64(read.Load()) / span.Seconds(), time.Duration(worst.Load())
}
