package tenancy

import (
	"context"
	"errors"
	"time"

	"github.com/freehold-dev/freehold/store/typed"
)

// JoinRequestState is how a request to join stands (rule I7).
type JoinRequestState string

// The states of a join request.
const (
	JoinRequestPending  JoinRequestState = "pending"
	JoinRequestApproved JoinRequestState = "approved"
	JoinRequestDeclined JoinRequestState = "declined"
	JoinRequestCanceled JoinRequestState = "canceled" // by who asked
)

func (s JoinRequestState) known() bool {
	return s == JoinRequestPending || s == JoinRequestApproved || s == JoinRequestDeclined || s == JoinRequestCanceled
}

// JoinRequest is a person's wish to be a member, for somebody there to decide (rule
// I7). At most one of a person's waits in an organization.
type JoinRequest struct {
	ID             JoinRequestID    `json:"id"`
	Version        int64            `json:"version"`
	OrganizationID OrganizationID   `json:"organization_id"`
	UserID         UserID           `json:"user_id"`
	Note           string           `json:"note,omitempty"` // for who decides
	State          JoinRequestState `json:"state"`
	DeciderID      UserID           `json:"decider_id,omitzero"` // who decided; zero: the host, or nobody yet
	DecidedAt      time.Time        `json:"decided_at,omitzero"`
	CreatedAt      time.Time        `json:"created_at"`
	UpdatedAt      time.Time        `json:"updated_at"`
}

func (JoinRequest) idPrefix() string { return "jrq" }

func (r JoinRequest) rowID() [16]byte { return r.ID }

func (r *JoinRequest) stamps() (*int64, *time.Time) { return &r.Version, &r.UpdatedAt }

func (r *JoinRequest) event(kind EventType) newEvent {
	return newEvent{kind: kind, organization: r.OrganizationID, user: r.UserID, subject: r.ID.String(), data: *r}
}

// JoinRequests is the group of methods on join requests.
type JoinRequests struct{ s *Service }

// errRequestsFull: as many requests wait as may.
var errRequestsFull = errors.New("too many requests wait")

// maxNote is the most characters of a join request's note.
const maxNote = 500

// Create asks for a person to be let in (rule I7), for somebody there to decide. Only a
// proved address can ask: whoever decides goes by it.
//
// Errors: [ErrInvalid], also for more than Limits.JoinRequests that wait;
// [ErrNotFound] for the organization, also an archived one, and the user, [ErrMerged]; [ErrEmailNotVerified];
// [ErrOrganizationClosed]; [ErrEmailDomainNotAllowed]; [ErrAlreadyMember];
// [ErrMembershipInactive]; [ErrAlreadyRequested].
func (g JoinRequests) Create(ctx context.Context, organization OrganizationID, user UserID, note string) (JoinRequest, error) {
	return write(ctx, g.s, joinRequestsCreate, pairKey(organization, user), func(ctx context.Context, c *call) (JoinRequest, error) {
		if err := c.lock(ctx, lockUser(user), lockOrganization(organization)); err != nil {
			return JoinRequest{}, err
		}
		if err := c.access().authorize(ctx, scope{organization: organization, user: user}); err != nil {
			return JoinRequest{}, err
		}
		person, err := c.users().get(ctx, user)
		if err != nil {
			return JoinRequest{}, err
		}
		org, err := c.tx.Organizations().Get(ctx, organization)
		if err != nil {
			return JoinRequest{}, err
		}
		if !org.ArchivedAt.IsZero() { // which nobody outside is to learn
			return JoinRequest{}, notFound(organization)
		}
		return c.joining().fileRequest(ctx, org, person, note)
	})
}

// fileRequest is [JoinRequests.Create] under the locks of the user and the organization.
func (jn joinRules) fileRequest(ctx context.Context, org Organization, user User, text string) (JoinRequest, error) {
	var err error
	if text != "" {
		if text, err = cleanLabel("note", text, maxNote); err != nil {
			return JoinRequest{}, err
		}
	}
	if err := jn.mayRequest(ctx, org, user); err != nil {
		return JoinRequest{}, err
	}
	req := JoinRequest{
		ID: jn.c.instance.config.NewID(), Version: 1, OrganizationID: org.ID, UserID: user.ID, Note: text,
		State: JoinRequestPending, CreatedAt: jn.c.now, UpdatedAt: jn.c.now,
	}
	if err := jn.c.tx.JoinRequests().Insert(ctx, req); err != nil {
		return JoinRequest{}, err
	}
	return req, jn.c.record(ctx, req.event(EventJoinRequestCreated))
}

func (jn joinRules) mayRequest(ctx context.Context, org Organization, user User) error {
	if err := isShut(org); err != nil {
		return err
	}
	if user.EmailVerifiedAt.IsZero() {
		return &Error{Code: ErrEmailNotVerified}
	}
	if err := jn.emailAllowed(org, user.EmailKey); err != nil {
		return err
	}
	m, err := jn.c.members().get(ctx, org.ID, user.ID)
	switch {
	case err != nil && CodeOf(err) != ErrNotFound:
		return err
	case err == nil && m.Status == MembershipActive:
		return &Error{Code: ErrAlreadyMember}
	case err == nil && m.Status == MembershipInactive:
		return &Error{Code: ErrMembershipInactive} // rule M5
	}
	waiting := joinRequestFilter{OrganizationID: typed.Of(org.ID), State: typed.Of(JoinRequestPending)}
	n, err := jn.c.tx.JoinRequests().Count(ctx, waiting)
	if err != nil {
		return err
	}
	if n >= jn.c.instance.config.Limits.JoinRequests { // how many is not told to somebody outside
		full := invalid("organization", "has as many join requests as may wait")
		full.Err = errRequestsFull
		return full
	}
	waiting.UserID = typed.Of(user.ID)
	n, err = jn.c.tx.JoinRequests().Count(ctx, waiting)
	if err == nil && n > 0 {
		err = &Error{Code: ErrAlreadyRequested}
	}
	return err
}
