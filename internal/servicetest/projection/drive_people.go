package projection

import (
	"fmt"
	"maps"
	"slices"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

// peopleOperations are those on users and memberships.
var peopleOperations = map[string]operation{
	"create user":  {5, (*driver).createUser},
	"update user":  {5, (*driver).updateUser},
	"suspend user": {1, func(d *driver) error { _, err := d.svc.Users.Suspend(d.ctx, d.user()); return err }},
	"unsuspend": {2, func(d *driver) error {
		shut := maps.Clone(d.reader.users)
		dropWhere(shut, func(u tenancy.User) bool { return u.SuspendedAt.IsZero() })
		_, err := d.svc.Users.Unsuspend(d.ctx, pick(d, shut).ID)
		return err
	}},
	"merge":       {2, func(d *driver) error { _, err := d.svc.Users.Merge(d.ctx, d.user(), d.user()); return err }},
	"delete user": {1, func(d *driver) error { return d.svc.Users.Delete(d.ctx, d.user()) }},
	"erase":       {1, func(d *driver) error { return d.svc.Users.Erase(d.ctx, d.user()) }},
	"change email": {6, func(d *driver) error {
		_, err := d.svc.Users.ChangeEmail(d.ctx, d.user(), d.address())
		return err
	}},
	"cancel email": {2, func(d *driver) error { _, err := d.svc.Users.CancelEmailChange(d.ctx, d.user()); return err }},
	"confirm email": {3, func(d *driver) error {
		_, err := d.svc.Users.ConfirmEmail(d.ctx, tenancy.EmailConfirmation{Token: d.token(d.proofs), Session: d.token(d.sessions)})
		return err
	}},
	"confirm own email": {5, (*driver).confirmOwn},
	"record sign-in":    {1, func(d *driver) error { return d.svc.Users.RecordSignIn(d.ctx, d.user(), tenancy.OrganizationID{}) }},

	"add": {8, func(d *driver) error {
		_, err := d.svc.Memberships.Add(d.ctx, tenancy.NewMembership{
			OrganizationID: d.org(), UserID: d.user(), Roles: some(d, 2, d.role(), d.role()), DisplayName: one(d, "", "", "Herself"),
			Metadata: one(d, nil, map[string]string{"a": "1"}),
		})
		return err
	}},
	"update membership": {3, func(d *driver) error {
		m := d.member()
		_, err := d.svc.Memberships.Update(d.ctx, m.OrganizationID, m.UserID, tenancy.MembershipUpdate{
			DisplayName: maybe(d, one(d, "", "Countess")), Attributes: tenancy.Patch{"desk": one(d, nil, servicetest.Ptr("4"))},
		})
		return err
	}},
	"set roles": {5, func(d *driver) error {
		m := d.member()
		_, err := d.by(m.OrganizationID).Memberships.SetRoles(d.ctx, m.OrganizationID, m.UserID, d.role(), d.role())
		return err
	}},
	"add role": {3, func(d *driver) error {
		m := d.member()
		_, err := one(d, d.svc.Memberships.AddRole, d.svc.Memberships.RemoveRole)(d.ctx, m.OrganizationID, m.UserID, d.role())
		return err
	}},
	"deactivate": {3, func(d *driver) error {
		m := d.member()
		_, err := d.svc.Memberships.Deactivate(d.ctx, m.OrganizationID, m.UserID)
		return err
	}},
	"reactivate": {3, func(d *driver) error {
		m := d.memberWhere(func(m member) bool { return m.Status == tenancy.MembershipInactive })
		_, err := d.svc.Memberships.Reactivate(d.ctx, m.OrganizationID, m.UserID)
		return err
	}},
	"remove": {2, func(d *driver) error {
		m := d.member()
		return one(d, d.svc.Memberships.Remove, d.svc.Memberships.Leave)(d.ctx, m.OrganizationID, m.UserID)
	}},
	"transfer": {2, func(d *driver) error {
		m := d.memberWhere(func(m member) bool { return slices.Contains(m.roles, rbac.Owner) })
		to := d.memberWhere(func(other member) bool { return other.OrganizationID == m.OrganizationID && other.ID != m.ID })
		return d.svc.Memberships.TransferOwnership(d.ctx, m.OrganizationID, m.UserID, to.UserID, one(d, "", rbac.Guest, "org-a"))
	}},
}

// user draws a user, who may be merged into another.
func (d *driver) user() tenancy.UserID { return pick(d, d.reader.users).ID }

// confirmOwn has somebody who asked for another address open the link.
func (d *driver) confirmOwn() error {
	asked := maps.Clone(d.reader.users)
	dropWhere(asked, func(u tenancy.User) bool { return u.PendingEmail == "" })
	id := pick(d, asked).ID
	_, err := d.svc.As(tenancy.UserPrincipal(id)).Users.ConfirmEmail(d.ctx, tenancy.EmailConfirmation{Token: d.mailed[id.String()]})
	return err
}

func (d *driver) member() tenancy.Membership { return pick(d, d.reader.memberships).Membership }

// memberWhere draws a membership that passes.
func (d *driver) memberWhere(pass func(member) bool) tenancy.Membership {
	some := maps.Clone(d.reader.memberships)
	dropWhere(some, func(m member) bool { return !pass(m) })
	return pick(d, some).Membership
}

// address is one of few, so that they meet.
func (d *driver) address() string {
	return one(d, "ann", "Bob", "cyd", "dan") + "@" + one(d, "acme.example", "beta.example", "sub.acme.example", "mail.example")
}

func (d *driver) createUser() error {
	if len(d.reader.users) > 12 {
		return nil
	}
	_, err := d.svc.Users.Create(d.ctx, tenancy.NewUser{
		Email: d.address(), EmailVerified: !d.rarely(3), DisplayName: one(d, "", "Ada", "Bob"), GivenName: fmt.Sprint("Given", d.done),
	})
	return err
}

func (d *driver) updateUser() error {
	_, err := d.svc.Users.Update(d.ctx, d.user(), tenancy.UserUpdate{
		DisplayName: maybe(d, one(d, "", "Ada", "ada", "Countess")), EmailVerified: maybe(d, !d.rarely(3)), Phone: maybe(d, one(d, "", "+43 1")),
		Metadata: tenancy.Patch{"plan": one(d, nil, servicetest.Ptr("free"))},
	})
	return err
}
