package faults

import (
	"context"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

// settleSignIn lays what the calls on sign-in need: a connection of acme's that brought
// cyd in and maps a group, one of beta's, and an invitation to acme.
func (w *faultWorld) settleSignIn() {
	w.sso = w.Connect(w.acme, "Okta")
	w.Maps(w.sso, map[string]string{"eng": servicetest.Editor})
	w.Assign(w.Member(w.acme, w.cyd), servicetest.Editor, tenancy.RoleSingleSignOn, w.sso.ID.String())
	_, err := w.Svc.Identities.Link(w.Ctx, w.cyd.ID, tenancy.NewIdentity{Provider: w.sso.ID.String(), Subject: "cyd"})
	w.NoError(err)
}

func connectionReads() []string {
	return []string{"Connections.Get", "Connections.GetByID", "Connections.List", "Connections.All", "Policies.Get"}
}

func signInCalls() []faultCall {
	signs := func(in func(w *faultWorld) tenancy.Attempt) func(context.Context, *tenancy.Service, *faultWorld) (any, error) {
		return func(ctx context.Context, svc *tenancy.Service, w *faultWorld) (any, error) {
			return svc.SignIn(ctx, in(w))
		}
	}
	return []faultCall{
		{method: "Connections.Create", call: func(ctx context.Context, svc *tenancy.Service, w *faultWorld) (any, error) {
			return svc.Connections.Create(ctx, tenancy.NewConnection{
				OrganizationID: w.acme.ID, Protocol: tenancy.ProtocolSAML, Name: "New", Groups: map[string]string{"g": servicetest.Editor},
			})
		}},
		{method: "Connections.Update", call: func(ctx context.Context, svc *tenancy.Service, w *faultWorld) (any, error) {
			return svc.Connections.Update(ctx, w.acme.ID, w.sso.ID, tenancy.ConnectionUpdate{State: servicetest.Ptr(tenancy.ConnectionInactive)})
		}},
		{method: "Connections.Delete", call: only(func(ctx context.Context, svc *tenancy.Service, w *faultWorld) error {
			return svc.Connections.Delete(ctx, w.acme.ID, w.sso.ID)
		})},
		{method: "Policies.Set", call: func(ctx context.Context, svc *tenancy.Service, w *faultWorld) (any, error) {
			return svc.Policies.Set(ctx, w.acme.ID, tenancy.PolicyUpdate{
				Domain: &tenancy.DomainPolicy{ConnectionID: w.sso.ID}, Exempt: &[]tenancy.UserID{w.cyd.ID},
			})
		}},
		{method: "SignIn", variant: " first", call: signs(func(*faultWorld) tenancy.Attempt { return servicetest.ByMail("new@mail.example") })},
		{method: "SignIn", variant: " taking over", call: signs(func(w *faultWorld) tenancy.Attempt {
			return servicetest.ByMail(w.eve.Email)
		})},
		{method: "SignIn", variant: " through a connection", call: signs(func(w *faultWorld) tenancy.Attempt {
			return servicetest.Through(w.sso, "cyd", "", "none")
		})},
		{method: "SignIn", variant: " founding", config: func(c *tenancy.Config) { c.SelfServe = true }, call: signs(func(*faultWorld) tenancy.Attempt {
			in := servicetest.ByMail("new@mail.example")
			in.Found = &tenancy.NewOrganization{DisplayName: "New"}
			return in
		})},
		{method: "Roles.Delete", variant: " mapped to", call: only(func(ctx context.Context, svc *tenancy.Service, w *faultWorld) error {
			return svc.Roles.Delete(ctx, w.acme.ID, servicetest.Editor, rbac.Guest)
		})},
	}
}
