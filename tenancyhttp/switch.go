package tenancyhttp

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/freehold-dev/freehold/tenancy"
)

const (
	opSwitch         = "switch organization"
	maxForm          = 64 << 10 // bytes
	formOrganization = "organization"
	formReturn       = "return"
)

// switched is the answer of [Sessions.Switch] to a client that keeps no cookies.
type switched struct {
	Organization string    `json:"organization"`
	ExpiresAt    time.Time `json:"expires_at"`
}

// Switch is the handler of an organization switcher. It makes an organization the current one of the session
// ([tenancy.Sessions.Switch]). It reads the organization's id from "organization" in a form or in JSON; empty
// means no organization. The token stays the same. Tabs that select their organization by the path or the host
// do not change.
//
// Switch redirects a browser to the path of this site in the form's "return", and to "/" if that is anything
// else. A client that sent a Bearer token, or JSON, gets 200 and JSON with two members: "organization", and
// "expires_at" in RFC 3339, the latest time at which the entry ends.
//
// It refuses requests in the form of [WriteError]. Two carriers, and a body that it cannot read or that has no
// "organization", get 400. A request without a signed-in user gets 401. A browser's request from another site
// gets 403. An organization in which the person is not an active member gets 404. Methods other than POST get
// 405. A body over 64 KiB gets 413. An organization that demands another sign-in gets 403 and
// [ErrSignInWanted].
func (s *Sessions) Switch(w http.ResponseWriter, r *http.Request) {
	c, ok := s.posted(w, r)
	if !ok {
		return
	}
	to, err := readOrganization(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	d, err := s.config.Service.Sessions.Switch(tenancy.Trusted(r.Context()), c.token, to)
	forget(r)
	switch {
	case err != nil:
		s.fail(w, r, anonymous(err))
	case d.Kind != tenancy.DecisionSignedIn:
		s.fail(w, r, wanted(opSwitch, d))
	case c.bearer || isJSON(r):
		s.tell(w, r, d.Session)
	default:
		w.Header().Set("Cache-Control", "no-store")
		http.Redirect(w, r, localPath(r.PostFormValue(formReturn)), http.StatusSeeOther)
	}
}

// tell writes the session's organization for a client that follows no redirects.
func (s *Sessions) tell(w http.ResponseWriter, r *http.Request, at tenancy.Session) {
	answer := switched{ExpiresAt: at.ExpiresAt}
	if !at.OrganizationID.IsZero() {
		answer.Organization = at.OrganizationID.String()
	}
	body, err := json.Marshal(answer)
	if err != nil { // RFC 3339 cannot write the year
		s.fail(w, r, err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(append(body, '\n'))
}

// readOrganization reads the organization's id from JSON or a form. It refuses a truncated body, or one of
// another type: those must not count as a request to leave all organizations.
func readOrganization(r *http.Request) (to tenancy.OrganizationID, err error) {
	selected := ""
	if isJSON(r) {
		var body struct {
			Organization *string `json:"organization"`
		}
		raw, err := io.ReadAll(r.Body)
		if err == nil {
			err = json.Unmarshal(raw, &body)
		}
		if err != nil || body.Organization == nil {
			return to, unreadable(err)
		}
		selected = *body.Organization
	} else {
		err := r.ParseForm()
		if err == nil {
			err = r.ParseMultipartForm(maxForm)
		}
		if err != nil && !errors.Is(err, http.ErrNotMultipart) || !r.PostForm.Has(formOrganization) {
			return to, unreadable(err)
		}
		selected = r.PostFormValue(formOrganization)
	}
	if selected == "" {
		return to, nil
	}
	return tenancy.ParseOrganizationID(selected)
}

// isJSON reports whether a request says that its body is JSON.
func isJSON(r *http.Request) bool {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && kind == "application/json"
}

// unreadable is the error for a body that does not name an organization.
func unreadable(err error) error {
	reason := "is not in the body"
	if big := new(http.MaxBytesError); errors.As(err, &big) {
		return &tenancy.Error{Code: ErrBodyTooLarge, Op: opSwitch, Field: formOrganization, Reason: reason, Err: err}
	}
	return &tenancy.Error{Code: tenancy.ErrInvalid, Op: opSwitch, Field: formOrganization, Reason: reason, Err: err}
}

// SignOut is the handler that ends the session of a request. It removes the cookie from a browser and redirects
// as Switch does; a client that sent a Bearer token gets 204. The answer is the same if the session has ended
// before, or never existed.
//
// It refuses methods other than POST with 405, two carriers with 400, and a browser's request from another site
// with 403.
func (s *Sessions) SignOut(w http.ResponseWriter, r *http.Request) {
	c, ok := s.posted(w, r)
	if !ok {
		return
	}
	err := anonymous(s.config.Service.Sessions.SignOut(tenancy.Trusted(r.Context()), c.token))
	forget(r)
	switch {
	case err != nil && !errors.Is(err, ErrUnauthenticated):
		s.fail(w, r, err)
	case c.bearer:
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(http.StatusNoContent)
	default:
		s.Clear(w)
		http.Redirect(w, r, localPath(r.PostFormValue(formReturn)), http.StatusSeeOther)
	}
}

// posted returns the carrier of a request that may switch or sign out, and answers every other request. Without
// a Bearer token, the request must be a POST from this site itself. That holds even if nobody is signed in,
// because the answer changes the browser's cookie.
func (s *Sessions) posted(w http.ResponseWriter, r *http.Request) (carrier, bool) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		s.fail(w, r, &tenancy.Error{Code: ErrMethodNotAllowed, Op: opSwitch, Reason: "takes POST alone"})
		return carrier{}, false
	}
	c, err := s.carried(r)
	if err == nil && !c.bearer {
		err = foreign(s.config.CrossOrigin, r)
	}
	if err != nil {
		s.fail(w, r, err)
		return carrier{}, false
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	return c, true
}

func (s *Sessions) fail(w http.ResponseWriter, r *http.Request, err error) {
	answer(s.config.Logger, s.config.Error, w, r, err)
}

// localPath returns path if it is a path of this site. Otherwise, or if some browser might read it as another
// site, it returns "/". Browsers read "//" and "/\" as the beginning of a host, and remove tabs and line breaks before
// they read a URL. So it refuses backslashes, spaces and control characters, too.
func localPath(path string) string {
	if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || strings.ContainsFunc(path, func(c rune) bool {
		return c == '\\' || c <= ' ' || c == 0x7f
	}) {
		return "/"
	}
	return path
}
