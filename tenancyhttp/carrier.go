package tenancyhttp

import (
	"net/http"
	"strings"

	"github.com/freehold-dev/freehold/tenancy"
)

// carrier is the way in which a request carries a session token.
type carrier struct {
	token  string // "": the request carries none
	bearer bool   // true: in the header Authorization; false: in the cookie
}

// byCookie reports whether the request carries its token in the cookie. A browser sends the cookie with every
// request to the host, whichever site makes the request.
func (c carrier) byCookie() bool { return c.token != "" && !c.bearer }

// carried finds the token that a request carries. Two carriers in one request are an error: a proxy may have
// looked at the other one, and the carrier decides whether this package checks the request's origin.
//
// Two cookies of the same name are not an error, and carry nothing, because it is unclear which one belongs to
// the person. A person is better served by the page for signing in than by status 400.
func (s *Sessions) carried(r *http.Request) (carrier, error) {
	authorization := r.Header.Values("Authorization")
	if len(authorization) > 1 {
		return carrier{}, twoCarriers("two headers Authorization")
	}
	cookies := r.CookiesNamed(s.config.Name)
	for _, value := range authorization {
		token, found := bearerToken(value)
		switch {
		case !found: // another scheme has nothing to do with sessions
		case len(cookies) > 0:
			return carrier{}, twoCarriers("a session cookie and a Bearer token")
		default:
			return carrier{token: token, bearer: true}, nil
		}
	}
	if len(cookies) != 1 {
		return carrier{}, nil
	}
	return carrier{token: cookies[0].Value}, nil
}

func twoCarriers(reason string) error {
	return &tenancy.Error{Code: ErrTwoCarriers, Op: opAuthenticate, Reason: reason}
}

// bearerToken returns the token of an Authorization header with the scheme Bearer, in upper or lower case (RFC
// 6750). The token may be empty.
func bearerToken(value string) (token string, found bool) {
	scheme := value
	if end := strings.IndexAny(value, " \t"); end >= 0 {
		scheme, token = value[:end], value[end:]
	}
	return strings.TrimSpace(token), strings.EqualFold(scheme, "Bearer")
}

// foreign refuses a request of another site that has an unsafe method.
func foreign(allowed *http.CrossOriginProtection, r *http.Request) error {
	if err := allowed.Check(r); err != nil {
		return &tenancy.Error{Code: tenancy.ErrForbidden, Op: opAuthenticate, Reason: "comes from another site", Err: err}
	}
	return nil
}
