package rules

import (
	"net/netip"
	"time"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

// victimMark is in every text of Acme, but not in texts that Beta knows as well.
const victimMark = "xyzzy"

// sharedDomain is a domain of Acme. The member of both organizations has an address there,
// so Beta knows it.
const sharedDomain = "shared.example"

// requestsWaiting is the number of join requests that wait in Acme. It is the limit.
const requestsWaiting = 3

// holdings are the ids and keys of one organization that a call can name.
type holdings struct {
	org        tenancy.OrganizationID
	user       tenancy.UserID // an active member
	identity   tenancy.IdentityID
	connection tenancy.ConnectionID
	domain     tenancy.DomainID
	invitation tenancy.InvitationID
	code       tenancy.JoinCodeID
	request    tenancy.JoinRequestID
	session    tenancy.SessionID

	slug, external, person string // of the organization, and the external id of the user
	formerSlug             string
	role, name             string // of a role, and of a domain
	email, subject         string // of the user and of the identity

	invite, deadInvite, link, deadLink, proof, bearer string // tokens
}

// tenants is a world with two organizations. Acme is the victim. The people of Beta call
// methods with Acme's ids and keys. Both organizations have some of everything.
type tenants struct {
	*world
	acme, beta, absent holdings                 // absent: ids and keys of the same forms that nobody has
	merged             holdings                 // acme, with a user who was merged into another
	stranger           tenancy.User             // in no organization
	member, admin      tenancy.User             // of beta
	owner              tenancy.User             // of beta
	both               tenancy.User             // of acme and beta
	sessions           []tenancy.StartedSession // the stranger's, and theirs at beta
	mingled            tenancy.SessionID        // at beta, through acme's connection
	disputed           tenancy.DomainID         // beta's claim to a domain that acme holds
	traces             traces                   // of acme
	calls              map[string]walkCall
}

// walkConfig makes sessions outlive a walk, in which the clock moves a minute a step.
func walkConfig(c *tenancy.Config) {
	c.SelfServe = true
	c.SessionIdle, c.SessionFor = 2000*time.Hour, 4000*time.Hour
	c.Limits.JoinRequests = requestsWaiting
}

func newTenants(w *world) *tenants {
	w.T.Helper()
	t := &tenants{world: w, calls: walkCalls()}
	w.Declare()
	w.Prover.RefuteAll()
	var owner tenancy.User
	only := map[tenancy.UserID]bool{}
	t.acme, _ = t.settle(victimMark, only)
	t.merged = t.acme
	t.merged.user = t.merge(victimMark, t.acme.user, only)
	t.beta, owner = t.settle("plain", map[tenancy.UserID]bool{})
	t.owner, t.admin, t.member = owner, t.User("admin"), t.User("member")
	t.stranger = t.NewUser(tenancy.NewUser{Email: "stranger@mail.example", EmailVerified: true, DisplayName: "Stranger"})
	t.Add(tenancy.Organization{ID: t.beta.org}, t.admin, rbac.Admin)
	t.Add(tenancy.Organization{ID: t.beta.org}, t.member)
	t.sessions = []tenancy.StartedSession{
		t.Session(t.stranger, servicetest.NowhereYet), t.Session(t.member, t.beta.org), t.Session(t.admin, t.beta.org), t.Session(t.owner, t.beta.org),
	}
	t.mingle(only)
	t.absent = t.nothings()
	t.writeDenials(t.Svc) // so that Events.Denials shows all denials
	t.traces = t.traced(only)
	return t
}

// person makes a user with m in every text.
func (t *tenants) person(m, local string, only map[tenancy.UserID]bool) tenancy.User {
	t.T.Helper()
	user := t.NewUser(tenancy.NewUser{
		Email: m + "." + local + "@mail.example", EmailVerified: true, GivenName: m + " given", FamilyName: m + " family",
		DisplayName: m + " " + local, Picture: "https://" + m + ".example/" + local, Phone: m + " 123", Locale: "en",
		Attributes: map[string]string{m + "-attribute": m + " of a person"}, Metadata: map[string]string{m + "-meta": m + " about a person"},
		ExternalID: m + "-" + local,
	})
	only[user.ID] = true
	return user
}

// settle makes an organization with m in every text, and gives its owner. It adds the users
// whom it creates to only.
func (t *tenants) settle(m string, only map[tenancy.UserID]bool) (holdings, tenancy.User) {
	t.T.Helper()
	owner, victim, resting := t.person(m, "owner", only), t.person(m, "victim", only), t.person(m, "resting", only)
	org := t.NewOrg(tenancy.NewOrganization{
		DisplayName: m + " Corporation", Slug: m + "-before", ExternalID: m + "-org", Owner: owner.ID,
		Metadata: map[string]string{m + "-plan": m + " gold"}, Attributes: map[string]string{m + "-motto": m + " first"},
		Settings: tenancy.Settings{
			JoinRequests: true, SeatLimit: 97, Features: map[string]bool{m + "-flag": true}, SingleSignOnJoins: true, SessionIdle: 1777 * time.Hour,
			AllowedDomains: []string{m + "-held.example", m + "-allowed.example", "mail.example", sharedDomain},
			BlockedDomains: []string{m + "-blocked.example"},
		},
	})
	h := holdings{
		org: org.ID, user: victim.ID, slug: m + "-slug", formerSlug: org.Slug, external: org.ExternalID, person: victim.ExternalID,
		role: "org-" + m + "-role", name: m + "-held.example", email: victim.Email, subject: m + "-subject",
	}
	_, err := t.Svc.Organizations.Update(t.Ctx, h.org, tenancy.OrganizationUpdate{Slug: &h.slug})
	t.NoError(err)
	t.settleRoles(m, h)
	t.enroll(m, h, victim, h.role)
	t.enroll(m, h, resting)
	t.Deactivate(org, resting)
	gone := t.person(m, "gone", only)
	t.enroll(m, h, gone)
	t.NoError(t.Svc.As(tenancy.UserPrincipal(owner.ID)).Memberships.Remove(t.Ctx, org.ID, gone.ID))
	t.settleSignIn(m, &h)
	t.settleJoins(m, &h, owner, only)
	_, err = t.Svc.As(tenancy.UserPrincipal(victim.ID)).Organizations.Archive(t.Ctx, h.org)
	t.Equal(tenancy.ErrForbidden, tenancy.CodeOf(err)) // a denial
	return h, owner
}

func (t *tenants) settleRoles(m string, h holdings) {
	t.T.Helper()
	for _, in := range []tenancy.NewRole{
		{Slug: h.role, Name: m + " Role", Description: m + " does this", Grants: []rbac.Grant{servicetest.ReadDocs}},
		{Slug: h.role + "-2", Name: m + " Other", Description: m + " does that", Extends: h.role},
	} {
		_, err := t.Svc.Roles.Create(t.Ctx, h.org, in)
		t.NoError(err)
	}
	_, err := t.Svc.Organizations.Update(t.Ctx, h.org, tenancy.OrganizationUpdate{DefaultRole: &h.role, CreatorRole: servicetest.Ptr(h.role + "-2")})
	t.NoError(err)
}

// enroll makes a user a member with m in every text.
func (t *tenants) enroll(m string, h holdings, user tenancy.User, roles ...string) {
	t.T.Helper()
	_, err := t.Svc.Memberships.Add(t.Ctx, tenancy.NewMembership{
		OrganizationID: h.org, UserID: user.ID, Roles: roles, DisplayName: m + " here", Attributes: map[string]string{m + "-desk": m + " 7"},
		Metadata: map[string]string{m + "-cost": m + " 42"},
	})
	t.NoError(err)
}

// settleSignIn gives the organization domains, connections, a session and a policy.
func (t *tenants) settleSignIn(m string, h *holdings) {
	t.T.Helper()
	held := t.Holds(h.org, h.name)
	joining := tenancy.JoiningSuggest
	_, err := t.Svc.Domains.Update(t.Ctx, h.org, held.ID, tenancy.DomainUpdate{Joining: &joining, Role: &h.role})
	t.NoError(err)
	h.domain = held.ID
	t.Claim(h.org, m+"-claimed.example")
	in := tenancy.NewConnection{
		OrganizationID: h.org, Protocol: tenancy.ProtocolSAML, Provider: m + "-idp", Name: m + " Okta", Issuer: "https://" + m + ".idp.example",
		State: tenancy.ConnectionActive, Settings: map[string]string{m + "-acs": m + " setting"}, Groups: map[string]string{m + "-staff": h.role},
	}
	c, err := t.Svc.Connections.Create(t.Ctx, in)
	t.NoError(err)
	h.connection = c.ID
	in.State, in.Name = tenancy.ConnectionInactive, m+" Spare"
	_, err = t.Svc.Connections.Create(t.Ctx, in)
	t.NoError(err)
	identity, err := t.Svc.Identities.Link(t.Ctx, h.user, tenancy.NewIdentity{Provider: "google", Subject: h.subject, Email: m + "@mail.example"})
	t.NoError(err)
	h.identity = identity.ID
	for range 2 {
		from := tenancy.WithRequest(t.Ctx, tenancy.Request{UserAgent: m + "/1.0", Address: netip.MustParseAddr("192.0.2.7")})
		started, err := t.Svc.Sessions.Start(from, tenancy.NewSession{
			UserID: h.user, OrganizationID: h.org, Method: tenancy.MethodPassword, IdentityID: identity.ID, SecondFactor: true,
		})
		t.NoError(err)
		h.session, h.bearer = started.Session.ID, started.Token.Reveal()
	}
	ended := t.Session(tenancy.User{ID: h.user}, h.org)
	t.NoError(t.Svc.Sessions.Revoke(t.Ctx, ended.Session.ID))
	proof, err := t.Svc.Users.ChangeEmail(t.Ctx, h.user, m+".moved@mail.example")
	t.NoError(err)
	h.proof = proof.Token.Reveal()
	_, err = t.Svc.Policies.Set(t.Ctx, h.org, tenancy.PolicyUpdate{
		Domain:       &tenancy.DomainPolicy{ConnectionID: h.connection},
		Organization: &tenancy.OrganizationPolicy{SingleSignOn: false, SecondFactor: false},
		Exempt:       &[]tenancy.UserID{h.user},
	})
	t.NoError(err)
}

// settleJoins gives the organization invitations, join codes and join requests, open and
// decided ones.
func (t *tenants) settleJoins(m string, h *holdings, owner tenancy.User, only map[tenancy.UserID]bool) {
	t.T.Helper()
	at, by := tenancy.Organization{ID: h.org}, t.Svc.As(tenancy.UserPrincipal(owner.ID))
	inviteBy := func(svc *tenancy.Service, local string, metadata map[string]string) tenancy.SentInvitation {
		sent, err := svc.Invitations.Send(t.Ctx, tenancy.NewInvitation{
			OrganizationID: h.org, Email: m + "." + local + "@mail.example", Roles: []string{h.role}, Metadata: metadata, For: 30 * servicetest.Day,
		})
		t.NoError(err)
		return sent
	}
	invite := func(local string) tenancy.SentInvitation { return inviteBy(by, local, nil) }
	t.accept(inviteBy(t.Svc, "noted", map[string]string{m + "-note": m + " from the host"}), t.person(m, "noted", only))
	t.accept(invite("accepted"), t.person(m, "accepted", only))
	sent := invite("revoked")
	_, err := by.Invitations.Revoke(t.Ctx, sent.ID)
	t.NoError(err)
	h.deadInvite = sent.Token.Reveal()
	sent = invite("pending")
	h.invitation, h.invite = sent.ID, sent.Token.Reveal()
	for range 2 {
		code, err := by.JoinCodes.Create(t.Ctx, tenancy.NewJoinCode{
			OrganizationID: h.org, Role: h.role, AllowedDomains: []string{m + "-allowed.example", "mail.example"}, MaxUses: 93, For: 300 * servicetest.Day,
		})
		t.NoError(err)
		if h.link != "" {
			_, err = by.JoinCodes.Revoke(t.Ctx, code.ID)
			t.NoError(err)
			h.deadLink = code.Token.Reveal()
			break
		}
		h.code, h.link = code.ID, code.Token.Reveal()
	}
	_, err = t.Svc.JoinCodes.Use(t.Ctx, h.link, t.person(m, "coded", only).ID)
	t.NoError(err)
	for i := range requestsWaiting + 1 {
		asker := t.person(m, "asker"+string(rune('a'+i)), only)
		req, err := t.Svc.JoinRequests.Create(t.Ctx, at.ID, asker.ID, m+" please")
		t.NoError(err)
		if i == 0 {
			_, err = by.JoinRequests.Decline(t.Ctx, req.ID)
			t.NoError(err)
		}
		h.request = req.ID
	}
}

// merge makes a member of Acme who is merged into another.
func (t *tenants) merge(m string, into tenancy.UserID, only map[tenancy.UserID]bool) tenancy.UserID {
	t.T.Helper()
	from := t.person(m, "merged", only)
	t.enroll(m, t.acme, from)
	_, err := t.Svc.Users.Merge(t.Ctx, from.ID, into)
	t.NoError(err)
	return from.ID
}
