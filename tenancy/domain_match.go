package tenancy

import (
	"context"
	"strings"

	"github.com/freehold-dev/freehold/domains"
)

// Owner returns the verified domain that an email address is on, and with it the organization that owns the
// domain (rule D7). It looks at the address's domain and the names above it. The longest one counts that is
// verified, and that is either the domain itself or verified with its subdomains (rule D6).
//
// Errors: [ErrInvalid] with the field "email"; [ErrNotFound].
func (g Domains) Owner(ctx context.Context, email string) (Domain, error) {
	return read(ctx, g.s, domainsOwner, "", func(ctx context.Context, c *call) (Domain, error) {
		if err := c.access().authorize(ctx, scope{}); err != nil {
			return Domain{}, err
		}
		key, err := CanonicalEmail(email)
		if err != nil {
			return Domain{}, err
		}
		found, ok, err := c.domains().verifiedDomain(ctx, key)
		if err == nil && !ok {
			err = &Error{Code: ErrNotFound, Kind: "domain"}
		}
		return found, err
	})
}

// verifiedDomain returns the verified domain, of any organization, that a canonical address is on.
func (dm domainRules) verifiedDomain(ctx context.Context, emailKey string) (Domain, bool, error) {
	names := domains.Parents(emailDomain(emailKey))
	if len(names) == 0 {
		return Domain{}, false, nil
	}
	holders, err := dm.holders(ctx, names...)
	if err != nil {
		return Domain{}, false, err
	}
	d, ok := longestMatch(holders, names)
	return d, ok, nil
}

// longestMatch returns the domain that counts for a name. names are the name itself and those above it;
// holders has the verified ones.
func longestMatch(holders map[string]Domain, names []string) (Domain, bool) {
	for i, name := range names {
		if d, ok := holders[name]; ok && (i == 0 || d.Subdomains) {
			return d, true
		}
	}
	return Domain{}, false
}

// verifiedFor is [domainRules.verifiedDomain] if the domain belongs to this organization.
func (dm domainRules) verifiedFor(ctx context.Context, org OrganizationID, emailKey string) (Domain, bool, error) {
	d, ok, err := dm.verifiedDomain(ctx, emailKey)
	if err != nil || !ok || d.OrganizationID != org {
		return Domain{}, false, err
	}
	return d, true, nil
}

// emailDomain returns the domain of a canonical address.
func emailDomain(emailKey string) string {
	_, domain, _ := strings.Cut(emailKey, "@")
	return domain
}
