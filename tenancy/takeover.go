package tenancy

import (
	"cmp"
	"context"
	"slices"

	"github.com/freehold-dev/freehold/store/typed"
)

// The values of [User].EmailProvedBy besides the name of a provider and the id of a connection (rule U10).
const (
	EmailProvedByMail = "mail" // a link or a code that was mailed to it
	EmailProvedByHost = "host" // the host vouched for it
)

// emailProof is the evidence of a person who proves an address.
type emailProof struct {
	by string // for the user's EmailProvedBy
	// own means that the person used something of the account's own. Otherwise they may not be the person who
	// set it up.
	own      bool
	identity IdentityID // the identity that they came by, which stays; zero: none
	session  SessionID  // the session in which they showed it, which stays; zero: none
	email    string     // the same address as the person writes it; "" = as before
}

// takeOver gives an account to the first person who proves its address (rules U4, U5). It removes all ways to
// sign in to the account, except the one that the proof used. If the proof used nothing of the account's own,
// it also removes the phone number, and archives the organizations that the account made for itself.
func (us userRules) takeOver(ctx context.Context, user *User, p emailProof) error {
	if err := us.revokeAccess(ctx, user.ID, p); err != nil {
		return err
	}
	before := *user
	user.Email, user.PendingEmail = cmp.Or(p.email, user.Email), ""
	user.EmailVerifiedAt, user.EmailProvedBy = us.c.now, p.by
	if !p.own {
		user.Phone = "" // it may reach the earlier holder, and be their second factor
		us.c.freed = user.ID
	}
	if err := us.saveUser(ctx, before, user, EventUserEmailVerified); err != nil || p.own {
		return err
	}
	if err := us.c.removals().release(ctx, user.ID); err != nil {
		return err
	}
	if err := us.archiveFounded(ctx, before); err != nil {
		return err
	}
	return us.c.notify(ctx, *user, MessageTakenOver)
}

// revokeAccess removes everything by which the earlier holder of an account could come back: identities,
// sessions, pending proofs of addresses, pending sign-ins, and join requests.
func (us userRules) revokeAccess(ctx context.Context, user UserID, p emailProof) error {
	err := walk(ctx, us.c.tx.Identities(), identityFilter{UserID: typed.Of(user)}, func(i Identity) error {
		if i.ID == p.identity {
			return nil
		}
		return us.c.identities().dropIdentity(ctx, i)
	})
	if err != nil {
		return err
	}
	if err := us.c.spendProofs(ctx, user); err != nil {
		return err
	}
	if err := us.c.pendings().void(ctx, user); err != nil {
		return err
	}
	if err := us.c.joining().settleRequests(ctx, user, JoinRequestCanceled); err != nil {
		return err
	}
	live, err := us.c.sessions().liveSessions(ctx, user)
	if err != nil {
		return err
	}
	// Other entries of its client may be another person's.
	live = slices.DeleteFunc(live, func(s Session) bool { return s.ID == p.session })
	return us.c.sessions().end(ctx, EndedTakenOver, live...)
}

// archiveFounded archives the organizations that an account created while nobody had proved its address, and in
// which nobody else is active (rule U5). Otherwise the person who proves the address would own a stranger's
// organization. The host can restore them.
func (us userRules) archiveFounded(ctx context.Context, user User) error {
	if user.EmailProvedBy != "" { // it was proved once
		return nil
	}
	members, err := us.c.members().activeOf(ctx, user.ID)
	if err != nil {
		return err
	}
	members = slices.DeleteFunc(members, func(m Membership) bool { return m.JoinedVia != JoinedCreated })
	for _, m := range members {
		if err := us.c.lock(ctx, lockOrganization(m.OrganizationID)); err != nil {
			return err
		}
		n, err := us.c.tx.Memberships().Count(ctx, membershipFilter{OrganizationID: typed.Of(m.OrganizationID), Status: typed.Of(MembershipActive)})
		if err != nil {
			return err
		}
		org, err := us.c.tx.Organizations().Get(ctx, m.OrganizationID)
		if err != nil {
			return err
		}
		if n > 1 || !org.ArchivedAt.IsZero() {
			continue
		}
		before := org
		if err := us.c.organizations().archive(ctx, &org); err != nil {
			return err
		}
		if err := save(ctx, us.c, us.c.tx.Organizations().Update, before, &org, EventOrganizationArchived); err != nil {
			return err
		}
	}
	return nil
}
