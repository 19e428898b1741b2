package servicetest

import (
	"fmt"

	"github.com/freehold-dev/freehold/domains"
	"github.com/freehold-dev/freehold/tenancy"
)

// claims makes n organizations that claim one domain each.
func (r *race) claims(n int, name string) []tenancy.Domain {
	all := make([]tenancy.Domain, n)
	for i := range all {
		org, err := r.svc.Organizations.Create(r.ctx, tenancy.NewOrganization{DisplayName: "Race"})
		r.NoError(err)
		all[i], err = r.svc.Domains.Claim(r.ctx, tenancy.NewDomain{OrganizationID: org.ID, Name: name})
		r.NoError(err)
	}
	return all
}

// holders are those of the claims that are verified.
func (r *race) holders(claims []tenancy.Domain) (held []tenancy.Domain) {
	for _, d := range claims {
		d, err := r.svc.Domains.Get(r.ctx, d.OrganizationID, d.ID)
		r.NoError(err)
		if d.State == tenancy.DomainVerified {
			held = append(held, d)
		}
	}
	return held
}

// owner is the organization that the domain belongs to.
func (r *race) owner(name string) tenancy.OrganizationID {
	d, err := r.svc.Domains.Owner(r.ctx, "somebody@"+name)
	if tenancy.CodeOf(err) != tenancy.ErrNotFound {
		r.NoError(err)
	}
	return d.OrganizationID
}

// oneDomain: 32 organizations verify one domain, by proof and by the host's word; one
// holds it, and the others hear that it is taken.
func oneDomain(r *race, n int) bool {
	const wanting = 32
	name := fmt.Sprintf("one%d.example", n)
	claims := r.claims(wanting, name)
	codes := r.together(repeat(wanting, func(i int) error {
		d := claims[i]
		if i%4 == 3 {
			_, err := r.svc.Domains.MarkVerified(r.ctx, d.OrganizationID, d.ID)
			return err
		}
		_, err := r.svc.Domains.Verify(r.ctx, d.OrganizationID, d.ID, domains.MethodDNS)
		return err
	})...)
	held := r.holders(claims)
	return count(codes, "") == 1 && count(codes, tenancy.ErrDomainTaken) == wanting-1 &&
		len(held) == 1 && r.owner(name) == held[0].OrganizationID
}

// woken: an organization is restored while others verify the domain that it held; one
// has it in the end, and whoever was told so is that one.
func woken(r *race, n int) bool {
	name := fmt.Sprintf("woken%d.example", n)
	claims := r.claims(4, name)
	old := claims[0]
	_, err := r.svc.Domains.Verify(r.ctx, old.OrganizationID, old.ID, domains.MethodDNS)
	r.NoError(err)
	_, err = r.svc.Organizations.Archive(r.ctx, old.OrganizationID)
	r.NoError(err)
	var done tenancy.Restored
	calls := repeat(3, func(i int) error {
		d := claims[i+1]
		_, err := r.svc.Domains.Verify(r.ctx, d.OrganizationID, d.ID, domains.MethodDNS)
		return err
	})
	codes := r.together(append(calls, func() (err error) {
		done, err = r.svc.Organizations.Restore(r.ctx, old.OrganizationID)
		return err
	})...)
	held := r.holders(claims)
	others := count(codes[:3], "")
	return len(held) == 1 && codes[3] == "" && others+count(codes[:3], tenancy.ErrDomainTaken) == 3 &&
		others <= 1 && len(done.TakenDomains) == others && (others == 0) == (held[0].ID == old.ID)
}

// archivedMeanwhile: an organization is archived while it verifies its domains; it
// holds none of them afterwards.
func archivedMeanwhile(r *race, n int) bool {
	name := fmt.Sprintf("archived%d.example", n)
	claim := r.claims(1, name)[0]
	codes := r.together(
		func() error {
			_, err := r.svc.Domains.Verify(r.ctx, claim.OrganizationID, claim.ID, domains.MethodDNS)
			return err
		},
		func() error { _, err := r.svc.Organizations.Archive(r.ctx, claim.OrganizationID); return err },
	)
	return codes[1] == "" && count(codes[:1], "")+count(codes[:1], tenancy.ErrOrganizationClosed) == 1 &&
		len(r.holders([]tenancy.Domain{claim})) == 0 && r.owner(name).IsZero()
}

// recheckedByMany: several processes recheck a domain and a claim that are due; each is
// looked at once, and is whole.
func recheckedByMany(r *race, n int) bool {
	name := fmt.Sprintf("rechecked%d.example", n)
	claims := r.claims(2, name)
	held, err := r.svc.Domains.Verify(r.ctx, claims[0].OrganizationID, claims[0].ID, domains.MethodFile)
	r.NoError(err)
	codes := r.together(repeat(8, func(int) error { _, err := r.later.Domains.Recheck(r.ctx); return err })...)
	got, err := r.svc.Domains.Get(r.ctx, held.OrganizationID, held.ID)
	r.NoError(err)
	late, err := r.svc.Domains.Get(r.ctx, claims[1].OrganizationID, claims[1].ID)
	r.NoError(err)
	return count(codes, "") == len(codes) && got.State == tenancy.DomainVerified && got.ProvedAt.After(held.ProvedAt) &&
		got.Version == held.Version+2 && late.State == tenancy.DomainFailed && late.Version == claims[1].Version+1
}
