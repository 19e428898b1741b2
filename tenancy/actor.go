package tenancy

import (
	"context"
	"slices"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/store/typed"
)

// Principal is the user, session or service account that a bound Service acts for (rule A1): see
// [Service.As].
type Principal struct {
	actor        Actor
	user         UserID         // a user
	organization OrganizationID // of a service account: the organization in which it may act
	everywhere   bool           // of a service account: it may act in every organization
	grants       rbac.Grants    // of a service account: what it may do
	err          error
	nobody       bool
	session      *Session // of a user who is bound by one of their sessions
}

// UserPrincipal is the principal of a user. Each call reads from the store what the user may do.
func UserPrincipal(id UserID) Principal {
	return Principal{actor: Actor{Kind: ActorUser, ID: id.String()}, user: id, nobody: id.IsZero()}
}

// SessionPrincipal is the principal of a user by one of their sessions, as Sessions.Authenticate returns
// it. Every call reads the session again: once it has ended or expired, the bound Service returns
// [ErrSessionEnded] (rule S2).
//
// A call that needs a permission works only in the session's organization. In any other one it returns
// [ErrNotFound], because only the policy of the session's organization was checked at the sign-in (rule P3).
// What users do for themselves works everywhere, unless the session is confined (rule P6): a confined
// session cannot do anything outside its organization, nor change the account.
func SessionPrincipal(s Session) Principal {
	p := UserPrincipal(s.UserID)
	p.session = &s
	return p
}

// reaches reports whether the principal may act in an organization, or on the account if id is zero. self
// says that they act for themselves.
func (p *Principal) reaches(id OrganizationID, self bool) bool {
	if p.session == nil || self && !p.session.Confined {
		return true
	}
	return id == p.session.OrganizationID && !id.IsZero()
}

// ServicePrincipal is the principal of a service account of the host: name is for the audit log,
// organization is the one where it may act, and grants say what it may do there. With a zero organization
// it may do nothing, so that an id that somebody forgot to set gives no access (rule G15); see
// [ServiceEverywhere]. If a grant is invalid, the first call returns the error. A service account gives
// others only what it holds itself (rule R6).
func ServicePrincipal(name string, organization OrganizationID, grants ...rbac.Grant) Principal {
	p := servicePrincipal(name, grants)
	p.organization, p.nobody = organization, organization.IsZero()
	return p
}

// ServiceEverywhere is the principal of a service account of the host that may act in every organization.
// Otherwise it is like [ServicePrincipal].
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

// As makes a bound Service, which does only what p may do; [Methods] lists what each method needs. It sees
// only the organizations in which p may act, and writes p as the actor into every event. Give it to request
// handlers, and keep the trusted Service for start-up and jobs.
//
// A bound Service returns [ErrForbidden] for what only the host may do, which includes As, Join and Rows.
// To bind a bound Service again, or to bind to the zero Principal, makes a Service that may do nothing.
// Events.Denials lists the refused calls (rule A5), except those of As, Join and Rows, which read and write
// nothing.
func (s *Service) As(p Principal) *Service {
	if s.principal != nil || p.actor == (Actor{}) {
		p.nobody = true
	}
	return s.derive(func(bound *Service) { bound.principal, bound.actor = &p, p.actor })
}

// Named returns this Service under a name that the host chooses, such as the name of a job: its events have
// the actor "host" with that name, cut to 255 characters. On a bound Service it changes nothing.
func (s *Service) Named(name string) *Service {
	if s.principal != nil {
		return s
	}
	return s.derive(func(named *Service) { named.actor.ID = excerpt(name, 255) })
}

// Actor returns whom this Service acts for, as its events record it: the host itself, or the principal that
// it is bound to.
func (s *Service) Actor() Actor { return s.actor }

// scope is what one call concerns: the organization and the user that it names.
type scope struct {
	organization OrganizationID
	user         UserID
	missing      error // the error for actors who may not know that the thing exists; nil: the organization is not found
}

// authorize decides whether the actor may make this call. Each call asks once, after it has its locks, and
// before it returns or changes anything. A bound call that did not ask fails. The host may make every call.
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
			if !speaks { // the session counts as confined
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
			if sc.missing != nil { // found by a key: neither the answer nor the denial says in which organization
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

// stillIn refuses an actor whose session has changed since the Service was bound to it (rule S2). Each call
// reads the session, and trusts no copy of it.
func (ar accessRules) stillIn(ctx context.Context, p *Principal) (sessionFacts, error) {
	was := p.session
	if was == nil {
		return sessionFacts{}, nil
	}
	s, err := ar.c.tx.Sessions().Get(ctx, was.ID)
	if CodeOf(err) == ErrNotFound { // deleted with its organization, or with its user
		return sessionFacts{}, sessionEnded(EndedOrganization)
	}
	if err != nil {
		return sessionFacts{}, err
	}
	ar.c.throughAt = s.OrganizationID // also where the session gives no access there
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

// exists refuses a user who does not exist or is suspended: they may act nowhere.
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

// grantsOf returns what the actor holds in an organization, read in this transaction. For an actor who is
// not an active member there, the organization is not found.
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

// powers are the grants of an actor in an organization, and whether the actor is an owner.
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

// powersOf returns the powers of a member who has the roles held.
func powersOf(roles *rbac.Roles, held []string) (powers, error) {
	grants, err := roles.Grants(held...)
	return powers{grants, slices.Contains(held, rbac.Owner)}, rbacError("role", err)
}

// suffice decides on the ceiling, and is the only place that does (rule R6): an actor who gives, takes or
// touches roles must hold all that the roles grant, and only owners touch owners.
func (p powers) suffice(grants rbac.Grants, slugs ...string) bool {
	return (p.owner || !slices.Contains(slugs, rbac.Owner)) && p.Covers(grants)
}

func permits(grants rbac.Grants, p rbac.Permission) bool {
	return slices.ContainsFunc(grants.All(), func(g rbac.Grant) bool { return g.Covers(p) })
}

func forbidden(field string) *Error { return &Error{Code: ErrForbidden, Field: field} }

// deny records a refusal for Events.Denials, and returns the error.
func (ar accessRules) deny(sc scope, err error) error {
	ar.c.denied = append(ar.c.denied, refusal{ar.c.service.actor, ar.c.method.Name, sc.organization, CodeOf(err) == ErrNotFound})
	return err
}

// denyHidden is deny for the answer that an organization does not exist. Where it really does not exist,
// the denial names no organization, so that all made-up ids share one row (rule A5).
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

// absent answers a call that names a thing that does not exist. For an actor it records a denial.
//
// An actor must not learn from the cost of a refusal whether the thing exists in another organization (rule
// G7). So both refusals cost the same in statements and rows. To find the thing reads one row more;
// therefore each refusal makes one extra look-up of a user. absent looks up a user who exists, and
// elsewhere one who does not.
func (ar accessRules) absent(ctx context.Context, missing error) error {
	if ar.c.service.principal == nil {
		ar.c.asked = true
		return missing
	}
	return ar.unreachable(ctx, ar.c.service.principal.user, missing)
}

// elsewhere answers a call that names a thing that exists, but not for this actor. The actor's access has
// been read before.
func (ar accessRules) elsewhere(ctx context.Context, missing error) error {
	return ar.lookUp(ctx, noUser, ar.deny(scope{}, missing))
}

// unreachable is a denial that costs as much as one by authorize, with a look-up of a user.
func (ar accessRules) unreachable(ctx context.Context, user UserID, missing error) error {
	ar.c.asked = true
	p := ar.c.service.principal
	if _, err := ar.stillIn(ctx, p); err != nil {
		return err
	}
	if p.session == nil { // authorize refuses a session without reading its access
		if _, err := ar.readGrants(ctx, nowhere); err != nil && CodeOf(err) != ErrNotFound {
			return err
		}
	}
	return ar.lookUp(ctx, user, ar.deny(scope{}, missing))
}

// lookUp reads a user only for the cost of it, and returns err.
func (ar accessRules) lookUp(ctx context.Context, user UserID, err error) error {
	if _, failed := ar.c.tx.Users().List(ctx, userFilter{ID: typed.Of(user)}, listSpan{Limit: 1}); failed != nil {
		return failed
	}
	return err
}

// authorizeEarly is authorize before the locks. A call needs it if its locks are shared with others:
// without it anybody could make writers of another organization wait. The call asks again under the locks,
// because the answer may have changed by then.
func (ar accessRules) authorizeEarly(ctx context.Context, sc scope) error {
	err := ar.authorize(ctx, sc)
	ar.c.forget()
	return err
}

// mayLock is authorizeEarly for a call that reads nothing else before its locks. On a store where one
// transaction writes at a time, no lock delays anybody, and mayLock does nothing.
func (ar accessRules) mayLock(ctx context.Context, sc scope) error {
	if ar.c.instance.singleWriter || ar.c.asked {
		return nil
	}
	return ar.authorizeEarly(ctx, sc)
}

// forget drops what was read before the locks. Where one transaction writes at a time, the declarations
// cannot have changed since, and stay.
func (c *call) forget() {
	c.held = nil
	if !c.instance.singleWriter {
		c.declarations, c.declared.known = nil, false
	}
}

// underLock finds a thing that a call names by its id alone. It calls find before and after it takes the
// locks under which the call changes the thing; find decides who may reach it. See authorizeEarly.
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

// nowhere is an id that no organization has: no version 7 UUID begins like it.
var nowhere = OrganizationID{0: 0xdc, 15: 1}

// noUser is an id that no user has, for the same reason.
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
	if !own.suffice(rbac.Grants{}, slugs...) { // refused already by the roles' slugs, whatever they grant
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
