package tenancy

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/freehold-dev/freehold/store/typed"
)

// JoinCode lets anyone who has it into one organization, as often as it says (rule
// I7).
type JoinCode struct {
	ID             JoinCodeID     `json:"id"`                        // never changes
	Version        int64          `json:"version"`                   // counts changes from 1 (rule G11)
	OrganizationID OrganizationID `json:"organization_id"`           // where it lets people in
	Role           string         `json:"role,omitempty"`            // "" = the organization's default
	AllowedDomains []string       `json:"allowed_domains,omitempty"` // of the address of who uses it; none = any
	MaxUses        int            `json:"max_uses,omitempty"`        // 0 = no limit
	Uses           int            `json:"uses"`                      // how often it was used
	CreatorID      UserID         `json:"creator_id,omitzero"`       // zero: the host
	ExpiresAt      time.Time      `json:"expires_at,omitzero"`       // until when it can be used
	RevokedAt      time.Time      `json:"revoked_at,omitzero"`       // zero: not revoked
	CreatedAt      time.Time      `json:"created_at,omitzero"`       // when it was made
	UpdatedAt      time.Time      `json:"updated_at,omitzero"`       // when it last changed, with Version
	// Void says that a code which could be used lets nobody in, because who made it could not
	// make it now: they are no member any more, may not invite, or have less than its role. It is good
	// again when they may, and does not count for Limits.JoinCodes. Get and List fill it in.
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

// NewJoinCode is what Create needs: an OrganizationID; the rest may be empty.
type NewJoinCode struct {
	ID             JoinCodeID     // for imports; zero = a new one
	OrganizationID OrganizationID // where it lets people in
	Role           string         // "" = the organization's default, whatever it is by then
	AllowedDomains []string       // at most 100, none of free mail; none = an address on any
	MaxUses        int            // 0 = no limit
	For            time.Duration  // how long it stands: 1 hour to 365 days; 0 = 30 days
}

// IssuedJoinCode is a join code with its token, which is returned this once. Whoever has
// it gets in.
type IssuedJoinCode struct {
	JoinCode
	Token Token `json:"-"` // what people bring
}

// How long a join code stands.
const (
	joinCodeFor     = 30 * 24 * time.Hour
	joinCodeAtLeast = time.Hour
	joinCodeAtMost  = 365 * 24 * time.Hour
)

// Create makes a join code (rule I7). Its role is one that people get without anyone
// choosing it, so it may not manage the organization (rule R3), nor be above the
// actor's own.
//
// Errors: [ErrInvalid], also for a role that manages and for more than Limits.JoinCodes
// that stand; [ErrPublicEmailDomain] with the field "allowed_domains"; [ErrNotFound] for the
// organization; [ErrUnknownRole]; [ErrForbidden]; [ErrAlreadyExists] with the field "id".
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

// draftJoinCode is the join code that a NewJoinCode describes.
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

// oneMoreCode refuses more join codes than may stand at once.
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

// openCodes selects the join codes of an organization that stand.
func (jn joinRules) openCodes(id OrganizationID) joinCodeFilter {
	return joinCodeFilter{OpenFor: typed.Of(id), DueAfter: jn.c.now}
}

// openFor is the organization that a code leads into unless it has run out; zero once it is
// revoked or used up. The codes that stand are counted by it without being read: each may name a
// hundred domains (rule G9).
func (c JoinCode) openFor() OrganizationID {
	if !c.RevokedAt.IsZero() || c.MaxUses > 0 && c.Uses >= c.MaxUses {
		return OrganizationID{}
	}
	return c.OrganizationID
}

// checkUsable refuses a code that lets nobody in any more, with the code of why.
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
	return &Error{Code: code, Kind: "join code"} // whose id the bearer does not know
}

// Revoke makes a join code let nobody in any more. Who came by it stays. Revoking twice
// changes nothing.
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

// Get gives a join code, or [ErrNotFound].
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

// List gives a page of an organization's join codes, without their tokens.
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

// All walks the join codes that List would give, page by page.
func (g JoinCodes) All(ctx context.Context, organization OrganizationID, q JoinCodeQuery) iter.Seq2[JoinCode, error] {
	return pages(func(cursor string) (Page[JoinCode], error) {
		q := q
		q.Cursor = cursor
		return g.List(ctx, organization, q)
	}, q.Cursor)
}
