package tenancyhttp_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/tenancy"
	"github.com/freehold-dev/freehold/tenancyhttp"
)

// codes are the constants of type Code in package tenancy, from its source.
func codes(t *testing.T) []tenancy.Code {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../tenancy/errors.go", nil, 0)
	require.NoError(t, err)
	var found []tenancy.Code
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			return true
		}
		if kind, ok := spec.Type.(*ast.Ident); ok && kind.Name == "Code" {
			text, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			require.NoError(t, err)
			found = append(found, tenancy.Code(text))
		}
		return true
	})
	require.Greater(t, len(found), 30)
	return append(found, tenancyhttp.ErrUnauthenticated, tenancyhttp.ErrNoOrganization, tenancyhttp.ErrTwoCarriers)
}

// Every code has a status, and none tells a driver's words, an id of somebody else's,
// or the error's own text.
func TestEveryCode(t *testing.T) {
	secret := errors.New("SQLITE_CONSTRAINT: tenancy_users.email_key")
	own := map[tenancy.Code]int{
		tenancy.ErrInternal: 500, tenancy.ErrInTransaction: 500, tenancy.ErrUnboundInRequest: 500, tenancy.ErrCorrupt: 500,
		tenancy.ErrNotADatabase: 500, tenancy.ErrSchema: 500,
	}
	for _, code := range codes(t) {
		t.Run(string(code), func(t *testing.T) {
			err := fmt.Errorf("handler: %w", &tenancy.Error{
				Code: code, Op: "an operation", Kind: "user", Key: "usr_secret", Field: "email", Reason: "a reason",
				IDs: []string{"org_x"}, Counts: map[string]int{"seats": 3}, Err: secret,
			})
			p := tenancyhttp.ProblemOf(err)
			if want, ok := own[code]; ok {
				require.Equal(t, want, p.Status)
			} else {
				require.NotEqual(t, http.StatusInternalServerError, p.Status, "no entry in the table")
			}
			if code != tenancy.ErrMerged {
				require.Equal(t, code, p.Code)
			}
			require.Equal(t, http.StatusText(p.Status), p.Title)

			rec := httptest.NewRecorder()
			tenancyhttp.WriteError(rec, err)
			require.Equal(t, p.Status, rec.Code)
			require.Equal(t, "application/problem+json", rec.Header().Get("Content-Type"))
			require.Equal(t, "no-store", rec.Header().Get("Cache-Control"))
			require.Equal(t, strconv.Itoa(rec.Body.Len()), rec.Header().Get("Content-Length"))
			require.Equal(t, p.Status == 401, rec.Header().Get("WWW-Authenticate") != "")
			require.Equal(t, p.RetryAfter > 0, rec.Header().Get("Retry-After") == "1")
			for _, never := range []string{"SQLITE", "usr_secret", "an operation", "handler"} {
				require.NotContains(t, rec.Body.String(), never)
			}
			var told map[string]any
			require.NoError(t, json.Unmarshal(rec.Body.Bytes(), &told))
			if p.Status == 404 || p.Status >= 500 {
				require.Len(t, told, 3, "title, status and code alone")
			} else {
				require.Equal(t, "email", told["field"])
			}
			require.Equal(t, code == tenancy.ErrLastOwner, told["ids"] != nil)
		})
	}
}

func TestOtherErrors(t *testing.T) {
	for _, c := range []struct {
		err    error
		status int
		code   tenancy.Code
	}{
		{nil, 500, tenancy.ErrInternal},
		{errors.New("open /etc/shadow"), 500, tenancy.ErrInternal},
		{tenancy.Code("of tomorrow"), 500, tenancy.ErrInternal},
		{context.Canceled, 503, tenancy.ErrCanceled},
		{context.DeadlineExceeded, 503, tenancy.ErrCanceled},
		{tenancy.ErrForbidden, 403, tenancy.ErrForbidden},
	} {
		p := tenancyhttp.ProblemOf(c.err)
		require.Equal(t, c.status, p.Status)
		require.Equal(t, c.code, p.Code)
		require.Empty(t, p.Detail)
	}
}

// G7: whatever was not found, and whoever was merged, reads the same.
func TestNotFoundIsUniform(t *testing.T) {
	want := httptest.NewRecorder()
	tenancyhttp.WriteError(want, tenancy.ErrNotFound)
	for _, err := range []error{
		&tenancy.Error{Code: tenancy.ErrNotFound, Op: "check", Kind: "organization", Key: "org_1", Field: "x", Reason: "y"},
		&tenancy.Error{Code: tenancy.ErrMerged, IDs: []string{"usr_2"}},
	} {
		got := httptest.NewRecorder()
		tenancyhttp.WriteError(got, err)
		require.Equal(t, want, got)
	}
}

// A handler's own headers for the body that does not come are dropped, its challenge stays.
func TestHeadersOfAFailedAnswer(t *testing.T) {
	rec := httptest.NewRecorder()
	for name, value := range map[string]string{
		"Content-Length": "1000", "Content-Encoding": "gzip", "ETag": `"x"`, "Last-Modified": "x", "Content-Type": "text/html",
		"Cache-Control": "public", "WWW-Authenticate": `Bearer realm="app"`, "X-Request-Id": "7",
	} {
		rec.Header().Set(name, value)
	}
	tenancyhttp.WriteError(rec, tenancyhttp.ErrUnauthenticated)
	require.Empty(t, rec.Header().Get("Content-Encoding"))
	require.Empty(t, rec.Header().Get("ETag"))
	require.Empty(t, rec.Header().Get("Last-Modified"))
	require.Equal(t, "no-store", rec.Header().Get("Cache-Control"))
	require.Equal(t, `Bearer realm="app"`, rec.Header().Get("WWW-Authenticate"))
	require.Equal(t, "7", rec.Header().Get("X-Request-Id"))
}

// The host's own writer gets the error, the host's log what the answer does not say.
func TestReplacedWriter(t *testing.T) {
	w := newWorld(t)
	var log bytes.Buffer
	g := w.guard(func(c *tenancyhttp.Config) {
		c.Logger = slog.New(slog.NewTextHandler(&log, nil))
		c.Error = func(w http.ResponseWriter, r *http.Request, err error) {
			if errors.Is(err, tenancyhttp.ErrUnauthenticated) {
				http.Redirect(w, r, "/login", http.StatusSeeOther)
				return
			}
			http.Error(w, "sorry", tenancyhttp.ProblemOf(err).Status)
		}
	})
	rec := w.ask(at(g.Member), tenancy.UserID{}, "/orgs/acme")
	require.Equal(t, http.StatusSeeOther, rec.Code)
	require.Equal(t, "/login", rec.Header().Get("Location"))
	require.Equal(t, 404, w.ask(at(g.Member), w.eve.ID, "/orgs/acme").Code)
	require.Equal(t, 403, w.ask(at(g.Require("documents:write")), w.bob.ID, "/orgs/acme").Code)
	require.Empty(t, log.String(), "refusals are no failures")
	require.Equal(t, 500, w.ask(at(g.Require("documents:wirte")), w.bob.ID, "/orgs/acme").Code)
	require.Contains(t, log.String(), "documents:wirte")
}
