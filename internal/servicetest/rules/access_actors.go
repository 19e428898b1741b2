package rules

import (
	"context"
	"reflect"
	"slices"
	"strings"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

func actorRules() []rule {
	selfServe := func(c *tenancy.Config) { c.SelfServe = true }
	return []rule{
		{"A1 every exported method is in the table of methods", on(methodsTabled)},
		{"A1 every method for every actor", with(selfServe, actorMatrix)},
		{"A1 in a suspended or archived organization nobody acts", with(selfServe, shutMatrix)},
		{"A1 an organization's actor and the ids of another", with(selfServe, foreignIDs)},
		{"A1 G7 what is elsewhere and what is not there read the same", on(sameAnswer)},
		{"A1 a bound Service stays bound in Transact", on(boundTransact)},
		{"A1 events carry the actor", on(eventActors)},
		{"A1 a service account has a name, grants and an organization", on(serviceAccounts)},
		{"A1 an actor whose membership ends between two calls", on(endedActor)},
		{"A2 oneself", with(selfServe, oneself)},
		{"A2 creating organizations, where the host allows it", on(selfServed)},
		{"A3 other people are seen on the members page only", on(otherPeople)},
		{"A4 inputs that only the host gives", with(selfServe, hostInputs)},
	}
}

// house is a world with people of all kinds in and around one organization.
type house struct {
	*world
	at         cast
	acme, beta tenancy.Organization
	people     map[string]tenancy.User
	foreign    tenancy.SessionID    // the outsider's, at beta
	elsewhere  servicetest.Joinable // at beta
}

func newHouse(w *world) *house {
	w.T.Helper()
	h := &house{world: w, people: map[string]tenancy.User{}}
	w.Prover.RefuteAll()
	w.Declare()
	h.acme = w.NewOrg(tenancy.NewOrganization{DisplayName: "Acme", Slug: "acme-before", ExternalID: "crm-1", Owner: h.person("owner").ID})
	var err error
	h.acme, err = w.Svc.Organizations.Update(w.Ctx, h.acme.ID, tenancy.OrganizationUpdate{Slug: servicetest.Ptr("acme")})
	w.NoError(err)
	h.beta = w.NewOrg(tenancy.NewOrganization{DisplayName: "Beta", Slug: "beta", Owner: h.person("elsewhere").ID})
	w.OwnRoles(h.acme.ID)
	w.Role(h.beta.ID, "org-beta", "")
	w.Add(h.acme, h.person("second"), rbac.Owner) // so that no owner is the last
	for local, role := range map[string]string{
		"admin": rbac.Admin, "member": rbac.Member, "guest": rbac.Guest, "target": servicetest.Helper,
		"resting": rbac.Member, "inactive": rbac.Admin, "suspended": rbac.Admin,
	} {
		w.Add(h.acme, h.person(local), role)
	}
	w.Add(h.acme, h.person("gone"))
	w.remove(h.acme, h.people["gone"])
	w.Add(h.beta, h.person("outsider"))
	h.person("stranger")
	w.pend(h.acme, h.person("pending"))
	w.Deactivate(h.acme, h.people["resting"])
	w.Deactivate(h.acme, h.people["inactive"])
	_, err = w.Svc.Users.Update(w.Ctx, h.people["suspended"].ID, tenancy.UserUpdate{ExternalID: servicetest.Ptr("hr-1")})
	w.NoError(err)
	_, err = w.Svc.Users.Suspend(w.Ctx, h.people["suspended"].ID)
	w.NoError(err)
	stored := w.Archive(w.Org("Stored"))
	h.at = cast{
		org: h.acme.ID, shut: h.acme.ID, stored: stored.ID, owner: h.people["owner"].ID, member: h.people["target"].ID,
		resting: h.people["resting"].ID, gone: h.people["gone"].ID, outsider: h.people["outsider"].ID, barred: h.people["suspended"].ID,
	}
	h.at.sso, h.at.spare = w.Connect(h.acme, "Okta").ID, w.Connect(h.acme, "Spare").ID
	h.at.claim, h.at.held = w.Claim(h.acme.ID, "claimed.example").ID, w.vouched(h.acme.ID, "held.example").ID
	identity, err := w.Svc.Identities.Link(w.Ctx, h.at.member, tenancy.NewIdentity{Provider: "google", Subject: "g-1"})
	w.NoError(err)
	proof, err := w.Svc.Users.ChangeEmail(w.Ctx, h.at.member, "moved@acme.example")
	w.NoError(err)
	h.at.identity, h.at.token = identity.ID, proof.Token.Reveal()
	h.at.unproved = w.NewUser(tenancy.NewUser{Email: "unproved@acme.example"}).ID
	h.at.settleProofs(w)
	h.at.settleSessions(w)
	h.at.Joinable, h.elsewhere = w.SettleJoining(h.acme.ID, ""), w.SettleJoining(h.beta.ID, "-beta")
	h.foreign = w.Session(h.people["outsider"], h.beta.ID).Session.ID
	return h
}

func (h *house) person(local string) tenancy.User {
	h.people[local] = h.User(local)
	return h.people[local]
}

// as is the Service bound to somebody of the house.
func (h *house) as(local string) *tenancy.Service {
	return h.Svc.As(tenancy.UserPrincipal(h.people[local].ID))
}

// stance is where an actor stands in the organization that is named.
type stance uint8

const (
	insider   stance = iota // an active member, or a service account that may act there
	outside                 // none: the organization is not there for them
	suspended               // a member, and the user is suspended
	powerless               // an actor who may do nothing at all
)

// actor is somebody who calls methods, and what they are expected to be able to.
type actor struct {
	name   string
	bind   func(s *tenancy.Service) *tenancy.Service
	id     tenancy.UserID // zero: no person
	stands stance
	gone   bool // the person is not there, so that they act nowhere
	grants []rbac.Grant
	within bool // a membership of whatever status, for what one may do oneself
	host   bool
}

func (h *house) actors() []actor {
	user := func(local string, stands stance, within bool, role string) actor {
		id := h.people[local].ID
		a := actor{name: local, id: id, stands: stands, within: within, bind: func(s *tenancy.Service) *tenancy.Service { return s.As(tenancy.UserPrincipal(id)) }}
		for _, r := range rbac.Builtin() {
			if r.Slug == role {
				a.grants = r.Grants
			}
		}
		return a
	}
	account := func(name string, stands stance, org tenancy.OrganizationID, grants ...rbac.Grant) actor {
		p := tenancy.ServicePrincipal(name, org, grants...)
		return actor{name: name, stands: stands, grants: grants, bind: func(s *tenancy.Service) *tenancy.Service { return s.As(p) }}
	}
	everywhere := tenancy.ServiceEverywhere("account of every organization", "*", "tenancy:*")
	everything := []rbac.Grant{"*", "tenancy:*"}
	bare := func(name string, bind func(s *tenancy.Service) *tenancy.Service) actor {
		return actor{name: name, stands: powerless, bind: bind}
	}
	deleted := actor{name: "a user who is not there", id: servicetest.Nobody, stands: outside, gone: true, bind: func(s *tenancy.Service) *tenancy.Service {
		return s.As(tenancy.UserPrincipal(servicetest.Nobody))
	}}
	return []actor{
		{name: "host", host: true, bind: func(s *tenancy.Service) *tenancy.Service { return s }},
		user("owner", insider, true, rbac.Owner), user("admin", insider, true, rbac.Admin),
		user("member", insider, true, rbac.Member), user("guest", insider, true, rbac.Guest),
		user("stranger", outside, false, ""), user("elsewhere", outside, false, rbac.Owner),
		user("suspended", suspended, true, rbac.Admin),
		user("inactive", outside, true, rbac.Admin), user("pending", outside, true, ""),
		account("account with the permissions", insider, h.at.org, everything...),
		{name: "account of every organization", stands: insider, grants: everything, bind: func(s *tenancy.Service) *tenancy.Service { return s.As(everywhere) }},
		account("account of no organization", powerless, tenancy.OrganizationID{}, everything...),
		account("account without a permission", insider, h.at.org, "documents:read"),
		account("account of another organization", outside, h.beta.ID, everything...),
		deleted,
		bare("bound twice", func(s *tenancy.Service) *tenancy.Service {
			return s.As(tenancy.UserPrincipal(h.at.owner)).As(tenancy.UserPrincipal(h.at.owner))
		}),
		bare("the zero user", func(s *tenancy.Service) *tenancy.Service { return s.As(tenancy.UserPrincipal(tenancy.UserID{})) }),
	}
}

// expects derives from the table of methods what an actor hears, "" for success.
func (a actor) expects(m tenancy.Method, self bool) tenancy.Code {
	oneself := self && m.Oneself && !a.id.IsZero()
	switch {
	case a.host || m.Name == "Transact":
		return ""
	case a.stands == powerless || m.HostOnly():
		return tenancy.ErrForbidden
	case m.Anyone || oneself:
		if a.gone || a.stands == suspended {
			return tenancy.ErrForbidden
		}
		return ""
	case m.Permission == "":
		return tenancy.ErrForbidden
	case a.stands == outside:
		return tenancy.ErrNotFound
	case a.stands == suspended:
		return tenancy.ErrForbidden
	}
	for _, g := range a.grants {
		if g.Covers(m.Permission) {
			return ""
		}
	}
	return tenancy.ErrForbidden
}

// exported lists the exported methods of the Service and its groups.
func exported() []string {
	var names []string
	service := reflect.TypeFor[tenancy.Service]()
	for i := range service.NumField() {
		if group := service.Field(i); group.IsExported() {
			for j := range group.Type.NumMethod() {
				names = append(names, group.Name+"."+group.Type.Method(j).Name)
			}
		}
	}
	for j := range reflect.PointerTo(service).NumMethod() {
		names = append(names, reflect.PointerTo(service).Method(j).Name)
	}
	return names
}

func methodsTabled(w *world) {
	var tabled []string
	for _, m := range tenancy.Methods() {
		tabled = append(tabled, m.Name)
	}
	want := exported()
	for i, name := range want {
		// An iterator is what its list is; the label is a word, the actor a name.
		want[i] = strings.NewReplacer(".AllByUser", ".ListByUser", ".AllRemoved", ".Removed", ".All", ".List").Replace(name)
	}
	want = slices.DeleteFunc(want, func(name string) bool { return name == "Label" || name == "Actor" || name == "Named" })
	slices.Sort(want)
	w.Equal(slices.Compact(want), tabled)
	for _, name := range tabled {
		w.Contains(actorCalls(), name, "a method without an entry: %s", name)
	}
	w.Len(actorCalls(), len(tabled))
}

// actorCalls has a call for each method of the table: mostly those of [methods].
func actorCalls() map[string]func(ctx context.Context, s *tenancy.Service, c cast) error {
	calls := map[string]func(ctx context.Context, s *tenancy.Service, c cast) error{
		"Transact": func(ctx context.Context, s *tenancy.Service, _ cast) error { return s.Transact(ctx, nothingAtAll) },
		"Declare": func(ctx context.Context, s *tenancy.Service, _ cast) error {
			return s.Declare(ctx, 2, tenancy.Schema{Roles: []tenancy.RoleSpec{{Slug: "cook", Grants: []rbac.Grant{"documents:*"}}}})
		},
		"Import": func(ctx context.Context, s *tenancy.Service, _ cast) error { return s.Import(ctx, nothingAtAll) },
		"Can": func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.Can(ctx, c.member, c.org, servicetest.ReadDocs)
			return err
		},
		"Check": func(ctx context.Context, s *tenancy.Service, c cast) error {
			return s.Check(ctx, c.member, c.org, servicetest.ReadDocs)
		},
		"Explain": func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.Explain(ctx, c.member, c.org, servicetest.ReadDocs)
			return err
		},
		"MembersWith": func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.MembersWith(ctx, c.org, servicetest.ReadDocs, tenancy.MemberQuery{})
			return err
		},
		"Run": func(ctx context.Context, s *tenancy.Service, _ cast) error { return s.Run(ctx) },
		"As": func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.As(tenancy.UserPrincipal(c.member)).Users.Get(ctx, c.member)
			return err
		},
		"Join": func(ctx context.Context, s *tenancy.Service, _ cast) error {
			_, _, err := s.Join(ctx, servicetest.Joined{})
			return err
		},
		"Rows": func(_ context.Context, s *tenancy.Service, _ cast) error { _, err := s.Rows(); return err },
	}
	for name, m := range methods() {
		if !strings.Contains(name, ".All") {
			calls[name] = m.call
		}
	}
	for name, call := range doorCalls() {
		calls[name] = call
	}
	calls["Events.List"] = func(ctx context.Context, s *tenancy.Service, c cast) error {
		_, err := s.Events.List(ctx, tenancy.EventQuery{OrganizationID: c.org})
		return err
	}
	return calls
}

func nothingAtAll(context.Context, *tenancy.Service) error { return nil }

// hostElsewhere are the methods that the host calls in a way of its own, elsewhere.
var hostElsewhere = []string{"Run", "Join", "Rows", "Domains.Recheck", "Proofs.Start", "Proofs.Finish", "Proofs.Open"}

// attempt makes one call and checks its outcome: what is refused leaves everything as
// it was but for denials, what is allowed is undone.
func (h *house) attempt(before servicetest.Dump, a actor, name string, c cast, want tenancy.Code) {
	h.T.Helper()
	call := actorCalls()[name]
	if want == "" && methods()[name].alone { // it cannot be undone; but in a house nothing is proved
		want = tenancy.ErrDomainNotVerified
	}
	if want != "" {
		err := call(h.Ctx, a.bind(h.Svc), c)
		h.Equal(want, tenancy.CodeOf(err), "%s by %s: %v", name, a.name, err)
		h.Equal(before, h.Dump(), "%s by %s", name, a.name)
		return
	}
	h.Equal(servicetest.ErrStop, h.Svc.Transact(h.Ctx, func(ctx context.Context, tx *tenancy.Service) error {
		h.NoError(call(ctx, a.bind(tx), c), "%s by %s", name, a.name)
		return servicetest.ErrStop
	}))
}

func actorMatrix(w *world) {
	h := newHouse(w)
	before := h.Dump()
	for _, a := range h.actors() {
		w.each(a.name, func(w *world) {
			h := h.under(w)
			for _, m := range tenancy.Methods() {
				if a.host && slices.Contains(hostElsewhere, m.Name) {
					continue
				}
				if w.leaves(4, a.name, m.Name) {
					continue
				}
				want := a.expects(m, false)
				if m.Name == "Memberships.TransferOwnership" && a.name != "owner" && want == "" && !a.host {
					want = tenancy.ErrForbidden // M8: one's own, by oneself
				}
				h.attempt(before, a, m.Name, h.at, a.ownRequest(m, want))
				if m.Oneself && !a.id.IsZero() {
					h.attemptSelf(before, a, m)
				}
			}
		})
	}
}

func (h *house) under(w *world) *house {
	sub := *h
	sub.world = w
	return &sub
}

// attemptSelf has the actor name themselves.
func (h *house) attemptSelf(before servicetest.Dump, a actor, m tenancy.Method) {
	h.T.Helper()
	c := h.at
	c.owner, c.member, c.resting, c.outsider, c.barred, c.unproved = a.id, a.id, a.id, a.id, a.id, a.id
	want := a.expects(m, true)
	if want == "" {
		switch m.Name {
		case "Memberships.Get", "Memberships.Leave":
			if !a.within {
				want = tenancy.ErrNotFound
			}
			if a.name == "inactive" && m.Name == "Memberships.Leave" {
				want = tenancy.ErrMembershipInactive // M5: or they could come back in
			}
		case "Identities.Unlink": // the identity is another's
			want = tenancy.ErrNotFound
		case "Users.SendVerification": // theirs is proved
			want = tenancy.ErrInvalid
		case "Check":
			want = a.checked()
		case "Invitations.Accept", "JoinCodes.Use", "JoinRequests.Create": // another person is named
			want = tenancy.ErrForbidden
		case "Users.ConfirmEmail", "Sessions.Authenticate", "Sessions.Enter", "Sessions.Switch", "Sessions.SignOut", "Sessions.Claims": // the token is another's
			want = tenancy.ErrForbidden
		case "Sessions.Get", "Sessions.Revoke": // the session is another's
			want = a.expects(m, false)
		}
	}
	h.attempt(before, a, m.Name, c, a.ownRequest(m, want))
}

// ownRequest is want but for another's join request, which is not there to be canceled
// (G7); and whoever reads another's request or session is not oneself.
func (a actor) ownRequest(m tenancy.Method, want tenancy.Code) tenancy.Code {
	switch {
	case m.Name == "JoinRequests.Cancel" && !a.host && a.stands != powerless:
		return tenancy.ErrNotFound
	case m.Name == "JoinRequests.Get" || m.Name == "Sessions.Get" || m.Name == "Sessions.Revoke":
		return a.expects(m, false)
	}
	return want
}

// checked is what Check says of the actor themselves.
func (a actor) checked() tenancy.Code {
	switch {
	case a.stands == outside:
		return tenancy.ErrNotFound
	case slices.Contains(a.grants, "*"):
		return ""
	}
	return tenancy.ErrForbidden
}

func shutMatrix(w *world) {
	h := newHouse(w)
	archived := map[string]tenancy.Code{"suspended": tenancy.ErrForbidden, "archived": tenancy.ErrNotFound}
	shut := map[string]func() error{
		"suspended": func() error { _, err := w.Svc.Organizations.Suspend(w.Ctx, h.at.org); return err },
		"archived":  func() error { _, err := w.Svc.Organizations.Archive(w.Ctx, h.at.org); return err },
	}
	for _, state := range []string{"suspended", "archived"} {
		w.NoError(shut[state]())
		before := h.Dump()
		for _, local := range []string{"owner", "admin", "member"} {
			a := h.actors()[slices.IndexFunc(h.actors(), func(a actor) bool { return a.name == local })]
			for _, m := range tenancy.Methods() {
				if m.Permission == "" || w.leaves(4, state, a.name, m.Name) {
					continue
				}
				h.attempt(before, a, m.Name, h.at, archived[state])
			}
		}
	}
}

func foreignIDs(w *world) {
	h := newHouse(w)
	before := h.Dump()
	foreign, own := h.at, h.at
	foreign.org, foreign.member, foreign.resting, foreign.owner = h.beta.ID, h.people["outsider"].ID, h.people["outsider"].ID, h.people["elsewhere"].ID
	foreign.session, foreign.Joinable = h.foreign, h.elsewhere
	own.member, own.resting = h.people["outsider"].ID, h.people["outsider"].ID // another organization's people, in one's own
	bySlug := []string{"Organizations.GetBySlug", "Organizations.GetByFormerSlug", "Organizations.GetByExternalID"}
	peopled := []string{"Memberships.Get", "Memberships.Update", "Memberships.SetRoles", "Memberships.AddRole", "Memberships.RemoveRole", "Memberships.Deactivate", "Memberships.Reactivate", "Memberships.Remove", "Memberships.TransferOwnership"}
	for _, a := range h.actors() {
		if a.host || a.stands != insider || a.name == "account of every organization" {
			continue
		}
		for _, m := range tenancy.Methods() {
			if w.leaves(4, "foreign", a.name, m.Name) {
				continue
			}
			if m.Permission != "" && !slices.Contains(bySlug, m.Name) {
				h.attempt(before, a, m.Name, foreign, tenancy.ErrNotFound)
			}
			if slices.Contains(peopled, m.Name) && a.name == "owner" {
				h.attempt(before, a, m.Name, own, tenancy.ErrNotFound)
			}
		}
	}
	// R2: another organization's role is none here, by whatever way.
	owner := h.as("owner")
	for name, call := range map[string]func() error{
		"SetRoles": func() error {
			_, err := owner.Memberships.SetRoles(w.Ctx, h.at.org, h.at.member, "org-beta")
			return err
		},
		"AddRole": func() error {
			_, err := owner.Memberships.AddRole(w.Ctx, h.at.org, h.at.member, "org-beta")
			return err
		},
		"Get": func() error { _, err := owner.Roles.Get(w.Ctx, h.at.org, "org-beta"); return err },
		"Update": func() error {
			_, err := owner.Roles.Update(w.Ctx, h.at.org, "org-beta", tenancy.RoleUpdate{Name: servicetest.Ptr("Mine")})
			return err
		},
		"Delete":      func() error { return owner.Roles.Delete(w.Ctx, h.at.org, "org-beta", "") },
		"Replacement": func() error { return owner.Roles.Delete(w.Ctx, h.at.org, servicetest.Editor, "org-beta") },
		"Extends": func() error {
			_, err := owner.Roles.Create(w.Ctx, h.at.org, tenancy.NewRole{Slug: "org-new", Extends: "org-beta"})
			return err
		},
		"DefaultRole": func() error {
			_, err := owner.Organizations.Update(w.Ctx, h.at.org, tenancy.OrganizationUpdate{DefaultRole: servicetest.Ptr("org-beta")})
			return err
		},
	} {
		w.unchanged(func() { w.Equal(tenancy.ErrUnknownRole, tenancy.CodeOf(call()), name) })
	}
}

func sameAnswer(w *world) {
	h := newHouse(w)
	stranger := h.as("stranger")
	_, there := stranger.Organizations.GetBySlug(w.Ctx, "acme")
	_, absent := stranger.Organizations.GetBySlug(w.Ctx, "acmo")
	w.Failed(there, tenancy.ErrNotFound, "")
	w.Equal(strings.ReplaceAll(absent.Error(), "acmo", "acme"), there.Error())
	_, there = stranger.Organizations.GetByFormerSlug(w.Ctx, "acme-before")
	_, absent = stranger.Organizations.GetByFormerSlug(w.Ctx, "acmo-before")
	w.Failed(there, tenancy.ErrNotFound, "")
	w.Equal(strings.ReplaceAll(absent.Error(), "acmo", "acme"), there.Error())
	_, there = stranger.Memberships.List(w.Ctx, h.at.org, tenancy.MemberQuery{})
	_, absent = stranger.Memberships.List(w.Ctx, servicetest.Nowhere, tenancy.MemberQuery{})
	w.Equal(strings.ReplaceAll(absent.Error(), servicetest.Nowhere.String(), h.at.org.String()), there.Error())
	there, absent = w.Svc.Check(w.Ctx, h.people["stranger"].ID, h.at.org, servicetest.ReadDocs), w.Svc.Check(w.Ctx, h.people["stranger"].ID, servicetest.Nowhere, servicetest.ReadDocs)
	w.Equal(strings.ReplaceAll(absent.Error(), servicetest.Nowhere.String(), h.at.org.String()), there.Error())
	// A role of another organization's is not told by its slug (A1).
	for _, slug := range []string{servicetest.Editor, "org-none"} {
		_, err := w.Another(func(c *tenancy.Config) { c.SelfServe = true }).As(tenancy.UserPrincipal(h.people["stranger"].ID)).Organizations.Create(w.Ctx,
			tenancy.NewOrganization{ID: h.at.org, DisplayName: "Mine", Owner: h.people["stranger"].ID, Settings: tenancy.Settings{DefaultRole: slug}})
		w.Equal(tenancy.ErrForbidden, tenancy.CodeOf(err), "%s: %v", slug, err)
	}
}
