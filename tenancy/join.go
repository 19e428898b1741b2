package tenancy

import (
	"context"
	"slices"
	"strings"
)

// entrant describes a user who is about to become a member of an organization. The caller that makes one holds
// the locks of the user and of the organization.
type entrant struct {
	id           MembershipID // zero = a new one
	organization Organization
	userID       UserID
	via          JoinedVia
	roles        []string // none = those of an inactive membership, else the default
	displayName  string
	attributes   map[string]string
	metadata     map[string]string
	history      MembershipHistory // of an import; zero: none

	source     RoleSource  // the source that gives the roles; "" = manual (rule M10)
	sourceID   string      // the id of that source
	invitation *Invitation // the pending invitation that is accepted; nil: none
	inviter    UserID      // the user who let them in; zero: nobody
	host       bool        // the host lets them in, which passes checks that stop others (rule M14)
	created    bool        // this call created the user: records about them exist only by their address
	uninvited  bool        // no invitation to their address is pending there
	// spared is a pending invitation to their address that stays, until they sign in with stronger evidence;
	// zero: none.
	spared InvitationID
}

// join makes a user a member of an organization. Every way in calls it, so that no way skips a check.
func (jn joinRules) join(ctx context.Context, j entrant) (Member, error) {
	user, err := jn.c.users().get(ctx, j.userID)
	if err != nil {
		return Member{}, err
	}
	m, err := jn.c.members().get(ctx, j.organization.ID, j.userID)
	there := err == nil
	switch {
	case !there && CodeOf(err) != ErrNotFound:
		return Member{}, err
	case there && m.Status == MembershipActive:
		return Member{}, &Error{Code: ErrAlreadyMember}
	}
	if err := jn.isOpen(j, user); err != nil {
		return Member{}, err
	}
	if j.via != JoinedCreated && (!there || m.Status == MembershipPending) {
		if err := jn.c.removals().pass(ctx, j, user); err != nil {
			return Member{}, err
		}
	}
	member, err := jn.comeIn(ctx, j, user, m, there)
	if err == nil && j.via == JoinedCode { // a join code counts as asking, as a request does (rule I9)
		err = jn.c.mails().asks(ctx, j.organization.ID.String(), user.EmailKey)
	}
	if err != nil || j.via == JoinedCreated || j.created && jn.c.instance.config.OnJoin == nil {
		return member, err
	}
	settled := JoinRequestApproved
	if j.status() == MembershipInactive {
		settled = JoinRequestCanceled
	}
	return member, jn.settleRequests(ctx, user.ID, settled, j.organization.ID)
}

// comeIn makes the user a member, on the row that exists or on a new one.
func (jn joinRules) comeIn(ctx context.Context, j entrant, user User, m Membership, there bool) (Member, error) {
	switch {
	case !there:
		return jn.enterNew(ctx, j, user)
	case m.Status == MembershipPending:
		return jn.enterPending(ctx, j, user, m)
	case !j.host && j.invitation == nil:
		return Member{}, &Error{Code: ErrMembershipInactive} // only the host or an invitation reactivates (rule M5)
	case j.history != MembershipHistory{}:
		return Member{}, invalid("history", "is of a membership that was there before")
	default:
		return jn.enterAgain(ctx, j, user, m)
	}
}

// isOpen refuses a suspended or archived organization for every way in except the host's. For the ways that
// anybody may try, it also refuses an address that the organization does not accept (rule M14). Only the host
// lets in a user whom it has suspended (rule M9).
func (jn joinRules) isOpen(j entrant, user User) error {
	if j.host {
		return nil
	}
	if err := isShut(j.organization); err != nil {
		return err
	}
	if !user.SuspendedAt.IsZero() {
		return &Error{Code: ErrUserSuspended, Kind: "user", Key: user.ID.String()}
	}
	switch j.via {
	case JoinedInvitation, JoinedCode, JoinedRequest, JoinedDomain, JoinedSingleSignOn:
		return jn.takes(j.organization, user)
	}
	return nil
}

// isShut refuses an organization that is suspended or archived.
func isShut(org Organization) error {
	if !org.SuspendedAt.IsZero() || !org.ArchivedAt.IsZero() {
		return &Error{Code: ErrOrganizationClosed}
	}
	return nil
}

// takes refuses a user whose address the organization does not accept. If the organization restricts addresses,
// the user's address must be proved.
func (jn joinRules) takes(org Organization, user User) error {
	if len(org.Settings.AllowedDomains)+len(org.Settings.BlockedDomains) == 0 {
		return nil
	}
	if user.EmailVerifiedAt.IsZero() {
		return &Error{Code: ErrEmailNotVerified}
	}
	return jn.emailAllowed(org, user.EmailKey)
}

// emailAllowed refuses a canonical address on a domain that the organization does not accept (rules O3, M14).
// An allowed domain matches by its exact name. A blocked domain also matches all its subdomains, because the
// holder of a domain can make as many of these as they like.
func (jn joinRules) emailAllowed(org Organization, emailKey string) error {
	if belowDomains(emailKey, org.Settings.BlockedDomains) ||
		len(org.Settings.AllowedDomains) > 0 && !onDomains(emailKey, org.Settings.AllowedDomains) {
		return &Error{Code: ErrEmailDomainNotAllowed, Field: "email"}
	}
	return nil
}

// onDomains reports whether a canonical address is on one of the domains.
func onDomains(emailKey string, names []string) bool {
	return slices.Contains(names, emailDomain(emailKey))
}

// belowDomains reports whether a canonical address is on one of the domains, or on a subdomain.
func belowDomains(emailKey string, names []string) bool {
	at := "." + emailDomain(emailKey)
	return slices.ContainsFunc(names, func(name string) bool { return strings.HasSuffix(at, "."+name) })
}
