package rules

import (
	"strings"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

// mingle connects the two organizations in every way that the rules allow. A member of both
// signs in to Beta through Acme's connection, and moves a session from Acme to Beta. Beta
// invites a member of Acme and claims Acme's domain. A member of Acme is refused in Beta.
func (t *tenants) mingle(only map[tenancy.UserID]bool) {
	t.T.Helper()
	acme, beta := tenancy.Organization{ID: t.acme.org}, tenancy.Organization{ID: t.beta.org}
	both := t.NewUser(tenancy.NewUser{Email: "both@" + sharedDomain, EmailVerified: true, DisplayName: "Both"})
	invited := t.NewUser(tenancy.NewUser{Email: "invited@" + sharedDomain, EmailVerified: true, DisplayName: "Invited"})
	only[invited.ID] = true
	t.vouched(t.acme.org, sharedDomain)
	t.both = both
	t.enroll(victimMark, t.acme, both)
	t.enroll(victimMark, t.acme, invited)
	t.Add(beta, both, rbac.Admin)
	okta, err := t.Svc.Connections.GetByID(t.Ctx, t.acme.connection)
	t.NoError(err)
	attempt := servicetest.Through(okta, victimMark+"-both", both.Email, victimMark+"-staff")
	entered := t.enters(servicetest.To(beta, attempt)).Session
	t.mingled = entered.ID
	_, err = t.Svc.As(tenancy.SessionPrincipal(entered)).Invitations.Send(t.Ctx, servicetest.Asking(beta, "friend@mail.example"))
	t.NoError(err)
	t.enters(servicetest.To(acme, servicetest.Through(okta, victimMark+"-invited", invited.Email)))
	moving := t.enters(servicetest.To(acme, attempt))
	t.enters(servicetest.To(beta, servicetest.Within(moving.Token, attempt)))
	ended := t.enters(servicetest.To(beta, attempt))
	t.NoError(t.Svc.Sessions.Revoke(t.Ctx, ended.Session.ID))
	alias := t.person(victimMark, "alias", only)
	t.enroll(victimMark, t.acme, alias)
	_, err = t.Svc.Users.Merge(t.Ctx, alias.ID, both.ID)
	t.NoError(err)

	t.Invite(beta, invited.Email)
	t.disputed = t.Claim(t.beta.org, sharedDomain).ID
	_, err = t.Svc.As(tenancy.UserPrincipal(t.acme.user)).Organizations.Get(t.Ctx, t.beta.org)
	t.Equal(tenancy.ErrNotFound, tenancy.CodeOf(err))
}

// nothings are ids and keys that nobody has, of the same forms as Acme's.
func (t *tenants) nothings() holdings {
	none := func(s string) string { return strings.ReplaceAll(s, victimMark, "xyzzx") }
	id := t.Config.NewID
	return holdings{
		org: id(), user: id(), identity: id(), connection: id(), domain: id(), invitation: id(), code: id(), request: id(), session: id(),
		slug: none(t.acme.slug), formerSlug: none(t.acme.formerSlug), external: none(t.acme.external), person: none(t.acme.person), role: none(t.acme.role),
		name: none(t.acme.name), email: none(t.acme.email), subject: none(t.acme.subject),
	}
}
