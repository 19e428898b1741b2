package tenancy

import (
	"cmp"
	"context"
	"slices"

	"github.com/freehold-dev/freehold/store/typed"
)

// What proved a user's address (rule U10), besides the name of a provider and the id of a
// connection.
const (
	EmailProvedByMail = "mail" // a link or a code that was mailed to it
	EmailProvedByHost = "host" // the host's word
)

// emailProof is what somebody has shown who proves an address.
type emailProof struct {
	by       string     // for the user's EmailProvedBy
	own      bool       // they came by something of the account's own; else they may be somebody else than who set it up
	identity IdentityID // by which they came, so that it stays; zero: none
	session  SessionID  // in which they showed it, so that it stays; zero: none
	email    string     // the same address as they write it; "" = as before
}

// takeOver gives an account to whoever has proved its address first (rules U4, U5). All
// that it could be entered by goes, except what the proof came by. Where that is nothing
// of the account's own, so do its phone number and the organizations that it made for
// itself.
func (us userRules) takeOver(ctx context.Context, user *User, p emailProof) error {
	if err := us.revokeAccess(ctx, user.ID, p); err != nil {
		return err
	}
	before := *user
	user.Email, user.PendingEmail = cmp.Or(p.email, user.Email), ""
	user.EmailVerifiedAt, user.EmailProvedBy = us.c.now, p.by
	if !p.own {
		user.Phone = "" // a way to reach somebody else, and perhaps their second factor
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

// revokeAccess takes all that whoever made an account could come back by: identities, sessions,
// proofs of addresses on their way, pending sign-ins, and requests to join.
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
	live = slices.DeleteFunc(live, func(s Session) bool { return s.ID == p.session }) // other entries of its client may be another person's
	return us.c.sessions().end(ctx, EndedTakenOver, live...)
}

// archiveFounded archives the organizations that an account made while nobody had proved
// its address, and in which nobody else is active: whoever proves it should not find
// themselves the owner of a stranger's (rule U5). The host can restore them.
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
