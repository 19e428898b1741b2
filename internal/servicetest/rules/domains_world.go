package rules

import (
	"github.com/freehold-dev/freehold/domains"
	"github.com/freehold-dev/freehold/tenancy"
)

// unknown is what a look says that settles nothing.
var unknown = domains.Finding{Outcome: domains.Unknown, Reason: domains.ReasonTimeout}

// vouched makes a domain verified by the host's word.
func (w *world) vouched(org tenancy.OrganizationID, name string) tenancy.Domain {
	w.T.Helper()
	d, err := w.Svc.Domains.Claim(w.Ctx, tenancy.NewDomain{OrganizationID: org, Name: name, Verified: true})
	w.NoError(err)
	return d
}

// domain reads a claim back.
func (w *world) domain(d tenancy.Domain) tenancy.Domain {
	w.T.Helper()
	d, err := w.Svc.Domains.Get(w.Ctx, d.OrganizationID, d.ID)
	w.NoError(err)
	return d
}

// owner says which organization an address belongs to; zero: none.
func (w *world) owner(address string) tenancy.OrganizationID {
	w.T.Helper()
	d, err := w.Svc.Domains.Owner(w.Ctx, address)
	if tenancy.CodeOf(err) == tenancy.ErrNotFound {
		return tenancy.OrganizationID{}
	}
	w.NoError(err)
	return d.OrganizationID
}

func (w *world) restore(org tenancy.Organization) tenancy.Restored {
	w.T.Helper()
	done, err := w.Svc.Organizations.Restore(w.Ctx, org.ID)
	w.NoError(err)
	return done
}

// recheck does all that is due.
func (w *world) recheck() int {
	w.T.Helper()
	for all := 0; ; {
		n, err := w.Svc.Domains.Recheck(w.Ctx)
		w.NoError(err)
		if n == 0 {
			return all
		}
		all += n
	}
}
