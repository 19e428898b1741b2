package tenancy

import (
	"context"

	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/typed"
)

// Approve makes the applicant a member, with the given roles, or else with the organization's default role
// (rule I7). The roles must not be above the actor's own (rule R6). Approve also accepts a pending invitation
// to the applicant's address; the member then gets the roles of both (rule M2). Where only a connection has
// proved that address, Approve accepts the invitation only if its roles manage nothing.
//
// Errors: [ErrNotFound]; [ErrJoinRequestDecided]; [ErrUnknownRole]; [ErrForbidden]; [ErrOrganizationClosed];
// [ErrEmailNotVerified] and [ErrEmailDomainNotAllowed] where the address has changed since the request;
// [ErrAlreadyMember], [ErrMembershipInactive], [ErrMembershipRemoved]; [ErrSeatLimit];
// [ErrAlreadyMemberElsewhere]; [ErrJoinRefused].
func (g JoinRequests) Approve(ctx context.Context, id JoinRequestID, roles ...string) (Member, error) {
	return write(ctx, g.s, joinRequestsApprove, id.String(), func(ctx context.Context, c *call) (Member, error) {
		if !c.instance.singleWriter { // as mayLock
			if _, err := c.joining().authorizedRequest(ctx, id); err != nil {
				return Member{}, err
			}
			c.forget()
		}
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
	j := entrant{organization: org, userID: req.UserID, via: JoinedRequest, roles: roles, inviter: jn.c.invitations().inviter()}
	// This also decides the request.
	return jn.joinOrTakeUp(ctx, j, user, func(inv Invitation) (bool, error) { return jn.ownWord(ctx, inv, user) })
}

// Decline refuses a join request. The user may file a new one.
//
// Errors: [ErrNotFound], [ErrJoinRequestDecided].
func (g JoinRequests) Decline(ctx context.Context, id JoinRequestID) (JoinRequest, error) {
	return write(ctx, g.s, joinRequestsDecline, id.String(), func(ctx context.Context, c *call) (JoinRequest, error) {
		req, err := c.joining().lockRequest(ctx, id)
		if err != nil {
			return JoinRequest{}, err
		}
		return c.joining().decide(ctx, req, JoinRequestDeclined)
	})
}

// Cancel withdraws a join request. On a bound Service only the user who filed it can do so.
//
// Errors: [ErrNotFound], also for another user's request; [ErrJoinRequestDecided].
func (g JoinRequests) Cancel(ctx context.Context, id JoinRequestID) (JoinRequest, error) {
	return write(ctx, g.s, joinRequestsCancel, id.String(), func(ctx context.Context, c *call) (JoinRequest, error) {
		req, err := c.joining().lockRequest(ctx, id)
		if err != nil {
			return JoinRequest{}, err
		}
		return c.joining().decide(ctx, req, JoinRequestCanceled)
	})
}

// lockRequest finds a pending join request that the actor may decide, and takes the locks of its user and its
// organization.
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

// authorizedRequest reads a join request for the actor, as [invitationRules.authorizedInvitation] reads an
// invitation. A method for the actor's own account reads only the actor's own requests.
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

// decide saves the decision on a join request.
func (jn joinRules) decide(ctx context.Context, req JoinRequest, state JoinRequestState) (JoinRequest, error) {
	kind := map[JoinRequestState]EventType{
		JoinRequestApproved: EventJoinRequestApproved, JoinRequestDeclined: EventJoinRequestDeclined, JoinRequestCanceled: EventJoinRequestCanceled,
	}[state]
	before := req
	req.State, req.DecidedAt, req.DeciderID = state, jn.c.now, jn.c.invitations().inviter()
	if err := save(ctx, jn.c, jn.c.tx.JoinRequests().Update, before, &req, kind); err != nil {
		return JoinRequest{}, err
	}
	return req, nil
}

// settleRequests decides a user's pending requests: in the given organizations, whose locks the caller holds,
// or else in all. It is called when the user becomes a member by another way, is removed or deactivated (rule
// M16), and after a takeover (rule U5).
func (jn joinRules) settleRequests(ctx context.Context, user UserID, state JoinRequestState, at ...OrganizationID) error {
	waiting := joinRequestFilter{UserID: typed.Of(user), State: typed.Of(JoinRequestPending)}
	var requests []JoinRequest
	var err error
	if len(at) > 0 {
		waiting.OrganizationID = typed.Of(at...)
		requests, err = collect(ctx, jn.c.tx.JoinRequests(), waiting)
	} else {
		requests, err = jn.requestsOf(ctx, waiting)
	}
	if err != nil {
		return err
	}
	for _, req := range requests {
		if _, err := jn.decide(ctx, req, state); err != nil {
			return err
		}
	}
	return nil
}

// requestsOf takes the locks of the organizations of the join requests that it finds, and then reads the
// requests again. Requests change only under these locks.
func (jn joinRules) requestsOf(ctx context.Context, filter joinRequestFilter) ([]JoinRequest, error) {
	found, err := collect(ctx, jn.c.tx.JoinRequests(), filter)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	locks := make([]store.LockKey, len(found))
	for i, req := range found {
		locks[i] = lockOrganization(req.OrganizationID)
	}
	if err := jn.c.lock(ctx, locks...); err != nil {
		return nil, err
	}
	return collect(ctx, jn.c.tx.JoinRequests(), filter)
}

// moveRequests moves a user's pending join requests to the user that they are merged into. Where both users
// have a pending request in one organization, it keeps one. It drops decided requests.
func (jn joinRules) moveRequests(ctx context.Context, from, into UserID) error {
	mine := joinRequestFilter{UserID: typed.Of(from), State: typed.Of(JoinRequestPending)}
	requests, err := jn.requestsOf(ctx, mine)
	if err != nil {
		return err
	}
	if _, err := jn.c.tx.JoinRequests().DeleteAll(ctx, joinRequestFilter{UserID: typed.Of(from)}); err != nil {
		return err
	}
	for _, req := range requests {
		theirs := joinRequestFilter{OrganizationID: typed.Of(req.OrganizationID), UserID: typed.Of(into)}
		found, err := jn.c.tx.JoinRequests().List(ctx, theirs, listSpan{Limit: 1})
		if err != nil {
			return err
		}
		if len(found) > 0 && found[0].State == JoinRequestPending {
			continue
		}
		if _, err := jn.c.tx.JoinRequests().DeleteAll(ctx, theirs); err != nil {
			return err
		}
		req.UserID = into
		req.Version++
		req.UpdatedAt = jn.c.now
		if err := jn.c.tx.JoinRequests().Insert(ctx, req); err != nil {
			return err
		}
	}
	return nil
}
