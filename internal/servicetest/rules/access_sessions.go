package rules

import (
	"slices"

	"github.com/freehold-dev/freehold/tenancy"
)

// sessionPrincipalRules: what a bound Service does for a person by one of their sessions.
func sessionPrincipalRules() []rule {
	return []rule{
		{"P3 attack: a session takes what is permitted elsewhere along", on(sessionElsewhere)},
		{"P6 attack: a confined session reaches for the account or another organization", on(sessionConfined)},
	}
}

// session is one of somebody of the house, at its organization.
func (h *house) session(local string, confined bool) tenancy.Session {
	h.T.Helper()
	started, err := h.Svc.Sessions.Start(h.Ctx, tenancy.NewSession{
		UserID: h.people[local].ID, OrganizationID: h.at.org, Method: "password", Confined: confined,
	})
	h.NoError(err)
	return started.Session
}

func sessionElsewhere(w *world) {
	h := newHouse(w)
	w.Add(h.beta, h.people["owner"], "owner")
	owner := h.people["owner"].ID
	in := w.Svc.As(tenancy.SessionPrincipal(h.session("owner", false)))
	list := func(org tenancy.OrganizationID) error {
		_, err := in.Memberships.List(w.Ctx, org, tenancy.MemberQuery{})
		return err
	}
	w.NoError(list(h.at.org))
	w.refuses(tenancy.ErrNotFound, "", func() error { return list(h.beta.ID) })
	w.refuses(tenancy.ErrNotFound, "", func() error {
		_, err := in.Organizations.GetBySlug(w.Ctx, h.beta.Slug)
		return err
	})
	// What people do for themselves they do everywhere.
	_, err := in.Memberships.Get(w.Ctx, h.beta.ID, owner)
	w.NoError(err)
	_, err = in.Memberships.ListByUser(w.Ctx, owner, tenancy.MemberQuery{})
	w.NoError(err)
	w.Equal(tenancy.Actor{Kind: tenancy.ActorUser, ID: owner.String()}, in.Actor())
}

func sessionConfined(w *world) {
	h := newHouse(w)
	w.Add(h.beta, h.people["owner"], "owner")
	in := w.Svc.As(tenancy.SessionPrincipal(h.session("owner", true)))
	_, err := in.Memberships.List(w.Ctx, h.at.org, tenancy.MemberQuery{})
	w.NoError(err)
	elsewhere := h.at
	owner := h.people["owner"].ID
	elsewhere.org, elsewhere.shut, elsewhere.stored = h.beta.ID, h.beta.ID, h.beta.ID
	elsewhere.owner, elsewhere.resting, elsewhere.outsider, elsewhere.barred = owner, owner, owner, owner
	before := w.Dump()
	for _, m := range tenancy.Methods() {
		if m.Anyone || slices.Contains(hostElsewhere, m.Name) || m.Permission == "" && !m.Oneself || slices.Contains(namedByID, m.Name) {
			continue
		}
		err := actorCalls()[m.Name](w.Ctx, in, elsewhere)
		refused := []tenancy.Code{tenancy.ErrForbidden, tenancy.ErrNotFound, tenancy.ErrInvalidToken}
		if !slices.Contains(refused, tenancy.CodeOf(err)) {
			w.T.Errorf("%s: %v", m.Name, err)
		}
		w.Equal(before, w.Dump(), m.Name)
	}
}

// namedByID are methods that name a thing, which in the house is Acme's.
var namedByID = []string{
	"Invitations.Get", "Invitations.Resend", "Invitations.Revoke", "Invitations.Update", "JoinCodes.Get", "JoinCodes.Revoke",
	"JoinRequests.Get", "Organizations.GetBySlug", "Organizations.GetByFormerSlug", "Organizations.GetByExternalID", "JoinRequests.Approve", "JoinRequests.Decline", "JoinRequests.Cancel", "Sessions.Get", "Sessions.Revoke",
}
