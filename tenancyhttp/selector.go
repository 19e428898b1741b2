package tenancyhttp

import (
	"net"
	"net/http"
	"strings"

	"github.com/freehold-dev/freehold/tenancy"
)

// Selector says which organization a request is about: it returns an id (org_...), a slug, or "" if the request
// names none. The selection proves nothing: the Guard checks the membership. The Guard calls it once for each
// [Guard.Member] and [Guard.Require] that a request passes.
//
// Any function works, such as one that reads the session or a router's parameters:
//
//	func(r *http.Request) (string, error) { return chi.URLParam(r, "org"), nil }
type Selector func(*http.Request) (string, error)

// PathValue selects by a wildcard of the pattern that [http.ServeMux] matched. It also reads values that
// another router sets with [http.Request.SetPathValue], as chi does.
func PathValue(name string) Selector {
	return func(r *http.Request) (string, error) { return r.PathValue(name), nil }
}

// ID reads an id from the path of a request, by a wildcard of the pattern that [http.ServeMux] matched. It also
// reads values that another router sets with [http.Request.SetPathValue].
//
//	mux.Handle("DELETE /invitations/{invitation}", guard.Member(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
//		id, err := tenancyhttp.ID[tenancy.Invitation](r, "invitation")
//		if err != nil {
//			guard.Error(w, r, err) // 404
//			return
//		}
//		...
//
// Errors: [tenancy.ErrNotFound] if the text is not an id of that kind, or the path has no such wildcard:
// nothing can exist under that name.
func ID[T tenancy.Entity](r *http.Request, name string) (tenancy.ID[T], error) {
	id, err := tenancy.ParseID[T](r.PathValue(name))
	if err != nil {
		return id, &tenancy.Error{Code: tenancy.ErrNotFound, Op: "read path", Kind: id.Prefix(), Err: err}
	}
	return id, nil
}

// Header selects by a header of the request, and adds the header to the answer's Vary. A header that appears
// more than once is [tenancy.ErrInvalid], because a proxy may have read the other value.
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

// FormField selects by a field of a form. The field contains the id or slug of the organization that was open
// when the page with the form was made. So the post goes to that organization or is refused, even if another
// tab has switched since. Requests with the methods GET, HEAD and OPTIONS select the session's current
// organization. Any other request without the field is refused with [ErrNoOrganization].
//
// It reads the body, of at most 64 KiB; handlers find the form in [http.Request.PostForm]. It does not read a
// multipart form, and so refuses it: select by the path there.
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

// Subdomain selects by the single label in front of a base domain. With the base "app.example", a request to
// acme.app.example:8443 is about "acme". Case, port and one trailing dot do not matter. The base itself, deeper
// names, other domains and IP addresses select nothing.
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

// normalHost returns a host in lower case, without port and trailing dot.
func normalHost(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

// isLabel reports whether s contains only characters that a slug may contain.
func isLabel(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return s != ""
}
