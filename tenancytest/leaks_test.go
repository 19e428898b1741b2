package tenancytest_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/tenancy"
	"github.com/freehold-dev/freehold/tenancytest"
)

// leaks has two tenants with a document each, and gives what is wrong with a query.
func leaks(t *testing.T, query func(t *tenancytest.Tenant, all documents) (any, error)) []string {
	t.Helper()
	return failuresOf(t, func(v testing.TB) {
		var all documents
		tenancytest.Leaks(tenancytest.New(v), func(t *tenancytest.Tenant) tenancytest.Queries {
			all = append(all, document{t.Organization.ID, "Plan", t.Mark})
			return tenancytest.Queries{
				"own":   func() (any, error) { return all.titled(t.Organization.ID, "Plan"), nil },
				"query": func() (any, error) { return query(t, all) },
			}
		})
	})
}

// N3: whatever shows the other tenant's rows is found, in each form that an answer may have.
func TestLeaksAreFound(t *testing.T) {
	for name, query := range map[string]func(t *tenancytest.Tenant, all documents) (any, error){
		"a query by title alone":   func(_ *tenancytest.Tenant, all documents) (any, error) { return all, nil },
		"rows behind pointers":     func(_ *tenancytest.Tenant, all documents) (any, error) { return []*document{&all[0], &all[1]}, nil },
		"a text":                   func(t *tenancytest.Tenant, _ documents) (any, error) { return "<p>" + t.Other.Mark, nil },
		"bytes":                    func(t *tenancytest.Tenant, _ documents) (any, error) { return []byte(t.Other.Owner.Email), nil },
		"an id":                    func(t *tenancytest.Tenant, _ documents) (any, error) { return t.Other.Organization.ID, nil },
		"an id as a UUID":          func(t *tenancytest.Tenant, _ documents) (any, error) { return uuid.UUID(t.Other.Member.ID), nil },
		"an id without its prefix": func(t *tenancytest.Tenant, _ documents) (any, error) { return t.Other.Owner.ID.String()[4:], nil },
		"a member, by the wrong Service": func(t *tenancytest.Tenant, _ documents) (any, error) {
			return t.Other.Service.Memberships.List(context.Background(), t.Other.Organization.ID, tenancy.MemberQuery{})
		},
		"a page": func(t *tenancytest.Tenant, _ documents) (any, error) {
			page := httptest.NewRecorder()
			_, err := page.WriteString("<p>" + t.Other.Mark)
			return page, err
		},
		"a redirect": func(t *tenancytest.Tenant, _ documents) (any, error) {
			page := httptest.NewRecorder()
			page.Header().Set("Location", "/orgs/"+t.Other.Organization.ID.String())
			return page, nil
		},
	} {
		failures := leaks(t, query)
		require.NotEmpty(t, failures, name)
		for _, failure := range failures {
			require.Contains(t, failure, `query "query" of org_`, name)
		}
	}
}

// What shows one's own rows, or nothing, is no leak.
func TestNoLeaks(t *testing.T) {
	for name, query := range map[string]func(t *tenancytest.Tenant, all documents) (any, error){
		"nothing": func(*tenancytest.Tenant, documents) (any, error) { return nil, nil },
		"one's own people": func(t *tenancytest.Tenant, _ documents) (any, error) {
			return t.Service.Memberships.List(context.Background(), t.Organization.ID, tenancy.MemberQuery{})
		},
		"the other's people, which are not there": func(t *tenancytest.Tenant, _ documents) (any, error) {
			return t.Service.Memberships.List(context.Background(), t.Other.Organization.ID, tenancy.MemberQuery{})
		},
		"the same names": func(t *tenancytest.Tenant, _ documents) (any, error) {
			return []string{t.Other.Organization.DisplayName, t.Other.Owner.DisplayName}, nil
		},
	} {
		require.Empty(t, leaks(t, query), name)
	}
}

// Queries that show nothing prove nothing, and one that fails has shown nothing yet.
func TestLeaksThatProveNothing(t *testing.T) {
	failures := failuresOf(t, func(v testing.TB) {
		tenancytest.Leaks(tenancytest.New(v), func(*tenancytest.Tenant) tenancytest.Queries { return nil })
	})
	require.Len(t, failures, 2)
	require.Contains(t, failures[0], "prove nothing")
	failures = leaks(t, func(*tenancytest.Tenant, documents) (any, error) { return nil, errors.New("no such table") })
	require.Len(t, failures, 2)
	require.Contains(t, failures[0], `query "query": no such table`)
}
