package rules

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

func stateRules() []rule {
	return []rule{
		{"I1-I5 every state of an invitation x every operation", on(invitationStates)},
		{"M2-M8 every state of a membership x every operation", on(membershipStatuses)},
	}
}

// stateCell is one cell of a table of states.
type stateCell struct{ state, op, want string }

// statesPage reads the table under a heading of the page of states, which is found from
// wherever the tests of a backend run.
func (w *world) statesPage(heading string) []stateCell {
	w.T.Helper()
	page := filepath.Join("docs", "states.md")
	dir, err := os.Getwd()
	w.NoError(err)
	for {
		if _, err := os.Stat(filepath.Join(dir, page)); err == nil {
			break
		}
		w.NotEqual(dir, filepath.Dir(dir), "no docs around the tests")
		dir = filepath.Dir(dir)
	}
	text, err := os.ReadFile(filepath.Join(dir, page))
	w.NoError(err)
	_, part, found := strings.Cut(string(text), "\n## "+heading+"\n")
	w.True(found, heading)
	part, _, _ = strings.Cut(part, "\n## ")
	var ops []string
	var cells []stateCell
	for line := range strings.Lines(part) {
		row := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		for i := range row {
			row[i] = strings.TrimSpace(row[i])
		}
		switch {
		case !strings.HasPrefix(line, "|") || strings.HasPrefix(line, "|-"):
		case ops == nil:
			ops = row[1:]
		default:
			w.Len(row, len(ops)+1, line)
			for i, op := range ops {
				cells = append(cells, stateCell{row[0], op, row[i+1]})
			}
		}
	}
	w.NotEmpty(cells, heading)
	return cells
}

// scene is one invitation and one person, whose address it is, in one organization.
type scene struct {
	*world
	acme tenancy.Organization
	ada  tenancy.User
	sent tenancy.SentInvitation
}

func (s *scene) send() error {
	sent, err := s.Svc.Invitations.Send(s.Ctx, servicetest.Asking(s.acme, s.ada.Email))
	if err == nil {
		s.sent = sent
	}
	return err
}

func (s *scene) accept() error { return s.accepting(s.sent, s.ada)() }

func (s *scene) decline() error {
	_, err := s.Svc.Invitations.Decline(s.Ctx, s.sent.Token.Reveal())
	return err
}

func (s *scene) week() error { s.Clock.Advance(7 * 24 * time.Hour); return nil }

// operations are those of both tables.
func (s *scene) operations() map[string]func() error {
	g, id, org := s.Svc.Memberships, s.ada.ID, s.acme.ID
	member := func(call func() (tenancy.Member, error)) func() error {
		return func() error { _, err := call(); return err }
	}
	return map[string]func() error{
		"Send":   s.send,
		"a week": s.week,
		"Add":    member(func() (tenancy.Member, error) { return g.Add(s.Ctx, servicetest.Adding(s.acme, s.ada)) }),
		"Use":    func() error { return s.using(s.Code(s.acme), s.ada)() },
		"Approve": func() error {
			req, err := s.Svc.JoinRequests.Create(s.Ctx, org, id, "")
			if err != nil {
				return err
			}
			_, err = s.Svc.JoinRequests.Approve(s.Ctx, req.ID)
			return err
		},
		"Deactivate": member(func() (tenancy.Member, error) { return g.Deactivate(s.Ctx, org, id) }),
		"Reactivate": member(func() (tenancy.Member, error) { return g.Reactivate(s.Ctx, org, id) }),
		"Remove":     func() error { return g.Remove(s.Ctx, org, id) },
		"Leave":      func() error { return g.Leave(s.Ctx, org, id) },
		"SetRoles":   member(func() (tenancy.Member, error) { return g.SetRoles(s.Ctx, org, id, rbac.Guest) }),
		"AddRole":    member(func() (tenancy.Member, error) { return g.AddRole(s.Ctx, org, id, rbac.Guest) }),
		"RemoveRole": member(func() (tenancy.Member, error) { return g.RemoveRole(s.Ctx, org, id, rbac.Guest) }),
	}
}

func (s *scene) invitationOperations() map[string]func() error {
	all := s.operations()
	all["Send"] = func() error {
		_, err := s.Svc.Invitations.Send(s.Ctx, servicetest.Asking(s.acme, s.ada.Email))
		return err
	}
	all["Resend"] = func() error { _, err := s.Svc.Invitations.Resend(s.Ctx, s.sent.ID); return err }
	all["Revoke"] = func() error { _, err := s.Svc.Invitations.Revoke(s.Ctx, s.sent.ID); return err }
	all["Update"] = func() error {
		_, err := s.Svc.Invitations.Update(s.Ctx, s.sent.ID, tenancy.InvitationUpdate{Roles: tenancy.Set([]string{rbac.Guest})})
		return err
	}
	all["Decline"] = s.decline
	all["Accept"] = s.accept
	all["Accept as another"] = func() error { return s.accepting(s.sent, s.User("eve"))() }
	all["Sweep"] = func() error { _, err := s.Svc.Invitations.Sweep(s.Ctx); return err }
	all["Users.Delete"] = func() error { return s.Svc.Users.Delete(s.Ctx, s.ada.ID) }
	all["Users.Merge"] = func() error { _, err := s.Svc.Users.Merge(s.Ctx, s.ada.ID, s.User("twin").ID); return err }
	all["Suspend, Accept"] = func() error {
		_, err := s.Svc.Organizations.Suspend(s.Ctx, s.acme.ID)
		s.NoError(err)
		return s.accept()
	}
	return all
}

func invitationStates(w *world) {
	w.eachCell("Invitations", func(w *world, cell stateCell) {
		s := w.scene()
		w.NoError(s.send())
		for _, step := range map[string][]func() error{
			"pending": {}, "accepted": {s.accept}, "declined": {s.decline}, "run out": {s.week},
			"revoked": {func() error { _, err := w.Svc.Invitations.Revoke(w.Ctx, s.sent.ID); return err }},
			"expired": {s.week, func() error { _, err := w.Svc.Invitations.Sweep(w.Ctx); return err }},
		}[cell.state] {
			w.NoError(step())
		}
		before := w.invitation(s.sent.ID).State
		if cell.state != "run out" {
			w.Equal(tenancy.InvitationState(cell.state), before)
		}
		op := s.invitationOperations()[cell.op]
		w.NotNil(op, "an operation without a call")
		w.outcome(cell, op(), func() string { return string(w.invitation(s.sent.ID).State) }, string(before))
	})
}

func membershipStatuses(w *world) {
	w.eachCell("Memberships", func(w *world, cell stateCell) {
		s := w.scene()
		add := func() error { w.Add(s.acme, s.ada, rbac.Guest); return nil }
		rest := func() error { w.Deactivate(s.acme, s.ada); return nil }
		for _, step := range map[string][]func() error{
			"none": {}, "pending": {s.send}, "invitation_expired": {s.send, s.week}, "active": {add}, "inactive": {add, rest},
			"removed": {add, s.operations()["Remove"]}, "left": {add, s.operations()["Leave"]},
		}[cell.state] {
			w.NoError(step())
		}
		before := cell.state
		if before == "removed" || before == "left" {
			before = "none"
		}
		w.Equal(before, s.standing())
		op := s.membershipOperations()[cell.op]
		w.NotNil(op, "an operation without a call")
		w.outcome(cell, op(), s.standing, before)
		w.consistent()
	})
}

func (s *scene) membershipOperations() map[string]func() error {
	all := s.operations()
	all["Accept"] = func() error {
		if s.sent.ID.IsZero() || s.invitation(s.sent.ID).State != tenancy.InvitationPending {
			if err := s.send(); err != nil {
				return err
			}
		}
		return s.accept()
	}
	all["TransferOwnership to"] = func() error {
		return s.Svc.Memberships.TransferOwnership(s.Ctx, s.acme.ID, s.ownerOf(s.acme.ID), s.ada.ID, "")
	}
	all["email moves"] = func() error {
		proof, err := s.Svc.Users.ChangeEmail(s.Ctx, s.ada.ID, "moved@acme.example")
		s.NoError(err)
		return s.moves(s.ada, proof)
	}
	all["Merge into"] = func() error { // the one whom they are then
		twin := s.User("twin")
		_, err := s.Svc.Users.Merge(s.Ctx, s.ada.ID, twin.ID)
		s.ada = twin
		return err
	}
	return all
}

// standing is the status of the person's membership, "none" without one.
func (s *scene) standing() string {
	m, err := s.Svc.Memberships.Get(s.Ctx, s.acme.ID, s.ada.ID)
	if errors.Is(err, tenancy.ErrNotFound) {
		return "none"
	}
	s.NoError(err)
	return string(m.Status)
}

func (w *world) scene() *scene {
	w.T.Helper()
	return &scene{world: w, acme: w.Owned("Acme", w.User("owner")), ada: w.User("ada")}
}

// eachCell runs a check for every cell, each on what the one before left nothing of.
func (w *world) eachCell(heading string, check func(w *world, cell stateCell)) {
	for _, cell := range w.statesPage(heading) {
		if w.leaves(4, heading, cell.state, cell.op) {
			continue
		}
		w.each(cell.state+"/"+cell.op, func(w *world) {
			check(w, cell)
			for _, org := range w.Dump().Organizations {
				w.NoError(w.Svc.Organizations.Delete(w.Ctx, org.ID))
			}
			for _, user := range w.Dump().Users {
				if user.MergedInto.IsZero() {
					w.NoError(w.Svc.Users.Erase(w.Ctx, user.ID))
				}
			}
		})
	}
}

// outcome checks what a cell says: a code, with which nothing has changed, or a state.
func (w *world) outcome(cell stateCell, err error, now func() string, before string) {
	w.T.Helper()
	if err == nil {
		w.Equal(cell.want, now())
		return
	}
	w.Equal(tenancy.Code(cell.want), tenancy.CodeOf(err), "%v", err)
	w.Equal(before, now())
}
