package tenancyhttp

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/freehold-dev/freehold/tenancy"
)

const (
	maxForm          = 64 << 10 // bytes
	formOrganization = "organization"
	formReturn       = "return"
)

// switched is the answer of [Sessions.Switch] to a client that sent a Bearer token.
type switched struct {
	Token     string    `json:"token"`
	ExpiresAt time.Time `json:"expires_at"`
}

// Switch is the handler of an organization switcher. It takes a form with the
// organization's id in "organization", empty for none. The session stays the same and
// gets a new token; the old one is dead at once.
//
// A browser gets the new token in its cookie, with a redirect to the path of this site in
// the form's "return", or to "/" where that is anything else. A client that sent a Bearer
// token gets 200 and JSON: "token", and "expires_at" in RFC 3339, when the session ends
// at the latest.
//
// Refused: other methods than POST with 405; two carriers, and a form without
// "organization", with 400; a browser's request from another site with 403; a form over
// 64 KiB with 413; nobody with 401; an organization in which the person is no active
// member with 404; a policy that wants another way to sign in with
// [tenancy.ErrSignInRefused].
func (s *Sessions) Switch(w http.ResponseWriter, r *http.Request) {
	c, ok := s.posted(w, r)
	if !ok {
		return
	}
	if status := readForm(r); status != http.StatusOK {
		http.Error(w, http.StatusText(status), status)
		return
	}
	var to tenancy.OrganizationID
	if id := r.PostFormValue(formOrganization); id != "" {
		var err error
		if to, err = tenancy.ParseOrganizationID(id); err != nil {
			s.fail(w, r, err)
			return
		}
	}
	started, err := s.config.Service.Sessions.Switch(tenancy.Trusted(r.Context()), c.token, to)
	forget(r)
	if err != nil {
		// The cookie stays: another window may have switched, and have a new one by now.
		s.fail(w, r, anonymous(err))
		return
	}
	if c.bearer {
		s.tell(w, r, started)
		return
	}
	s.Set(w, started)
	http.Redirect(w, r, localPath(r.PostFormValue(formReturn)), http.StatusSeeOther)
}

// tell gives the token of a session to a client that keeps no cookies.
func (s *Sessions) tell(w http.ResponseWriter, r *http.Request, started tenancy.StartedSession) {
	body, err := json.Marshal(switched{started.Token.Reveal(), started.Session.ExpiresAt})
	if err != nil { // a year that RFC 3339 cannot write
		s.fail(w, r, err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(append(body, '\n'))
}

// readForm reads a form that has to say where to: one that is cut off, or of something
// else, must not be taken for a wish to be nowhere.
func readForm(r *http.Request) (status int) {
	err := r.ParseForm()
	if err == nil {
		err = r.ParseMultipartForm(maxForm)
	}
	var big *http.MaxBytesError
	switch {
	case errors.As(err, &big):
		return http.StatusRequestEntityTooLarge
	case err != nil && !errors.Is(err, http.ErrNotMultipart), !r.PostForm.Has(formOrganization):
		return http.StatusBadRequest
	}
	return http.StatusOK
}

// SignOut is the handler that ends the session of a request. It removes the cookie from a
// browser and redirects as Switch does; a client that sent a Bearer token gets 204. It
// answers alike where the session has ended before, or never was.
//
// Refused: other methods than POST with 405; two carriers with 400; a browser's request
// from another site with 403.
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

// posted gives the carrier of a request that may switch or sign out, and answers every
// other one. Without a Bearer token it wants a POST of this site itself, also where
// nobody is signed in, since the answer changes the browser's cookie.
func (s *Sessions) posted(w http.ResponseWriter, r *http.Request) (carrier, bool) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
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

// localPath is a path of this site, or "/" for whatever leads elsewhere, or might in
// some browser.
func localPath(path string) string {
	if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || strings.ContainsFunc(path, func(c rune) bool {
		return c == '\\' || c <= ' ' || c == 0x7f
	}) {
		return "/"
	}
	return path
}
