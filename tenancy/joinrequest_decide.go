package tenancy

import (
	"context"

	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/typed"
)

// Approve lets the person in who asked, with the roles given, or else the
// organization's default (rule I7). The roles must not be above the actor's own (rule
// R6).
//
// Errors: [ErrNotFound]; [ErrJoinRequestDecided]; [ErrUnknownRole]; [ErrForbidden];
// [ErrOrganizationClosed]; [ErrEmailNotVerified] and [ErrEmailDomainNotAllowed] where
// the address has changed since; [ErrAlreadyMember], [ErrMembershipInactive];
// [ErrSeatLimit]; [ErrAlreadyMemberElsewhere]; [ErrJoinRefused].
func (g JoinRequests) Approve(ctx context.Context, id JoinRequestID, roles ...string) (Member, error) {
	return write(ctx, g.s, joinRequestsApprove, id.String(), func(ctx context.Context, c *call) (Member, error) {
		if err := c.roles().lockDeclared(ctx, roles...); err != nil {
			return Member{}, err
		}
		req, err := c.joining().lockRequest(ctx, id)
		if err != nil {
			return Member{}, err
		}
		return c.joining().approve(ctx, req, roles)
	})
}

func (jn joinRules) approve(ctx context.Context, req JoinRequest, roles []string) (Member, error) {
	org, err := jn.c.tx.Organizations().Get(ctx, req.OrganizationID)
	if err != nil {
		return Member{}, err
	}
	if roles, err = jn.c.roles().check(ctx, org.ID, "roles", roles, jn.c.roles().fallbackRole(org)); err != nil {
		return Member{}, err
	}
	if err := jn.c.access().mayGive(ctx, org.ID, roles...); err != nil {
		return Member{}, err
	}
	user, err := jn.c.users().get(ctx, req.UserID)
	if err != nil {
		return Member{}, err
	}
	if user.EmailVerifiedAt.IsZero() {
		return Member{}, &Error{Code: ErrEmailNotVerified}
	}
	member, err := jn.join(ctx, entrant{
		organization: org, userID: req.UserID, via: JoinedRequest, roles: roles, inviter: jn.c.invitations().inviter(),
	})
	if err != nil {
		return Member{}, err
	}
	_, err = jn.decide(ctx, req, JoinRequestApproved, EventJoinRequestApproved)
	return member, err
}

// Decline refuses a join request. The person may ask again.
//
// Errors: [ErrNotFound], [ErrJoinRequestDecided].
func (g JoinRequests) Decline(ctx context.Context, id JoinRequestID) (JoinRequest, error) {
	return write(ctx, g.s, joinRequestsDecline, id.String(), func(ctx context.Context, c *call) (JoinRequest, error) {
		req, err := c.joining().lockRequest(ctx, id)
		if err != nil {
			return JoinRequest{}, err
		}
		return c.joining().decide(ctx, req, JoinRequestDeclined, EventJoinRequestDeclined)
	})
}

// Cancel takes a join request back, by who asked.
//
// Errors: [ErrNotFound], also for another person's; [ErrJoinRequestDecided].
func (g JoinRequests) Cancel(ctx context.Context, id JoinRequestID) (JoinRequest, error) {
	return write(ctx, g.s, joinRequestsCancel, id.String(), func(ctx context.Context, c *call) (JoinRequest, error) {
		req, err := c.joining().lockRequest(ctx, id)
		if err != nil {
			return JoinRequest{}, err
		}
		return c.joining().decide(ctx, req, JoinRequestCanceled, EventJoinRequestCanceled)
	})
}

// lockRequest finds a join request that waits, for who may decide it, under the locks of
// its user and organization.
func (jn joinRules) lockRequest(ctx context.Context, id JoinRequestID) (JoinRequest, error) {
	req, err := underLock(ctx, jn.c, func() (JoinRequest, error) { return jn.authorizedRequest(ctx, id) }, func(req JoinRequest) error {
		return jn.c.lock(ctx, lockUser(req.UserID), lockOrganization(req.OrganizationID))
	})
	if err != nil {
		return JoinRequest{}, err
	}
	if req.State != JoinRequestPending {
		return JoinRequest{}, &Error{Code: ErrJoinRequestDecided, Kind: "join request", Key: id.String()}
	}
	return req, nil
}

// authorizedRequest reads a join request for the actor, as [invitationRules.authorizedInvitation] does an invitation;
// a method for oneself reaches one's own.
func (jn joinRules) authorizedRequest(ctx context.Context, id JoinRequestID) (JoinRequest, error) {
	req, err := jn.c.tx.JoinRequests().Get(ctx, id)
	missing := notFound(id)
	switch p := jn.c.service.principal; {
	case CodeOf(err) == ErrNotFound:
		return JoinRequest{}, jn.c.access().absent(ctx, missing)
	case err != nil:
		return JoinRequest{}, err
	case jn.c.method.Permission == "" && p != nil && p.user != req.UserID:
		return JoinRequest{}, jn.c.access().unreachable(ctx, noUser, missing)
	}
	return req, jn.c.access().authorize(ctx, scope{organization: req.OrganizationID, user: req.UserID, missing: missing})
}

// decide keeps what became of a join request.
func (jn joinRules) decide(ctx context.Context, req JoinRequest, state JoinRequestState, kind EventType) (JoinRequest, error) {
	before := req
	req.State, req.DecidedAt, req.DeciderID = state, jn.c.now, jn.c.invitations().inviter()
	if err := save(ctx, jn.c, jn.c.tx.JoinRequests().Update, before, &req, kind); err != nil {
		return JoinRequest{}, err
	}
	return req, nil
}

// moveRequests makes a user's join requests be another's, into whom they are merged. Of
// two that wait in one organization one is enough.
func (jn joinRules) moveRequests(ctx context.Context, from, into UserID) error {
	mine := joinRequestFilter{UserID: typed.Of(from)}
	requests, err := collect(ctx, jn.c.tx.JoinRequests(), mine)
	if err != nil || len(requests) == 0 {
		return err
	}
	locks := make([]store.LockKey, len(requests))
	for i, req := range requests {
		locks[i] = lockOrganization(req.OrganizationID)
	}
	if err := jn.c.lock(ctx, locks...); err != nil {
		return err
	}
	return walk(ctx, jn.c.tx.JoinRequests(), mine, func(req JoinRequest) error {
		waiting := joinRequestFilter{OrganizationID: typed.Of(req.OrganizationID), UserID: typed.Of(into), State: typed.Of(JoinRequestPending)}
		n, err := jn.c.tx.JoinRequests().Count(ctx, waiting)
		if err != nil {
			return err
		}
		if req.State == JoinRequestPending && n > 0 {
			return jn.c.tx.JoinRequests().Delete(ctx, req.ID)
		}
		req.UserID = into
		return put(ctx, jn.c, jn.c.tx.JoinRequests().Update, &req)
	})
}
