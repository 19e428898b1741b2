package tenancyhttp

import (
	"errors"
	"net/http"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

// opEnter is the operation in the errors of the middlewares.
const opEnter = "enter"

// maxSlug is the length of a DNS label in bytes, which no slug exceeds (rule G5).
const maxSlug = 63

// decoy takes the place of an organization that does not exist, so that the Guard makes the same reads. It is
// not a version 7 UUID, so no organization has it.
var decoy = tenancy.OrganizationID{0: 0xdc, 15: 1}

func unauthenticated() error { return &tenancy.Error{Code: ErrUnauthenticated, Op: opEnter} }

// signedIn finds out which user makes a request. It asks once, even if middlewares are nested.
func (g *Guard) signedIn(r *http.Request) (*access, error) {
	if held := from(r.Context()); held != nil && held.guard == g {
		again := *held
		return &again, nil
	}
	if err := g.sameSite(r); err != nil {
		return nil, err
	}
	if g.config.Sessions != nil {
		return g.holdEntry(g.config.Sessions.Authenticate(r))
	}
	user, err := g.config.User(r)
	switch {
	case err != nil:
		return nil, err
	case user.IsZero():
		return nil, unauthenticated()
	}
	return g.hold(user, tenancy.UserPrincipal(user)), nil
}

// holdEntry keeps a request within one entry of its session.
func (g *Guard) holdEntry(found tenancy.Authenticated, err error) (*access, error) {
	if err != nil {
		return nil, err
	}
	held := g.hold(found.User.ID, tenancy.SessionPrincipal(found.Session))
	held.session, held.member = &found.Session, &found.Member
	return held, nil
}

// signedInThere finds out which user makes a request, and which organization the request selects. With
// Sessions, one lookup of the session's entry there answers both.
func (g *Guard) signedInThere(r *http.Request) (*access, error) {
	s := g.config.Sessions
	if s == nil {
		held, err := g.signedIn(r)
		if err == nil {
			held.organization, err = g.selected(r)
		}
		return held, err
	}
	if err := g.sameSite(r); err != nil {
		return nil, err
	}
	if c, err := s.carried(r); err != nil || c.token == "" {
		return g.signedIn(r) // it refuses the request
	}
	id, failed := g.selected(r)
	if failed != nil { // report a session that has ended before any other error
		if _, err := g.signedIn(r); err != nil {
			return nil, err
		}
		return nil, failed
	}
	held, err := g.holdEntry(s.entered(r, id))
	if errors.Is(err, tenancy.ErrNotFound) {
		err = notFound()
	}
	if err != nil {
		return nil, err
	}
	held.organization = id
	return held, nil
}

// selected returns the organization that a request selects.
func (g *Guard) selected(r *http.Request) (tenancy.OrganizationID, error) {
	selected, err := g.config.Organization(r)
	switch {
	case err != nil:
		return tenancy.OrganizationID{}, err
	case selected == "":
		return tenancy.OrganizationID{}, &tenancy.Error{Code: ErrNoOrganization, Op: opEnter, Field: "organization"}
	}
	return g.resolve(r, selected)
}

// sameSite refuses an unsafe request if another site may have made the browser send it.
func (g *Guard) sameSite(r *http.Request) error {
	if g.config.CrossOrigin == nil {
		return nil
	}
	err := foreign(g.config.CrossOrigin, r)
	if err == nil || g.config.Sessions == nil {
		return err
	}
	c, twice := g.config.Sessions.carried(r)
	if twice != nil || !c.byCookie() {
		return twice
	}
	return err
}

// enter finds out the user and the organization of a request, and checks a permission there. Together with a
// refusal for a missing membership or permission, it also returns the access.
func (g *Guard) enter(r *http.Request, permission rbac.Permission) (*access, error) {
	held, err := g.signedInThere(r)
	if err != nil {
		return nil, err
	}
	err = g.config.Service.Check(r.Context(), held.user, held.organization, permission)
	switch tenancy.CodeOf(err) {
	case tenancy.ErrNotFound:
		return held, notFound()
	case tenancy.ErrInvalid, tenancy.ErrUnknownPermission:
		// The program declared no such permission, so the request is not at fault, whatever the code is.
		return nil, &tenancy.Error{Code: tenancy.ErrInternal, Op: opEnter, Kind: "permission", Key: string(permission), Err: err}
	}
	return held, err
}

// refused returns err. If err refuses a signed-in user, it first repeats the check on the Service bound to
// them, so that the store counts the denial as theirs (rule A5).
func (g *Guard) refused(r *http.Request, held *access, permission rbac.Permission, err error) error {
	if held == nil || !errors.Is(err, tenancy.ErrNotFound) && !errors.Is(err, tenancy.ErrForbidden) {
		return err
	}
	where := held.organization
	if where == decoy {
		where = tenancy.OrganizationID{}
	}
	_ = held.service.Check(r.Context(), held.user, where, permission) // refuses again, and counts the denial
	return err
}

// resolve turns what a request selects into an id. A slug never contains an underscore, and an id always does.
// For an unknown slug it returns the decoy. It refuses at once what is neither id nor slug: the form of a name
// is no secret.
func (g *Guard) resolve(r *http.Request, selected string) (tenancy.OrganizationID, error) {
	if id, err := tenancy.ParseOrganizationID(selected); err == nil {
		return id, nil
	}
	if len(selected) > maxSlug || !isLabel(selected) {
		return tenancy.OrganizationID{}, notFound()
	}
	org, err := g.config.Service.Organizations.GetBySlug(r.Context(), selected)
	if errors.Is(err, tenancy.ErrNotFound) {
		return decoy, nil
	}
	return org.ID, err
}

// notFound is the one error for all users who are not active members. It names nothing, so that the host's own
// error writer cannot reveal anything.
func notFound() error {
	return &tenancy.Error{Code: tenancy.ErrNotFound, Op: opEnter, Kind: "organization"}
}
