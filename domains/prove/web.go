package prove

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/freehold-dev/freehold/domains"
)

const (
	maxBody      = 64 << 10
	maxHeader    = 64 << 10
	maxRedirects = 5
)

var errRedirect = errors.New("redirect refused")

// judge returns what a body shows. Its error is an error of reading.
type judge func(body io.Reader) (domains.Finding, error)

// lookAtPage checks the meta tag of the home page.
func (p *Prover) lookAtPage(ctx context.Context, c domains.Challenge) domains.Finding {
	return p.fetch(ctx, c, c.PageURL(), func(body io.Reader) (domains.Finding, error) {
		return judgePage(c, body)
	})
}

// lookAtFiles checks the file at each of its places. Only a certain "not there" at all of them counts against
// the domain.
func (p *Prover) lookAtFiles(ctx context.Context, c domains.Challenge) domains.Finding {
	var sum domains.Finding
	for i, place := range c.FileURLs() {
		finding := p.fetch(ctx, c, place, func(body io.Reader) (domains.Finding, error) {
			return judgeFile(c, body)
		})
		switch {
		case finding.Outcome == domains.Proved:
			return finding
		case i == 0 || finding.Outcome == domains.Unknown && sum.Outcome == domains.Refuted:
			sum = finding
		}
	}
	return sum
}

// judgeFile reads only as much as it needs to compare the file.
func judgeFile(c domains.Challenge, body io.Reader) (domains.Finding, error) {
	text, err := io.ReadAll(io.LimitReader(body, maxBody))
	switch {
	case err != nil:
		return domains.Finding{}, err
	case c.MatchFile(text):
		return proved(), nil
	}
	return refuted(domains.ReasonOtherContent), nil
}

// fetch gets a page and lets look judge its body.
func (p *Prover) fetch(ctx context.Context, c domains.Challenge, address string, look judge) domains.Finding {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return unknown(domains.ReasonBadResponse) // cannot happen: a checked domain gives a valid address
	}
	request.Header.Set("User-Agent", c.MetaName())
	response, err := p.client(ctx, c.Domain).Do(request)
	if err != nil {
		return unfetched(ctx, err)
	}
	defer func() { _ = response.Body.Close() }()
	switch response.StatusCode {
	case http.StatusOK:
	case http.StatusNotFound, http.StatusGone:
		return refuted(domains.ReasonNotFound)
	default:
		return unknown(domains.ReasonStatus)
	}
	if encoding := response.Header.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return unknown(domains.ReasonEncoded)
	}
	finding, err := look(response.Body)
	if err != nil {
		return late(ctx, domains.ReasonBadResponse)
	}
	return finding
}

// unfetched returns what a request without a response shows.
func unfetched(ctx context.Context, err error) domains.Finding {
	var failed *failure
	switch {
	case errors.As(err, &failed):
		return failed.finding
	case errors.Is(err, errRedirect):
		return unknown(domains.ReasonRedirect)
	}
	return late(ctx, domains.ReasonBadResponse)
}

// client makes a client for one page. A shared transport would still dial after its request has ended; here
// everything ends with ctx.
func (p *Prover) client(ctx context.Context, domain string) *http.Client {
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	return &http.Client{
		CheckRedirect: func(to *http.Request, via []*http.Request) error {
			if len(via) > maxRedirects || !withinSite(to.URL, domain) {
				return errRedirect
			}
			return nil
		},
		Transport: &http.Transport{
			Proxy:                  nil, // not even one from the environment
			DisableKeepAlives:      true,
			DisableCompression:     true,
			MaxResponseHeaderBytes: maxHeader,
			Protocols:              &protocols,
			DialContext: func(context.Context, string, string) (net.Conn, error) {
				return nil, errRedirect // http is never used
			},
			DialTLSContext: func(_ context.Context, _, address string) (net.Conn, error) {
				host, _, err := net.SplitHostPort(address)
				if err != nil {
					return nil, err
				}
				return p.connect(ctx, host)
			},
		},
	}
}

// withinSite reports whether a redirect stays on the domain and its www. name.
func withinSite(to *url.URL, domain string) bool {
	host := strings.ToLower(to.Hostname())
	return to.Scheme == "https" && to.User == nil && (to.Port() == "" || to.Port() == "443") &&
		(host == domain || host == "www."+domain)
}
