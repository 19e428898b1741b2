package domains_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/domains"
)

func TestBuiltInList(t *testing.T) { // D2
	data, err := os.ReadFile("public_email.txt")
	require.NoError(t, err)
	require.True(t, strings.HasSuffix(string(data), "\n"))
	lines := strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
	require.Greater(t, len(lines), 300)

	list := domains.DefaultPublicEmail()
	for i, line := range lines {
		normal, err := domains.Normalize(line)
		require.NoError(t, err, line)
		require.Equal(t, line, normal)
		require.True(t, list.Contains(line), line)
		if i > 0 {
			require.Less(t, lines[i-1], line, "sorted, each once")
		}
	}
}

func TestContains(t *testing.T) { // D2
	list := domains.DefaultPublicEmail()
	for _, public := range []string{"gmail.com", "outlook.com", "qq.com", "mailinator.com", "deep.below.gmail.com", "vip.qq.com"} {
		require.True(t, list.Contains(public), public)
	}
	for _, other := range []string{"", "com", "example.com", "notgmail.com", "gmail.com.example.com", "gmail", ".", "gmail.com."} {
		require.False(t, list.Contains(other), other)
	}
}

func TestWith(t *testing.T) { // D2: the list can be extended
	plain := domains.DefaultPublicEmail()
	more, err := plain.With("Bücher.example", "students.example.edu")
	require.NoError(t, err)
	require.True(t, more.Contains("xn--bcher-kva.example"))
	require.True(t, more.Contains("students.example.edu"))
	require.True(t, more.Contains("gmail.com"))
	require.False(t, more.Contains("example.edu"), "a name above is another's")
	require.False(t, plain.Contains("students.example.edu"), "a list never changes")

	none, err := plain.With("fine.example", "not a domain")
	require.ErrorIs(t, err, domains.ErrMalformed)
	require.ErrorContains(t, err, `"not a domain"`)
	require.False(t, none.Contains("fine.example"))
}

func TestZeroPublicEmail(t *testing.T) {
	var none domains.PublicEmail
	require.False(t, none.Contains("gmail.com"))
	own, err := none.With("example.com")
	require.NoError(t, err)
	require.True(t, own.Contains("example.com"))
	require.False(t, own.Contains("gmail.com"))
}

// A program keeps one list for all its goroutines.
func TestPublicEmailIsReadOnly(t *testing.T) {
	list := domains.DefaultPublicEmail()
	done := make(chan bool)
	for range 4 {
		go func() {
			_, err := list.With("example.com")
			done <- err == nil && list.Contains("gmail.com")
		}()
	}
	results := make([]bool, 0, 4)
	for range 4 {
		results = append(results, <-done)
	}
	require.False(t, slices.Contains(results, false))
}
