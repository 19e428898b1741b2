package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A session ends with what it stands on, from the next request on (rule S2), and there
// is no way to another.
func TestStaleSession(t *testing.T) {
	ctx := t.Context()
	for name, end := range map[string]func(w *world) error{
		"removed by page": func(w *world) error {
			require.Equal(w, 303, w.as("cyd@acme.example").post(w.acme.fill("/orgs/{org}/members/{user}/remove", "eli")).status)
			return nil
		},
		"deactivated by page": func(w *world) error {
			require.Equal(w, 303, w.as("cyd@acme.example").post(w.acme.fill("/orgs/{org}/members/{user}/deactivate", "eli")).status)
			return nil
		},
		"archived": func(w *world) error {
			_, err := w.service.Organizations.Archive(ctx, w.acme.org)
			return err
		},
		"user suspended": func(w *world) error {
			_, err := w.service.Users.Suspend(ctx, w.acme.users["eli"])
			return err
		},
		"organization suspended": func(w *world) error {
			_, err := w.service.Organizations.Suspend(ctx, w.acme.org)
			return err
		},
		"sessions revoked":     func(w *world) error { return w.service.Sessions.RevokeByOrganization(ctx, w.acme.org) },
		"organization deleted": func(w *world) error { return w.service.Organizations.Delete(ctx, w.acme.org) },
		"user deleted":         func(w *world) error { return w.service.Users.Delete(ctx, w.acme.users["eli"]) },
	} {
		t.Run(name, func(t *testing.T) {
			w := startSeeded(t)
			w.T = t
			eli := w.as("eli@acme.example")
			require.Equal(t, 303, eli.post(w.acme.fill("/orgs/{org}/documents", ""), "title", "Mine").status)
			require.NoError(t, end(w))
			before := w.dump()
			for _, r := range w.routes() {
				method, path, _ := strings.Cut(w.acme.fill(r.pattern, "bob"), " ")
				if strings.Contains(r.pattern, "{org}") || path == "/" {
					require.Equal(t, "/login", eli.send(method, path, everything(), nil).location, r.pattern)
				}
			}
			require.Equal(t, before, w.dump())
			if name != "sessions revoked" {
				eli.login("eli@acme.example")
				require.NotContains(t, eli.get("/").body, "Acme")
				require.NotEqual(t, 200, eli.get(w.acme.fill("/orgs/{org}", "")).status)
			}
		})
	}
}
