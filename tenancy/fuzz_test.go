package tenancy_test

import (
	"strings"
	"testing"

	"github.com/freehold-dev/freehold/store/memory"
	"github.com/freehold-dev/freehold/tenancy"
)

// A canonical address is its own canonical form, and never two addresses in one (U1).
func FuzzCanonicalEmail(f *testing.F) {
	f.Fuzz(func(t *testing.T, address string) {
		canonical, err := tenancy.CanonicalEmail(address)
		if err != nil {
			if tenancy.CodeOf(err) != tenancy.ErrInvalid {
				t.Fatal(err)
			}
			return
		}
		again, err := tenancy.CanonicalEmail(canonical)
		if err != nil || again != canonical {
			t.Fatalf("%q became %q: %v", canonical, again, err)
		}
		if strings.Count(canonical, "@") != 1 || strings.ToLower(canonical) != canonical || len(canonical) > 254 {
			t.Fatalf("%q is not canonical", canonical)
		}
	})
}

// fuzzed is a Service with three organizations, for what is fuzzed through it.
func fuzzed(f *testing.F) *tenancy.Service {
	svc, err := tenancy.New(tenancy.Config{Store: memory.New()})
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range []string{"Acme", "Globex", "Initech"} {
		if _, err := svc.Organizations.Create(f.Context(), tenancy.NewOrganization{DisplayName: name}); err != nil {
			f.Fatal(err)
		}
	}
	return svc
}

// A cursor is one that List gave, or it is refused (G6).
func FuzzCursor(f *testing.F) {
	svc := fuzzed(f)
	first, err := svc.Organizations.List(f.Context(), tenancy.OrganizationQuery{Limit: 1})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(first.Next)
	f.Fuzz(func(t *testing.T, cursor string) {
		page, err := svc.Organizations.List(t.Context(), tenancy.OrganizationQuery{Limit: 1, Cursor: cursor})
		switch {
		case err != nil && tenancy.CodeOf(err) != tenancy.ErrInvalidCursor:
			t.Fatal(err)
		case err == nil && len(page.Items) > 1:
			t.Fatal("more than a page")
		}
	})
}

// A token that was never given out is invalid, whatever it looks like (G10).
func FuzzToken(f *testing.F) {
	svc := fuzzed(f)
	f.Fuzz(func(t *testing.T, token string) {
		if _, err := svc.Users.ConfirmEmail(t.Context(), tenancy.EmailConfirmation{Token: token}); tenancy.CodeOf(err) != tenancy.ErrInvalidToken {
			t.Fatal(err)
		}
	})
}

// A slug that is taken is one DNS label (G5).
func FuzzSlug(f *testing.F) {
	svc := fuzzed(f)
	f.Fuzz(func(t *testing.T, slug string) {
		org, err := svc.Organizations.Create(t.Context(), tenancy.NewOrganization{DisplayName: "Acme", Slug: slug})
		if err != nil {
			if code := tenancy.CodeOf(err); code != tenancy.ErrInvalid && code != tenancy.ErrAlreadyExists {
				t.Fatal(err)
			}
			return
		}
		if org.Slug != slug || len(slug) > 63 || strings.Trim(slug, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			t.Fatalf("%q was taken as %q", slug, org.Slug)
		}
		if err := svc.Organizations.Delete(t.Context(), org.ID); err != nil {
			t.Fatal(err)
		}
	})
}
