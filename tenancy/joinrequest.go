package tenancy

import (
	"context"
	"errors"
	"time"

	"github.com/freehold-dev/freehold/store/typed"
)

// JoinRequestState is the state of a join request (rule I7).
type JoinRequestState string

// The states of a join request.
const (
	JoinRequestPending  JoinRequestState = "pending"  // it waits for a decision
	JoinRequestApproved JoinRequestState = "approved" // the person is a member
	JoinRequestDeclined JoinRequestState = "declined" // the person is refused
	JoinRequestCanceled JoinRequestState = "canceled" // the applicant canceled it
)

func (s JoinRequestState) known() bool {
	return s == JoinRequestPending || s == JoinRequestApproved || s == JoinRequestDeclined || s == JoinRequestCanceled
}

// JoinRequest is a user's request to become a member of an organization; a member there decides about it (rule
// I7). A user has at most one in each organization. A new request needs the last one to be decided, and
// replaces it.
type JoinRequest struct {
	ID             JoinRequestID    `json:"id"`                  // never changes
	Version        int64            `json:"version"`             // counts changes from 1 (rule G11)
	OrganizationID OrganizationID   `json:"organization_id"`     // the organization that the user wants to join
	UserID         UserID           `json:"user_id"`             // the user who asks
	Note           string           `json:"note,omitempty"`      // the user's message to the person who decides
	State          JoinRequestState `json:"state"`               // pending, or how it ended
	DeciderID      UserID           `json:"decider_id,omitzero"` // the user who decided; zero: the host, or nobody yet
	DecidedAt      time.Time        `json:"decided_at,omitzero"` // when it was decided or canceled; zero: it is pending
	CreatedAt      time.Time        `json:"created_at,omitzero"` // when it was created
	UpdatedAt      time.Time        `json:"updated_at,omitzero"` // when it last changed, with Version
}

// JoinRequestID is the id of a join request, jrq_...
type JoinRequestID = ID[JoinRequest]

func (JoinRequest) idPrefix() string { return "jrq" }

func (r JoinRequest) rowID() [16]byte { return r.ID }

func (r *JoinRequest) stamps() (*int64, *time.Time) { return &r.Version, &r.UpdatedAt }

func (r *JoinRequest) event(kind EventType) newEvent {
	return newEvent{kind: kind, organization: r.OrganizationID, user: r.UserID, subject: r.ID.String(), data: *r}
}

// JoinRequests is the group of methods on join requests.
type JoinRequests struct{ s *Service }

// errRequestsFull: the organization has as many pending requests as it may have.
var errRequestsFull = errors.New("too many requests wait")

// requestEvery is the shortest time between two requests of one user to one organization. To ask and to cancel
// costs the user nothing, but each request notifies the people who decide.
const requestEvery = time.Minute

// maxNote is the most characters of a join request's note.
const maxNote = 500

// Create files a user's request to join an organization (rule I7). The user's address must be verified, because
// the person who decides relies on it. The organization must accept requests, in one of two ways: by
// Settings.JoinRequests, or by a verified domain of the user's address whose joining is "request".
//
// At most Limits.JoinRequests requests wait in an organization. Users on such a domain have as many places
// again, so that strangers cannot fill them. A user can ask one organization at most once a minute.
//
// Errors: [ErrInvalid], also where no more requests may wait; [ErrRateLimited]; [ErrNotFound] for the
// organization, also an archived one, and the user, [ErrMerged]; [ErrEmailNotVerified];
// [ErrOrganizationClosed]; [ErrEmailDomainNotAllowed]; [ErrAlreadyMember]; [ErrMembershipInactive],
// [ErrMembershipRemoved]; [ErrJoinRequestsOff]; [ErrAlreadyRequested].
func (g JoinRequests) Create(ctx context.Context, organization OrganizationID, user UserID, note string) (JoinRequest, error) {
	return write(ctx, g.s, joinRequestsCreate, pairKey(organization, user), func(ctx context.Context, c *call) (JoinRequest, error) {
		if err := c.access().mayLock(ctx, scope{organization: organization, user: user}); err != nil {
			return JoinRequest{}, err
		}
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
		if !org.ArchivedAt.IsZero() { // outsiders must not learn that it is archived
			return JoinRequest{}, notFound(organization)
		}
		if err := c.joining().takesRequests(ctx, org, person); err != nil {
			return JoinRequest{}, err
		}
		return c.joining().fileRequest(ctx, org, person, note)
	})
}

// takesRequests refuses a user whose request the organization does not accept.
func (jn joinRules) takesRequests(ctx context.Context, org Organization, user User) error {
	if org.Settings.JoinRequests {
		return nil
	}
	asked, err := jn.asksByDomain(ctx, org.ID, user)
	if err == nil && !asked {
		err = &Error{Code: ErrJoinRequestsOff}
	}
	return err
}

// asksByDomain reports whether the user has a verified address on a domain of the organization that accepts
// requests.
func (jn joinRules) asksByDomain(ctx context.Context, id OrganizationID, user User) (bool, error) {
	if user.EmailVerifiedAt.IsZero() {
		return false, nil
	}
	domain, ok, err := jn.c.domains().verifiedFor(ctx, id, user.EmailKey)
	return ok && domain.Joining == JoiningRequest, err
}

// fileRequest does [JoinRequests.Create] under the locks of the user and the organization.
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
	decided := joinRequestFilter{OrganizationID: typed.Of(org.ID), UserID: typed.Of(user.ID)}
	if _, err := jn.c.tx.JoinRequests().DeleteAll(ctx, decided); err != nil { // the log still has them
		return JoinRequest{}, err
	}
	if err := jn.c.tx.JoinRequests().Insert(ctx, req); err != nil {
		return JoinRequest{}, err
	}
	if err := jn.c.record(ctx, req.event(EventJoinRequestCreated)); err != nil {
		return JoinRequest{}, err
	}
	return req, jn.c.mails().asks(ctx, org.ID.String(), user.EmailKey)
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
		return &Error{Code: ErrMembershipInactive} // a request reactivates nobody (rule M5)
	}
	if b, is, err := jn.c.removals().of(ctx, org.ID, user); err != nil {
		return err
	} else if is && !b.Left {
		return b.refuse()
	}
	if err := jn.roomForRequest(ctx, org.ID, user); err != nil {
		return err
	}
	last, err := jn.c.tx.JoinRequests().List(ctx, joinRequestFilter{OrganizationID: typed.Of(org.ID), UserID: typed.Of(user.ID)}, listSpan{Limit: 1})
	switch {
	case err != nil || len(last) == 0:
		return err
	case last[0].State == JoinRequestPending:
		return &Error{Code: ErrAlreadyRequested}
	case jn.c.now.Before(last[0].CreatedAt.Add(requestEvery)):
		return rateLimited("", last[0].CreatedAt.Add(requestEvery).Sub(jn.c.now))
	}
	return nil
}

// roomForRequest refuses a new request where as many wait as may.
func (jn joinRules) roomForRequest(ctx context.Context, id OrganizationID, user User) error {
	n, err := jn.c.tx.JoinRequests().Count(ctx, joinRequestFilter{OrganizationID: typed.Of(id), State: typed.Of(JoinRequestPending)})
	most := jn.c.instance.config.Limits.JoinRequests
	if err != nil || n < most {
		return err
	}
	if byDomain, err := jn.asksByDomain(ctx, id, user); err != nil || byDomain && n < 2*most {
		return err
	}
	full := invalid("organization", "has as many join requests as may wait") // outsiders must not learn the number
	full.Err = errRequestsFull
	return full
}
