package tenancyhttp

import (
	"net"
	"net/http"
	"strings"

	"github.com/freehold-dev/freehold/tenancy"
)

// Selector says which organization a request is about, by id (org_...) or slug, or ""
// where it names none. It selects and proves nothing: membership decides. It is called
// once for each [Guard.Member] and [Guard.Require] that a request passes.
//
// Any function will do, such as one that reads the session, or a router's own
// parameters:
//
//	func(r *http.Request) (string, error) { return chi.URLParam(r, "org"), nil }
type Selector func(*http.Request) (string, error)

// PathValue selects by a wildcard of the pattern that [http.ServeMux] matched, or by
// what another router has put there with [http.Request.SetPathValue], as chi does.
func PathValue(name string) Selector {
	return func(r *http.Request) (string, error) { return r.PathValue(name), nil }
}

// ID reads an id from the path of a request: of the wildcard of the pattern that [http.ServeMux] matched, or of
// what another router has put there with [http.Request.SetPathValue].
//
//	mux.Handle("DELETE /invitations/{invitation}", guard.Member(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
//		id, err := tenancyhttp.ID[tenancy.Invitation](r, "invitation")
//		if err != nil {
//			guard.Error(w, r, err) // 404
//			return
//		}
//		...
//
// Errors: [tenancy.ErrNotFound] for what is no id of that kind, and so for a path without the
// wildcard: nothing can be there.
func ID[T tenancy.Entity](r *http.Request, name string) (tenancy.ID[T], error) {
	id, err := tenancy.ParseID[T](r.PathValue(name))
	if err != nil {
		return id, &tenancy.Error{Code: tenancy.ErrNotFound, Op: "read path", Kind: id.Prefix(), Err: err}
	}
	return id, nil
}

// Header selects by a header of the request, which it adds to the answer's Vary. One that
// is there more than once is [tenancy.ErrInvalid], lest somebody in between has read the
// other.
func Header(name string) Selector {
	return func(r *http.Request) (string, error) {
		varies(r, name)
		switch values := r.Header.Values(name); len(values) {
		case 0:
			return "", nil
		case 1:
			return values[0], nil
		}
		return "", &tenancy.Error{
			Code: tenancy.ErrInvalid, Op: opEnter, Field: "organization", Reason: "is named by more than one header",
		}
	}
}

// FormField selects by a field of a form, which holds the id or slug of the organization that the
// form was opened in: so it is posted there, or refused, whatever another tab has switched to
// since. Requests with the methods GET, HEAD and OPTIONS select the current organization of the
// session. Any other one without the field is refused with [ErrNoOrganization].
//
// It reads the body, which may have 64 KiB; handlers find the form in [http.Request.PostForm]. A
// multipart form is not read, and so refused: select by the path there.
func (s *Sessions) FormField(name string) Selector {
	return func(r *http.Request) (string, error) {
		switch r.Method {
		case http.MethodGet, http.MethodHead, http.MethodOptions:
			return s.organization(r)
		}
		if r.PostForm == nil && r.Body != nil {
			r.Body = http.MaxBytesReader(nil, r.Body, maxForm)
		}
		if err := r.ParseForm(); err != nil {
			return "", unreadable(err)
		}
		if len(r.PostForm[name]) > 1 {
			return "", &tenancy.Error{Code: tenancy.ErrInvalid, Op: opEnter, Field: name, Reason: "is there more than once"}
		}
		return r.PostForm.Get(name), nil
	}
}

// Subdomain selects by the one label in front of a base domain: with the base
// "app.example", a request to acme.app.example:8443 is about "acme". Case, port and
// one trailing dot do not count. The base itself, deeper names, other domains and IP
// addresses select nothing.
func Subdomain(base string) Selector {
	suffix := "." + normalHost(base)
	return func(r *http.Request) (string, error) {
		label, found := strings.CutSuffix(normalHost(r.Host), suffix)
		if !found || !isLabel(strings.ReplaceAll(label, "_", "-")) {
			return "", nil
		}
		return label, nil
	}
}

// normalHost is a host without port and trailing dot, in lower case.
func normalHost(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

// isLabel reports whether s is made of what a slug is made of.
func isLabel(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return s != ""
}
