package tenancy

import (
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/freehold-dev/freehold/store/typed"
)

// InvitationState is the state of an invitation (rule I3).
type InvitationState string

// The states of an invitation. A pending invitation reads as expired after its time, and as void if the
// inviter could not send it now.
const (
	InvitationPending  InvitationState = "pending"  // it can be accepted
	InvitationAccepted InvitationState = "accepted" // the person has accepted it
	InvitationRevoked  InvitationState = "revoked"  // the organization took it back
	InvitationDeclined InvitationState = "declined" // the holder of its token declined it (rule I9)
	InvitationExpired  InvitationState = "expired"  // its time is over
	// InvitationVoid means that the inviter may no longer give what the invitation gives, or is no longer a
	// member (rule I3). A void invitation holds no seat and does not block another one. It is pending again
	// if somebody who may send it resends it, or if the inviter gets their rights back. The state is
	// computed when the invitation is read, and never stored.
	InvitationVoid InvitationState = "void"
)

func (s InvitationState) known() bool {
	switch s {
	case InvitationPending, InvitationAccepted, InvitationRevoked, InvitationDeclined, InvitationExpired, InvitationVoid:
		return true
	}
	return false
}

// Invitation invites one address into one organization, or, without one, into the application (rule I1).
type Invitation struct {
	ID             InvitationID      `json:"id"`                       // never changes
	Version        int64             `json:"version"`                  // counts changes from 1 (rule G11)
	OrganizationID OrganizationID    `json:"organization_id,omitzero"` // zero: into the application
	Email          string            `json:"email"`                    // as given
	Roles          []string          `json:"roles,omitempty"`          // the roles that the member will have
	Metadata       map[string]string `json:"metadata,omitempty"`       // for the membership; only the host writes it
	// Found is the organization that a person founds by accepting (rule I13); nil: none. Its Slug may get a
	// number: see [NewInvitation].
	Found *NewOrganization `json:"found,omitempty"`
	// FoundedID is the organization that was founded when somebody accepted; it may have been deleted
	// since. Zero: none.
	FoundedID OrganizationID  `json:"founded_id,omitzero"`
	InviterID UserID          `json:"inviter_id,omitzero"` // the person on whose rights it depends; zero: the host
	State     InvitationState `json:"state"`               // the state as of now
	Sends     int             `json:"sends"`               // how often it was sent
	SentAt    time.Time       `json:"sent_at,omitzero"`    // when somebody last sent it
	// MailDueAt is the time of the next attempt to mail it. The mail waits because the address got as many
	// mails as it may in a day (rule I12). Zero: no mail waits.
	MailDueAt time.Time `json:"mail_due_at,omitzero"`
	ExpiresAt time.Time `json:"expires_at,omitzero"` // it can be accepted until then
	UserID    UserID    `json:"user_id,omitzero"`    // the user who accepted it
	DecidedAt time.Time `json:"decided_at,omitzero"` // when it was accepted, revoked, declined or found to be expired
	CreatedAt time.Time `json:"created_at,omitzero"` // when it was created
	UpdatedAt time.Time `json:"updated_at,omitzero"` // when it last changed, with Version
	// EmailASCII is Email with its domain as an A-label, if the domain is not ASCII: such a domain may look
	// like another one (rule G5). Get and List fill it in; otherwise it is "".
	EmailASCII string `json:"email_ascii,omitempty"`
	EmailKey   string `json:"-"` // canonical Email
}

// InvitationID is the id of an invitation; its text begins with inv_.
type InvitationID = ID[Invitation]

func (Invitation) idPrefix() string { return "inv" }

func (i Invitation) rowID() [16]byte { return i.ID }

func (i *Invitation) stamps() (*int64, *time.Time) { return &i.Version, &i.UpdatedAt }

// event names the user only after somebody has accepted. Before that, a reader must not learn whether the
// address belongs to a user (rule M2).
func (i *Invitation) event(kind EventType) newEvent {
	return newEvent{
		kind: kind, organization: i.OrganizationID, user: i.UserID, subject: i.ID.String(), data: *i,
		people: []UserID{addressee(i.EmailKey)},
	}
}

// Invitations is the group of methods on invitations.
type Invitations struct{ s *Service }

// Limits on how long an invitation is valid (rule I1).
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

// at returns an invitation as it reads at a time (rule I3).
func (i Invitation) at(now time.Time) Invitation {
	i.EmailASCII = asciiEmail(i.Email, i.EmailKey)
	if i.State == InvitationPending && !now.Before(i.ExpiresAt) {
		i.State = InvitationExpired
	}
	return i
}

// checkPending refuses an invitation that is no longer pending, with the code of its state.
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

// pendingFilter selects the pending invitations of an organization. Each holds a seat (rule M9).
func (iv invitationRules) pendingFilter(id OrganizationID) invitationFilter {
	return invitationFilter{OrganizationID: typed.Of(id), State: typed.Of(InvitationPending), DueAfter: iv.c.now}
}

// addressee makes an id for an address, to list it among the people of an event. So Erase finds what events
// say about a person from before they were a user (rule U7).
func addressee(emailKey string) UserID {
	sum := sha256.Sum256([]byte("addressee " + emailKey))
	return UserID(sum[:16])
}

// expire stores an invitation as expired, so that it blocks no other invitation.
func (iv invitationRules) expire(ctx context.Context, inv Invitation) error {
	before := inv
	inv.State, inv.DecidedAt, inv.MailDueAt = InvitationExpired, iv.c.now, time.Time{}
	return save(ctx, iv.c, iv.c.tx.Invitations().Update, before, &inv, EventInvitationExpired)
}

// authorizedInvitation reads an invitation for the actor, who must have the method's permission in its
// organization. For other actors it is not found (rule G7). Only the host finds invitations into the
// application.
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
