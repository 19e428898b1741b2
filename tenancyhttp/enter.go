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

// decoy stands in for an organization that is not there, so that the same is read.
// It is no version 7 UUID, so that nobody has it.
var decoy = tenancy.OrganizationID{0: 0xdc, 15: 1}

func unauthenticated() error { return &tenancy.Error{Code: ErrUnauthenticated, Op: opEnter} }

// signedIn finds out who makes a request: once, also where middlewares are nested.
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

// holdEntry holds a request to an entry of its session.
func (g *Guard) holdEntry(found tenancy.Authenticated, err error) (*access, error) {
	if err != nil {
		return nil, err
	}
	held := g.hold(found.User.ID, tenancy.SessionPrincipal(found.Session))
	held.session, held.member = &found.Session, &found.Member
	return held, nil
}

// signedInThere finds out who makes a request, and which organization it selects. With Sessions
// that takes one look at the session: at its entry there.
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
		return g.signedIn(r) // refuses it
	}
	id, failed := g.selected(r)
	if failed != nil { // a session that has ended is told first
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

// selected is the organization that a request selects.
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

// sameSite refuses an unsafe request that another site may have made a browser send.
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

// enter finds out who and where, and asks for a permission there. With a refusal for
// the lack of membership or permission it gives the access, too.
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
		// Not the request's fault, whatever the code says.
		return nil, &tenancy.Error{Code: tenancy.ErrInternal, Op: opEnter, Kind: "permission", Key: string(permission), Err: err}
	}
	return held, err
}

// refused is err. Where it refuses somebody, it asks once more as them, so that the
// refusal is kept as theirs (rule A5).
func (g *Guard) refused(r *http.Request, held *access, permission rbac.Permission, err error) error {
	if held == nil || !errors.Is(err, tenancy.ErrNotFound) && !errors.Is(err, tenancy.ErrForbidden) {
		return err
	}
	where := held.organization
	if where == decoy {
		where = tenancy.OrganizationID{}
	}
	_ = held.service.Check(r.Context(), held.user, where, permission) // says no, as just now
	return err
}

// resolve turns what a request selects into an id. No slug has an underscore and every
// id has one. A slug that leads nowhere gives the decoy, and what is neither id nor
// slug is refused at once: its form is no secret.
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

// notFound is the one error for whoever is no active member. It names nothing, so that
// an error writer of the host's cannot tell what it should not.
func notFound() error {
	return &tenancy.Error{Code: tenancy.ErrNotFound, Op: opEnter, Kind: "organization"}
}
