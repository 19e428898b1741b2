package races

import (
	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/tenancy"
)

// pending is a user who has to choose between two organizations, and the token to do it with.
func (r *race) pending(n int) (tenancy.User, tenancy.Organization, string) {
	user := r.User("choosing", n)
	org := r.Org(user)
	r.Org(user)
	_, err := r.Svc.Users.Update(r.Ctx, user.ID, tenancy.UserUpdate{EmailVerified: servicetest.Ptr(true)})
	r.NoError(err)
	d, err := r.Svc.SignIn(r.Ctx, servicetest.ByMail(user.Email))
	r.NoError(err)
	return user, org, d.Pending.Reveal()
}

// chooses is an attempt that goes on at an organization. It is an error unless it signs in.
func (r *race) chooses(org tenancy.Organization, token string) func() error {
	return func() error {
		d, err := r.Svc.SignIn(r.Ctx, tenancy.Attempt{Evidence: tenancy.PendingEvidence(token), OrganizationID: org.ID})
		if err == nil && d.Kind != tenancy.DecisionSignedIn {
			return &tenancy.Error{Code: tenancy.ErrForbidden, Reason: string(d.Kind)}
		}
		return err
	}
}

// onePending: 64 go on with one token; one session starts.
func onePending(r *race, n int) bool {
	user, org, token := r.pending(n)
	codes := r.Together(servicetest.Repeat(64, func(int) error { return r.chooses(org, token)() })...)
	sessions := 0
	for _, err := range r.Svc.Sessions.AllByUser(r.Ctx, user.ID, tenancy.SessionQuery{}) {
		r.NoError(err)
		sessions++
	}
	return sessions == 1 && servicetest.Count(codes, "") == 1 && servicetest.Count(codes, tenancy.ErrInvalidToken) == 63
}

// voidedMeanwhile: everything of the user's ends while they go on; nothing lives after it.
func voidedMeanwhile(r *race, n int) bool {
	user, org, token := r.pending(n)
	codes := r.Together(
		r.chooses(org, token),
		func() error { return r.Svc.Sessions.RevokeAll(r.Ctx, user.ID) },
		r.chooses(org, token),
	)
	_, err := r.Svc.SignIn(r.Ctx, tenancy.Attempt{Evidence: tenancy.PendingEvidence(token), OrganizationID: org.ID})
	return codes[1] == "" && servicetest.Count(codes, "") <= 2 && tenancy.CodeOf(err) == tenancy.ErrInvalidToken
}
