package races

import (
	"fmt"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/tenancy"
)

// slugGivenUp: 64 want the slug that an organization gives up at the same instant, by a rename or
// with its deletion; nobody gets it.
func slugGivenUp(r *race, n int) bool {
	const wanting = 64
	slug := fmt.Sprintf("wanted-%d", n)
	org, err := r.Svc.Organizations.Create(r.Ctx, tenancy.NewOrganization{DisplayName: "Race", Slug: slug})
	r.NoError(err)
	others := make([]tenancy.Organization, wanting/2)
	for i := range others {
		others[i], err = r.Svc.Organizations.Create(r.Ctx, tenancy.NewOrganization{DisplayName: "Other"})
		r.NoError(err)
	}
	calls := servicetest.Repeat(wanting, func(i int) error {
		if i < len(others) {
			_, err := r.Svc.Organizations.Update(r.Ctx, others[i].ID, tenancy.OrganizationUpdate{Slug: &slug})
			return err
		}
		_, err := r.Svc.Organizations.Create(r.Ctx, tenancy.NewOrganization{DisplayName: "New", Slug: slug})
		return err
	})
	codes := r.Together(append(calls, func() error {
		if n%2 == 0 {
			return r.Svc.Organizations.Delete(r.Ctx, org.ID)
		}
		_, err := r.Svc.Organizations.Update(r.Ctx, org.ID, tenancy.OrganizationUpdate{Slug: servicetest.Ptr("")})
		return err
	})...)
	return servicetest.Count(codes, tenancy.ErrAlreadyExists) == wanting && servicetest.Count(codes, "") == 1
}

// slugFree: 64 want a slug that is reserved no longer; one gets it.
func slugFree(r *race, n int) bool {
	const wanting = 64
	slug := fmt.Sprintf("free-%d", n)
	org, err := r.Svc.Organizations.Create(r.Ctx, tenancy.NewOrganization{DisplayName: "Race", Slug: slug})
	r.NoError(err)
	r.NoError(r.Svc.Organizations.Delete(r.Ctx, org.ID))
	r.NoError(r.Svc.Organizations.ReleaseSlug(r.Ctx, slug))
	codes := r.Together(servicetest.Repeat(wanting, func(int) error {
		_, err := r.Svc.Organizations.Create(r.Ctx, tenancy.NewOrganization{DisplayName: "New", Slug: slug})
		return err
	})...)
	return servicetest.Count(codes, tenancy.ErrAlreadyExists) == wanting-1 && servicetest.Count(codes, "") == 1
}

// foundingSlug: 32 accept invitations to found an organization with the same slug; each organization
// gets one of its own, except those after "...-20", which get none.
func foundingSlug(r *race, n int) bool {
	const invited = 32
	slug := fmt.Sprintf("founded-%d", n)
	calls := make([]func() error, invited)
	for i := range calls {
		user, err := r.Svc.Users.Create(r.Ctx, tenancy.NewUser{Email: fmt.Sprintf("founder-%d-%d@mail.example", n, i), EmailVerified: true})
		r.NoError(err)
		sent, err := r.Svc.Invitations.Send(r.Ctx, tenancy.NewInvitation{
			Email: user.Email, Found: &tenancy.NewOrganization{DisplayName: "Founded", Slug: slug},
		})
		r.NoError(err)
		calls[i] = func() error {
			_, err := r.Svc.Invitations.Accept(r.Ctx, sent.Token.Reveal(), user.ID)
			return err
		}
	}
	codes := r.Together(calls...)
	for number := 2; number <= 20; number++ {
		_, err := r.Svc.Organizations.GetBySlug(r.Ctx, fmt.Sprintf("%s-%d", slug, number))
		r.NoError(err)
	}
	return servicetest.Count(codes, "") == invited
}
