package tenancytest

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http/httptest"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/freehold-dev/freehold/tenancy"
)

// Tenant is one of the two organizations of [Leaks]. Both organizations have the same name, and so do their
// people.
type Tenant struct {
	Organization tenancy.Organization // the tenant itself
	Owner        tenancy.User         // of the organization
	Member       tenancy.User         // of the organization, with the default role
	// Service is bound to the Owner.
	Service *tenancy.Service
	// Mark is a text that only this tenant has. Write it into rows, in a column that the queries show.
	Mark string
	// Other is the other tenant. An attacker may know its ids.
	Other *Tenant

	traces []string // lower case
}

// Queries are reads of the application for one tenant, by name. A query returns what a person of that tenant
// sees: a value of any type, such as rows, a page as text, or an [httptest.ResponseRecorder]. A query that
// shows nothing, because it asks with ids of the other tenant, returns nil. An error fails the test, unless it
// is [tenancy.ErrNotFound] or [tenancy.ErrForbidden]: then the query showed nothing.
type Queries map[string]func() (any, error)

// Leaks makes two tenants with the same names in w. It fails the test if a query of one tenant shows anything
// of the other: the Mark, the id of the organization, of its people or of their memberships, or one of their
// addresses.
//
// Leaks calls run for each of the two tenants. run writes rows for the tenant, with the same values for both
// except the Mark, and returns the queries to try. The queries run when the rows of both tenants exist. Leaks
// searches the results as JSON and as text (%+v), and for ids as TypeID and as UUID. At least one query of each
// tenant must show the tenant's own Mark. Otherwise the test fails, because it would prove nothing.
//
//	tenancytest.Leaks(w, func(t *tenancytest.Tenant) tenancytest.Queries {
//		id := documents.Insert(ctx, t.Organization.ID, "Plan", t.Mark)
//		return tenancytest.Queries{
//			"list":   func() (any, error) { return documents.List(ctx, t.Organization.ID) },
//			"search": func() (any, error) { return documents.Search(ctx, t.Organization.ID, "Plan") },
//		}
//	})
func Leaks(w *World, run func(*Tenant) Queries) {
	w.Helper()
	tenants := []*Tenant{w.tenant("one"), w.tenant("two")}
	tenants[0].Other, tenants[1].Other = tenants[1], tenants[0]
	queries := []Queries{run(tenants[0]), run(tenants[1])}
	for i, t := range tenants {
		marked := false
		for _, name := range slices.Sorted(maps.Keys(queries[i])) {
			shown, err := queries[i][name]()
			switch tenancy.CodeOf(err) {
			case "":
			case tenancy.ErrNotFound, tenancy.ErrForbidden:
				continue
			default:
				w.Errorf("tenancytest: query %q: %v", name, err)
				continue
			}
			text := textOf(shown)
			for _, trace := range t.Other.traces {
				if strings.Contains(text, trace) {
					w.Errorf("tenancytest: query %q of %s shows %q of the other tenant:\n%s", name, t.Organization.ID, trace, text)
				}
			}
			marked = marked || strings.Contains(text, t.Mark)
		}
		if !marked {
			w.Errorf("tenancytest: no query of %s shows its Mark, %q: the queries prove nothing", t.Organization.ID, t.Mark)
		}
	}
}

// tenant makes one of the two. They differ only where they must be unique.
func (w *World) tenant(nth string) *Tenant {
	w.Helper()
	person := func(name string) tenancy.User {
		user, err := w.Service.Users.Create(w.Context(), tenancy.NewUser{
			Email: strings.ToLower(name) + "@leaks-" + nth + ".example", EmailVerified: true, DisplayName: name,
		})
		w.must(err)
		return user
	}
	t := &Tenant{Owner: person("Ada"), Member: person("Bob"), Mark: "mark-xyzzy-" + nth}
	t.Organization = w.Organization("Acme", t.Owner.Email)
	w.Member(t.Organization.ID, t.Member.Email)
	t.Service = w.Service.As(tenancy.UserPrincipal(t.Owner.ID))
	t.traces = append(t.traces, t.Mark, t.Owner.Email, t.Member.Email)
	t.traced(t.Organization.ID, t.Organization.ID.String())
	for m, err := range w.Service.Memberships.All(w.Context(), t.Organization.ID, tenancy.MemberQuery{}) {
		w.must(err)
		t.traced(m.ID, m.ID.String())
		t.traced(m.UserID, m.UserID.String())
	}
	return t
}

// traced adds the forms in which an application may keep an id: with or without its prefix, and as a UUID.
func (t *Tenant) traced(id [16]byte, text string) {
	_, suffix, _ := strings.Cut(text, "_")
	hyphened := uuid.UUID(id).String()
	t.traces = append(t.traces, suffix, hyphened, strings.ReplaceAll(hyphened, "-", ""))
}

// textOf returns everything that a value shows, in lower case.
func textOf(shown any) string {
	switch v := shown.(type) {
	case nil:
		return ""
	case string:
		return strings.ToLower(v)
	case []byte:
		return strings.ToLower(string(v))
	case *httptest.ResponseRecorder:
		return strings.ToLower(fmt.Sprintf("%v\n%s", v.Header(), v.Body))
	}
	text := fmt.Sprintf("%+v", shown)
	if encoded, err := json.Marshal(shown); err == nil { // JSON follows pointers
		text += "\n" + string(encoded)
	}
	return strings.ToLower(text)
}
