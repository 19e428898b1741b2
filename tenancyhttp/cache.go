package tenancyhttp

import (
	"net/http"
	"slices"
	"strings"
)

// private keeps an answer out of shared caches. It also makes a browser ask again before the browser shows an
// answer that it has kept: by then another person may be signed in, or the same person may have less access.
func private(h http.Header, r *http.Request) {
	set := strings.ToLower(strings.Join(h.Values("Cache-Control"), ","))
	if !strings.Contains(set, "no-store") { // a handler or proxy in front of the Guard may be stricter, but not less strict
		h.Set("Cache-Control", "private, no-cache")
	}
	names := []string{"Cookie, Authorization"}
	if m := memoOf(r); m != nil {
		m.mu.Lock()
		defer m.mu.Unlock()
		names = append(names, m.vary...)
	}
	for _, name := range names {
		if !slices.Contains(h.Values("Vary"), name) {
			h.Add("Vary", name)
		}
	}
}

// varies records that the answer to a request depends on a header.
func varies(r *http.Request, name string) {
	m := memoOf(r)
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.vary = append(m.vary, http.CanonicalHeaderKey(name))
}
