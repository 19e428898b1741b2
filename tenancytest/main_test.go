package tenancytest_test

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// verdict is a test within a test: what fails it is written down.
type verdict struct {
	testing.TB
	failures []string
}

func (v *verdict) Errorf(format string, args ...any) {
	v.failures = append(v.failures, fmt.Sprintf(format, args...))
}

func (v *verdict) Fatal(args ...any) {
	v.failures = append(v.failures, fmt.Sprint(args...))
	runtime.Goexit()
}

func (v *verdict) Fatalf(format string, args ...any) {
	v.Errorf(format, args...)
	runtime.Goexit()
}

// failuresOf are those of a test, which may end before it is done.
func failuresOf(t *testing.T, test func(t testing.TB)) []string {
	t.Helper()
	v, done := &verdict{TB: t}, make(chan struct{})
	go func() {
		defer close(done)
		test(v)
	}()
	<-done
	return v.failures
}

// fails wants one failure that says something.
func fails(t *testing.T, says string, test func(t testing.TB)) {
	t.Helper()
	failures := failuresOf(t, test)
	require.Len(t, failures, 1)
	require.Contains(t, failures[0], says)
}
