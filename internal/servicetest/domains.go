package servicetest

import (
	"strings"

	"github.com/freehold-dev/freehold/domains"
	"github.com/freehold-dev/freehold/tenancy"
)

// Claim makes a claim, which is pending.
func (w *World) Claim(org tenancy.OrganizationID, name string) tenancy.Domain {
	w.T.Helper()
	d, err := w.Svc.Domains.Claim(w.Ctx, tenancy.NewDomain{OrganizationID: org, Name: name})
	w.NoError(err)
	return d
}

// Verify proves a claim by DNS, or does not.
func (w *World) Verify(d tenancy.Domain) (tenancy.Domain, error) {
	return w.Svc.Domains.Verify(w.Ctx, d.OrganizationID, d.ID, domains.MethodDNS)
}

// Holds makes a claim and proves it, whatever the prover says otherwise.
func (w *World) Holds(org tenancy.OrganizationID, name string) tenancy.Domain {
	w.T.Helper()
	claim := w.Claim(org, name)
	says := w.Prover.Finding
	w.Prover.Finding = Proved
	d, err := w.Verify(claim)
	w.Prover.Finding = says
	w.NoError(err)
	return d
}

// DomainOf is what an address has after its at-sign.
func DomainOf(address string) string {
	_, domain, _ := strings.Cut(address, "@")
	return domain
}
