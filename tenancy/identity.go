package tenancy

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/freehold-dev/freehold/store/typed"
)

// Identity is one way in which a user signs in: a subject at a provider (rule U4). Provider and Subject
// together are its key. The email is only an attribute.
type Identity struct {
	ID      IdentityID `json:"id"`      // never changes
	Version int64      `json:"version"` // counts changes from 1 (rule G11)
	UserID  UserID     `json:"user_id"` // the user who signs in with it
	// Provider is a provider of the application's, such as "google" or "password", or the id of a
	// connection.
	Provider      string `json:"provider"`
	Subject       string `json:"subject"`                  // the person's fixed name at the provider, byte for byte
	Email         string `json:"email,omitempty"`          // as the provider last gave it
	EmailVerified bool   `json:"email_verified,omitempty"` // the provider says that it has verified Email
	// Epoch is the Epoch of the connection when the identity was linked. Once the connection has been
	// changed to another provider, the identity no longer signs anybody in (rule U4). 0: a provider of the
	// application's.
	Epoch     int64     `json:"epoch,omitempty"`
	CreatedAt time.Time `json:"created_at,omitzero"` // when it was created
	UpdatedAt time.Time `json:"updated_at,omitzero"` // when it last changed, with Version
}

// IdentityID is the id of an identity; its text begins with idn_.
type IdentityID = ID[Identity]

func (Identity) idPrefix() string { return "idn" }

func (i Identity) rowID() [16]byte { return i.ID }

func (i *Identity) stamps() (*int64, *time.Time) { return &i.Version, &i.UpdatedAt }

func (i *Identity) event(kind EventType) newEvent {
	return newEvent{kind: kind, user: i.UserID, subject: i.ID.String(), data: *i}
}

// Identities is the group of methods on identities.
type Identities struct{ s *Service }

// NewIdentity is a way to sign in, as the host got it from the provider.
type NewIdentity struct {
	Provider string // a provider of the application's: 1 to 64 of a-z, 0-9, _ and -, not beginning with con_
	Subject  string // the person's fixed name at the provider: 1 to 255 printable characters
	Email    string // as the provider gives it; "" = it gives none
	// EmailVerified says that the provider has proved Email for the person, and that the host trusts it in
	// that. Set it only for a claim that is the boolean true, and not for the string "true", from a
	// provider that owns or proves mailboxes (rule U4).
	EmailVerified bool `json:"-"`
}

// Link adds a way to sign in to a user. It is for imports, and for a host that signs people in itself; it
// compares no email addresses. If the user has the identity already, Link updates its email. A person who
// is signed in adds an identity with [Service.SignIn] and LinkTo, which needs evidence: without evidence,
// an actor could take a stranger's subject.
//
// Errors: [ErrInvalid], also for more than Limits.UserIdentities; [ErrNotFound], [ErrMerged];
// [ErrAlreadyExists] with the field "subject" if another user has the identity. Actors: [ErrForbidden].
func (g Identities) Link(ctx context.Context, id UserID, in NewIdentity) (Identity, error) {
	return write(ctx, g.s, identitiesLink, id.String(), func(ctx context.Context, c *call) (Identity, error) {
		if err := in.read(); err != nil {
			return Identity{}, err
		}
		if err := c.lock(ctx, lockUser(id)); err != nil {
			return Identity{}, err
		}
		if err := c.access().authorize(ctx, scope{}); err != nil {
			return Identity{}, err
		}
		epoch, err := c.identities().epochOf(ctx, in.Provider)
		if err != nil {
			return Identity{}, err
		}
		if _, err := c.users().get(ctx, id); err != nil {
			return Identity{}, err
		}
		return c.identities().link(ctx, id, newIdentity{in, epoch})
	})
}

// newIdentity is a NewIdentity with the epoch of its connection.
type newIdentity struct {
	NewIdentity
	epoch int64
}

// epochOf returns the epoch of the connection that a provider name stands for, and 0 for a provider of the
// application's. It refuses a name that looks like a connection but is not one (rule P1). Identities at
// connections come from SignIn, or from the host in an import.
func (i identityRules) epochOf(ctx context.Context, provider string) (int64, error) {
	if !looksLikeConnection(provider) {
		return 0, nil
	}
	none := invalid("provider", "is no connection, and begins as if it were")
	id, err := ParseID[Connection](provider)
	if err != nil {
		return 0, none
	}
	c, err := i.c.tx.Connections().Get(ctx, id)
	if CodeOf(err) == ErrNotFound {
		return 0, none
	}
	if err != nil {
		return 0, err
	}
	if err := i.c.lock(ctx, lockOrganization(c.OrganizationID)); err != nil {
		return 0, err
	}
	if c, err = i.c.tx.Connections().Get(ctx, id); CodeOf(err) == ErrNotFound {
		return 0, none
	}
	return c.Epoch, err
}

var providerForm = regexp.MustCompile(`^[a-z0-9_-]{1,64}$`)

// read checks an identity, and puts its address into its stored form.
func (in *NewIdentity) read() (err error) {
	if !providerForm.MatchString(in.Provider) {
		return invalid("provider", "is not 1 to 64 of a-z, 0-9, _ and -")
	}
	if err := exact("subject", in.Subject); err != nil {
		return err
	}
	if in.Email = strings.TrimSpace(in.Email); in.Email == "" {
		if in.EmailVerified {
			return invalid("email", "is empty and yet verified")
		}
		return nil
	}
	_, err = CanonicalEmail(in.Email)
	return err
}

// link adds an identity to a user, or updates it. The caller holds the user's lock.
func (i identityRules) link(ctx context.Context, id UserID, in newIdentity) (Identity, error) {
	known, err := i.find(ctx, in.Provider, in.Subject)
	switch {
	case err == nil && known.Epoch != in.epoch: // from a former provider of the connection
		if err := i.unlink(ctx, known); err != nil {
			return Identity{}, err
		}
	case err == nil && known.UserID != id:
		return Identity{}, &Error{Code: ErrAlreadyExists, Kind: "identity", Field: "subject"}
	case err == nil:
		return i.refresh(ctx, known, in)
	case CodeOf(err) != ErrNotFound:
		return Identity{}, err
	}
	return i.attach(ctx, id, in)
}

// attach adds an identity that no user has to a user.
func (i identityRules) attach(ctx context.Context, id UserID, in newIdentity) (Identity, error) {
	n, err := i.c.tx.Identities().Count(ctx, identityFilter{UserID: typed.Of(id)})
	if err != nil {
		return Identity{}, err
	}
	if most := i.c.instance.config.Limits.UserIdentities; n >= most {
		return Identity{}, invalid("user", fmt.Sprintf("has %d identities, at most %d", n, most))
	}
	return i.insertIdentity(ctx, id, in)
}

func (i identityRules) insertIdentity(ctx context.Context, id UserID, in newIdentity) (Identity, error) {
	identity := Identity{
		ID: i.c.instance.config.NewID(), Version: 1, UserID: id, Provider: in.Provider, Subject: in.Subject,
		Email: in.Email, EmailVerified: in.EmailVerified, Epoch: in.epoch, CreatedAt: i.c.now, UpdatedAt: i.c.now,
	}
	if err := i.c.tx.Identities().Insert(ctx, identity); err != nil {
		return Identity{}, err
	}
	return identity, i.c.record(ctx, identity.event(EventIdentityLinked))
}

func (i identityRules) refresh(ctx context.Context, identity Identity, in newIdentity) (Identity, error) {
	before := identity
	identity.Email, identity.EmailVerified = in.Email, in.EmailVerified
	if err := save(ctx, i.c, i.c.tx.Identities().Update, before, &identity, EventIdentityUpdated); err != nil {
		return Identity{}, err
	}
	return identity, nil
}

// find returns the identity with a key.
func (i identityRules) find(ctx context.Context, provider, subject string) (Identity, error) {
	found, err := i.c.tx.Identities().List(ctx, identityFilter{Provider: typed.Of(provider), Subject: typed.Of(subject)}, listSpan{Limit: 1})
	if err != nil {
		return Identity{}, err
	}
	if len(found) == 0 {
		return Identity{}, &Error{Code: ErrNotFound, Kind: "identity"}
	}
	return found[0], nil
}

// Unlink removes a way to sign in from a user, and ends the sessions that came from it (rule P9), even the
// one in which the user makes this call. The roles that a connection gave for the groups of the identity go
// too (rule M10).
//
// Errors: [ErrNotFound], also for an identity of another user.
func (g Identities) Unlink(ctx context.Context, id UserID, identity IdentityID) error {
	return exec(ctx, g.s, identitiesUnlink, identity.String(), func(ctx context.Context, c *call) error {
		if err := c.access().mayLock(ctx, scope{user: id}); err != nil {
			return err
		}
		if err := c.lock(ctx, lockUser(id)); err != nil {
			return err
		}
		if err := c.access().authorize(ctx, scope{user: id}); err != nil {
			return err
		}
		found, err := c.tx.Identities().List(ctx, identityFilter{ID: typed.Of(identity), UserID: typed.Of(id)}, listSpan{Limit: 1})
		known, err := exactlyOne(found, err, notFound(identity))
		if err != nil {
			return err
		}
		return c.identities().unlink(ctx, known)
	})
}

// unlink deletes an identity and ends the sessions that came from it. The caller holds the user's lock.
func (i identityRules) unlink(ctx context.Context, identity Identity) error {
	live, err := i.c.sessions().liveSessions(ctx, identity.UserID)
	if err != nil {
		return err
	}
	live = slices.DeleteFunc(live, func(s Session) bool { return s.IdentityID != identity.ID })
	if err := i.c.sessions().end(ctx, EndedUnlinked, live...); err != nil {
		return err
	}
	if err := i.ungroup(ctx, identity); err != nil {
		return err
	}
	return i.dropIdentity(ctx, identity)
}

// ungroup takes away the roles that a connection gave to the user of an identity (rule M10), because
// nothing says any more which groups they are in. A user who is left without a role gets the organization's
// default until they sign in through the connection again. But nobody may gain rights by unlinking: if
// their roles granted less than the default, they keep those.
func (i identityRules) ungroup(ctx context.Context, identity Identity) error {
	if !looksLikeConnection(identity.Provider) {
		return nil
	}
	gave, err := collect(ctx, i.c.tx.RoleAssignments(), roleAssignmentFilter{
		UserID: typed.Of(identity.UserID), Source: typed.Of(RoleSingleSignOn), SourceID: typed.Of(identity.Provider),
	})
	if err != nil || len(gave) == 0 {
		return err
	}
	if err := i.c.lock(ctx, lockOrganization(gave[0].OrganizationID)); err != nil {
		return err
	}
	org, err := i.c.tx.Organizations().Get(ctx, gave[0].OrganizationID)
	if err != nil {
		return err
	}
	m, err := i.c.tx.Memberships().Get(ctx, gave[0].MembershipID)
	if err != nil {
		return err
	}
	by := origin{RoleSingleSignOn, identity.Provider}
	return i.c.connections().strip(ctx, org, m, by, by)
}

// dropIdentity is unlink for callers that end the sessions in another way.
func (i identityRules) dropIdentity(ctx context.Context, identity Identity) error {
	if err := i.c.tx.Identities().Delete(ctx, identity.ID); err != nil {
		return err
	}
	return i.c.record(ctx, identity.event(EventIdentityUnlinked))
}

// List returns all of a user's identities, oldest first. There are at most Limits.UserIdentities, unless a
// Merge added more.
//
// Errors: [ErrNotFound], [ErrMerged].
func (g Identities) List(ctx context.Context, id UserID) ([]Identity, error) {
	return read(ctx, g.s, identitiesList, id.String(), func(ctx context.Context, c *call) ([]Identity, error) {
		if err := c.access().authorize(ctx, scope{user: id}); err != nil {
			return nil, err
		}
		if _, err := c.users().get(ctx, id); err != nil {
			return nil, err
		}
		found, err := collect(ctx, c.tx.Identities(), identityFilter{UserID: typed.Of(id)})
		if err != nil {
			return nil, err
		}
		return listed(found), nil
	})
}

// Resolution is the result of Resolve: an identity and its user.
type Resolution struct {
	User     User     `json:"user"`                // the user of the identity
	Identity Identity `json:"identity"`            // the identity that was asked for
	Linked   bool     `json:"linked,omitempty"`    // the identity is new, and was linked by its verified email
	TookOver bool     `json:"took_over,omitempty"` // the user's address was not proved before: see Resolve
}

// Resolve finds the user of an identity that a provider has just asserted (rule U4). It is for a host that
// signs people in itself.
//
// A known identity belongs to its user, whatever its email is now. A new identity is linked to the user
// with the same email address, if the provider proved the address. If the user had not proved it, somebody
// else may have made that account. Then, in the same transaction, every identity, session, join request and
// pending email change from before is deleted, the address counts as verified, and TookOver is set.
// Memberships and roles stay; an organization that the account had made for itself alone is archived (rule
// U5).
//
// Errors: [ErrInvalid]; [ErrNotFound] if no user is found: create a user and Link; [ErrEmailNotVerified] if
// a user has the address but the provider did not prove it: let them sign in as before, then Link;
// [ErrIdentityConflict] if the user has another identity at the provider: this person may be the next owner
// of the address.
func (g Identities) Resolve(ctx context.Context, in NewIdentity) (Resolution, error) {
	return write(ctx, g.s, identitiesResolve, "", func(ctx context.Context, c *call) (Resolution, error) {
		if err := in.read(); err != nil {
			return Resolution{}, err
		}
		if looksLikeConnection(in.Provider) {
			return Resolution{}, invalid("provider", "is a connection's; its identities are for SignIn")
		}
		if err := c.access().authorize(ctx, scope{}); err != nil {
			return Resolution{}, err
		}
		return c.identities().resolve(ctx, in)
	})
}

func (i identityRules) resolve(ctx context.Context, in NewIdentity) (Resolution, error) {
	id, known, err := i.lockClaimant(ctx, in)
	if err != nil {
		return Resolution{}, err
	}
	user, err := i.c.users().get(ctx, id)
	if err != nil {
		return Resolution{}, err
	}
	found := Resolution{User: user, Linked: !known}
	switch {
	case known:
	case user.EmailVerifiedAt.IsZero():
		found.TookOver = true
		if err := i.c.users().takeOver(ctx, &found.User, emailProof{by: in.Provider}); err != nil {
			return Resolution{}, err
		}
	default:
		n, err := i.c.tx.Identities().Count(ctx, identityFilter{UserID: typed.Of(id), Provider: typed.Of(in.Provider)})
		if err != nil {
			return Resolution{}, err
		}
		if n > 0 {
			return Resolution{}, &Error{Code: ErrIdentityConflict, Kind: "identity", Field: "subject"}
		}
	}
	found.Identity, err = i.link(ctx, id, newIdentity{NewIdentity: in})
	if err == nil && found.Linked && !found.TookOver {
		err = i.c.notify(ctx, user, MessageIdentityLinked)
	}
	return found, err
}

// lockClaimant finds the user to whom an identity leads, and takes their lock. It repeats the search under
// the lock until it finds the user that it has locked.
func (i identityRules) lockClaimant(ctx context.Context, in NewIdentity) (id UserID, known bool, err error) {
	var locked UserID
	for {
		id, known, err = i.claimant(ctx, in)
		if err != nil || id == locked {
			return id, known, err
		}
		if err := i.c.lock(ctx, lockUser(id)); err != nil {
			return UserID{}, false, err
		}
		locked = id
	}
}

// claimant returns the user to whom an identity leads, by its key or by its proved email.
func (i identityRules) claimant(ctx context.Context, in NewIdentity) (id UserID, known bool, err error) {
	identity, err := i.find(ctx, in.Provider, in.Subject)
	if err == nil {
		return identity.UserID, true, nil
	}
	if CodeOf(err) != ErrNotFound || in.Email == "" {
		return UserID{}, false, err
	}
	canonical, err := CanonicalEmail(in.Email)
	if err != nil {
		return UserID{}, false, err
	}
	users, err := i.c.tx.Users().List(ctx, userFilter{EmailKey: typed.Of(canonical)}, listSpan{Limit: 1})
	switch {
	case err != nil:
		return UserID{}, false, err
	case len(users) == 0:
		return UserID{}, false, &Error{Code: ErrNotFound, Kind: "user"}
	case !in.EmailVerified:
		return UserID{}, false, &Error{Code: ErrEmailNotVerified, Field: "email"}
	}
	return users[0].ID, false, nil
}
