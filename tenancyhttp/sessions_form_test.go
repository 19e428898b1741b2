package tenancyhttp_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/tenancy"
)

// S1: a form that cannot be read is no wish to be nowhere.
func TestSwitchReadsItsForm(t *testing.T) {
	w := newWorld(t)
	s := w.sessions()
	cookie := w.signIn(s, w.ada, w.acme.ID)
	body := func(kind, text string) func(*http.Request) {
		return func(r *http.Request) {
			r.Header.Set("Content-Type", kind)
			r.Body = io.NopCloser(strings.NewReader(text))
		}
	}
	const form = "application/x-www-form-urlencoded"
	for name, c := range map[string]struct {
		kind, text string
		status     int
	}{
		"empty":          {form, "", 400},
		"without it":     {form, "return=/", 400},
		"broken":         {form, "organization=%zz", 400},
		"JSON":           {"application/json", `{"organisation":""}`, 400},
		"JSON, null":     {"application/json", `{"organization":null}`, 400},
		"JSON, cut off":  {"application/json", `{"organization":""`, 400},
		"JSON, a list":   {"application/json", `[""]`, 400},
		"JSON, large":    {"application/json", `{"x":"` + strings.Repeat("y", 70<<10) + `","organization":""}`, 413},
		"cut off":        {"multipart/form-data; boundary=b", "--b\r\n", 400},
		"too large":      {form, "x=" + strings.Repeat("y", 70<<10) + "&organization=", 413},
		"no boundary":    {"multipart/form-data", "organization=", 400},
		"no media type":  {"; ;", "organization=", 400},
		"in the address": {form, "", 400},
	} {
		rec := w.post(s.Switch, nil, with(cookie), body(c.kind, c.text), func(r *http.Request) { r.URL.RawQuery = "organization=" })
		require.Equal(t, c.status, rec.Code, name)
		require.Empty(t, rec.Result().Cookies())
		require.Equal(t, "application/problem+json", rec.Header().Get("Content-Type"), name)
	}
	require.Equal(t, w.acme.ID, must(w.svc.Sessions.Authenticate(w.ctx, cookie.Value, tenancy.OrganizationID{}))(t).Organization.ID)
	multipart := body("multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"organization\"\r\n\r\n\r\n--b--\r\n")
	require.Equal(t, http.StatusSeeOther, w.post(s.Switch, nil, with(cookie), multipart).Code)
	require.Zero(t, must(w.svc.Sessions.Authenticate(w.ctx, cookie.Value, tenancy.OrganizationID{}))(t).Organization)
	rec := w.post(s.Switch, nil, with(cookie), body("application/json; charset=utf-8", `{"organization":"`+w.acme.ID.String()+`"}`))
	require.Equal(t, http.StatusOK, rec.Code)
	require.Contains(t, rec.Body.String(), w.acme.ID.String())
	require.Equal(t, w.acme.ID, must(w.svc.Sessions.Authenticate(w.ctx, cookie.Value, tenancy.OrganizationID{}))(t).Organization.ID)
}
