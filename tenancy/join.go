package tenancy

import (
	"context"
	"slices"
	"strings"
)

// entrant is somebody on their way into an organization. Whoever makes one holds
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

	source     RoleSource   // what gives the roles; "" = manual (rule M10)
	sourceID   string       // which one
	invitation *Invitation  // the one that is accepted, and is pending; nil: none
	inviter    UserID       // who let them in; zero: nobody
	host       bool         // by the host's word, which passes what stops others (rule M14)
	created    bool         // the user came to be in this call: nothing is kept of them but by their address
	uninvited  bool         // no invitation stands to their address there
	spared     InvitationID // one that stands to their address, and is left for when they bring more; zero: none
}

// join is the one gate into an organization: every way in passes it, and what it
// refuses nobody lets in.
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
	if err == nil && j.via == JoinedCode { // which is asking, as a request is (rule I9)
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

// comeIn lets somebody in, on the row that there is.
func (jn joinRules) comeIn(ctx context.Context, j entrant, user User, m Membership, there bool) (Member, error) {
	switch {
	case !there:
		return jn.enterNew(ctx, j, user)
	case m.Status == MembershipPending:
		return jn.enterPending(ctx, j, user, m)
	case !j.host && j.invitation == nil:
		return Member{}, &Error{Code: ErrMembershipInactive} // only somebody's word brings them back (rule M5)
	case j.history != MembershipHistory{}:
		return Member{}, invalid("history", "is of a membership that was there before")
	default:
		return jn.enterAgain(ctx, j, user, m)
	}
}

// isOpen refuses every way but the host's into an organization that is shut, and, by
// the ways that anybody may try, an address that it does not take (rule M14). A user whom
// the host suspended gets in by the host's word alone (rule M9).
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

// takes refuses a user whose address an organization does not take. Where it picks
// addresses, one that is not proved says nothing.
func (jn joinRules) takes(org Organization, user User) error {
	if len(org.Settings.AllowedDomains)+len(org.Settings.BlockedDomains) == 0 {
		return nil
	}
	if user.EmailVerifiedAt.IsZero() {
		return &Error{Code: ErrEmailNotVerified}
	}
	return jn.emailAllowed(org, user.EmailKey)
}

// emailAllowed refuses a canonical address on a domain that an organization does not
// take (rules O3, M14). An allowed domain is that name alone. A blocked one is every name
// below it, too: whoever holds a name makes as many below it as they like.
func (jn joinRules) emailAllowed(org Organization, emailKey string) error {
	if belowDomains(emailKey, org.Settings.BlockedDomains) ||
		len(org.Settings.AllowedDomains) > 0 && !onDomains(emailKey, org.Settings.AllowedDomains) {
		return &Error{Code: ErrEmailDomainNotAllowed, Field: "email"}
	}
	return nil
}

// onDomains reports whether a canonical address is on one of some domains.
func onDomains(emailKey string, names []string) bool {
	return slices.Contains(names, emailDomain(emailKey))
}

// belowDomains reports whether a canonical address is on one of some domains, or below it.
func belowDomains(emailKey string, names []string) bool {
	at := "." + emailDomain(emailKey)
	return slices.ContainsFunc(names, func(name string) bool { return strings.HasSuffix(at, "."+name) })
}
