package projection

import (
	"maps"
	"strings"
	"time"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

// joiningOperations are those on invitations, join codes and join requests.
var joiningOperations = map[string]operation{
	"invite": {9, (*driver).invite},
	"resend": {4, func(d *driver) error {
		inv := pick(d, d.reader.invitations)
		_, err := d.by(inv.OrganizationID).Invitations.Resend(d.ctx, inv.ID)
		return err
	}},
	"revoke invitation": {2, func(d *driver) error {
		_, err := d.svc.Invitations.Revoke(d.ctx, pick(d, d.reader.invitations).ID)
		return err
	}},
	"decline invitation": {2, func(d *driver) error {
		_, err := d.svc.Invitations.Decline(d.ctx, d.token(d.invitations))
		return err
	}},
	"update invitation": {3, func(d *driver) error {
		inv := pick(d, d.reader.invitations)
		in := tenancy.InvitationUpdate{Roles: one(d, nil, tenancy.Set(some(d, 2, d.role(), d.role())))}
		svc := d.by(inv.OrganizationID)
		if svc == d.svc {
			in.Metadata = one(d, nil, tenancy.SetKeys(map[string]string{"a": one(d, "1", "2")}), tenancy.SetKeys(nil, "a"))
		}
		_, err := svc.Invitations.Update(d.ctx, inv.ID, in)
		return err
	}},
	"invite many": {2, func(d *driver) error {
		id := d.org()
		rows := make([]tenancy.NewInvitation, 3)
		for i := range rows {
			rows[i] = tenancy.NewInvitation{OrganizationID: id, Email: d.address(), Roles: some(d, 2, d.role(), d.role())}
		}
		_, err := d.by(id).Invitations.SendMany(d.ctx, rows, one(d, tenancy.SendOptions{}, tenancy.SendOptions{All: true}, tenancy.SendOptions{DryRun: true}))
		return err
	}},
	"accept": {2, func(d *driver) error {
		_, err := d.svc.Invitations.Accept(d.ctx, d.token(d.invitations), d.user())
		return err
	}},
	"accept own": {6, (*driver).acceptOwn},
	"sweep":      {3, func(d *driver) error { _, err := d.svc.Invitations.Sweep(d.ctx); return err }},
	"a day later": {2, func(d *driver) error {
		d.clock.Advance(servicetest.Day)
		_, err := d.svc.Invitations.Sweep(d.ctx)
		return err
	}},
	"create code": {4, func(d *driver) error {
		id := d.org()
		code, err := d.by(id).JoinCodes.Create(d.ctx, tenancy.NewJoinCode{
			OrganizationID: id, Role: one(d, "", rbac.Guest, servicetest.Auditor, servicetest.Clerk, "org-a", "org-b"), MaxUses: d.r.IntN(3), For: one(d, 0, 24*time.Hour),
		})
		keep(&d.codes, code.Token)
		return err
	}},
	"use code": {8, func(d *driver) error { _, err := d.svc.JoinCodes.Use(d.ctx, d.token(d.codes), d.user()); return err }},
	"revoke code": {1, func(d *driver) error {
		_, err := d.svc.JoinCodes.Revoke(d.ctx, pick(d, d.reader.joinCodes).ID)
		return err
	}},
	"ask": {5, func(d *driver) error {
		_, err := d.svc.JoinRequests.Create(d.ctx, d.org(), d.user(), one(d, "", "please"))
		return err
	}},
	"approve": {3, func(d *driver) error {
		req := d.request()
		_, err := d.by(req.OrganizationID).JoinRequests.Approve(d.ctx, req.ID, some(d, 2, d.role())...)
		return err
	}},
	"decline": {3, func(d *driver) error {
		_, err := one(d, d.svc.JoinRequests.Decline, d.svc.JoinRequests.Cancel)(d.ctx, d.request().ID)
		return err
	}},
}

func (d *driver) invite() error {
	in := tenancy.NewInvitation{Email: one(d, "ann@acme.example", "bob@mail.example", "dan@beta.example", d.address())} // few, so that mails wait
	if !d.rarely(12) {
		in.OrganizationID, in.Roles = d.org(), some(d, 2, d.role(), d.role())
	} else if d.rarely(2) {
		in.Found = &tenancy.NewOrganization{DisplayName: "Founded", Slug: one(d, "", "founded"), Metadata: map[string]string{"a": "1"}}
	}
	svc := d.by(in.OrganizationID)
	if svc == d.svc && !in.OrganizationID.IsZero() {
		in.Metadata = one(d, nil, map[string]string{"a": "1"})
	}
	_, err := svc.Invitations.Send(d.ctx, in)
	return err
}

// acceptOwn has the person accept whom an invitation that waits is for.
func (d *driver) acceptOwn() error {
	waiting := maps.Clone(d.reader.invitations)
	dropWhere(waiting, func(i tenancy.Invitation) bool { return i.State != tenancy.InvitationPending })
	inv, user := pick(d, waiting), d.user()
	for _, id := range inOrder(d.reader.users) {
		if strings.EqualFold(d.reader.users[id].Email, inv.Email) {
			user = id
		}
	}
	_, err := d.svc.Invitations.Accept(d.ctx, d.mailed[inv.ID.String()], user)
	return err
}

// request draws a join request, most often one that waits.
func (d *driver) request() tenancy.JoinRequest {
	waiting := maps.Clone(d.reader.joinRequests)
	if !d.rarely(10) {
		dropWhere(waiting, func(r tenancy.JoinRequest) bool { return r.State != tenancy.JoinRequestPending })
	}
	return pick(d, waiting)
}
