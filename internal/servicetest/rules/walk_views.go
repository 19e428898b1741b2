package rules

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/tenancy"
)

// viewFields are the fields of a connection or an organization that strangers see (rule P11),
// in the names of JSON.
var viewFields = []string{"id", "name", "display_name", "protocol", "provider"}

// viewsOf are the fields of an answer that hold such connections and organizations.
var viewsOf = []string{"connections", "suggested"}

// tellTales are the things of Acme that these answers may give.
var tellTales = []exception{
	{"*", "organization_id", "id of organizations", "P4, P5: the address, the hint or the invitation leads there"},
	{"*", "connections.id", "id of connections", "P11"},
	{"*", "connections.name", "text", "P11"},
	{"*", "connections.provider", "text", "P11"},
	{"*", "suggested.id", "id of organizations", "P11"},
	{"*", "suggested.display_name", "text", "P11"},
	{"*", "request.organization_id", "id of organizations", "I7: their own request"},
	{"*", "organization_name", "text", "I6"},
	{"*", "id", "id of invitations", "I6"},
}

// walkViews asks the questions of strangers to the unbound Service, and searches the answers
// for Acme's things and for fields beyond a view.
func walkViews(w *world) {
	t := newTenants(w)
	svc, _ := t.metered(asItIs)
	found := findings{}
	given := map[string]bool{t.newcomer(): true}
	for _, v := range t.views() {
		if v.before != nil {
			w.NoError(v.before())
		}
		result, err := v.ask(svc)
		w.NoError(err, v.name)
		w.Equal(v.kind, kindOf(result), v.name)
		var decoded any
		w.NoError(json.Unmarshal([]byte(w.json(result)), &decoded))
		beyond := append(beyondView("", reflect.ValueOf(result)), beyondView("", reflect.ValueOf(decoded))...)
		for _, path := range beyond {
			found.add(v.name, sighting{path, "shown"}, "strangers")
		}
		for seen := range t.traces.look(result, nil, given) {
			if !slices.ContainsFunc(beyond, func(path string) bool { return strings.HasPrefix(seen.path+".", path+".") }) {
				found.add(v.name, seen, "strangers")
			}
		}
	}
	w.onlyKnown(found, tellTales)
}

func kindOf(result any) tenancy.DecisionKind {
	d, _ := result.(tenancy.Decision)
	return d.Kind
}

// beyondView gives the fields of an answer that hold more of a connection or an organization
// than a view: in structs, also those that JSON leaves out, and in decoded JSON.
func beyondView(path string, v reflect.Value) (all []string) {
	field := func(name string, value reflect.Value) {
		switch {
		case !slices.Contains(viewsOf, path):
			all = append(all, beyondView(fieldPath(path, name), value)...)
		case !slices.Contains(viewFields, name) && !value.IsZero():
			all = append(all, fieldPath(path, name))
		}
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		return beyondView(path, v.Elem())
	case reflect.Slice:
		for i := range v.Len() {
			all = append(all, beyondView(path, v.Index(i))...)
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			field(key.String(), v.MapIndex(key))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				field(jsonName(v.Type().Field(i)), v.Field(i))
			}
		}
	}
	return all
}

// strangerView is a question of somebody who is no active member of Acme.
type strangerView struct {
	name   string
	before func() error // changes the world; nil = nothing
	ask    func(s *tenancy.Service) (any, error)
	kind   tenancy.DecisionKind // the decision of a sign-in
}

// newcomer is an address on Acme's domain without a user.
func (t *tenants) newcomer() string { return "newcomer@" + t.acme.name }

func (t *tenants) views() []strangerView {
	route := func(email string, hints tenancy.RouteHints) func(s *tenancy.Service) (any, error) {
		return func(s *tenancy.Service) (any, error) { return s.Route(t.Ctx, email, hints) }
	}
	signIn := func(in tenancy.Attempt) func(s *tenancy.Service) (any, error) {
		return func(s *tenancy.Service) (any, error) { return s.SignIn(t.Ctx, in) }
	}
	preview := func(token string) func(s *tenancy.Service) (any, error) {
		return func(s *tenancy.Service) (any, error) { return s.Invitations.Preview(t.Ctx, token) }
	}
	demand := func(p tenancy.DomainPolicy) func() error {
		return func() error {
			_, err := t.Svc.Policies.Set(t.Ctx, t.acme.org, tenancy.PolicyUpdate{Domain: &p})
			return err
		}
	}
	acme, newcomer := tenancy.Organization{ID: t.acme.org}, servicetest.ByMail(t.newcomer())
	stranger := servicetest.ByMail(t.stranger.Email)
	return []strangerView{
		{"Route: by domain", nil, route(t.newcomer(), tenancy.RouteHints{}), ""},
		{"Route: by organization", nil, route(t.stranger.Email, tenancy.RouteHints{OrganizationID: t.acme.org}), ""},
		{"Route: by connection", nil, route(t.stranger.Email, tenancy.RouteHints{ConnectionID: t.acme.connection}), ""},
		{"SignIn: on a domain that demands a connection", nil, signIn(newcomer), tenancy.DecisionUseSingleSignOn},
		{"SignIn: to an organization", nil, signIn(servicetest.To(acme, stranger)), tenancy.DecisionNotMember},
		{"SignIn: with another's invitation", nil, signIn(bringing(t.acme.invite, stranger)), tenancy.DecisionInvitationRefused},
		{"Invitations.Preview", nil, preview(t.acme.invite), ""},
		{"Invitations.Preview: of a dead one", nil, preview(t.acme.deadInvite), ""},
		{
			"SignIn: on a domain that demands single sign-on", demand(tenancy.DomainPolicy{Methods: []tenancy.SignInMethod{tenancy.MethodSingleSignOn}}),
			signIn(newcomer), tenancy.DecisionUseSingleSignOn,
		},
		{"SignIn: on a domain that suggests", demand(tenancy.DomainPolicy{}), signIn(newcomer), tenancy.DecisionSignedIn},
		{"SignIn: on a domain that lets ask", t.lettingAsk, signIn(newcomer), tenancy.DecisionRequestFiled},
		{"SignIn: of a member of others", t.leaving, signIn(servicetest.ByMail("both@" + sharedDomain)), tenancy.DecisionChooseOrganization},
	}
}

// lettingAsk makes Acme's domain file requests to join, and makes room for one.
func (t *tenants) lettingAsk() error {
	if _, err := t.Svc.JoinRequests.Decline(t.Ctx, t.acme.request); err != nil {
		return err
	}
	_, err := t.Svc.Domains.Update(t.Ctx, t.acme.org, t.acme.domain, tenancy.DomainUpdate{Joining: servicetest.Ptr(tenancy.JoiningRequest)})
	return err
}

// leaving makes the member of both organizations inactive in Acme, and a member of a third
// organization.
func (t *tenants) leaving() error {
	t.Add(t.Org("Gamma"), t.both)
	_, err := t.Svc.Memberships.Deactivate(t.Ctx, t.acme.org, t.both.ID)
	return err
}
