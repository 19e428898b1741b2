package tenancy

import (
	"context"

	"github.com/freehold-dev/freehold/store"
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
	return write(ctx, g.s, joinRequestsApprove, id.String(), func(ctx context.Context, w *work) (Member, error) {
		if err := w.lockDeclared(ctx, roles...); err != nil {
			return Member{}, err
		}
		req, err := w.lockRequest(ctx, id)
		if err != nil {
			return Member{}, err
		}
		return w.approve(ctx, req, roles)
	})
}

func (w *work) approve(ctx context.Context, req JoinRequest, roles []string) (Member, error) {
	org, err := w.Organizations().Get(ctx, req.OrganizationID)
	if err != nil {
		return Member{}, err
	}
	if roles, err = w.roles(ctx, org.ID, "roles", roles, w.fallbackRole(org)); err != nil {
		return Member{}, err
	}
	if err := w.mayGive(ctx, org.ID, roles...); err != nil {
		return Member{}, err
	}
	user, err := w.user(ctx, req.UserID)
	if err != nil {
		return Member{}, err
	}
	if user.EmailVerifiedAt.IsZero() {
		return Member{}, &Error{Code: ErrEmailNotVerified}
	}
	member, err := w.join(ctx, joining{
		organization: org, userID: req.UserID, via: JoinedRequest, roles: roles, inviter: w.inviter(),
	})
	if err != nil {
		return Member{}, err
	}
	_, err = w.decide(ctx, req, JoinRequestApproved, EventJoinRequestApproved)
	return member, err
}

// Decline refuses a join request. The person may ask again.
//
// Errors: [ErrNotFound], [ErrJoinRequestDecided].
func (g JoinRequests) Decline(ctx context.Context, id JoinRequestID) (JoinRequest, error) {
	return write(ctx, g.s, joinRequestsDecline, id.String(), func(ctx context.Context, w *work) (JoinRequest, error) {
		req, err := w.lockRequest(ctx, id)
		if err != nil {
			return JoinRequest{}, err
		}
		return w.decide(ctx, req, JoinRequestDeclined, EventJoinRequestDeclined)
	})
}

// Cancel takes a join request back, by who asked.
//
// Errors: [ErrNotFound], also for another person's; [ErrJoinRequestDecided].
func (g JoinRequests) Cancel(ctx context.Context, id JoinRequestID) (JoinRequest, error) {
	return write(ctx, g.s, joinRequestsCancel, id.String(), func(ctx context.Context, w *work) (JoinRequest, error) {
		req, err := w.lockRequest(ctx, id)
		if err != nil {
			return JoinRequest{}, err
		}
		return w.decide(ctx, req, JoinRequestCanceled, EventJoinRequestCanceled)
	})
}

// lockRequest finds a join request that waits, for who may decide it, under the locks of
// its user and organization.
func (w *work) lockRequest(ctx context.Context, id JoinRequestID) (JoinRequest, error) {
	req, err := underLock(ctx, w, func() (JoinRequest, error) { return w.reachRequest(ctx, id) }, func(req JoinRequest) error {
		return w.Lock(ctx, lockUser(req.UserID), lockOrganization(req.OrganizationID))
	})
	if err != nil {
		return JoinRequest{}, err
	}
	if req.State != JoinRequestPending {
		return JoinRequest{}, &Error{Code: ErrJoinRequestDecided, Kind: "join request", Key: id.String()}
	}
	return req, nil
}

// reachRequest reads a join request for the actor, as [work.reach] does an invitation;
// a method for oneself reaches one's own.
func (w *work) reachRequest(ctx context.Context, id JoinRequestID) (JoinRequest, error) {
	req, err := w.JoinRequests().Get(ctx, id)
	missing := notFound(id)
	switch p := w.service.principal; {
	case CodeOf(err) == ErrNotFound:
		return JoinRequest{}, w.absent(ctx, missing)
	case err != nil:
		return JoinRequest{}, err
	case w.method.Permission == "" && p != nil && p.user != req.UserID:
		return JoinRequest{}, w.unreachable(ctx, noUser, missing)
	}
	return req, w.authorize(ctx, scope{organization: req.OrganizationID, user: req.UserID, missing: missing})
}

// decide keeps what became of a join request.
func (w *work) decide(ctx context.Context, req JoinRequest, state JoinRequestState, kind EventType) (JoinRequest, error) {
	before := req
	req.State, req.DecidedAt, req.DeciderID = state, w.now, w.inviter()
	if err := save(ctx, w, w.JoinRequests().Update, before, &req, kind); err != nil {
		return JoinRequest{}, err
	}
	return req, nil
}

// moveRequests makes a user's join requests be another's, into whom they are merged. Of
// two that wait in one organization one is enough.
func (w *work) moveRequests(ctx context.Context, from, into UserID) error {
	mine := JoinRequestFilter{UserID: Of(from)}
	requests, err := collect(ctx, w.JoinRequests(), mine)
	if err != nil || len(requests) == 0 {
		return err
	}
	locks := make([]store.LockKey, len(requests))
	for i, req := range requests {
		locks[i] = lockOrganization(req.OrganizationID)
	}
	if err := w.Lock(ctx, locks...); err != nil {
		return err
	}
	return walk(ctx, w.JoinRequests(), mine, func(req JoinRequest) error {
		waiting := JoinRequestFilter{OrganizationID: Of(req.OrganizationID), UserID: Of(into), State: Of(JoinRequestPending)}
		n, err := w.JoinRequests().Count(ctx, waiting)
		if err != nil {
			return err
		}
		if req.State == JoinRequestPending && n > 0 {
			return w.JoinRequests().Delete(ctx, req.ID)
		}
		req.UserID = into
		return put(ctx, w, w.JoinRequests().Update, &req)
	})
}
