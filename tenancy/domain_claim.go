package tenancy

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/freehold-dev/freehold/domains"
	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/typed"
)

// domainProofFor is how long a claim may wait for its proof, and how long a proof is good until it is
// checked again (rules D3, D5, O2).
const domainProofFor = 30 * 24 * time.Hour

// Claim makes an organization's claim to a domain (rule D3). The claim is pending: it has no effect, and
// fails if it is not proved within 30 days. Publish what Challenge returns. Run looks for the DNS record 1,
// 5 and 30 minutes, 2 and 6 hours after the claim, and then each day; Verify looks at once. Other
// organizations may claim the same name. If one of them has verified it, it keeps it.
//
// Errors: [ErrInvalid] with the field ("name" for what is no domain of one's own, and for
// a special-use name without Config.AllowTestDomains; "joining", "role", and "domains"
// beyond Limits.DomainClaims); [ErrPublicEmailDomain]; [ErrRateLimited] with the field
// "domains" beyond Limits.NewClaims in an hour, released ones included;
// [ErrAlreadyExists] with the field "name", or "id"; [ErrUnknownRole]; [ErrNotFound] for the
// organization; [ErrOrganizationClosed] where that is archived; [ErrForbidden]; for a
// Verified one [ErrDomainTaken].
func (g Domains) Claim(ctx context.Context, in NewDomain) (Domain, error) {
	return g.one(ctx, domainsClaim, in.Name, func(ctx context.Context, c *call) (Domain, error) {
		if err := c.access().mayLock(ctx, scope{organization: in.OrganizationID}); err != nil {
			return Domain{}, err
		}
		if err := c.roles().lockDeclared(ctx, in.Role); err != nil {
			return Domain{}, err
		}
		locks := []store.LockKey{lockOrganization(in.OrganizationID)}
		if p := c.service.principal; p != nil && !p.user.IsZero() { // their claims are counted per person, too
			locks = append(locks, lockUser(p.user))
		}
		if err := c.lock(ctx, locks...); err != nil {
			return Domain{}, err
		}
		if err := c.access().authorize(ctx, scope{organization: in.OrganizationID}); err != nil {
			return Domain{}, err
		}
		org, err := c.tx.Organizations().Get(ctx, in.OrganizationID)
		if err != nil {
			return Domain{}, err
		}
		if err := c.access().hostOnly(domainHostInputs(in)...); err != nil {
			return Domain{}, err
		}
		d := Domain{Joining: cmp.Or(in.Joining, JoiningOff), Role: in.Role}
		if err := c.domains().mayJoin(ctx, org, Domain{Joining: JoiningOff}, d); err != nil {
			return Domain{}, err
		}
		return c.domains().claim(ctx, org, in)
	})
}

// domainHostInputs returns the inputs of a claim that only the host may give (rule A4).
func domainHostInputs(in NewDomain) []input {
	return []input{{"id", !in.ID.IsZero()}, {"verified", in.Verified}, {"subdomains", in.Subdomains}}
}

// one runs a change of one claim, and returns the claim as it reads afterwards.
func (g Domains) one(ctx context.Context, method *Method, key string, fn func(ctx context.Context, c *call) (Domain, error)) (Domain, error) {
	return write(ctx, g.s, method, key, func(ctx context.Context, c *call) (Domain, error) {
		d, err := fn(ctx, c)
		if err != nil {
			return Domain{}, err
		}
		if err := c.domains().resolveState(ctx, &d); err != nil {
			return Domain{}, err
		}
		return d, nil
	})
}

// claim makes a claim. The caller holds the organization's lock.
func (dm domainRules) claim(ctx context.Context, org Organization, in NewDomain) (Domain, error) {
	if !org.ArchivedAt.IsZero() {
		return Domain{}, &Error{Code: ErrOrganizationClosed}
	}
	d := Domain{
		ID: newID(dm.c, in.ID), Version: 1, OrganizationID: org.ID, State: DomainPending, DueAt: dm.c.now.Add(domainProofFor),
		CreatedAt: dm.c.now, UpdatedAt: dm.c.now,
	}
	var err error
	if d.Name, err = dm.c.instance.config.domain("name", in.Name); err != nil {
		return Domain{}, err
	}
	joining := cmp.Or(in.Joining, JoiningOff)
	if err := dm.setJoining(ctx, &d, &joining, &in.Role); err != nil {
		return Domain{}, err
	}
	if in.Subdomains && !in.Verified {
		return Domain{}, invalid("subdomains", "is for a verified domain")
	}
	if err := dm.mayClaim(ctx, org.ID, d.Name); err != nil {
		return Domain{}, err
	}
	if d.Challenge, err = newChallenge(dm.c.instance.config.Rand); err != nil {
		return Domain{}, err
	}
	kind := EventDomainClaimed
	if in.Verified {
		kind = EventDomainVerified
		if err := dm.lockFree(ctx, d); err != nil {
			return Domain{}, err
		}
		d.proved(dm.c.now, "")
		d.Subdomains = in.Subdomains
	} else if err := dm.admitClaim(ctx, org.ID); err != nil {
		return Domain{}, err
	}
	if err := dm.c.tx.Domains().Insert(ctx, d); err != nil {
		return Domain{}, err
	}
	if !in.Verified {
		if err := dm.countClaim(ctx, d); err != nil {
			return Domain{}, err
		}
	}
	return d, dm.c.record(ctx, newEvent{kind: kind, organization: org.ID, subject: d.ID.String(), data: d})
}

// claimAll makes the claims of an organization that is being created (rule O1).
func (dm domainRules) claimAll(ctx context.Context, org Organization, all []NewDomain) error {
	for _, in := range all {
		if !in.OrganizationID.IsZero() {
			return invalid("domains", "name an organization, which is the new one")
		}
		if _, err := dm.claim(ctx, org, in); err != nil {
			return err
		}
	}
	return nil
}

// domain returns a name that can be claimed, in its normal form (rules D1, D2, D4).
func (c *Config) domain(field, s string) (string, error) {
	name, err := domainName(field, s)
	if err == nil && c.PublicEmail.Contains(name) {
		err = &Error{Code: ErrPublicEmailDomain, Field: field, Key: name}
	}
	if err == nil {
		err = c.ownable(field, name)
	}
	return name, err
}

// ownable refuses a name in normal form that nobody can own, wherever it leads on this program's network
// (rule D4).
func (c *Config) ownable(field, name string) error {
	if !c.AllowTestDomains && domains.SpecialUse(name) {
		return invalid(field, "is a special-use name, which nobody owns")
	}
	return nil
}

func domainName(field, s string) (string, error) {
	name, err := domains.Normalize(strings.TrimSpace(s))
	if err != nil {
		return "", &Error{Code: ErrInvalid, Field: field, Reason: "is refused: " + err.Error(), Err: err}
	}
	return name, nil
}

// mayClaim refuses a name that the organization has already claimed, and more claims than it may have.
func (dm domainRules) mayClaim(ctx context.Context, org OrganizationID, name string) error {
	own := domainFilter{OrganizationID: typed.Of(org)}
	n, err := dm.c.tx.Domains().Count(ctx, own)
	if err != nil {
		return err
	}
	if most := dm.c.instance.config.Limits.DomainClaims; n >= most {
		return invalid("domains", fmt.Sprintf("are %d already, at most %d", n, most))
	}
	own.Name = typed.Of(name)
	if n, err = dm.c.tx.Domains().Count(ctx, own); err == nil && n > 0 {
		err = &Error{Code: ErrAlreadyExists, Kind: "domain", Key: name, Field: "name"}
	}
	return err
}

// setJoining changes what a domain does for people who sign in with an address on it. The role must not
// manage the organization, because nobody decides who gets it (rule R3).
func (dm domainRules) setJoining(ctx context.Context, d *Domain, joining *DomainJoining, role *string) error {
	if joining != nil {
		if !joining.known() {
			return invalid("joining", "is no way of joining")
		}
		d.Joining = *joining
	}
	if role != nil {
		if err := dm.c.roles().automatic(ctx, d.OrganizationID, "role", *role); err != nil {
			return err
		}
		d.Role = *role
	}
	return nil
}

// newChallenge makes the random token of a claim. The token is published later. Because nobody can guess
// it, nobody can have published it before the claim.
func newChallenge(random io.Reader) (string, error) {
	b := make([]byte, tokenBytes)
	if _, err := io.ReadFull(random, b); err != nil {
		return "", fmt.Errorf("read randomness: %w", err)
	}
	return tokenText.EncodeToString(b), nil
}
