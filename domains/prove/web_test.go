package prove_test

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/domains"
	"github.com/freehold-dev/freehold/domains/prove"
	"github.com/freehold-dev/freehold/internal/dnstest"
)

// say answers every request alike.
func say(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// at answers by path, and 404 elsewhere.
func at(bodies map[string]string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, ok := bodies[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		_, _ = io.WriteString(w, body)
	}
}

const (
	wellKnown = "/.well-known/acme-challenge.txt"
	atRoot    = "/acme-challenge.txt"
)

func TestFile(t *testing.T) { // D4, D5
	for what, c := range map[string]struct {
		website http.HandlerFunc
		want    domains.Finding
	}{
		"well-known":           {at(map[string]string{wellKnown: token}), proved()},
		"at the root":          {at(map[string]string{atRoot: token}), refuted(domains.ReasonNotFound)},
		"other content before": {at(map[string]string{wellKnown: "another", atRoot: token}), refuted(domains.ReasonOtherContent)},
		"nowhere":              {at(nil), refuted(domains.ReasonNotFound)},
		"gone":                 {say(http.StatusGone, token), refuted(domains.ReasonNotFound)},
		"other content":        {say(http.StatusOK, "<!doctype html><p>Welcome"), refuted(domains.ReasonOtherContent)},
		"empty":                {say(http.StatusOK, ""), refuted(domains.ReasonOtherContent)},
		"more than the token":  {say(http.StatusOK, token+"\nand more"), refuted(domains.ReasonOtherContent)},
		"a page of any length": {say(http.StatusOK, strings.Repeat("x", 1<<20)), refuted(domains.ReasonOtherContent)},
	} {
		t.Run(what, func(t *testing.T) {
			require.Equal(t, c.want, find(t, visitor(t, c.website, 0), domains.MethodFile))
		})
	}
}

// The root of a website, where its users may be able to put files, is not even asked for
// where the challenge does not name it.
func TestFileAtRoot(t *testing.T) { // D4
	var asked []string
	p := visitor(t, func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Path)
		at(map[string]string{atRoot: token})(w, r)
	}, 0)
	require.Equal(t, refuted(domains.ReasonNotFound), find(t, p, domains.MethodFile))
	require.Equal(t, []string{wellKnown}, asked)

	for what, c := range map[string]struct {
		website http.HandlerFunc
		want    domains.Finding
	}{
		"well-known":           {at(map[string]string{wellKnown: token}), proved()},
		"at the root":          {at(map[string]string{atRoot: token + "\n"}), proved()},
		"other content before": {at(map[string]string{wellKnown: "another", atRoot: token}), proved()},
		"neither":              {at(nil), refuted(domains.ReasonNotFound)},
		"one place in trouble": {func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == wellKnown {
				http.NotFound(w, r)
				return
			}
			w.WriteHeader(http.StatusBadGateway)
		}, unknown(domains.ReasonStatus)},
		"the other in trouble": {func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == atRoot {
				http.NotFound(w, r)
				return
			}
			w.WriteHeader(http.StatusBadGateway)
		}, unknown(domains.ReasonStatus)},
	} {
		t.Run(what, func(t *testing.T) {
			root := challenge()
			root.RootFile = true
			finding, err := visitor(t, c.website, 0).Prove(t.Context(), root, domains.MethodFile)
			require.NoError(t, err)
			require.Equal(t, c.want, finding)
		})
	}
}

// Which answers are about the domain, and which only about the way there.
func TestStatuses(t *testing.T) { // D5
	var status int
	p := visitor(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		if status != http.StatusNoContent && status != http.StatusNotModified {
			_, _ = io.WriteString(w, challenge().MetaTag())
		}
	}, 0)
	for status = range map[int]bool{404: true, 410: true} {
		require.Equal(t, refuted(domains.ReasonNotFound), find(t, p, domains.MethodMeta), status)
	}
	for _, status = range []int{
		201, 202, 203, 204, 206, 300, 301, 302, 304, 305, 400, 401, 402, 403, 405, 406, 408, 418, 421, 425, 429, 451,
		500, 501, 502, 503, 504, 507, 520, 599, 999,
	} {
		require.Equal(t, unknown(domains.ReasonStatus), find(t, p, domains.MethodMeta), status)
	}
	status = 200
	require.Equal(t, proved(), find(t, p, domains.MethodMeta))
}

func TestRedirects(t *testing.T) { // D4
	hops := func(n int) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, r *http.Request) bool {
			if len(r.URL.RawQuery) >= n {
				return false
			}
			http.Redirect(w, r, "https://example.com/?"+r.URL.RawQuery+"x", http.StatusFound)
			return true
		}
	}
	once := func(target string) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.RawQuery == "there" || strings.HasPrefix(strings.ToLower(r.Host), "www.example.com") {
				return false
			}
			w.Header().Set("Location", target)
			w.WriteHeader(http.StatusMovedPermanently)
			return true
		}
	}
	for what, c := range map[string]struct {
		redirect func(http.ResponseWriter, *http.Request) bool
		want     domains.Finding
	}{
		"to www":                 {once("https://www.example.com/"), proved()},
		"to www, capitals":       {once("https://WWW.Example.COM/"), proved()},
		"with the port":          {once("https://www.example.com:443/welcome"), proved()},
		"relative":               {once("/?there"), proved()},
		"five times":             {hops(5), proved()},
		"six times":              {hops(6), unknown(domains.ReasonRedirect)},
		"for ever":               {hops(1 << 20), unknown(domains.ReasonRedirect)},
		"to http":                {once("http://www.example.com/"), unknown(domains.ReasonRedirect)},
		"to another port":        {once("https://www.example.com:8443/"), unknown(domains.ReasonRedirect)},
		"to port 80":             {once("https://example.com:80/?there"), unknown(domains.ReasonRedirect)},
		"to another domain":      {once("https://example.net/?there"), unknown(domains.ReasonRedirect)},
		"to another name of it":  {once("https://shop.example.com/?there"), unknown(domains.ReasonRedirect)},
		"to a look-alike":        {once("https://example.com.evil.test/?there"), unknown(domains.ReasonRedirect)},
		"to a look-alike's www":  {once("https://www.notexample.com/?there"), unknown(domains.ReasonRedirect)},
		"to www twice":           {once("https://www.www.example.com/?there"), unknown(domains.ReasonRedirect)},
		"to the domain, rooted":  {once("https://example.com./?there"), unknown(domains.ReasonRedirect)},
		"to an address":          {once("https://127.0.0.1/?there"), unknown(domains.ReasonRedirect)},
		"to an IPv6 address":     {once("https://[::1]/?there"), unknown(domains.ReasonRedirect)},
		"to an address as a sum": {once("https://2130706433/?there"), unknown(domains.ReasonRedirect)},
		"with a user":            {once("https://example.com@evil.test/?there"), unknown(domains.ReasonRedirect)},
		"with a user, to itself": {once("https://user:pw@example.com/?there"), unknown(domains.ReasonRedirect)},
		"to a file":              {once("file:///etc/passwd"), unknown(domains.ReasonRedirect)},
		"to gopher":              {once("gopher://example.com/"), unknown(domains.ReasonRedirect)},
		"to nonsense":            {once("https://exa mple.com/%zz"), unknown(domains.ReasonBadResponse)},
		"to nowhere":             {once(""), unknown(domains.ReasonStatus)},
	} {
		t.Run(what, func(t *testing.T) {
			p := visitor(t, func(w http.ResponseWriter, r *http.Request) {
				if !c.redirect(w, r) {
					_, _ = io.WriteString(w, challenge().MetaTag())
				}
			}, 0)
			require.Equal(t, c.want, find(t, p, domains.MethodMeta))
		})
	}
}

// The domain above one that begins with www is somebody else's claim.
func TestNoRedirectUpwards(t *testing.T) { // D4
	site, pool := website(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Host == "www.example.com" {
			http.Redirect(w, r, "https://example.com/", http.StatusFound)
			return
		}
		_, _ = io.WriteString(w, challenge().MetaTag())
	}))
	p := prove.New(prove.Options{Roots: pool})
	p.WrapDial(func(prove.Dial) prove.Dial { return to(site) })
	c := challenge()
	c.Domain = "www.example.com"
	finding, err := p.Prove(t.Context(), c, domains.MethodMeta)
	require.NoError(t, err)
	require.Equal(t, unknown(domains.ReasonRedirect), finding)
}

// What is asked for names the application, and carries nothing along.
func TestRequest(t *testing.T) { // D4
	p := visitor(t, func(w http.ResponseWriter, r *http.Request) {
		ok := r.UserAgent() == "acme-domain-verification" && r.Header.Get("Accept-Encoding") == "" &&
			r.Header.Get("Cookie") == "" && r.Close && r.Method == http.MethodGet && r.ProtoMajor == 1
		if !ok {
			w.WriteHeader(http.StatusTeapot)
			return
		}
		if r.Host == "example.com" {
			http.SetCookie(w, &http.Cookie{Name: "track", Value: "x", Domain: "example.com"})
			http.Redirect(w, r, "https://www.example.com/", http.StatusFound)
			return
		}
		_, _ = io.WriteString(w, challenge().MetaTag())
	}, 0)
	require.Equal(t, proved(), find(t, p, domains.MethodMeta))
}

// A website whose names are gone counts as gone; one whose names are in trouble does not.
func TestWebsiteNames(t *testing.T) { // D5
	broken, silent := dnstest.ServFail(), dnstest.Silence()
	for what, c := range map[string]struct {
		answer dnstest.Answer
		want   domains.Finding
	}{
		"NXDOMAIN":                {dnstest.NXDomain(), refuted(domains.ReasonNoRecord)},
		"no address":              {dnstest.TXT("token=" + token), refuted(domains.ReasonNoRecord)},
		"SERVFAIL":                {dnstest.ServFail(), unknown(domains.ReasonNameServer)},
		"REFUSED":                 {dnstest.Refused(), unknown(domains.ReasonNameServer)},
		"silence":                 {dnstest.Silence(), unknown(domains.ReasonTimeout)},
		"no IPv4, IPv6 SERVFAIL":  {dnstest.Answer{AAAA: &broken}, unknown(domains.ReasonNameServer)},
		"no IPv4, IPv6 is silent": {dnstest.Answer{AAAA: &silent}, unknown(domains.ReasonTimeout)},
	} {
		t.Run(what, func(t *testing.T) {
			names := dnstest.Start(t)
			names.Set("example.com", c.answer)
			for _, by := range []domains.Method{domains.MethodMeta, domains.MethodFile} {
				p := prove.New(prove.Options{Resolver: names.Resolver(), Timeout: limit(c.want)})
				require.Equal(t, c.want, find(t, p, by))
			}
		})
	}
}

// A name that was missing for the dialler and is back is in trouble, not gone.
func TestNameComesBack(t *testing.T) { // D5
	names := dnstest.Start(t)
	names.Set("example.com", dnstest.NXDomain(), dnstest.Addr("93.184.215.14"))
	p := prove.New(prove.Options{Resolver: names.Resolver()})
	require.Equal(t, unknown(domains.ReasonNameServer), find(t, p, domains.MethodMeta))
}

// One Prover serves many at once.
func TestConcurrent(t *testing.T) {
	names := dnstest.Start(t)
	names.Set("_acme-challenge.example.com", dnstest.TXT("token="+token))
	site, pool := website(t, at(map[string]string{"/": challenge().MetaTag(), wellKnown: token}))
	p := prove.New(prove.Options{Resolver: names.Resolver(), Roots: pool, Timeout: time.Minute})
	p.WrapDial(func(prove.Dial) prove.Dial { return to(site) })
	var all sync.WaitGroup
	findings := make(chan domains.Finding, 24)
	for range 8 {
		for _, by := range methods() {
			all.Go(func() {
				finding, _ := p.Prove(t.Context(), challenge(), by)
				findings <- finding
			})
		}
	}
	all.Wait()
	close(findings)
	for finding := range findings {
		require.Equal(t, proved(), finding)
	}
}
