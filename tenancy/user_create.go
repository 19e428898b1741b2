package tenancy

import (
	"context"
	"fmt"
	"strings"

	"github.com/freehold-dev/freehold/store"
)

// maxNewMemberships is how many memberships can be created together with a user.
const maxNewMemberships = 100

// createMember creates a user together with memberships.
func (us userRules) createMember(ctx context.Context, in NewUser) (User, error) {
	if len(in.Memberships) > maxNewMemberships {
		return User{}, invalid("memberships", fmt.Sprintf("are %d, at most %d", len(in.Memberships), maxNewMemberships))
	}
	var roles []string
	locks := make([]store.LockKey, len(in.Memberships))
	for i, m := range in.Memberships {
		if !m.UserID.IsZero() {
			return User{}, invalid("memberships", "name a user, who is the new one")
		}
		roles, locks[i] = append(roles, m.Roles...), lockOrganization(m.OrganizationID)
	}
	if err := us.c.roles().lockDeclared(ctx, roles...); err != nil {
		return User{}, err
	}
	user, err := us.createUser(ctx, in, EmailProvedByHost, InvitationID{})
	if err != nil || len(locks) == 0 {
		return user, err
	}
	if err := us.c.lock(ctx, locks...); err != nil {
		return User{}, err
	}
	for _, m := range in.Memberships {
		m.UserID = user.ID
		if _, err := us.c.members().add(ctx, m); err != nil {
			return User{}, err
		}
	}
	return user, nil
}

// createUser creates a user. by says what proved the address, if it is verified. taken is the invitation that
// the call accepts afterwards, so it gets no pending membership first; zero: none.
func (us userRules) createUser(ctx context.Context, in NewUser, by string, taken InvitationID) (User, error) {
	user := User{ID: newID(us.c, in.ID), Version: 1, CreatedAt: us.c.now, UpdatedAt: us.c.now}
	var err error
	if strings.TrimSpace(in.Email) != "" || !us.c.instance.config.EmailOptional {
		if user.Email, user.EmailKey, err = readEmail(in.Email); err != nil {
			return User{}, err
		}
	}
	if err := us.recall(&user, in.History); err != nil {
		return User{}, err
	}
	if user.Attributes, err = us.c.instance.config.Limits.metadata("attributes", in.Attributes); err != nil {
		return User{}, err
	}
	if user.Metadata, err = us.c.instance.config.Limits.metadata("metadata", in.Metadata); err != nil {
		return User{}, err
	}
	err = us.applyUser(&user, UserUpdate{
		EmailVerified: &in.EmailVerified, GivenName: &in.GivenName, FamilyName: &in.FamilyName, DisplayName: &in.DisplayName,
		Picture: &in.Picture, Phone: &in.Phone, Locale: &in.Locale, ExternalID: &in.ExternalID,
	})
	if err != nil {
		return User{}, err
	}
	if in.EmailVerified {
		user.EmailProvedBy = by
	}
	locks := []store.LockKey{lockUser(user.ID)}
	if user.EmailKey != "" {
		locks = []store.LockKey{lockEmail(user.EmailKey), lockUser(user.ID)}
	}
	if err := us.c.lock(ctx, locks...); err != nil {
		return User{}, err
	}
	if err := us.c.tx.Users().Insert(ctx, user); err != nil {
		return User{}, err
	}
	if err := us.c.record(ctx, user.event(EventUserCreated)); err != nil || user.EmailVerifiedAt.IsZero() {
		return user, err
	}
	return user, us.c.invitations().emailProved(ctx, user, taken)
}
