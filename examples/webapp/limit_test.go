package main

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestLimit(t *testing.T) {
	at := time.Unix(1_800_000_000, 0)
	l := newLimiter(3)
	l.now = func() time.Time { return at }
	passed := 0
	h := l.limit(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { passed++ }))
	send := func(method, from string) int {
		r := httptest.NewRequest(method, "/login", nil)
		r.RemoteAddr = from
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Code
	}
	for range 3 {
		require.Equal(t, 200, send("POST", "192.0.2.1:1234"))
	}
	require.Equal(t, 429, send("POST", "192.0.2.1:9999"))
	require.Equal(t, 200, send("GET", "192.0.2.1:1234"), "looking is free")
	require.Equal(t, 200, send("POST", "192.0.2.2:1234"))
	at = at.Add(time.Minute)
	require.Equal(t, 200, send("POST", "192.0.2.1:1234"))
	require.Equal(t, 6, passed)

	for i := range mostAddresses + 10 {
		l.takes(strconv.Itoa(i))
	}
	require.LessOrEqual(t, len(l.posts), mostAddresses+1)
	require.False(t, l.takes("one more"), "too many addresses share what is left")
}
