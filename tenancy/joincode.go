package tenancy

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/freehold-dev/freehold/store/typed"
)

// JoinCode is a secret that lets everybody who has it join one organization, up to MaxUses times (rule I7).
type JoinCode struct {
	ID             JoinCodeID     `json:"id"`                        // never changes
	Version        int64          `json:"version"`                   // counts changes from 1 (rule G11)
	OrganizationID OrganizationID `json:"organization_id"`           // the organization that it leads into
	Role           string         `json:"role,omitempty"`            // "" = the organization's default
	AllowedDomains []string       `json:"allowed_domains,omitempty"` // domains that the user's address may be on; none = any
	MaxUses        int            `json:"max_uses,omitempty"`        // 0 = no limit
	Uses           int            `json:"uses"`                      // how often people have used it
	CreatorID      UserID         `json:"creator_id,omitzero"`       // the user who made it; zero: the host
	ExpiresAt      time.Time      `json:"expires_at,omitzero"`       // when it stops working
	RevokedAt      time.Time      `json:"revoked_at,omitzero"`       // when it was revoked; zero: it is not revoked
	CreatedAt      time.Time      `json:"created_at,omitzero"`       // when it was created
	UpdatedAt      time.Time      `json:"updated_at,omitzero"`       // when it last changed, with Version
	// Void says that the code lets nobody in at the moment, because its creator could not create it now: the
	// creator is not a member any more, may not invite, or holds less than its role. The code works again as
	// soon as the creator may create it again. A void code does not count for Limits.JoinCodes. Get and List
	// fill Void in.
	Void bool `json:"void,omitempty"`
}

// JoinCodeID is the id of a join code, jcd_...
type JoinCodeID = ID[JoinCode]

func (JoinCode) idPrefix() string { return "jcd" }

func (c JoinCode) rowID() [16]byte { return c.ID }

func (c *JoinCode) stamps() (*int64, *time.Time) { return &c.Version, &c.UpdatedAt }

func (c *JoinCode) event(kind EventType) newEvent {
	return newEvent{kind: kind, organization: c.OrganizationID, subject: c.ID.String(), data: *c}
}

// JoinCodes is the group of methods on join codes.
type JoinCodes struct{ s *Service }

// NewJoinCode is the input of [JoinCodes.Create]. OrganizationID is required; the other fields may be empty.
type NewJoinCode struct {
	ID             JoinCodeID     // for imports; zero = a new one
	OrganizationID OrganizationID // the organization that it leads into
	Role           string         // "" = the default role that the organization has at the time of use
	AllowedDomains []string       // at most 100, without free-mail domains; none = an address on any domain
	MaxUses        int            // 0 = no limit
	For            time.Duration  // how long it works: 1 hour to 365 days; 0 = 30 days
}

// IssuedJoinCode is a new join code with its token. No other call returns the token. Everybody who has the
// token can join.
type IssuedJoinCode struct {
	JoinCode
	Token Token `json:"-"` // the secret that people present to join
}

// The shortest, the longest and the default lifetime of a join code.
const (
	joinCodeFor     = 30 * 24 * time.Hour
	joinCodeAtLeast = time.Hour
	joinCodeAtMost  = 365 * 24 * time.Hour
)

// Create makes a join code for an organization (rule I7). A code gives its role without anybody's choice, so
// the role may not manage the organization (rule R3). It may not be above the actor's own roles either.
//
// Errors: [ErrInvalid], also for a role that manages the organization, and where Limits.JoinCodes open codes
// exist; [ErrPublicEmailDomain] with the field "allowed_domains"; [ErrNotFound] for the organization;
// [ErrUnknownRole]; [ErrForbidden]; [ErrAlreadyExists] with the field "id".
func (g JoinCodes) Create(ctx context.Context, in NewJoinCode) (IssuedJoinCode, error) {
	return write(ctx, g.s, joinCodesCreate, in.OrganizationID.String(), func(ctx context.Context, c *call) (IssuedJoinCode, error) {
		return c.joining().createJoinCode(ctx, in)
	})
}

func (jn joinRules) createJoinCode(ctx context.Context, in NewJoinCode) (IssuedJoinCode, error) {
	code, err := jn.draftJoinCode(in)
	if err != nil {
		return IssuedJoinCode{}, err
	}
	if err := jn.c.access().mayLock(ctx, scope{organization: in.OrganizationID}); err != nil {
		return IssuedJoinCode{}, err
	}
	if err := jn.c.roles().lockDeclared(ctx, in.Role); err != nil {
		return IssuedJoinCode{}, err
	}
	if err := jn.c.lock(ctx, lockOrganization(in.OrganizationID)); err != nil {
		return IssuedJoinCode{}, err
	}
	if err := jn.c.access().authorize(ctx, scope{organization: in.OrganizationID}); err != nil {
		return IssuedJoinCode{}, err
	}
	if err := jn.c.access().hostOnly(input{"id", !in.ID.IsZero()}); err != nil {
		return IssuedJoinCode{}, err
	}
	org, err := jn.c.tx.Organizations().Get(ctx, in.OrganizationID)
	if err != nil {
		return IssuedJoinCode{}, err
	}
	if err := jn.c.roles().automatic(ctx, org.ID, "role", in.Role); err != nil {
		return IssuedJoinCode{}, err
	}
	if err := jn.c.access().mayGive(ctx, org.ID, cmp.Or(in.Role, jn.c.roles().fallbackRole(org))); err != nil {
		return IssuedJoinCode{}, err
	}
	if err := jn.oneMoreCode(ctx, org); err != nil {
		return IssuedJoinCode{}, err
	}
	if err := jn.c.tx.JoinCodes().Insert(ctx, code); err != nil {
		return IssuedJoinCode{}, err
	}
	token, err := jn.c.issue(ctx, storedSecret{Kind: secretJoinCode, Subject: code.ID.String(), ExpiresAt: code.ExpiresAt})
	if err != nil {
		return IssuedJoinCode{}, err
	}
	return IssuedJoinCode{code, token}, jn.c.record(ctx, code.event(EventJoinCodeCreated))
}

// draftJoinCode makes the join code that a NewJoinCode describes.
func (jn joinRules) draftJoinCode(in NewJoinCode) (JoinCode, error) {
	lasts := cmp.Or(in.For, joinCodeFor)
	if lasts < joinCodeAtLeast || lasts > joinCodeAtMost {
		return JoinCode{}, invalid("for", fmt.Sprintf("is %s, want %s to %s", lasts, joinCodeAtLeast, joinCodeAtMost))
	}
	if in.MaxUses < 0 {
		return JoinCode{}, invalid("max_uses", "is negative")
	}
	names, err := emailDomains("allowed_domains", in.AllowedDomains, jn.c.instance.config.domain)
	return JoinCode{
		ID: newID(jn.c, in.ID), Version: 1, OrganizationID: in.OrganizationID, Role: in.Role, AllowedDomains: names,
		MaxUses: in.MaxUses, CreatorID: jn.c.invitations().inviter(), ExpiresAt: jn.c.now.Add(lasts), CreatedAt: jn.c.now, UpdatedAt: jn.c.now,
	}, err
}

// oneMoreCode refuses a new join code where the organization has as many open ones as Limits.JoinCodes allows.
func (jn joinRules) oneMoreCode(ctx context.Context, org Organization) error {
	most := jn.c.instance.config.Limits.JoinCodes
	n, err := jn.c.tx.JoinCodes().Count(ctx, jn.openCodes(org.ID))
	if err != nil || n < most {
		return err
	}
	void, err := jn.c.invitations().countVoidCodes(ctx, org)
	if n -= void; err == nil && n >= most {
		err = invalid("organization", fmt.Sprintf("has %d join codes, at most %d", n, most))
	}
	return err
}

// openCodes selects the open join codes of an organization: those that are not revoked, used up or expired.
func (jn joinRules) openCodes(id OrganizationID) joinCodeFilter {
	return joinCodeFilter{OpenFor: typed.Of(id), DueAfter: jn.c.now}
}

// openFor returns the organization that the code leads into, or zero once the code is revoked or used up. It
// ignores expiry. The store keeps it in a column, so open codes are counted without reading them: each code may
// name a hundred domains (rule G9).
func (c JoinCode) openFor() OrganizationID {
	if !c.RevokedAt.IsZero() || c.MaxUses > 0 && c.Uses >= c.MaxUses {
		return OrganizationID{}
	}
	return c.OrganizationID
}

// checkUsable returns an error with the reason where a code lets nobody in any more.
func (c JoinCode) checkUsable(now time.Time) error {
	var code Code
	switch {
	case !c.RevokedAt.IsZero():
		code = ErrJoinCodeRevoked
	case !now.Before(c.ExpiresAt):
		code = ErrJoinCodeExpired
	case c.MaxUses > 0 && c.Uses >= c.MaxUses:
		code = ErrJoinCodeSpent
	default:
		return nil
	}
	return &Error{Code: code, Kind: "join code"} // without a key: the bearer does not know the code's id
}

// Revoke ends a join code. Members who joined with it stay. To revoke a code twice changes nothing.
//
// Errors: [ErrNotFound].
func (g JoinCodes) Revoke(ctx context.Context, id JoinCodeID) (JoinCode, error) {
	return write(ctx, g.s, joinCodesRevoke, id.String(), func(ctx context.Context, c *call) (JoinCode, error) {
		code, err := underLock(ctx, c, func() (JoinCode, error) { return c.joining().authorizedCode(ctx, id) }, func(code JoinCode) error {
			return c.lock(ctx, lockOrganization(code.OrganizationID))
		})
		if err != nil || !code.RevokedAt.IsZero() {
			return code, err
		}
		before := code
		code.RevokedAt = c.now
		if err := save(ctx, c, c.tx.JoinCodes().Update, before, &code, EventJoinCodeRevoked); err != nil {
			return JoinCode{}, err
		}
		return code, nil
	})
}

// authorizedCode reads a join code for the actor, as [invitationRules.authorizedInvitation] does an invitation.
func (jn joinRules) authorizedCode(ctx context.Context, id JoinCodeID) (JoinCode, error) {
	code, err := jn.c.tx.JoinCodes().Get(ctx, id)
	missing := notFound(id)
	switch {
	case CodeOf(err) == ErrNotFound:
		return JoinCode{}, jn.c.access().absent(ctx, missing)
	case err != nil:
		return JoinCode{}, err
	}
	return code, jn.c.access().authorize(ctx, scope{organization: code.OrganizationID, missing: missing})
}

// Get returns a join code.
//
// Errors: [ErrNotFound].
func (g JoinCodes) Get(ctx context.Context, id JoinCodeID) (JoinCode, error) {
	return read(ctx, g.s, joinCodesGet, id.String(), func(ctx context.Context, c *call) (JoinCode, error) {
		code, err := c.joining().authorizedCode(ctx, id)
		if err != nil {
			return JoinCode{}, err
		}
		org, err := c.tx.Organizations().Get(ctx, code.OrganizationID)
		if err != nil {
			return JoinCode{}, err
		}
		code.Void, err = c.invitations().voids().isCode(ctx, code, org)
		return code, err
	})
}

// JoinCodeQuery selects join codes for List.
type JoinCodeQuery struct {
	Revoked    *bool  // nil = either
	Descending bool   // in reverse order
	Limit      int    // default 50, at most 1000
	Cursor     string // Next of the page before
}

// List returns a page of an organization's join codes, without their tokens.
//
// Errors: [ErrInvalid], [ErrInvalidCursor]; [ErrNotFound] for the organization.
func (g JoinCodes) List(ctx context.Context, organization OrganizationID, q JoinCodeQuery) (Page[JoinCode], error) {
	return read(ctx, g.s, joinCodesList, organization.String(), func(ctx context.Context, c *call) (Page[JoinCode], error) {
		if err := c.access().authorize(ctx, scope{organization: organization}); err != nil {
			return Page[JoinCode]{}, err
		}
		org, err := c.tx.Organizations().Get(ctx, organization)
		if err != nil {
			return Page[JoinCode]{}, err
		}
		filter := joinCodeFilter{OrganizationID: typed.Of(organization)}
		if q.Revoked != nil {
			filter.Revoked = typed.Of(*q.Revoked)
		}
		page, err := listPage(ctx, c.tx.JoinCodes(), filter, paging{ByID, q.Descending, q.Limit, q.Cursor},
			keyByID, "join codes", organization, filter.Revoked)
		v := c.invitations().voids()
		for i := 0; i < len(page.Items) && err == nil; i++ {
			page.Items[i].Void, err = v.isCode(ctx, page.Items[i], org)
		}
		return page, err
	})
}

// All walks the join codes that List returns, page by page.
func (g JoinCodes) All(ctx context.Context, organization OrganizationID, q JoinCodeQuery) iter.Seq2[JoinCode, error] {
	return pages(func(cursor string) (Page[JoinCode], error) {
		q := q
		q.Cursor = cursor
		return g.List(ctx, organization, q)
	}, q.Cursor)
}
