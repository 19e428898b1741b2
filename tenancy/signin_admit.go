package tenancy

import (
	"context"
	"errors"

	"github.com/freehold-dev/freehold/store/typed"
)

// admit makes the person a member if the invitation, their domain or their connection allows it (rules I4, D7,
// P6). It refuses a person who has no access to the organization that they want.
func (a admission) admit(ctx context.Context) error {
	if a.n.confined() && a.n.target != a.n.home.ID {
		return a.outside(a.n.target, "")
	}
	if a.n.invitation != nil {
		if err := a.accept(ctx); err != nil {
			return err
		}
	}
	var err error
	switch {
	case a.n.in.Found != nil && a.uninvited():
		return a.n.decide(Decision{Kind: DecisionInvitationNeeded})
	case a.n.in.Found != nil:
		return a.found(ctx)
	case a.n.target.IsZero():
		err = a.joinByDomain(ctx)
	case !a.n.activeAt(a.n.target):
		err = a.enter(ctx)
	}
	if err == nil && a.uninvited() && len(a.n.members) == 0 {
		err = a.n.decide(Decision{Kind: DecisionInvitationNeeded})
	}
	return err
}

// uninvited reports whether the person is new, and nothing allows them to register.
func (a admission) uninvited() bool {
	return a.n.created && a.n.w.instance.config.Registration == RegistrationClosed && a.n.invitation == nil
}

// outside refuses a person who is not in an organization. Where registration is closed, a new person could only
// be a user by being in one.
func (a admission) outside(id OrganizationID, code Code) error {
	kind := DecisionNotMember
	if a.uninvited() {
		kind = DecisionInvitationNeeded
	}
	return a.n.decide(Decision{Kind: kind, OrganizationID: id, Code: code})
}

// accept accepts the invitation.
func (a admission) accept(ctx context.Context) error {
	inv := a.n.invitation
	member, err := a.n.w.invitations().acceptInvitation(ctx, inv.Invitation, a.n.user, acceptance{mailed: inv.mailed, created: a.n.created})
	if code, refused := refusalCode(err); refused {
		return a.n.decide(Decision{Kind: DecisionInvitationRefused, OrganizationID: inv.OrganizationID, Code: code})
	}
	switch {
	case err != nil:
		return err
	case inv.Found != nil:
		return a.enteredFounded(member)
	case inv.OrganizationID.IsZero():
		return nil
	}
	return a.entered(member)
}

// entered records that the person has become a member.
func (a admission) entered(member Member) error {
	a.n.joined = member
	if a.n.w.instance.config.OnJoin != nil {
		a.n.opened = Organization{} // it may have changed
	}
	members := []Membership{member.Membership}
	for _, m := range a.n.members {
		if m.ID != member.ID {
			members = append(members, m)
		}
	}
	a.n.members = members
	return nil
}

// enter makes the person a member of the organization that they want, if something allows it.
func (a admission) enter(ctx context.Context) error {
	if !a.onDomainOf(a.n.target) {
		return a.turnAway(ctx)
	}
	org, err := a.open(ctx, a.n.target)
	if err != nil {
		return err
	}
	j, ok, err := a.way(ctx, org)
	if err != nil {
		return err
	}
	if !ok {
		if a.onDomainOf(org.ID) && a.n.domain.Joining == JoiningRequest {
			return a.request(ctx, org)
		}
		code, err := a.blockingCode(ctx)
		if err != nil {
			return err
		}
		return a.outside(org.ID, code)
	}
	member, err := a.comeIn(ctx, j)
	switch code, refused := refusalCode(err); {
	case code == ErrOrganizationClosed:
		return a.n.shut(org.ID)
	case refused:
		return a.outside(org.ID, code)
	case err != nil:
		return err
	}
	a.n.grouped = j.via == JoinedSingleSignOn
	return a.entered(member)
}

// turnAway returns the answer for a person without a way into the organization that they name. It takes none of
// that organization's locks: otherwise anybody could make its writers wait.
func (a admission) turnAway(ctx context.Context) error {
	org := a.n.opened
	if org.ID != a.n.target {
		var err error
		if org, err = a.n.w.tx.Organizations().Get(ctx, a.n.target); err != nil {
			return err
		}
	}
	if !org.ArchivedAt.IsZero() {
		return notFound(org.ID)
	}
	code, err := a.blockingCode(ctx)
	if err != nil {
		return err
	}
	return a.outside(org.ID, code)
}

// blockingCode returns what prevents the person from entering the organization that they want.
func (a admission) blockingCode(ctx context.Context) (Code, error) {
	status, err := a.n.statusAt(ctx, a.n.target)
	switch status {
	case MembershipInactive:
		return ErrMembershipInactive, err
	case MembershipPending:
		return ErrPendingMembership, err
	}
	return "", err
}

// open reads an organization under its lock. An archived organization is not found (rule O2).
func (a admission) open(ctx context.Context, id OrganizationID) (Organization, error) {
	if err := a.n.w.lock(ctx, lockOrganization(id)); err != nil {
		return Organization{}, err
	}
	org := a.n.opened
	if org.ID != id {
		var err error
		if org, err = a.n.w.tx.Organizations().Get(ctx, id); err != nil {
			return Organization{}, err
		}
	}
	if !org.ArchivedAt.IsZero() {
		return Organization{}, notFound(id)
	}
	a.n.opened = org
	return org, nil
}

// onDomainOf reports whether the person has a proved address on a domain of an organization.
func (a admission) onDomainOf(id OrganizationID) bool {
	return !a.n.domain.ID.IsZero() && a.n.domain.OrganizationID == id && !a.n.user.EmailVerifiedAt.IsZero()
}

// way returns how the person may join an organization without anybody's decision: through its connection, or
// because their address is on its domain.
func (a admission) way(ctx context.Context, org Organization) (entrant, bool, error) {
	j := entrant{organization: org, userID: a.n.user.ID}
	switch {
	case !a.onDomainOf(org.ID):
		return j, false, nil
	case org.ID == a.n.home.ID && org.Settings.SingleSignOnJoins:
		roles, err := a.n.w.connections().rolesByGroups(ctx, a.n.connection, a.n.in.groups)
		j.via, j.roles = JoinedSingleSignOn, roles
		j.source, j.sourceID = RoleSingleSignOn, a.n.connection.ID.String()
		return j, true, err
	case a.n.domain.Joining == JoiningAuto:
		j.via, j.source, j.sourceID = JoinedDomain, RoleDomain, a.n.domain.ID.String()
		if a.n.domain.Role != "" {
			j.roles = []string{a.n.domain.Role}
		}
		return j, true, nil
	}
	return j, false, nil
}

// joinByDomain applies what the organization of the person's domain offers, for a person who named no
// organization (rule D7). If it cannot make them a member, the sign-in goes on without it.
func (a admission) joinByDomain(ctx context.Context) error {
	id := a.n.domain.OrganizationID
	auto := a.n.domain.Joining == JoiningAuto
	if !a.onDomainOf(id) || a.n.activeAt(id) || a.n.domain.Joining == JoiningOff {
		return nil
	}
	var there MembershipStatus
	if !a.n.created {
		var err error
		if there, err = a.n.statusAt(ctx, id); err != nil || there == MembershipInactive && !auto {
			return err
		}
	}
	org, err := a.open(ctx, id)
	switch {
	case err != nil:
		return err
	case !org.SuspendedAt.IsZero() && !auto:
		return nil
	case !org.SuspendedAt.IsZero():
		return a.joinRefused(org, ErrOrganizationClosed)
	case there == MembershipInactive:
		return a.joinRefused(org, ErrMembershipInactive)
	}
	switch a.n.domain.Joining {
	case JoiningSuggest:
		a.n.decision.Suggested = []OrganizationView{org.view()}
	case JoiningRequest:
		if a.n.in.ChooseLater {
			a.n.decision.Suggested = []OrganizationView{org.view()}
			return nil
		}
		if len(a.n.members) == 0 && a.n.invitation == nil && !a.uninvited() {
			return a.tryRequest(ctx, org)
		}
	case JoiningAuto:
		return a.tryJoin(ctx, org)
	}
	return nil
}

func (a admission) tryJoin(ctx context.Context, org Organization) error {
	j, _, err := a.way(ctx, org)
	if err != nil {
		return err
	}
	var member Member
	err = a.n.w.savepoint(ctx, func(part *call) (err error) {
		inside := *a.n
		inside.w = part
		member, err = inside.admission().comeIn(ctx, j)
		return err
	})
	if errors.Is(err, errLeft) { // domains do not bring back a user who left, but they may ask
		a.n.decision.Suggested = []OrganizationView{org.view()}
		return nil
	}
	if code, refused := refusalCode(err); refused {
		return a.joinRefused(org, code)
	}
	if err != nil {
		return err
	}
	return a.entered(member)
}

// joinRefused records that the organization of the person's domain does not let them in. The sign-in goes on
// (rule P5).
func (a admission) joinRefused(org Organization, code Code) error {
	a.n.decision.JoinRefused = &JoinRefusal{org.view(), code}
	return nil
}

// tryRequest does request for a person who named no organization.
func (a admission) tryRequest(ctx context.Context, org Organization) error {
	req, err := a.findOrFileRequest(ctx, org)
	if code, refused := refusalCode(err); refused {
		return a.joinRefused(org, code)
	}
	if err != nil {
		return err
	}
	return a.filed(req)
}

// request files a join request for a person who named the organization.
func (a admission) request(ctx context.Context, org Organization) error {
	there, err := a.blockingCode(ctx)
	if err != nil {
		return err
	}
	if there == ErrMembershipInactive || a.uninvited() {
		return a.outside(org.ID, there)
	}
	req, err := a.findOrFileRequest(ctx, org)
	switch code, refused := refusalCode(err); {
	case code == ErrOrganizationClosed:
		return a.n.shut(org.ID)
	case refused:
		return a.outside(org.ID, code)
	case err != nil:
		return err
	}
	return a.filed(req)
}

// findOrFileRequest files the person's join request, or finds the pending one. A repeated sign-in does not
// repeat a request that was declined. It repeats one that the person canceled only if they name the
// organization.
func (a admission) findOrFileRequest(ctx context.Context, org Organization) (JoinRequest, error) {
	if err := isShut(org); err != nil {
		return JoinRequest{}, err
	}
	own := joinRequestFilter{OrganizationID: typed.Of(org.ID), UserID: typed.Of(a.n.user.ID)}
	last, err := a.n.w.tx.JoinRequests().List(ctx, own, listSpan{Limit: 1, Desc: true})
	if err != nil {
		return JoinRequest{}, err
	}
	if len(last) > 0 {
		switch state := last[0].State; {
		case state == JoinRequestPending:
			return last[0], nil
		case state == JoinRequestDeclined || state == JoinRequestCanceled && a.n.target.IsZero():
			return JoinRequest{}, &Error{Code: ErrJoinRequestDecided, Reason: string(state)}
		}
	}
	return a.n.w.joining().fileRequest(ctx, org, a.n.user, a.n.in.Note)
}

// filed ends an attempt with a request that stays.
func (a admission) filed(req JoinRequest) error {
	a.n.decision.Kind, a.n.decision.OrganizationID, a.n.decision.User, a.n.decision.Request = DecisionRequestFiled, req.OrganizationID, a.n.user, &req
	return errKept
}

// refusalCode returns the code of an error that refuses a person. Other errors are failures of the call.
func refusalCode(err error) (Code, bool) {
	if errors.Is(err, errRequestsFull) {
		return ErrInvalid, true
	}
	switch code := CodeOf(err); code {
	case ErrAlreadyMember, ErrAlreadyMemberElsewhere, ErrPendingMembership, ErrMembershipInactive, ErrMembershipRemoved, ErrSeatLimit, ErrJoinRefused,
		ErrEmailNotVerified, ErrEmailDomainNotAllowed, ErrOrganizationClosed,
		ErrInvitationAccepted, ErrInvitationRevoked, ErrInvitationDeclined, ErrInvitationExpired, ErrInvitationForOtherEmail, ErrInvitationVoid,
		ErrInvalidToken, ErrTokenExpired, ErrTokenUsed, ErrJoinRequestDecided, ErrRateLimited:
		return code, true
	}
	return "", false
}
