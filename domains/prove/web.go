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

// judge tells what a body shows. An error is one of reading.
type judge func(body io.Reader) (domains.Finding, error)

// lookAtPage proves by the front page's meta tag.
func (p *Prover) lookAtPage(ctx context.Context, c domains.Challenge) domains.Finding {
	return p.fetch(ctx, c, c.PageURL(), func(body io.Reader) (domains.Finding, error) {
		return judgePage(c, body)
	})
}

// lookAtFiles proves by a file at one of its places. It counts against the domain only
// if it is surely at none.
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

// judgeFile reads as much as tells whether a file is the one.
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

// fetch gets a page and has its body judged.
func (p *Prover) fetch(ctx context.Context, c domains.Challenge, address string, look judge) domains.Finding {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return unknown(domains.ReasonBadResponse) // a checked domain makes a good address
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

// unfetched is what a request without a response shows.
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

// client makes a client for one page. A shared transport would go on dialling after the
// request it dialled for; here all ends with ctx.
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
				return nil, errRedirect // http is never asked for
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

// withinSite reports whether a redirect stays with the domain and its www.
func withinSite(to *url.URL, domain string) bool {
	host := strings.ToLower(to.Hostname())
	return to.Scheme == "https" && to.User == nil && (to.Port() == "" || to.Port() == "443") &&
		(host == domain || host == "www."+domain)
}
