package tenancy

import (
	"context"
	"slices"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/store/typed"
)

// Principal is who a bound Service works for (rule A1): see [Service.As].
type Principal struct {
	actor        Actor
	user         UserID         // a user
	organization OrganizationID // a service account: where it may act
	everywhere   bool           // a service account: in every organization
	grants       rbac.Grants    // a service account: what it may do
	err          error
	nobody       bool
	session      *Session // a person by one of their sessions: where that is
}

// UserPrincipal is a person. What they may do is read from the store, each time.
func UserPrincipal(id UserID) Principal {
	return Principal{actor: Actor{Kind: ActorUser, ID: id.String()}, user: id, nobody: id.IsZero()}
}

// SessionPrincipal is a person by one of their sessions, as Sessions.Authenticate gives
// it. Every call reads the session again: once it has ended or run out,
// the bound Service answers [ErrSessionEnded] (rule S2). What takes a permission they may do in the organization that the session is at and
// in no other, which is not there for them: how they signed in was held against the
// policy of that one alone (rule P3). What people do for themselves they may do
// everywhere, unless the session is confined (rule P6): then it does nothing outside
// its organization, nor to the account.
func SessionPrincipal(s Session) Principal {
	p := UserPrincipal(s.UserID)
	p.session = &s
	return p
}

// reaches reports whether an actor gets at an organization; zero: at the account. self
// says that they do it for themselves.
func (p *Principal) reaches(id OrganizationID, self bool) bool {
	if p.session == nil || self && !p.session.Confined {
		return true
	}
	return id == p.session.OrganizationID && !id.IsZero()
}

// ServicePrincipal is a service account of the host's: a name for the audit log, the
// one organization that it may act in and what it may do there. Without an organization it
// may do nothing at all, so that an id that was not set gives no access (rule G15); see
// [ServiceEverywhere]. A grant that is none is told by the first call. Like anybody it gives
// only what it has (rule R6).
func ServicePrincipal(name string, organization OrganizationID, grants ...rbac.Grant) Principal {
	p := servicePrincipal(name, grants)
	p.organization, p.nobody = organization, organization.IsZero()
	return p
}

// ServiceEverywhere is a service account of the host's that may act in every organization:
// otherwise it is as [ServicePrincipal] says.
func ServiceEverywhere(name string, grants ...rbac.Grant) Principal {
	p := servicePrincipal(name, grants)
	p.everywhere = true
	return p
}

func servicePrincipal(name string, grants []rbac.Grant) Principal {
	held, err := rbac.NewGrants(grants...)
	if err == nil {
		err = exact("name", name)
	}
	return Principal{actor: Actor{Kind: ActorService, ID: name}, grants: held, err: rbacError("grants", err)}
}

// As is this Service bound to an actor: it does only what the actor may do ([Methods]
// says what), sees only the organizations named, and writes the actor into every
// event. Hand it to request handlers, and keep the unbound one for start-up and
// jobs.
//
// A bound Service answers [ErrForbidden] for what only the host may do, As, Join
// and Rows among it; bound once more, or to the zero Principal, it may do nothing at all.
// Refused calls are kept and shown by Events.Denials (rule A5), those of As, Join
// and Rows excepted, which read and write nothing.
func (s *Service) As(p Principal) *Service {
	if s.principal != nil || p.actor == (Actor{}) {
		p.nobody = true
	}
	return s.derive(func(bound *Service) { bound.principal, bound.actor = &p, p.actor })
}

// Named is this Service under a name of the host's own, such as that of a job: its events
// have the actor "host" with that name, of which 255 characters are kept. A bound Service
// stays what it is.
func (s *Service) Named(name string) *Service {
	if s.principal != nil {
		return s
	}
	return s.derive(func(named *Service) { named.actor.ID = excerpt(name, 255) })
}

// Actor is whom this Service works for, as its events name them: the host itself, or
// the principal it was bound to.
func (s *Service) Actor() Actor { return s.actor }

// scope is what one call is about: the organization named, the user named.
type scope struct {
	organization OrganizationID
	user         UserID
	missing      error // what to answer those who may not know that the thing exists; nil = the organization
}

// authorize decides whether the actor may make this call. It is asked once a call,
// after its locks and before it gives or changes anything; a bound call that did not
// ask comes to nothing. The host passes.
func (ar accessRules) authorize(ctx context.Context, sc scope) error {
	ar.c.asked, ar.c.scope = true, sc
	p := ar.c.service.principal
	if p == nil {
		return nil
	}
	held, err := ar.stillIn(ctx, p)
	if err != nil {
		return err
	}
	m := ar.c.method
	self := m.Oneself && !p.user.IsZero() && p.user == sc.user
	switch {
	case m.Anyone:
		return ar.exists(ctx, p)
	case !p.reaches(sc.organization, self) && !sc.organization.IsZero():
		if sc.missing != nil {
			return ar.elsewhere(ctx, sc.missing)
		}
		return ar.denyHidden(ctx, sc, notFound(sc.organization))
	case !p.reaches(sc.organization, self):
		return ar.deny(sc, forbidden(""))
	case self:
		if p.session != nil && (sc.organization.IsZero() || sc.organization != p.session.OrganizationID) {
			speaks, err := ar.c.sessions().speaksFor(ctx, held)
			if err != nil {
				return err
			}
			if !speaks { // it counts as confined
				return ar.deny(sc, forbidden(""))
			}
		}
		return ar.exists(ctx, p)
	}
	if m.Permission == "" || sc.organization.IsZero() {
		return ar.deny(sc, forbidden(""))
	}
	grants, err := ar.grantsOf(ctx, sc.organization)
	if err != nil {
		if CodeOf(err) == ErrNotFound {
			if sc.missing != nil { // found by a key: where is not told, not even by what is noted
				return ar.elsewhere(ctx, sc.missing)
			}
			return ar.denyHidden(ctx, sc, err)
		}
		if CodeOf(err) == ErrForbidden {
			return ar.deny(sc, err)
		}
		return err
	}
	if !permits(grants.Grants, m.Permission) {
		return ar.deny(sc, forbidden(""))
	}
	return nil
}

// stillIn refuses an actor whose session is not any more what it was when the Service was
// bound to it (rule S2): a session is read in each call, and no copy of one is believed.
func (ar accessRules) stillIn(ctx context.Context, p *Principal) (sessionFacts, error) {
	was := p.session
	if was == nil {
		return sessionFacts{}, nil
	}
	s, err := ar.c.tx.Sessions().Get(ctx, was.ID)
	if CodeOf(err) == ErrNotFound { // it went with its organization, or with its user
		return sessionFacts{}, sessionEnded(EndedOrganization)
	}
	if err != nil {
		return sessionFacts{}, err
	}
	ar.c.throughAt = s.OrganizationID // also where it stands in for none
	held, err := ar.c.sessions().upheld(ctx, s)
	if CodeOf(err) == ErrSessionExpired {
		err = sessionEnded("expired")
	}
	elsewhere := !was.OrganizationID.IsZero() && s.OrganizationID != was.OrganizationID // zero: none is chosen
	if err == nil && (s.Version != was.Version || s.UserID != was.UserID || elsewhere || s.Confined != was.Confined) {
		err = sessionEnded(endedRotated)
	}
	return held, err
}

// exists refuses a person who is not there, or is suspended: they act nowhere.
func (ar accessRules) exists(ctx context.Context, p *Principal) error {
	if p.user.IsZero() {
		return nil
	}
	user, err := ar.c.users().get(ctx, p.user)
	if err != nil || !user.SuspendedAt.IsZero() {
		if err == nil || CodeOf(err) == ErrNotFound || CodeOf(err) == ErrMerged {
			return ar.deny(scope{}, forbidden(""))
		}
		return err
	}
	return nil
}

// grantsOf is what the actor holds in an organization, read in this transaction.
// Whoever is no active member there hears that it is not there.
func (ar accessRules) grantsOf(ctx context.Context, id OrganizationID) (powers, error) {
	if held, ok := ar.c.held[id]; ok {
		return held, nil
	}
	held, err := ar.readGrants(ctx, id)
	if err != nil {
		return powers{}, err
	}
	if ar.c.held == nil {
		ar.c.held = map[OrganizationID]powers{}
	}
	ar.c.held[id] = held
	return held, nil
}

// powers are what somebody holds in an organization.
type powers struct {
	rbac.Grants
	owner bool
}

func (ar accessRules) readGrants(ctx context.Context, id OrganizationID) (powers, error) {
	p := ar.c.service.principal
	if p.user.IsZero() {
		if !p.everywhere && p.organization != id {
			return powers{}, notFound(id)
		}
		org, err := ar.c.tx.Organizations().Get(ctx, id)
		switch {
		case err != nil:
			return powers{}, err
		case !org.ArchivedAt.IsZero():
			return powers{}, notFound(id)
		case !org.SuspendedAt.IsZero():
			return powers{}, &Error{Code: ErrForbidden, Reason: string(ReasonOrganizationSuspended)}
		}
		return powers{Grants: p.grants}, nil
	}
	facts, err := ar.facts(ctx, id, p.user)
	if err != nil {
		return powers{}, err
	}
	switch reason := facts.reason(); {
	case reason == ReasonOrganizationSuspended || reason == ReasonUserSuspended:
		return powers{}, &Error{Code: ErrForbidden, Reason: string(reason)}
	case reason != ReasonGranted:
		return powers{}, notFound(id)
	}
	if name, ok := setOf(facts.Roles); ok {
		declared, err := ar.c.roles().declarations(ctx)
		if err != nil {
			return powers{}, err
		}
		return kept(declared, declared.compiled.powers, name, func() (powers, error) { return powersOf(declared.roles, facts.Roles) })
	}
	roles, err := ar.c.roles().rolesNamed(ctx, id, facts.Roles...)
	if err != nil {
		return powers{}, err
	}
	return powersOf(roles, facts.Roles)
}

// powersOf is what somebody with some of an organization's roles holds there.
func powersOf(roles *rbac.Roles, held []string) (powers, error) {
	grants, err := roles.Grants(held...)
	return powers{grants, slices.Contains(held, rbac.Owner)}, rbacError("role", err)
}

// suffice decides on the ceiling (rule R6), and nothing else does: an actor who gives, takes or touches roles
// holds all that they grant, and only owners touch owners.
func (p powers) suffice(grants rbac.Grants, slugs ...string) bool {
	return (p.owner || !slices.Contains(slugs, rbac.Owner)) && p.Covers(grants)
}

func permits(grants rbac.Grants, p rbac.Permission) bool {
	return slices.ContainsFunc(grants.All(), func(g rbac.Grant) bool { return g.Covers(p) })
}

func forbidden(field string) *Error { return &Error{Code: ErrForbidden, Field: field} }

// deny notes a refusal for the denials, and is the error.
func (ar accessRules) deny(sc scope, err error) error {
	ar.c.denied = append(ar.c.denied, refusal{ar.c.service.actor, ar.c.method.Name, sc.organization, CodeOf(err) == ErrNotFound})
	return err
}

// denyHidden is deny where the answer is that an organization is not there. One that really
// is not there is not noted, so that ids that somebody makes up share one row (rule A5).
func (ar accessRules) denyHidden(ctx context.Context, sc scope, err error) error {
	n, failed := ar.c.tx.Organizations().Count(ctx, organizationFilter{ID: typed.Of(sc.organization)})
	if failed != nil {
		return failed
	}
	if n == 0 {
		sc.organization = OrganizationID{}
	}
	return ar.deny(sc, err)
}

// absent is the answer where the thing named is not there: for an actor it is a denial
// like any other.
//
// A thing that is nowhere and a thing of another organization cost an actor the same, in
// statements and in rows, so that the cost does not say which of the two it is (rule G7).
// To find the thing is one row more, so either refusal has one more look-up: absent reads
// a row that is there, and elsewhere looks for one that is not.
func (ar accessRules) absent(ctx context.Context, missing error) error {
	if ar.c.service.principal == nil {
		ar.c.asked = true
		return missing
	}
	return ar.unreachable(ctx, ar.c.service.principal.user, missing)
}

// elsewhere is the answer where the thing named is there, and not for the actor, whose access
// was looked at.
func (ar accessRules) elsewhere(ctx context.Context, missing error) error {
	return ar.lookUp(ctx, noUser, ar.deny(scope{}, missing))
}

// unreachable is a denial at the cost of one by authorize, and with a look-up of a user.
func (ar accessRules) unreachable(ctx context.Context, user UserID, missing error) error {
	ar.c.asked = true
	p := ar.c.service.principal
	if _, err := ar.stillIn(ctx, p); err != nil {
		return err
	}
	if p.session == nil { // who is bound by a session is refused without a look at their access
		if _, err := ar.readGrants(ctx, nowhere); err != nil && CodeOf(err) != ErrNotFound {
			return err
		}
	}
	return ar.lookUp(ctx, user, ar.deny(scope{}, missing))
}

// lookUp reads a user, and gives err.
func (ar accessRules) lookUp(ctx context.Context, user UserID, err error) error {
	if _, failed := ar.c.tx.Users().List(ctx, userFilter{ID: typed.Of(user)}, listSpan{Limit: 1}); failed != nil {
		return failed
	}
	return err
}

// authorizeEarly is authorize before the locks, for a call whose locks are others' too:
// otherwise anybody could make another organization's writers wait. The call asks again
// under the locks, because the answer may be another by then.
func (ar accessRules) authorizeEarly(ctx context.Context, sc scope) error {
	err := ar.authorize(ctx, sc)
	ar.c.forget()
	return err
}

// mayLock is authorizeEarly for a call that otherwise reads nothing before its locks. Where one
// transaction writes at a time no lock holds anybody up, and it asks nothing.
func (ar accessRules) mayLock(ctx context.Context, sc scope) error {
	if ar.c.instance.singleWriter || ar.c.asked {
		return nil
	}
	return ar.authorizeEarly(ctx, sc)
}

// forget drops what was read before the locks. Where one transaction writes at a time, what was
// declared has not changed since.
func (c *call) forget() {
	c.held = nil
	if !c.instance.singleWriter {
		c.declarations, c.declared.known = nil, false
	}
}

// underLock finds what a call names by its id alone for who may reach it, as find says,
// before and after the locks are taken that it changes under: see authorizeEarly.
func underLock[T any](ctx context.Context, c *call, find func() (T, error), locks func(T) error) (T, error) {
	found, err := find()
	if err == nil {
		err = locks(found)
	}
	if err != nil {
		return found, err
	}
	c.forget()
	return find()
}

// nowhere is no organization's id: no version 7 UUID begins like it.
var nowhere = OrganizationID{0: 0xdc, 15: 1}

// noUser is no user's id, in the same way.
var noUser = UserID{0: 0xdc, 15: 1}

// mayGive refuses roles that are above the actor (rule R6).
func (ar accessRules) mayGive(ctx context.Context, id OrganizationID, slugs ...string) error {
	if ar.c.service.principal == nil || len(slugs) == 0 {
		return nil
	}
	own, err := ar.grantsOf(ctx, id)
	if err != nil {
		return err
	}
	if !own.suffice(rbac.Grants{}, slugs...) { // whatever they grant
		return ar.above(id)
	}
	roles, err := ar.c.roles().rolesNamed(ctx, id, slugs...)
	if err != nil {
		return err
	}
	grants, err := roles.Grants(slugs...)
	if err != nil {
		return rbacError("roles", err)
	}
	return ar.mayGrant(ctx, id, grants)
}

// mayGrant refuses grants that are above the actor (rule R6).
func (ar accessRules) mayGrant(ctx context.Context, id OrganizationID, grants rbac.Grants) error {
	if ar.c.service.principal == nil {
		return nil
	}
	own, err := ar.grantsOf(ctx, id)
	if err != nil {
		return err
	}
	if !own.suffice(grants) {
		return ar.above(id)
	}
	return nil
}

func (ar accessRules) above(id OrganizationID) error {
	return ar.deny(scope{organization: id}, &Error{Code: ErrForbidden, Field: "roles", Reason: "above the actor's own"})
}

// hostOnly refuses inputs that only the host may give (rule A4).
func (ar accessRules) hostOnly(inputs ...input) error {
	if ar.c.service.principal == nil {
		return nil
	}
	for _, in := range inputs {
		if in.given {
			return ar.deny(ar.c.scope, forbidden(in.field))
		}
	}
	return nil
}

type input struct {
	field string
	given bool
}
