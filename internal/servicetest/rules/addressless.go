package rules

import (
	"context"
	"encoding/json"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/tenancy"
)

// addresslessRules are about users without an email (rule U13).
func addresslessRules() []rule {
	optional := func(c *tenancy.Config) { c.EmailOptional = true }
	return []rule{
		{"U13 a user without an address, only where the host wants that", on(addressWanted)},
		{"U13 users without an address: made, found, listed and shown", with(optional, addressless)},
		{"U13 an import of users without an address", with(optional, addresslessImport)},
		{"U13 a first address takes its proof, and leaves the identities", atDoorWith(optional, firstAddress)},
		{"U13 merge, removal and erasure without an address", with(optional, addresslessEnds)},
		{"U13 nobody mails a user without an address", atDoorWith(optional, addresslessMail)},
		{"U13 attack: no address proves an account", atDoorWith(optional, addresslessTakeover)},
		{"U13 attack: an invitation without an address is taken up without an address", with(optional, addresslessInvited)},
		{"U13 attack: no address is on a domain", atDoorWith(optional, addresslessDomain)},
	}
}

// robot makes a user without an address who signs in by a provider.
func (w *world) robot(name string) tenancy.User {
	w.T.Helper()
	user := w.NewUser(tenancy.NewUser{DisplayName: name})
	w.Link(user, tenancy.NewIdentity{Provider: string(servicetest.Google), Subject: name})
	return user
}

func byRobot(name string) tenancy.Attempt {
	return servicetest.ByProvider(servicetest.Google, name, "", nil)
}

func addressWanted(w *world) {
	for _, none := range []string{"", " \t"} {
		w.refuses(tenancy.ErrInvalid, "email", func() error {
			_, err := w.Svc.Users.Create(w.Ctx, tenancy.NewUser{Email: none, DisplayName: "Robot"})
			return err
		})
	}
}

func addressless(w *world) {
	acme := w.Owned("Acme", w.User("ada"))
	blank := w.NewUser(tenancy.NewUser{Email: " ", DisplayName: "Blank", Memberships: []tenancy.NewMembership{{OrganizationID: acme.ID}}})
	robot := w.NewUser(tenancy.NewUser{DisplayName: "Robot"})
	w.Add(acme, robot, rbac.Admin)
	w.Empty(blank.Email)
	for _, user := range []tenancy.User{blank, robot} {
		w.Equal(user, w.getUser(user.ID))
		text, err := json.Marshal(w.Member(acme, user))
		w.NoError(err)
		w.NotContains(string(text), "email")
		text, err = json.Marshal(user)
		w.NoError(err)
		w.NotContains(string(text), "email")
	}
	vouches := true
	w.refuses(tenancy.ErrInvalid, "email", func() error {
		_, err := w.Svc.Users.Create(w.Ctx, tenancy.NewUser{EmailVerified: true})
		return err
	})
	w.refuses(tenancy.ErrInvalid, "email", func() error {
		_, err := w.Svc.Users.Update(w.Ctx, robot.ID, tenancy.UserUpdate{EmailVerified: &vouches})
		return err
	})
	w.refuses(tenancy.ErrInvalid, "email", func() error { _, err := w.Svc.Users.GetByEmail(w.Ctx, ""); return err })
	w.refuses(tenancy.ErrInvalid, "email", func() error {
		_, err := w.Svc.Users.Create(w.Ctx, tenancy.NewUser{Email: "nobody"})
		return err
	})
	doubts, name := false, "Robot II"
	robot, err := w.Svc.Users.Update(w.Ctx, robot.ID, tenancy.UserUpdate{EmailVerified: &doubts, DisplayName: &name})
	w.NoError(err)
	w.Equal(name, robot.Name())

	var names []string
	for m, err := range w.Svc.Memberships.All(w.Ctx, acme.ID, tenancy.MemberQuery{Order: tenancy.ByEmail, Limit: 1}) {
		w.NoError(err)
		names = append(names, m.Name)
	}
	w.Equal([]string{"Blank", "Robot II", "Ada"}, names)
	names = nil
	for user, err := range w.Svc.Users.All(w.Ctx, tenancy.UserQuery{Order: tenancy.ByEmail, Limit: 1}) {
		w.NoError(err)
		names = append(names, user.Name())
	}
	w.Equal([]string{"Ada"}, names)
	users, err := w.Svc.Users.List(w.Ctx, tenancy.UserQuery{})
	w.NoError(err)
	w.Len(users.Items, 3)

	events, err := w.Svc.Events.List(w.Ctx, tenancy.EventQuery{UserID: robot.ID})
	w.NoError(err)
	for _, e := range events.Items {
		w.NotContains(string(e.Data)+string(e.Previous), "email")
		w.Empty(e.Person.Email)
	}
	session := w.Session(robot, acme.ID)
	claims, err := w.Svc.Sessions.Claims(w.Ctx, session.Session.ID, tenancy.ClaimsQuery{})
	w.NoError(err)
	text, err := json.Marshal(claims)
	w.NoError(err)
	w.NotContains(string(text), "email")
}

func addresslessImport(w *world) {
	acme := w.Org("Acme")
	w.NoError(w.Svc.Import(w.Ctx, func(ctx context.Context, in *tenancy.Service) error {
		for _, email := range []string{"", "ada@mail.example", ""} {
			if _, err := in.Users.Create(ctx, tenancy.NewUser{Email: email, Memberships: []tenancy.NewMembership{{OrganizationID: acme.ID}}}); err != nil {
				return err
			}
		}
		return nil
	}))
	n, err := w.Svc.Memberships.Count(w.Ctx, acme.ID, tenancy.MemberQuery{})
	w.NoError(err)
	w.Equal(3, n.N)
}

// firstAddress: what a user has no address for, they get by its proof, signed in.
func firstAddress(d *door) {
	robot, ann := d.robot("r-1"), d.User("ann")
	d.Add(d.acme, robot)
	d.Invite(d.acme, "robot@mail.example") // a member's own, once it is theirs
	d.Invite(d.beta, "robot@mail.example")
	d.Link(robot, tenancy.NewIdentity{Provider: "password", Subject: "c-1"})
	other, session := d.enters(byRobot("r-1")), d.enters(byRobot("r-1"))
	proof := d.proof(robot, "Robot@mail.example")
	confirm := func(token string) error {
		_, err := d.Svc.Users.ConfirmEmail(d.Ctx, tenancy.EmailConfirmation{Token: proof.Token.Reveal(), Session: token})
		return err
	}
	d.refuses(tenancy.ErrSignInRequired, "session", func() error { return confirm("") })
	strangers := d.Session(ann, servicetest.NowhereYet)
	d.refuses(tenancy.ErrSignInRequired, "session", func() error { return confirm(strangers.Token.Reveal()) })
	d.NoError(confirm(session.Token.Reveal()))
	user := d.getUser(robot.ID)
	d.Equal("Robot@mail.example", user.Email)
	d.False(user.EmailVerifiedAt.IsZero())
	d.Equal(tenancy.EmailProvedByMail, user.EmailProvedBy)
	d.True(d.stands(session))
	d.False(d.stands(other))
	d.Len(d.identities(robot), 2)
	d.Equal("Robot@mail.example", d.Member(d.acme, robot).Email)
	d.Equal(tenancy.MembershipPending, d.Member(d.beta, robot).Status)
	seats, err := d.Svc.Organizations.Seats(d.Ctx, d.acme.ID)
	d.NoError(err)
	d.Zero(seats.Invited)
	d.refuses(tenancy.ErrAlreadyExists, "email", func() error {
		_, err := d.Svc.Users.Create(d.Ctx, tenancy.NewUser{Email: "robot@mail.example"})
		return err
	})
	// An address that somebody has is nobody else's first one.
	late := d.robot("r-2")
	proof = d.proof(late, "ROBOT@mail.example")
	d.refuses(tenancy.ErrAlreadyExists, "email", func() error { return d.moves(late, proof) })
	d.Equal(user.ID, d.enters(servicetest.ByMail("robot@mail.example")).User.ID)
}

func addresslessEnds(w *world) {
	acme, ada := w.Owned("Acme", w.User("owner")), w.User("ada")
	one, two := w.NewUser(tenancy.NewUser{DisplayName: "One"}), w.NewUser(tenancy.NewUser{DisplayName: "Two"})
	w.Add(acme, one)
	w.NoError(w.Svc.Memberships.Remove(w.Ctx, acme.ID, one.ID))
	page, err := w.Svc.Memberships.Removed(w.Ctx, acme.ID, tenancy.RemovalQuery{})
	w.NoError(err)
	w.Len(page.Items, 1)
	w.Empty(page.Items[0].Email)
	w.Add(acme, two) // is nobody who was removed
	page, err = w.Svc.Memberships.Removed(w.Ctx, acme.ID, tenancy.RemovalQuery{})
	w.NoError(err)
	w.Len(page.Items, 1)
	_, err = w.Svc.Users.Merge(w.Ctx, two.ID, one.ID)
	w.NoError(err)
	w.Equal(tenancy.MembershipActive, w.Member(acme, one).Status)
	merged, err := w.Svc.Users.Merge(w.Ctx, ada.ID, one.ID)
	w.NoError(err)
	w.Empty(merged.User.Email) // ada's is free
	free := w.NewUser(tenancy.NewUser{Email: ada.Email})
	kept := w.NewUser(tenancy.NewUser{DisplayName: "Kept"})
	w.Add(acme, kept)
	w.NoError(w.Svc.Users.Erase(w.Ctx, one.ID))
	w.Equal(tenancy.MembershipActive, w.Member(acme, kept).Status)
	w.Equal(free, w.getUser(free.ID))
	_, err = w.Svc.Users.Merge(w.Ctx, kept.ID, free.ID)
	w.NoError(err)
	w.Equal(free.Email, w.Member(acme, free).Email)
}

func addresslessMail(d *door) {
	robot := d.robot("r-1")
	box := d.mailbox()
	session := d.enters(byRobot("r-1"))
	d.links(session, servicetest.ByProvider(servicetest.Github, "h-1", "robot@mail.example", true))
	d.NoError(d.Svc.Identities.Unlink(d.Ctx, robot.ID, d.identities(robot)[0].ID))
	proof := d.proof(robot, "robot@mail.example")
	d.Equal("robot@mail.example", proof.Email)
	d.Len(box.sent, 1)
	d.Equal(tenancy.MessageEmailProof, box.sent[0].Kind)
	_, err := d.asUser(robot).Users.ConfirmEmail(d.Ctx, tenancy.EmailConfirmation{Token: box.sent[0].Token.Reveal()})
	d.NoError(err)
	d.Len(box.sent, 1)
}

// addresslessTakeover: nothing is equal to nothing, and proves nothing.
func addresslessTakeover(d *door) {
	robot := d.robot("r-1")
	d.Link(robot, tenancy.NewIdentity{Provider: "password", Subject: "c-1"})
	d.Add(d.acme, robot)
	for name, in := range map[string]tenancy.Attempt{
		"a provider that tells no address":    byRobot("r-1"),
		"one that tells one":                  servicetest.ByProvider(servicetest.Google, "r-1", "owner@acme.example", true),
		"a password":                          servicetest.ByPassword("c-1", ""),
		"a password with an address":          servicetest.ByPassword("c-1", "owner@acme.example"),
		"a password beside a mailbox":         servicetest.Proving("owner@acme.example", servicetest.ByPassword("c-1", "")),
		"an invitation to somebody else, too": bringing(d.Invite(d.beta, "else@mail.example").Token.Reveal(), byRobot("r-1")),
	} {
		d.each(name, func(w *world) {
			got, err := w.Svc.SignIn(w.Ctx, in)
			w.NoError(err)
			w.False(got.TookOver || got.Created)
			if got.Kind == tenancy.DecisionInvitationRefused {
				w.Equal(tenancy.ErrInvitationForOtherEmail, got.Code)
			} else {
				w.Equal(tenancy.DecisionSignedIn, got.Kind)
				w.Equal(robot.ID, got.User.ID)
			}
			user := w.getUser(robot.ID)
			w.Empty(user.Email)
			w.True(user.EmailVerifiedAt.IsZero())
			identities, err := w.Svc.Identities.List(w.Ctx, robot.ID)
			w.NoError(err)
			w.Len(identities, 2)
		})
	}
	// Somebody unknown without an address is asked for one, and is nobody who has none.
	d.halts(tenancy.DecisionVerifyEmail, "", byRobot("r-2"))
	d.halts(tenancy.DecisionVerifyEmail, "", servicetest.ByPassword("c-2", ""))
	d.refuses(tenancy.ErrNotFound, "", func() error {
		_, err := d.Svc.Identities.Resolve(d.Ctx, tenancy.NewIdentity{Provider: "google", Subject: "r-2"})
		return err
	})
}

// addresslessInvited: an erased person's invitation has no address left, and is nobody's.
func addresslessInvited(w *world) {
	acme := w.Owned("Acme", w.User("ada"))
	code := w.Code(acme)
	w.refuses(tenancy.ErrInvalid, "email", func() error {
		_, err := w.Svc.Invitations.Send(w.Ctx, servicetest.Asking(acme, ""))
		return err
	})
	gone := w.Invite(acme, "gone@mail.example", rbac.Admin).Invitation
	table, encode, _ := tenancy.RowsOf[tenancy.Invitation]()
	gone.Email, gone.EmailKey, gone.Version = "", "", gone.Version+1 // as if it had been left to stand
	w.NoError(w.Store.Update(w.Ctx, func(rows store.Rows) error { return rows.Update(w.Ctx, table, encode(gone)) }))
	robot := w.NewUser(tenancy.NewUser{DisplayName: "Robot"})
	w.refuses(tenancy.ErrInvitationForOtherEmail, "", func() error {
		_, err := w.Svc.Memberships.Add(w.Ctx, tenancy.NewMembership{OrganizationID: acme.ID, UserID: robot.ID, InvitationID: gone.ID})
		return err
	})
	w.refuses(tenancy.ErrEmailNotVerified, "", func() error {
		_, err := w.Svc.JoinCodes.Use(w.Ctx, code.Token.Reveal(), robot.ID)
		return err
	})
	mine, err := w.Svc.Invitations.ListByUser(w.Ctx, robot.ID, tenancy.InvitationQuery{})
	w.NoError(err)
	w.Empty(mine.Items)
	w.Equal([]string{rbac.Member}, w.Add(acme, robot).Roles) // and takes up nothing
	left, err := w.Svc.Invitations.Get(w.Ctx, gone.ID)
	w.NoError(err)
	w.Equal(tenancy.InvitationPending, left.State) // nor ends what is not to them
	seats, err := w.Svc.Organizations.Seats(w.Ctx, acme.ID)
	w.NoError(err)
	w.Equal(tenancy.Seats{Used: 2, Invited: 1}, seats)
	w.NoError(w.Svc.Memberships.Remove(w.Ctx, acme.ID, robot.ID))
	w.Deactivate(acme, w.Members(acme, 1)[0])
	left, err = w.Svc.Invitations.Get(w.Ctx, gone.ID)
	w.NoError(err)
	w.Equal(tenancy.InvitationPending, left.State)
}

// addresslessDomain: a domain's joining and policy are for who is on it.
func addresslessDomain(d *door) {
	robot := d.robot("r-1")
	d.joining(tenancy.JoiningAuto, rbac.Member)
	d.admitting()
	d.demand(d.acme, tenancy.PolicyUpdate{Domain: &tenancy.DomainPolicy{Methods: []tenancy.SignInMethod{tenancy.MethodSingleSignOn}}})
	got := d.enters(byRobot("r-1")) // the policy of the domain's people is not theirs
	d.True(got.OrganizationID.IsZero())
	d.False(d.isMember(d.acme, robot))
	d.halts(tenancy.DecisionNotMember, "", servicetest.To(d.acme, byRobot("r-1")))
	d.halts(tenancy.DecisionInvitationNeeded, "", servicetest.Asserting(d.okta, tenancy.Assertion{Subject: "s-1"}))
	d.Add(d.acme, robot)
	d.Link(robot, tenancy.NewIdentity{Provider: d.okta.ID.String(), Subject: "s-1"})
	got = d.enters(servicetest.Asserting(d.okta, tenancy.Assertion{Subject: "s-1", Email: "owner@acme.example"}))
	d.True(got.Session.Confined) // a connection speaks for nobody who is on none of its domains
	d.Equal(robot.ID, got.User.ID)
	picky := d.Org("Picky")
	_, err := d.Svc.Organizations.Update(d.Ctx, picky.ID, tenancy.OrganizationUpdate{BlockedDomains: &[]string{"mail.example"}})
	d.NoError(err)
	d.refuses(tenancy.ErrEmailNotVerified, "", func() error {
		_, err := d.Svc.JoinRequests.Create(d.Ctx, picky.ID, robot.ID, "")
		return err
	})
}
