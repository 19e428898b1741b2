package tenancy

import (
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/freehold-dev/freehold/store/typed"
)

// InvitationState is how an invitation stands (rule I3).
type InvitationState string

// The states of an invitation. A pending one whose time ran out reads as expired, and one
// that who sent it could not send now reads as void.
const (
	InvitationPending  InvitationState = "pending"  // it can be accepted
	InvitationAccepted InvitationState = "accepted" // the person is in
	InvitationRevoked  InvitationState = "revoked"  // taken back
	InvitationDeclined InvitationState = "declined" // by who holds its token (rule I9)
	InvitationExpired  InvitationState = "expired"  // its time ran out
	// InvitationVoid is one whose inviter may no longer give what it gives, or is no member any
	// more (rule I3). It has no seat and is in nobody's way; to resend it, by somebody who
	// may, makes it good again, and so does the inviter's coming back. It is a state as read: none is stored as void.
	InvitationVoid InvitationState = "void"
)

func (s InvitationState) known() bool {
	switch s {
	case InvitationPending, InvitationAccepted, InvitationRevoked, InvitationDeclined, InvitationExpired, InvitationVoid:
		return true
	}
	return false
}

// Invitation asks one address into one organization, or, without one, into the
// application (rule I1).
type Invitation struct {
	ID             InvitationID      `json:"id"`                       // never changes
	Version        int64             `json:"version"`                  // counts changes from 1 (rule G11)
	OrganizationID OrganizationID    `json:"organization_id,omitzero"` // zero: into the application
	Email          string            `json:"email"`                    // as given
	Roles          []string          `json:"roles,omitempty"`          // what the member will have
	Metadata       map[string]string `json:"metadata,omitempty"`       // for the membership; the host's own
	// Found is the organization that the person founds who accepts it (rule I13); nil: none. Its
	// Slug may get a number: see [NewInvitation].
	Found *NewOrganization `json:"found,omitempty"`
	// FoundedID is the organization that was founded by accepting it, which may be deleted since;
	// zero: none.
	FoundedID OrganizationID  `json:"founded_id,omitzero"`
	InviterID UserID          `json:"inviter_id,omitzero"` // whose grants it stands on; zero: the host's
	State     InvitationState `json:"state"`               // as it reads now
	Sends     int             `json:"sends"`               // how often it was sent
	SentAt    time.Time       `json:"sent_at,omitzero"`    // the last time that somebody sent it
	// MailDueAt is when its mail, which waits, is tried: the address has had as many mails as
	// it may in a day (rule I12). Zero: it went.
	MailDueAt time.Time `json:"mail_due_at,omitzero"`
	ExpiresAt time.Time `json:"expires_at,omitzero"` // until when it can be accepted
	UserID    UserID    `json:"user_id,omitzero"`    // who accepted it
	DecidedAt time.Time `json:"decided_at,omitzero"` // when it was accepted, revoked, declined or found expired
	CreatedAt time.Time `json:"created_at,omitzero"` // when it was made
	UpdatedAt time.Time `json:"updated_at,omitzero"` // when it last changed, with Version
	// EmailASCII is Email with the domain's A-label, where the domain is not ASCII: such a
	// domain may look like another one (rule G5). Get and List fill it in; "" else.
	EmailASCII string `json:"email_ascii,omitempty"`
	EmailKey   string `json:"-"` // canonical Email
}

// InvitationID is the id of an invitation, inv_...
type InvitationID = ID[Invitation]

func (Invitation) idPrefix() string { return "inv" }

func (i Invitation) rowID() [16]byte { return i.ID }

func (i *Invitation) stamps() (*int64, *time.Time) { return &i.Version, &i.UpdatedAt }

// event names who accepted the invitation, if somebody did: whether the address is
// anybody's is nothing that a reader may learn (rule M2).
func (i *Invitation) event(kind EventType) newEvent {
	return newEvent{
		kind: kind, organization: i.OrganizationID, user: i.UserID, subject: i.ID.String(), data: *i,
		people: []UserID{addressee(i.EmailKey)},
	}
}

// Invitations is the group of methods on invitations.
type Invitations struct{ s *Service }

// Limits of how long an invitation stands (rule I1).
const (
	invitationAtLeast = 24 * time.Hour
	invitationAtMost  = 30 * 24 * time.Hour
)

func invitationLasts(field string, d time.Duration) error {
	if d < invitationAtLeast || d > invitationAtMost {
		return invalid(field, fmt.Sprintf("is %s, want %s to %s", d, invitationAtLeast, invitationAtMost))
	}
	return nil
}

// at is an invitation as it reads at an instant (rule I3).
func (i Invitation) at(now time.Time) Invitation {
	i.EmailASCII = asciiEmail(i.Email, i.EmailKey)
	if i.State == InvitationPending && !now.Before(i.ExpiresAt) {
		i.State = InvitationExpired
	}
	return i
}

// checkPending refuses an invitation that waits no more, with the code of its state.
func (i Invitation) checkPending(now time.Time) error {
	codes := map[InvitationState]Code{
		InvitationAccepted: ErrInvitationAccepted, InvitationRevoked: ErrInvitationRevoked,
		InvitationDeclined: ErrInvitationDeclined, InvitationExpired: ErrInvitationExpired,
	}
	if code, ended := codes[i.at(now).State]; ended {
		return &Error{Code: code, Kind: "invitation", Key: i.ID.String()}
	}
	return nil
}

// pendingFilter selects the invitations of an organization that wait for an answer: each
// has a seat (rule M9).
func (iv invitationRules) pendingFilter(id OrganizationID) invitationFilter {
	return invitationFilter{OrganizationID: typed.Of(id), State: typed.Of(InvitationPending), DueAfter: iv.c.now}
}

// addressee names an address among the people of an event, so that Erase finds what
// was told of somebody before they were a user (rule U7).
func addressee(emailKey string) UserID {
	sum := sha256.Sum256([]byte("addressee " + emailKey))
	return UserID(sum[:16])
}

// expire marks an invitation that has run out, so that it is in nobody's way.
func (iv invitationRules) expire(ctx context.Context, inv Invitation) error {
	before := inv
	inv.State, inv.DecidedAt, inv.MailDueAt = InvitationExpired, iv.c.now, time.Time{}
	return save(ctx, iv.c, iv.c.tx.Invitations().Update, before, &inv, EventInvitationExpired)
}

// authorizedInvitation reads an invitation for the actor, who must have the method's permission in its
// organization; elsewhere it is not there for them (rule G7). Only the host reaches
// those into the application.
func (iv invitationRules) authorizedInvitation(ctx context.Context, id InvitationID) (Invitation, error) {
	inv, err := iv.c.tx.Invitations().Get(ctx, id)
	missing := notFound(id)
	switch {
	case CodeOf(err) == ErrNotFound:
		return Invitation{}, iv.c.access().absent(ctx, missing)
	case err != nil:
		return Invitation{}, err
	case inv.OrganizationID.IsZero() && iv.c.service.principal != nil:
		return Invitation{}, iv.c.access().unreachable(ctx, noUser, missing)
	}
	return inv, iv.c.access().authorize(ctx, scope{organization: inv.OrganizationID, missing: missing})
}
