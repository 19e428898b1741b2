package typedtest

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"time"

	"github.com/freehold-dev/freehold/tenancy"
)

// The parents that rows refer to: enough that rows below number 100 differ in
// (organization, user) and in (membership, role).
const (
	parentOrganizations = 7
	parentUsers         = 15
	survivor            = 9000 // the number of the user that others were merged into
)

// newID is the n-th id of kind T. Ids are in no order of n, and use all of the
// sixteen bytes.
func newID[T tenancy.Entity](n int) tenancy.ID[T] {
	const odd = 0x9E3779B97F4A7C15 // makes the product different for each n
	var id tenancy.ID[T]
	binary.BigEndian.PutUint64(id[:8], uint64(n+1)*odd)
	binary.LittleEndian.PutUint64(id[8:], uint64(n+1))
	return id
}

// clock is the n-th instant of an order; instants have microseconds, in UTC.
func clock(n int) time.Time {
	return time.Date(2024, time.May, 17, 8, 30, 0, 123_456_000, time.UTC).Add(time.Duration(n) * 61 * time.Minute)
}

// names is chosen for what orders get wrong: case, accents, prefixes, what lies
// outside the basic plane, which UTF-16 sorts before U+FFFD.
var names = [...]string{
	"zoe", "ada", "Ada", "äda", "ad", "adam", "_x", "%y", "\uFFFD", "\U0001F600", "b c", "b-c", "É", "E\u0301",
}

// name is the n-th name; neighbours share one.
func name(n int) string { return names[n/2%len(names)] }

func pick[T any](n int, from ...T) T { return from[n%len(from)] }

func dictionary(n int) map[string]string {
	return map[string]string{"plan": pick(n, "free", "team"), "näme \"%_\\": name(n), "n": fmt.Sprint(n), "empty": ""}
}

func bareOrganization(n int) tenancy.Organization {
	return tenancy.Organization{
		ID: newID[tenancy.Organization](n), Version: 1, DisplayName: fmt.Sprintf("%s %d", name(n), n),
		CreatedAt: clock(n), UpdatedAt: clock(n + 1), NameKey: name(n),
	}
}

func fullOrganization(n int) tenancy.Organization {
	v := bareOrganization(n)
	v.Slug = fmt.Sprintf("slug-%d", n)
	v.ExternalID = fmt.Sprintf("Org/%d", n)
	v.Metadata = dictionary(n)
	v.Settings = fullSettings(n)
	v.SuspendedAt, v.ArchivedAt, v.SessionsEndedAt = clock(n+2), clock(n+3), clock(n+4)
	return v
}

func bareUser(n int) tenancy.User {
	return tenancy.User{
		ID: newID[tenancy.User](n), Version: 1, CreatedAt: clock(n), UpdatedAt: clock(n + 1), NameKey: name(n),
	}
}

func fullUser(n int) tenancy.User {
	v := bareUser(n)
	v.Email, v.EmailKey = fmt.Sprintf("%s.%d@Example.com", name(n), n), fmt.Sprintf("%s.%d@example.com", name(n), n)
	v.EmailVerifiedAt, v.PendingEmail = clock(n+2), fmt.Sprintf("new.%d@example.com", n)
	v.EmailProvedBy = pick(n, tenancy.EmailProvedByMail, tenancy.EmailProvedByHost, newID[tenancy.Connection](mentioned+n).String())
	v.GivenName, v.FamilyName, v.DisplayName = "Ada "+name(n), "Lovelace", name(n)
	v.Picture, v.Phone, v.Locale = "https://example.com/a.png", "+44 20 7946 0000", "en-GB"
	v.Attributes, v.Metadata = dictionary(n), dictionary(n+1)
	v.ExternalID = fmt.Sprintf("User/%d", n)
	v.SuspendedAt, v.LastSignInAt = clock(n+3), clock(n+4)
	v.MergedInto = newID[tenancy.User](survivor)
	return v
}

func bareIdentity(n int) tenancy.Identity {
	return tenancy.Identity{
		ID: newID[tenancy.Identity](n), Version: 1, UserID: newID[tenancy.User](n % parentUsers),
		Provider: pick(n, "google", "password"), Subject: fmt.Sprintf("Subject|%d", n),
		CreatedAt: clock(n), UpdatedAt: clock(n + 1),
	}
}

func fullIdentity(n int) tenancy.Identity {
	v := bareIdentity(n)
	v.Email, v.EmailVerified = fmt.Sprintf("%s@example.com", name(n)), true
	v.Epoch = int64(n + 1)
	return v
}

func bareMembership(n int) tenancy.Membership {
	return tenancy.Membership{
		ID: newID[tenancy.Membership](n), Version: 1,
		OrganizationID: newID[tenancy.Organization](n % parentOrganizations), UserID: newID[tenancy.User](n % parentUsers),
		Status:    pick(n, tenancy.MembershipActive, tenancy.MembershipInactive, tenancy.MembershipActive, tenancy.MembershipPending),
		JoinedVia: pick(n, tenancy.JoinedCreated, tenancy.JoinedAdded, tenancy.JoinedMerged),
		JoinedAt:  clock(n), CreatedAt: clock(n), UpdatedAt: clock(n + 1),
		NameKey: name(n), EmailKey: fmt.Sprintf("%s@example.com", name(n+1)),
	}
}

func fullMembership(n int) tenancy.Membership {
	v := bareMembership(n)
	v.DisplayName, v.Attributes, v.Metadata = name(n), dictionary(n), dictionary(n+1)
	v.InviterID, v.InvitationID = newID[tenancy.User](mentioned+n%3), newID[tenancy.Invitation](mentioned+n%4)
	v.ExpiresAt, v.LastSignInAt, v.DeactivatedAt = clock(n+3), clock(n+2), clock(n+1)
	return v
}

func bareRoleAssignment(n int) tenancy.RoleAssignment {
	m := bareMembership(n % parentUsers)
	return tenancy.RoleAssignment{
		ID: newID[tenancy.RoleAssignment](n), Version: 1,
		OrganizationID: m.OrganizationID, MembershipID: m.ID, UserID: m.UserID,
		Role: pick(n, "owner", "member", "viewer", "admin", "billing", "guest", "Member"), Source: tenancy.RoleManual, CreatedAt: clock(n),
	}
}

func fullRoleAssignment(n int) tenancy.RoleAssignment {
	v := bareRoleAssignment(n)
	v.Source = pick(n, tenancy.RoleManual, "directory") // a source of some later version
	v.SourceID, v.Scope, v.Active = pick(n, "Group|1", "group|1", "group|2"), "everywhere", true
	return v
}

// mendRoleAssignment sets what an assignment copies from its membership.
func mendRoleAssignment(v *tenancy.RoleAssignment) {
	for n := range parentUsers {
		if m := bareMembership(n); m.ID == v.MembershipID {
			v.OrganizationID, v.UserID = m.OrganizationID, m.UserID
		}
	}
}

func bareSecret(n int) tenancy.Secret {
	return tenancy.Secret{
		ID: newID[tenancy.Secret](n), Version: 1, Kind: tenancy.SecretEmailProof,
		Hash: fmt.Sprintf("%064x", n), ExpiresAt: clock(n / 2), CreatedAt: clock(n),
	}
}

func fullSecret(n int) tenancy.Secret {
	v := bareSecret(n)
	v.Kind = pick(n, tenancy.SecretEmailProof, "later") // a kind of some later version
	v.Subject = newID[tenancy.Session](n % 5).String()
	v.UserID, v.Address, v.SpentAt = newID[tenancy.User](n%parentUsers), fmt.Sprintf("%s@example.com", name(n)), clock(n+1)
	return v
}

// event is the n-th event of a mixed lot. It refers to rows that are not there:
// events outlive what they tell of.
func event(n int) tenancy.Event {
	e := tenancy.Event{
		ID: newID[tenancy.Event](n), Type: pick(n, tenancy.EventUserUpdated, tenancy.EventMembershipCreated),
		Subject: newID[tenancy.User](7000 + n%4).String(), Time: clock(n),
		Actor: pick(n, tenancy.Actor{Kind: tenancy.ActorHost}, tenancy.Actor{Kind: tenancy.ActorUser, ID: newID[tenancy.User](n % 2).String()},
			tenancy.Actor{Kind: tenancy.ActorService, ID: "import: ünder%_"}),
	}
	if n%3 == 0 {
		return e
	}
	e.Through = newID[tenancy.Session](n % 2).String()
	e.OrganizationID, e.UserID = newID[tenancy.Organization](7000+n%2), newID[tenancy.User](7000+n%4)
	e.Data = json.RawMessage(fmt.Sprintf(`{"n": %d, "name":"%s"}`, n, name(n)))
	e.Previous = json.RawMessage(`{"name":"Ada"}`)
	return e
}

// people inserts the users that rows refer to.
func people(c *check, tx tenancy.Tx) {
	for n := range parentUsers {
		c.ok(tx.Users().Insert(c.ctx, bareUser(n)), "Insert a user")
	}
}

// peopleAndPlaces inserts the users and organizations that rows refer to.
func peopleAndPlaces(c *check, tx tenancy.Tx) {
	people(c, tx)
	places(c, tx)
}

// members inserts the memberships that rows refer to.
func members(c *check, tx tenancy.Tx) {
	peopleAndPlaces(c, tx)
	for n := range parentUsers {
		c.ok(tx.Memberships().Insert(c.ctx, bareMembership(n)), "Insert a membership")
	}
}
