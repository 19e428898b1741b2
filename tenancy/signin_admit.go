package tenancy

import (
	"context"
	"errors"
)

// admit lets the person in where the invitation, their domain or their connection does
// (rules I4, D7, P6), and turns away who has nothing to do where they want to.
func (n *signIn) admit(ctx context.Context) error {
	if n.confined() && n.target != n.home.ID {
		return n.outside(n.target, "")
	}
	if n.invitation != nil {
		if err := n.accept(ctx); err != nil {
			return err
		}
	}
	var err error
	switch {
	case n.target.IsZero():
		err = n.draw(ctx)
	case n.at(n.target).Status != MembershipActive:
		err = n.enter(ctx)
	}
	if err == nil && n.uninvited() && len(n.active()) == 0 {
		err = n.decide(Decision{Kind: DecisionInvitationNeeded})
	}
	return err
}

// uninvited reports whether the person is new, and nobody has let them be a user.
func (n *signIn) uninvited() bool {
	return n.created && n.w.config.Registration == RegistrationClosed && n.invitation == nil
}

// outside turns away somebody who is not in an organization, and who, where registration
// is closed, would be a user only by being in one.
func (n *signIn) outside(id OrganizationID, code Code) error {
	kind := DecisionNotMember
	if n.uninvited() {
		kind = DecisionInvitationNeeded
	}
	return n.decide(Decision{Kind: kind, OrganizationID: id, Code: code})
}

// accept takes the invitation up.
func (n *signIn) accept(ctx context.Context) error {
	inv := n.invitation
	member, err := n.w.acceptInvitation(ctx, inv.Invitation, n.user, inv.mailed)
	if code, refused := saysNo(err); refused {
		return n.decide(Decision{Kind: DecisionInvitationRefused, OrganizationID: inv.OrganizationID, Code: code})
	}
	if err != nil || inv.OrganizationID.IsZero() {
		return err
	}
	return n.entered(member)
}

// entered notes that the person is in.
func (n *signIn) entered(member Member) error {
	n.joined = member
	if n.w.config.OnJoin != nil {
		n.opened = Organization{} // it may have changed
	}
	members := []Membership{member.Membership}
	for _, m := range n.members {
		if m.ID != member.ID {
			members = append(members, m)
		}
	}
	n.members = members
	return nil
}

// enter lets the person into the organization that they want to, if something does.
func (n *signIn) enter(ctx context.Context) error {
	org, err := n.open(ctx, n.target)
	if err != nil {
		return err
	}
	j, ok, err := n.way(ctx, org)
	if err != nil {
		return err
	}
	if !ok {
		if n.onDomainOf(org.ID) && n.domain.Joining == JoiningRequest {
			return n.request(ctx, org)
		}
		return n.outside(org.ID, n.standing())
	}
	member, err := n.w.join(ctx, j)
	switch code, refused := saysNo(err); {
	case code == ErrOrganizationClosed:
		return n.shut(org.ID)
	case refused:
		return n.outside(org.ID, code)
	case err != nil:
		return err
	}
	n.grouped = j.via == JoinedSingleSignOn
	return n.entered(member)
}

// standing is what stands between the person and the organization that they want to.
func (n *signIn) standing() Code {
	switch n.at(n.target).Status {
	case MembershipInactive:
		return ErrMembershipInactive
	case MembershipPending:
		return ErrPendingMembership
	}
	return ""
}

// open reads an organization under its lock. Where it is archived it is not there (rule
// O2).
func (n *signIn) open(ctx context.Context, id OrganizationID) (Organization, error) {
	if err := n.w.Lock(ctx, lockOrganization(id)); err != nil {
		return Organization{}, err
	}
	org := n.opened
	if org.ID != id {
		var err error
		if org, err = n.w.Organizations().Get(ctx, id); err != nil {
			return Organization{}, err
		}
	}
	if !org.ArchivedAt.IsZero() {
		return Organization{}, notFound(id)
	}
	n.opened = org
	return org, nil
}

// onDomainOf reports whether the person has a proved address on a domain of an
// organization's.
func (n *signIn) onDomainOf(id OrganizationID) bool {
	return !n.domain.ID.IsZero() && n.domain.OrganizationID == id && !n.user.EmailVerifiedAt.IsZero()
}

// way is how the person gets into an organization without anybody asking: through its
// connection, or because their address is on its domain.
func (n *signIn) way(ctx context.Context, org Organization) (joining, bool, error) {
	j := joining{organization: org, userID: n.user.ID}
	switch {
	case !n.onDomainOf(org.ID):
		return j, false, nil
	case org.ID == n.home.ID && org.Settings.SingleSignOnJoins:
		roles, err := n.w.rolesByGroups(ctx, n.connection, n.in.groups)
		j.via, j.roles = JoinedSingleSignOn, roles
		j.source, j.sourceID = RoleSingleSignOn, n.connection.ID.String()
		return j, true, err
	case n.domain.Joining == JoiningAuto:
		j.via, j.source, j.sourceID = JoinedDomain, RoleDomain, n.domain.ID.String()
		if n.domain.Role != "" {
			j.roles = []string{n.domain.Role}
		}
		return j, true, nil
	}
	return j, false, nil
}

// draw does for a person who did not say where to what the organization of their
// domain offers (rule D7). Where they cannot be let in, they are not held up either.
func (n *signIn) draw(ctx context.Context) error {
	id := n.domain.OrganizationID
	there, auto := n.at(id).Status, n.domain.Joining == JoiningAuto
	if !n.onDomainOf(id) || there == MembershipActive || there == MembershipInactive && !auto || n.domain.Joining == JoiningOff {
		return nil
	}
	org, err := n.open(ctx, id)
	switch {
	case err != nil:
		return err
	case !org.SuspendedAt.IsZero() && !auto:
		return nil
	case !org.SuspendedAt.IsZero():
		return n.joinRefused(org, ErrOrganizationClosed)
	case there == MembershipInactive:
		return n.joinRefused(org, ErrMembershipInactive)
	}
	switch n.domain.Joining {
	case JoiningSuggest:
		n.decision.Suggested = []OrganizationView{org.view()}
	case JoiningRequest:
		if len(n.active()) == 0 && n.invitation == nil && !n.uninvited() {
			return n.tryRequest(ctx, org)
		}
	case JoiningAuto:
		return n.tryJoin(ctx, org)
	}
	return nil
}

func (n *signIn) tryJoin(ctx context.Context, org Organization) error {
	j, _, err := n.way(ctx, org)
	if err != nil {
		return err
	}
	var member Member
	err = n.w.apart(ctx, func(part *work) (err error) {
		member, err = part.join(ctx, j)
		return err
	})
	if code, refused := saysNo(err); refused {
		return n.joinRefused(org, code)
	}
	if err != nil {
		return err
	}
	return n.entered(member)
}

// joinRefused notes that the organization of the person's domain does not let them in, and
// does not hold them up (rule P5).
func (n *signIn) joinRefused(org Organization, code Code) error {
	n.decision.JoinRefused = &JoinRefusal{org.view(), code}
	return nil
}

// tryRequest is request for a person who did not say where to.
func (n *signIn) tryRequest(ctx context.Context, org Organization) error {
	req, err := n.wish(ctx, org)
	if code, refused := saysNo(err); refused {
		return n.joinRefused(org, code)
	}
	if err != nil {
		return err
	}
	return n.filed(req)
}

// request files the wish to be let in of a person who named the organization.
func (n *signIn) request(ctx context.Context, org Organization) error {
	if there := n.standing(); there == ErrMembershipInactive || n.uninvited() {
		return n.outside(org.ID, there)
	}
	req, err := n.wish(ctx, org)
	switch code, refused := saysNo(err); {
	case code == ErrOrganizationClosed:
		return n.shut(org.ID)
	case refused:
		return n.outside(org.ID, code)
	case err != nil:
		return err
	}
	return n.filed(req)
}

// wish files the person's request, or finds the one that waits. To sign in once more is
// not to ask once more: what was declined stays so, and what they canceled as long as
// they do not name the organization.
func (n *signIn) wish(ctx context.Context, org Organization) (JoinRequest, error) {
	if err := isShut(org); err != nil {
		return JoinRequest{}, err
	}
	own := JoinRequestFilter{OrganizationID: Of(org.ID), UserID: Of(n.user.ID)}
	last, err := n.w.JoinRequests().List(ctx, own, Span{Limit: 1, Desc: true})
	if err != nil {
		return JoinRequest{}, err
	}
	if len(last) > 0 {
		switch state := last[0].State; {
		case state == JoinRequestPending:
			return last[0], nil
		case state == JoinRequestDeclined || state == JoinRequestCanceled && n.target.IsZero():
			return JoinRequest{}, &Error{Code: ErrJoinRequestDecided, Reason: string(state)}
		}
	}
	return n.w.fileRequest(ctx, org, n.user, n.in.Note)
}

// filed ends an attempt with a request that stays.
func (n *signIn) filed(req JoinRequest) error {
	n.decision.Kind, n.decision.OrganizationID, n.decision.User, n.decision.Request = DecisionRequestFiled, req.OrganizationID, n.user, &req
	return errKept
}

// saysNo gives the code of an error that says no to a person; all others say that
// something is wrong.
func saysNo(err error) (Code, bool) {
	if errors.Is(err, errRequestsFull) {
		return ErrInvalid, true
	}
	switch code := CodeOf(err); code {
	case ErrAlreadyMember, ErrAlreadyMemberElsewhere, ErrPendingMembership, ErrMembershipInactive, ErrSeatLimit, ErrJoinRefused,
		ErrEmailNotVerified, ErrEmailDomainNotAllowed, ErrOrganizationClosed,
		ErrInvitationAccepted, ErrInvitationRevoked, ErrInvitationExpired, ErrInvitationForOtherEmail, ErrInvitationVoid,
		ErrInvalidToken, ErrTokenExpired, ErrTokenUsed, ErrJoinRequestDecided:
		return code, true
	}
	return "", false
}
