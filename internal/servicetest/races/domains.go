package races

import (
	"fmt"

	"github.com/freehold-dev/freehold/domains"
	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/tenancy"
)

// holders are those of the claims that are verified.
func (r *race) holders(claims []tenancy.Domain) (held []tenancy.Domain) {
	for _, d := range claims {
		d, err := r.Svc.Domains.Get(r.Ctx, d.OrganizationID, d.ID)
		r.NoError(err)
		if d.State == tenancy.DomainVerified {
			held = append(held, d)
		}
	}
	return held
}

// owner is the organization that the domain belongs to.
func (r *race) owner(name string) tenancy.OrganizationID {
	d, err := r.Svc.Domains.Owner(r.Ctx, "somebody@"+name)
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
	claims := r.Claims(wanting, name)
	codes := r.Together(servicetest.Repeat(wanting, func(i int) error {
		d := claims[i]
		if i%4 == 3 {
			_, err := r.Svc.Domains.MarkVerified(r.Ctx, d.OrganizationID, d.ID)
			return err
		}
		_, err := r.Svc.Domains.Verify(r.Ctx, d.OrganizationID, d.ID, domains.MethodDNS)
		return err
	})...)
	held := r.holders(claims)
	return servicetest.Count(codes, "") == 1 && servicetest.Count(codes, tenancy.ErrDomainTaken) == wanting-1 &&
		len(held) == 1 && r.owner(name) == held[0].OrganizationID
}

// woken: an organization is restored while others verify the domain that it held; one
// has it in the end, and whoever was told so is that one.
func woken(r *race, n int) bool {
	name := fmt.Sprintf("woken%d.example", n)
	claims := r.Claims(4, name)
	old := claims[0]
	_, err := r.Svc.Domains.Verify(r.Ctx, old.OrganizationID, old.ID, domains.MethodDNS)
	r.NoError(err)
	_, err = r.Svc.Organizations.Archive(r.Ctx, old.OrganizationID)
	r.NoError(err)
	var done tenancy.Restored
	calls := servicetest.Repeat(3, func(i int) error {
		d := claims[i+1]
		_, err := r.Svc.Domains.Verify(r.Ctx, d.OrganizationID, d.ID, domains.MethodDNS)
		return err
	})
	codes := r.Together(append(calls, func() (err error) {
		done, err = r.Svc.Organizations.Restore(r.Ctx, old.OrganizationID)
		return err
	})...)
	held := r.holders(claims)
	others := servicetest.Count(codes[:3], "")
	return len(held) == 1 && codes[3] == "" && others+servicetest.Count(codes[:3], tenancy.ErrDomainTaken) == 3 &&
		others <= 1 && len(done.TakenDomains) == others && (others == 0) == (held[0].ID == old.ID)
}

// archivedMeanwhile: an organization is archived while it verifies its domains; it
// holds none of them afterwards.
func archivedMeanwhile(r *race, n int) bool {
	name := fmt.Sprintf("archived%d.example", n)
	claim := r.Claims(1, name)[0]
	codes := r.Together(
		func() error {
			_, err := r.Svc.Domains.Verify(r.Ctx, claim.OrganizationID, claim.ID, domains.MethodDNS)
			return err
		},
		func() error { _, err := r.Svc.Organizations.Archive(r.Ctx, claim.OrganizationID); return err },
	)
	return codes[1] == "" && servicetest.Count(codes[:1], "")+servicetest.Count(codes[:1], tenancy.ErrOrganizationClosed) == 1 &&
		len(r.holders([]tenancy.Domain{claim})) == 0 && r.owner(name).IsZero()
}

// recheckedByMany: several processes recheck a domain and a claim that are due; each is
// looked at once, and is whole.
func recheckedByMany(r *race, n int) bool {
	name := fmt.Sprintf("rechecked%d.example", n)
	claims := r.Claims(2, name)
	held, err := r.Svc.Domains.Verify(r.Ctx, claims[0].OrganizationID, claims[0].ID, domains.MethodFile)
	r.NoError(err)
	codes := r.Together(servicetest.Repeat(8, func(int) error { _, err := r.Later.Domains.Recheck(r.Ctx); return err })...)
	got, err := r.Svc.Domains.Get(r.Ctx, held.OrganizationID, held.ID)
	r.NoError(err)
	late, err := r.Svc.Domains.Get(r.Ctx, claims[1].OrganizationID, claims[1].ID)
	r.NoError(err)
	return servicetest.Count(codes, "") == len(codes) && got.State == tenancy.DomainVerified && got.ProvedAt.After(held.ProvedAt) &&
		got.Version == held.Version+2 && late.State == tenancy.DomainFailed && late.Version == claims[1].Version+1
}

// soughtByMany: several processes look for the proof of a claim that is due; it becomes a
// verified one once.
func soughtByMany(r *race, n int) bool {
	claim := r.Claims(1, fmt.Sprintf("sought%d.example", n))[0]
	soon := r.Soon
	codes := r.Together(servicetest.Repeat(8, func(int) error { _, err := soon.Domains.Recheck(r.Ctx); return err })...)
	got, err := r.Svc.Domains.Get(r.Ctx, claim.OrganizationID, claim.ID)
	r.NoError(err)
	return servicetest.Count(codes, "") == len(codes) && got.State == tenancy.DomainVerified && got.Version == claim.Version+1
}

// manyClaims: an organization, and a person in organizations of theirs, claim 16 domains at
// once, where an hour has 10.
func manyClaims(r *race, n int) bool {
	const wanting, have = 16, 10
	owner := r.User("claims", n)
	person := r.Strict.As(tenancy.UserPrincipal(owner.ID))
	one, own := r.Org(owner), make([]tenancy.Organization, wanting)
	for i := range own {
		own[i] = r.Org(owner)
	}
	claim := func(svc *tenancy.Service, org tenancy.Organization, i int) error {
		_, err := svc.Domains.Claim(r.Ctx, tenancy.NewDomain{OrganizationID: org.ID, Name: fmt.Sprintf("claim%d-%d.example", n, i)})
		return err
	}
	inOne := r.Together(servicetest.Repeat(wanting, func(i int) error { return claim(r.Strict, one, i) })...)
	inOwn := r.Together(servicetest.Repeat(wanting, func(i int) error { return claim(person, own[i], i) })...)
	return servicetest.Count(inOne, "") == have && servicetest.Count(inOne, tenancy.ErrRateLimited) == wanting-have &&
		servicetest.Count(inOwn, "") == have && servicetest.Count(inOwn, tenancy.ErrRateLimited) == wanting-have
}

// manyVerify: of many who ask for a look at one claim, one has it.
func manyVerify(r *race, n int) bool {
	const asking = 16
	claim := r.Claims(1, fmt.Sprintf("asked%d.example", n))[0]
	codes := r.Together(servicetest.Repeat(asking, func(int) error {
		_, err := r.Strict.Domains.Verify(r.Ctx, claim.OrganizationID, claim.ID, domains.MethodDNS)
		return err
	})...)
	return servicetest.Count(codes, "") == 1 && servicetest.Count(codes, tenancy.ErrRateLimited) == asking-1
}
