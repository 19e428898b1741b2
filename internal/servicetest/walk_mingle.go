package servicetest

import (
	"strings"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

// mingle connects the two organizations in every way that the rules allow. A member of both
// signs in to Beta through Acme's connection, and moves a session from Acme to Beta. Beta
// invites a member of Acme and claims Acme's domain. A member of Acme is refused in Beta.
func (t *tenants) mingle(only map[tenancy.UserID]bool) {
	t.t.Helper()
	acme, beta := tenancy.Organization{ID: t.acme.org}, tenancy.Organization{ID: t.beta.org}
	both := t.newUser(tenancy.NewUser{Email: "both@" + sharedDomain, EmailVerified: true, DisplayName: "Both"})
	invited := t.newUser(tenancy.NewUser{Email: "invited@" + sharedDomain, EmailVerified: true, DisplayName: "Invited"})
	only[invited.ID] = true
	t.vouched(t.acme.org, sharedDomain)
	t.both = both
	t.enroll(victimMark, t.acme, both)
	t.enroll(victimMark, t.acme, invited)
	t.add(beta, both, rbac.Admin)
	okta, err := t.svc.Connections.GetByID(t.ctx, t.acme.connection)
	t.NoError(err)
	attempt := through(okta, victimMark+"-both", both.Email, victimMark+"-staff")
	entered := t.enters(to(beta, attempt)).Session
	t.mingled = entered.ID
	_, err = t.svc.As(tenancy.SessionPrincipal(entered)).Invitations.Send(t.ctx, asking(beta, "friend@mail.example"))
	t.NoError(err)
	t.enters(to(acme, through(okta, victimMark+"-invited", invited.Email)))
	moving := t.enters(to(acme, attempt))
	_, err = t.svc.Sessions.Switch(t.ctx, moving.Token.Reveal(), beta.ID)
	t.NoError(err)
	ended := t.enters(to(beta, attempt))
	t.NoError(t.svc.Sessions.Revoke(t.ctx, ended.Session.ID))
	alias := t.person(victimMark, "alias", only)
	t.enroll(victimMark, t.acme, alias)
	_, err = t.svc.Users.Merge(t.ctx, alias.ID, both.ID)
	t.NoError(err)

	t.invite(beta, invited.Email)
	t.disputed = t.claim(t.beta.org, sharedDomain).ID
	_, err = t.svc.As(tenancy.UserPrincipal(t.acme.user)).Organizations.Get(t.ctx, t.beta.org)
	t.Equal(tenancy.ErrNotFound, tenancy.CodeOf(err))
}

// nothings are ids and keys that nobody has, of the same forms as Acme's.
func (t *tenants) nothings() holdings {
	none := func(s string) string { return strings.ReplaceAll(s, victimMark, "xyzzx") }
	id := t.config.NewID
	return holdings{
		org: id(), user: id(), identity: id(), connection: id(), domain: id(), invitation: id(), code: id(), request: id(), session: id(),
		slug: none(t.acme.slug), external: none(t.acme.external), person: none(t.acme.person), role: none(t.acme.role),
		name: none(t.acme.name), email: none(t.acme.email), subject: none(t.acme.subject),
	}
}
