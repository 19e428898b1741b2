package main

import (
	"maps"
	"net"
	"net/http"
	"sync"
	"time"
)

// limiter limits how often one address may post, whatever it posts. Behind a proxy all requests come from the
// proxy's address: take the client's address from the header that your proxy always overwrites. Freehold itself
// limits mails and guesses.
type limiter struct {
	perMinute int // 0 = no limit
	now       func() time.Time

	mu     sync.Mutex
	minute int64
	posts  map[string]int // number of posts in this minute, by address
}

// mostAddresses is how many addresses are counted: further ones in the same minute share one count.
const mostAddresses = 100_000

func newLimiter(perMinute int) *limiter {
	return &limiter{perMinute: perMinute, now: time.Now, posts: map[string]int{}}
}

// takes counts a post, and reports whether it is within the limit.
func (l *limiter) takes(address string) bool {
	minute := l.now().Unix() / 60
	l.mu.Lock()
	defer l.mu.Unlock()
	if minute != l.minute {
		l.minute = minute
		maps.DeleteFunc(l.posts, func(string, int) bool { return true })
	}
	if _, known := l.posts[address]; !known && len(l.posts) >= mostAddresses {
		address = ""
	}
	l.posts[address]++
	return l.posts[address] <= l.perMinute
}

func (l *limiter) limit(next http.Handler) http.Handler {
	if l.perMinute == 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		address, _, err := net.SplitHostPort(r.RemoteAddr)
		if err != nil {
			address = r.RemoteAddr
		}
		if r.Method == http.MethodPost && !l.takes(address) {
			w.Header().Set("Retry-After", "60")
			http.Error(w, "Too many at once. Try again in a minute.", http.StatusTooManyRequests)
			return
		}
		next.ServeHTTP(w, r)
	})
}
