package tenancy

import (
	"context"
	"iter"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/freehold-dev/freehold/store/typed"
)

// InvitationQuery selects invitations for List and ListByUser.
type InvitationQuery struct {
	States      []InvitationState // the states as they read; nil = all (rule I3)
	EmailPrefix string            // the beginning of the canonical address; if set, the list is ordered by address
	Descending  bool              // in reverse order
	Limit       int               // default 50, at most 1000
	Cursor      string            // Next of the previous page
}

// filter selects at least what the query selects: until a sweep, an expired invitation is stored as
// pending. [InvitationQuery.keeps] drops the rest.
func (q InvitationQuery) filter(now time.Time) (f invitationFilter, err error) {
	if f.EmailPrefix, err = searchPrefix("email_prefix", q.EmailPrefix); err != nil || q.States == nil {
		return f, err
	}
	stored, err := someOf("states", q.States)
	if err != nil {
		return f, err
	}
	for _, state := range q.States {
		if !state.known() {
			return f, invalid("states", "has one that is none")
		}
	}
	pending, expired := slices.Contains(q.States, InvitationPending), slices.Contains(q.States, InvitationExpired)
	f.State = stored
	if !pending && (expired || slices.Contains(q.States, InvitationVoid)) {
		f.State = typed.Of(append(slices.Clone(q.States), InvitationPending)...)
	}
	if len(q.States) == 1 && pending {
		f.DueAfter = now
	}
	if len(q.States) == 1 && expired {
		f.DueBefore = now.Add(time.Microsecond)
	}
	return f, nil
}

func (q InvitationQuery) keeps(inv Invitation) bool {
	return q.States == nil || slices.Contains(q.States, inv.State)
}

func (q InvitationQuery) paging() paging {
	return paging{along(ByID, "", q.EmailPrefix), q.Descending, q.Limit, q.Cursor}
}

func invitationKey(inv *Invitation, order Order) typed.Place {
	key := typed.Place{ID: inv.ID}
	if order == ByEmail {
		key.Text = inv.EmailKey
	}
	return key
}

// Get returns an invitation, or [ErrNotFound].
func (g Invitations) Get(ctx context.Context, id InvitationID) (Invitation, error) {
	return read(ctx, g.s, invitationsGet, id.String(), func(ctx context.Context, c *call) (Invitation, error) {
		inv, err := c.invitations().authorizedInvitation(ctx, id)
		if err != nil {
			return Invitation{}, err
		}
		return c.invitations().voids().read(ctx, inv)
	})
}

// List returns a page of an organization's invitations. It shows all of them in the same way, whether or
// not an address belongs to a user (rule M2). The zero organization lists invitations into the application,
// for the host only. If States has states that depend on the time or on the inviter's rights, a page may be
// shorter than its limit.
//
// Errors: [ErrInvalid], [ErrInvalidCursor]; [ErrNotFound] for the organization.
func (g Invitations) List(ctx context.Context, organization OrganizationID, q InvitationQuery) (Page[Invitation], error) {
	return read(ctx, g.s, invitationsList, organization.String(), func(ctx context.Context, c *call) (Page[Invitation], error) {
		if err := c.access().authorize(ctx, scope{organization: organization}); err != nil {
			return Page[Invitation]{}, err
		}
		if !organization.IsZero() {
			if _, err := c.tx.Organizations().Get(ctx, organization); err != nil {
				return Page[Invitation]{}, err
			}
		}
		filter, err := q.filter(c.now)
		if err != nil {
			return Page[Invitation]{}, err
		}
		filter.OrganizationID = typed.Of(organization)
		return c.invitations().invitationPage(ctx, filter, q, organization)
	})
}

// All iterates over the invitations that List returns, page by page.
func (g Invitations) All(ctx context.Context, organization OrganizationID, q InvitationQuery) iter.Seq2[Invitation, error] {
	return pages(func(cursor string) (Page[Invitation], error) {
		q := q
		q.Cursor = cursor
		return g.List(ctx, organization, q)
	}, q.Cursor)
}

// invitationPage reads a page and returns each invitation as it reads now. of identifies the list in the
// cursor.
func (iv invitationRules) invitationPage(ctx context.Context, filter invitationFilter, q InvitationQuery, of any) (Page[Invitation], error) {
	page, err := listPage(ctx, iv.c.tx.Invitations(), filter, q.paging(), invitationKey,
		"invitations", of, q.States, q.EmailPrefix)
	if err != nil {
		return page, err
	}
	v := iv.voids()
	for i := range page.Items {
		if page.Items[i], err = v.read(ctx, page.Items[i]); err != nil {
			return page, err
		}
	}
	page.Items = slices.DeleteFunc(page.Items, func(inv Invitation) bool { return !q.keeps(inv) })
	return page, err
}

// InvitationPreview is what a person may see of an invitation before they accept it (rule I6).
type InvitationPreview struct {
	ID             InvitationID   `json:"id"`                       // the id of the invitation
	OrganizationID OrganizationID `json:"organization_id,omitzero"` // zero: into the application
	// OrganizationName is the name of the organization. Without an OrganizationID it is the name of the one
	// to found (rule I13).
	OrganizationName string          `json:"organization_name,omitempty"`
	Email            string          `json:"email"`               // masked: "a***@acme.example"
	State            InvitationState `json:"state"`               // the state as of now
	ExpiresAt        time.Time       `json:"expires_at,omitzero"` // it can be accepted until then
}

// Preview shows the invitation of a token, in any state except declined: then its tokens are unknown (rule
// I6). Preview changes nothing and does not use up the token.
//
// Errors: [ErrInvalidToken]; [ErrTokenUsed] for a token that Resend replaced.
func (g Invitations) Preview(ctx context.Context, token string) (InvitationPreview, error) {
	return read(ctx, g.s, invitationsPreview, "", func(ctx context.Context, c *call) (InvitationPreview, error) {
		if err := c.access().authorize(ctx, scope{}); err != nil {
			return InvitationPreview{}, err
		}
		inv, _, err := c.invitations().tokenOf(ctx, token)
		if err != nil {
			return InvitationPreview{}, err
		}
		var name string
		if !inv.OrganizationID.IsZero() {
			org, err := c.tx.Organizations().Get(ctx, inv.OrganizationID)
			if err != nil {
				return InvitationPreview{}, err
			}
			name = org.DisplayName
		}
		if inv, err = c.invitations().voids().read(ctx, inv); err != nil {
			return InvitationPreview{}, err
		}
		return inv.preview(name), nil
	})
}

// preview shows an invitation, which was read as of now.
func (i Invitation) preview(organization string) InvitationPreview {
	if i.Found != nil {
		organization = i.Found.DisplayName
	}
	return InvitationPreview{
		ID: i.ID, OrganizationID: i.OrganizationID, OrganizationName: organization, Email: mask(i.Email),
		State: i.State, ExpiresAt: i.ExpiresAt,
	}
}

// mask hides the local part of an address except its first character, and thereby its length.
func mask(email string) string {
	local, domain, _ := strings.Cut(email, "@")
	_, n := utf8.DecodeRuneInString(local)
	return local[:n] + "***@" + domain
}

// ListByUser returns a page of the invitations to a user's own verified address, with the names of their
// organizations, in a constant number of queries. It leaves out invitations into archived organizations
// (rule O2), so a page may be shorter than its limit. A user without a verified address gets an empty page.
//
// Errors: [ErrInvalid], [ErrInvalidCursor]; [ErrNotFound], [ErrMerged] for the user.
func (g Invitations) ListByUser(ctx context.Context, user UserID, q InvitationQuery) (Page[InvitationPreview], error) {
	return read(ctx, g.s, invitationsListByUser, user.String(), func(ctx context.Context, c *call) (Page[InvitationPreview], error) {
		if err := c.access().authorize(ctx, scope{user: user}); err != nil {
			return Page[InvitationPreview]{}, err
		}
		person, err := c.users().get(ctx, user)
		if err != nil {
			return Page[InvitationPreview]{}, err
		}
		filter, err := q.filter(c.now)
		if err != nil {
			return Page[InvitationPreview]{}, err
		}
		filter.EmailKey = typed.Of(person.EmailKey)
		if person.EmailVerifiedAt.IsZero() {
			filter.EmailKey = typed.Of[string]()
		}
		return c.invitations().previews(ctx, filter, q, user)
	})
}

// AllByUser iterates over the invitations that ListByUser returns, page by page.
func (g Invitations) AllByUser(ctx context.Context, user UserID, q InvitationQuery) iter.Seq2[InvitationPreview, error] {
	return pages(func(cursor string) (Page[InvitationPreview], error) {
		q := q
		q.Cursor = cursor
		return g.ListByUser(ctx, user, q)
	}, q.Cursor)
}

func (iv invitationRules) previews(ctx context.Context, filter invitationFilter, q InvitationQuery, user UserID) (Page[InvitationPreview], error) {
	found, err := iv.invitationPage(ctx, filter, q, user)
	if err != nil || len(found.Items) == 0 {
		return Page[InvitationPreview]{Next: found.Next}, err
	}
	ids := make([]OrganizationID, len(found.Items))
	for i, inv := range found.Items {
		ids[i] = inv.OrganizationID
	}
	live := organizationFilter{ID: typed.Of(ids...), Archived: typed.Of(false)}
	orgs, err := iv.c.tx.Organizations().List(ctx, live, listSpan{Limit: len(ids)})
	if err != nil {
		return Page[InvitationPreview]{}, err
	}
	names := map[OrganizationID]string{{}: ""} // the zero id is the application
	for _, org := range orgs {
		names[org.ID] = org.DisplayName
	}
	page := Page[InvitationPreview]{Next: found.Next}
	for _, inv := range found.Items {
		if name, ok := names[inv.OrganizationID]; ok {
			page.Items = append(page.Items, inv.preview(name))
		}
	}
	return page, nil
}
