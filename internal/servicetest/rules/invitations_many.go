package rules

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/tenancy"
)

// sendManyRules are about sending many invitations in one call (rule I11).
func sendManyRules() []rule {
	return []rule{
		{"I11 each row by itself", on(manyEach)},
		{"I11 all rows or none", on(manyAll)},
		{"I11 a dry run", on(manyDry)},
		{"I11 a dry run knows of the rows before", on(manyDrySteps)},
		{"I11 what SendMany refuses", on(manyRefusals)},
		{"I11 I2 the mails of many", on(manyMails)},
		{"I11 I2 many inside Transact", on(manyInTransact)},
		{"I11 I2 no mail of many in a host's transaction", on(manyInHost)},
		{"I11 G18 many rows go in steps", on(manySteps)},
		{"I11 a store that fails midway", on(manyBroken)},
		{"I11 R6 attack: many invitations above the actor", on(manyAbove)},
	}
}

var (
	rowByRow  = tenancy.SendOptions{}
	allOrNone = tenancy.SendOptions{All: true}
	dryRun    = tenancy.SendOptions{DryRun: true}
)

// rowsTo are rows of SendMany to n addresses.
func rowsTo(org tenancy.Organization, n int) []tenancy.NewInvitation {
	rows := make([]tenancy.NewInvitation, n)
	for i := range rows {
		rows[i] = servicetest.Asking(org, fmt.Sprintf("row%d@acme.example", i))
	}
	return rows
}

// mixed are rows of which the first, the fourth and the last are all right, and the codes and the fields of the others.
func (w *world) mixed(acme tenancy.Organization) (rows []tenancy.NewInvitation, codes []tenancy.Code, fields []string) {
	w.T.Helper()
	member := w.User("member")
	w.Add(acme, member)
	w.Invite(acme, "invited@acme.example")
	w.decline(w.Invite(acme, "declined@acme.example"))
	bad := servicetest.Asking(acme, "long@acme.example")
	bad.For = 365 * servicetest.Day
	rows = []tenancy.NewInvitation{
		servicetest.Asking(acme, "One@acme.example", rbac.Guest), servicetest.Asking(acme, "not an address"),
		servicetest.Asking(acme, "one@ACME.example"), servicetest.Asking(acme, "two@acme.example"),
		servicetest.Asking(acme, "king@acme.example", "king"), servicetest.Asking(acme, member.Email),
		servicetest.Asking(acme, "invited@acme.example"), servicetest.Asking(acme, "declined@acme.example"), bad,
		servicetest.Asking(acme, "king@acme.example"),
	}
	codes = []tenancy.Code{
		"", tenancy.ErrInvalid, tenancy.ErrAlreadyInvited, "", tenancy.ErrUnknownRole, tenancy.ErrAlreadyMember,
		tenancy.ErrAlreadyInvited, tenancy.ErrInvitationDeclined, tenancy.ErrInvalid, "",
	}
	return rows, codes, []string{"", "email", "email", "", "roles", "", "", "email", "for", ""}
}

// says checks the codes and the fields of results.
func (w *world) says(results []tenancy.SendResult, codes []tenancy.Code, fields []string) {
	w.T.Helper()
	w.Len(results, len(codes))
	for i, r := range results {
		w.Equal(i, r.Row)
		if codes[i] == "" {
			w.NoError(r.Err)
			continue
		}
		w.Failed(r.Err, codes[i], fields[i])
		w.Zero(r.Sent)
	}
}

func manyEach(w *world) {
	acme := w.Org("Acme")
	rows, codes, fields := w.mixed(acme)
	var results []tenancy.SendResult
	w.emits(func() (err error) { results, err = w.Svc.Invitations.SendMany(w.Ctx, rows, rowByRow); return err },
		some(tenancy.EventInvitationSent), some(tenancy.EventInvitationSent), some(tenancy.EventInvitationSent))
	w.says(results, codes, fields)
	for _, i := range []int{0, 3, 9} {
		w.Equal(results[i].Sent.Invitation, w.invitation(results[i].Sent.ID))
		w.Equal(rows[i].Email, results[i].Sent.Email)
	}
	w.Equal([]string{rbac.Guest}, results[0].Sent.Roles)
	w.accept(results[0].Sent, w.User("one"))

	var twice *tenancy.Error // names the row that has the address
	w.ErrorAs(results[2].Err, &twice)
	w.Equal([]string{results[0].Sent.ID.String()}, twice.IDs)
	w.Contains(twice.Reason, "row 0")
	w.Contains(results[4].Err.Error(), "king")
	w.Contains(results[5].Err.Error(), "row 5")

	into, err := w.Svc.Invitations.SendMany(w.Ctx, []tenancy.NewInvitation{{Email: "a@mail.example"}, {Email: "b@mail.example", Roles: []string{rbac.Guest}}}, rowByRow)
	w.NoError(err)
	w.says(into, []tenancy.Code{"", tenancy.ErrInvalid}, []string{"", "roles"})
}

func manyAll(w *world) {
	acme := w.Org("Acme")
	rows, codes, fields := w.mixed(acme)
	var results []tenancy.SendResult
	w.refuses(tenancy.ErrInvalid, "invitations[1].email", func() (err error) {
		results, err = w.Svc.Invitations.SendMany(w.Ctx, rows, allOrNone)
		return err
	})
	w.says(results, codes, fields)
	w.Zero(results[0].Sent) // it was all right, and is not kept
	w.refuses(tenancy.ErrAlreadyMember, "invitations[1]", func() error {
		_, err := w.Svc.Invitations.SendMany(w.Ctx, []tenancy.NewInvitation{rows[0], rows[5]}, allOrNone)
		return err
	})
	w.emits(func() (err error) {
		results, err = w.Svc.Invitations.SendMany(w.Ctx, []tenancy.NewInvitation{rows[0], rows[3]}, allOrNone)
		return err
	}, some(tenancy.EventInvitationSent), some(tenancy.EventInvitationSent))
	w.says(results, []tenancy.Code{"", ""}, nil)
	w.accept(results[1].Sent, w.User("two"))
}

func manyDry(w *world) {
	asked := 0
	box := w.limited()
	w.Svc = w.Another(func(c *tenancy.Config) {
		c.Mailer = box
		c.MayMail = func(context.Context, tenancy.Message) error { asked++; return nil }
	})
	acme := w.Org("Acme")
	rows := []tenancy.NewInvitation{
		servicetest.Asking(acme, w.User("one").Email, rbac.Guest), servicetest.Asking(acme, "one@ACME.example"), servicetest.Asking(acme, "two@acme.example", "king"),
	}
	rows[0].ID = tenancy.InvitationID(servicetest.Nobody)
	rows = append(rows, servicetest.Asking(acme, "three@acme.example"))
	for _, o := range []tenancy.SendOptions{dryRun, {DryRun: true, All: true}} {
		for range 20 { // it counts for no limit
			var results []tenancy.SendResult
			w.silent(func() (err error) { results, err = w.Svc.Invitations.SendMany(w.Ctx, rows, o); return err })
			w.says(results, []tenancy.Code{"", tenancy.ErrAlreadyInvited, tenancy.ErrUnknownRole, ""}, []string{"", "email", "roles", ""})
			w.Equal([]string{rbac.Guest}, results[0].Sent.Roles)
			w.True(results[0].Sent.Token.IsZero())
			w.Equal(rows[0].ID, results[0].Sent.ID)
			w.Zero(results[3].Sent.ID)
			w.Equal([]string{rbac.Member}, results[3].Sent.Roles)
		}
	}
	w.Zero(w.RowsOf("mail"))
	w.Zero(asked)
	w.Empty(box.sent)
	results, err := w.Svc.Invitations.SendMany(w.Ctx, rows, rowByRow)
	w.NoError(err)
	w.says(results, []tenancy.Code{"", tenancy.ErrAlreadyInvited, tenancy.ErrUnknownRole, ""}, []string{"", "email", "roles", ""})
	w.Equal(2, asked)
	w.Len(box.sent, 2)
}

// manyDrySteps: rows, limits and addresses are told as they would be in earnest, also where the rows are more than
// go into one transaction.
func manyDrySteps(w *world) {
	w.Svc = w.Another(func(c *tenancy.Config) { c.Limits.Invitations = 60 })
	seats := w.NewOrg(tenancy.NewOrganization{DisplayName: "Seats", Settings: tenancy.Settings{SeatLimit: 40}})
	few := w.Org("Few")
	for _, org := range []tenancy.Organization{seats, few} {
		rows := rowsTo(org, 70)
		rows[65].Email = "ROW3@acme.example"
		codes := func(o tenancy.SendOptions) (codes []tenancy.Code) {
			results, err := w.Svc.Invitations.SendMany(w.Ctx, rows, o)
			w.NoError(err)
			for _, r := range results {
				codes = append(codes, tenancy.CodeOf(r.Err))
			}
			return codes
		}
		var dryly []tenancy.Code
		w.unchanged(func() { dryly = codes(dryRun) })
		w.Equal(dryly, codes(rowByRow))
		w.Equal(tenancy.ErrAlreadyInvited, dryly[65])
		if org.ID == seats.ID {
			w.Equal(29, servicetest.Count(dryly, tenancy.ErrSeatLimit))
		} else {
			w.Equal(9, servicetest.Count(dryly, tenancy.ErrInvalid))
		}
	}
}

func manyRefusals(w *world) {
	acme, beta := w.Org("Acme"), w.Org("Beta")
	ada := w.User("ada")
	send := func(svc *tenancy.Service, rows []tenancy.NewInvitation, o tenancy.SendOptions) func() error {
		return func() error { _, err := svc.Invitations.SendMany(w.Ctx, rows, o); return err }
	}
	w.refuses(tenancy.ErrInvalid, "invitations", send(w.Svc, nil, rowByRow))
	w.refuses(tenancy.ErrInvalid, "invitations", send(w.Svc, rowsTo(acme, 1001), rowByRow))
	w.refuses(tenancy.ErrInvalid, "invitations", send(w.Svc, rowsTo(acme, 1001), dryRun))
	w.refuses(tenancy.ErrInvalid, "invitations", send(w.Svc, rowsTo(acme, 101), allOrNone))
	w.refuses(tenancy.ErrInvalid, "organization_id", send(w.Svc, append(rowsTo(acme, 2), rowsTo(beta, 1)...), rowByRow))
	same := rowsTo(acme, 2)
	same[0].ID, same[1].ID = tenancy.InvitationID(servicetest.Nobody), tenancy.InvitationID(servicetest.Nobody)
	w.refuses(tenancy.ErrInvalid, "id", send(w.Svc, same, rowByRow))
	for _, o := range []tenancy.SendOptions{rowByRow, allOrNone, dryRun} {
		w.refuses(tenancy.ErrNotFound, "", send(w.Svc, rowsTo(tenancy.Organization{ID: servicetest.Nowhere}, 2), o))
		bound := w.Svc.As(tenancy.UserPrincipal(ada.ID))
		w.refuses(tenancy.ErrNotFound, "", send(bound, rowsTo(acme, 2), o)) // G7
		w.refuses(tenancy.ErrForbidden, "", send(bound, rowsTo(tenancy.Organization{}, 2), o))
	}
	w.NoError(send(w.Svc, rowsTo(acme, 100), allOrNone)())
	w.NoError(send(w.Svc, rowsTo(beta, 1000), dryRun)())
}

func manyMails(w *world) {
	box := w.mailbox()
	acme := w.Org("Acme")
	rows := rowsTo(acme, 60)
	rows[7].Email = "none"
	results, err := w.Svc.Invitations.SendMany(w.Ctx, rows, rowByRow)
	w.NoError(err)
	w.Len(box.sent, 59) // each after its commit: see mailbox
	w.True(results[0].Sent.Token.IsZero())
	_, err = w.Svc.Invitations.SendMany(w.Ctx, []tenancy.NewInvitation{servicetest.Asking(acme, "new@acme.example"), rows[0]}, allOrNone)
	w.Failed(err, tenancy.ErrAlreadyInvited, "invitations[1]")
	w.Len(box.sent, 59) // what is not kept is not mailed

	box.fails = errors.New("no route to host")
	for _, o := range []tenancy.SendOptions{rowByRow, allOrNone} {
		org := w.Org("Failing")
		results, err = w.Svc.Invitations.SendMany(w.Ctx, rowsTo(org, 2), o)
		w.NoError(err)
		for _, r := range results {
			e := w.Failed(r.Err, tenancy.ErrMailFailed, "")
			w.ErrorIs(e, box.fails)
			w.Equal([]string{r.Sent.ID.String()}, e.IDs)
			w.Equal(r.Sent.Invitation, w.invitation(r.Sent.ID)) // beside the stored invitation
		}
	}
}

func manyInTransact(w *world) {
	box := w.mailbox()
	acme := w.Org("Acme")
	rows := rowsTo(acme, 30)
	rows[29].Email = "none"
	w.NoError(w.Svc.Transact(w.Ctx, func(ctx context.Context, tx *tenancy.Service) error {
		results, err := tx.Invitations.SendMany(ctx, rows, allOrNone)
		w.Failed(err, tenancy.ErrInvalid, "invitations[29].email")
		w.Len(results, 30)
		_, err = tx.Invitations.SendMany(ctx, rows, dryRun)
		w.NoError(err)
		results, err = tx.Invitations.SendMany(ctx, rows[:26], rowByRow)
		w.NoError(err)
		w.NoError(results[25].Err)
		w.Empty(box.sent)
		return nil
	}))
	w.Len(box.sent, 26)
	w.Len(w.Dump().Invitations, 26)
	w.Equal(servicetest.ErrStop, w.Svc.Transact(w.Ctx, func(ctx context.Context, tx *tenancy.Service) error {
		_, err := tx.Invitations.SendMany(ctx, rows[26:29], rowByRow)
		w.NoError(err)
		return servicetest.ErrStop
	}))
	w.Len(box.sent, 26)
}

// manyInHost: nothing is mailed in a host's own transaction, and nothing is sent there.
func manyInHost(w *world) {
	box := w.mailbox()
	acme := w.Org("Acme")
	for _, o := range []tenancy.SendOptions{rowByRow, allOrNone, dryRun} {
		w.unchanged(func() {
			w.NoError(w.Store.Update(w.Ctx, func(rows store.Rows) error {
				_, in, err := w.Svc.Join(w.Ctx, servicetest.Joined{Rows: rows, Over: w.Store})
				w.NoError(err)
				_, err = in.Invitations.SendMany(w.Ctx, rowsTo(acme, 2), o)
				w.Failed(err, tenancy.ErrInTransaction, "")
				return nil
			}))
		})
	}
	w.Empty(box.sent)
}

// countedStore counts the transactions that write, and fails them from one on.
type countedStore struct {
	store.Store
	writes, failsAt int
}

func (s *countedStore) Unwrap() store.Store { return s.Store }

func (s *countedStore) Update(ctx context.Context, fn func(store.Rows) error) error {
	if s.writes++; s.failsAt > 0 && s.writes >= s.failsAt {
		return &store.Error{Code: store.ErrBusy}
	}
	return s.Store.Update(ctx, fn)
}

func manySteps(w *world) {
	acme, counted := w.Org("Acme"), &countedStore{Store: w.Store}
	w.Svc = w.Another(func(c *tenancy.Config) { c.Store = counted })
	for o, want := range map[tenancy.SendOptions]int{rowByRow: 4, dryRun: 4, allOrNone: 1} {
		counted.writes = 0
		rows := slices.DeleteFunc(rowsTo(acme, 200), func(in tenancy.NewInvitation) bool { return o.All == (in.Email < "row2") })[:80]
		_, err := w.Svc.Invitations.SendMany(w.Ctx, rows, o)
		w.NoError(err)
		w.Equal(want, counted.writes, "%+v", o)
	}
}

// manyBroken: what was kept before the store failed is told, and is all that was.
func manyBroken(w *world) {
	acme, broken := w.Org("Acme"), &countedStore{Store: w.Store, failsAt: 3}
	svc := w.Another(func(c *tenancy.Config) { c.Store = broken })
	results, err := svc.Invitations.SendMany(w.Ctx, rowsTo(acme, 90), rowByRow)
	w.ErrorIs(err, tenancy.ErrBusy)
	w.Len(results, 50)
	for i, r := range results {
		w.Equal(i, r.Row)
		w.Equal(r.Sent.Invitation, w.invitation(r.Sent.ID))
	}
	w.Len(w.Dump().Invitations, 50)
}

func manyAbove(w *world) {
	owner, admin := w.User("owner"), w.User("admin")
	acme := w.Owned("Acme", owner)
	w.Add(acme, admin, rbac.Admin)
	bound := w.Svc.As(tenancy.UserPrincipal(admin.ID))
	rows := rowsTo(acme, 3)
	rows[1].Roles = []string{rbac.Owner}
	rows[2].Metadata = map[string]string{"plan": "pro"}
	codes, fields := []tenancy.Code{"", tenancy.ErrForbidden, tenancy.ErrForbidden}, []string{"", "roles", "metadata"}
	results, err := bound.Invitations.SendMany(w.Ctx, rows, dryRun)
	w.NoError(err)
	w.says(results, codes, fields)
	results, err = bound.Invitations.SendMany(w.Ctx, rows, allOrNone)
	w.Failed(err, tenancy.ErrForbidden, "invitations[1].roles")
	w.says(results, codes, fields)
	w.Empty(w.Dump().Invitations)
	results, err = bound.Invitations.SendMany(w.Ctx, rows, rowByRow)
	w.NoError(err)
	w.says(results, codes, fields)
	w.Equal(admin.ID, results[0].Sent.InviterID)
	w.Len(w.Dump().Invitations, 1)
}
