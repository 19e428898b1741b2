package rules

import (
	"time"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

func leavingRules() []rule {
	return []rule{
		{"U7 delete takes everything of the person", on(deleteUser)},
		{"U7 delete names every organization without another owner", on(deleteLastOwner)},
		{"U7 erase leaves nothing of the person in the events", on(eraseUser)},
		{"U7 erase works on a user deleted before", on(eraseDeleted)},
		{"U7 erase takes those along who were merged into them", on(eraseMerged)},
		{"U7 erase is refused like delete, and then redacts nothing", on(eraseRefused)},
	}
}

func deleteUser(w *world) {
	ada, bob := w.User("ada"), w.User("bob")
	acme, other, waiting := w.Owned("Acme", ada), w.Owned("Other", bob), w.Org("Waiting")
	w.Add(acme, bob, rbac.Owner)
	w.Add(other, ada, rbac.Admin, rbac.Guest)
	w.Deactivate(other, ada)
	w.pend(waiting, ada)
	w.Link(ada, google("g-1", "", false))
	w.proof(ada, "new@acme.example")
	removed, before := tenancy.EventMembershipRemoved, w.Member(acme, ada)
	user := w.getUser(ada.ID)
	got := w.emits(func() error { return w.Svc.Users.Delete(w.Ctx, ada.ID) }, some(removed), some(removed), some(removed), event{
		kind: tenancy.EventUserDeleted, user: ada.ID, subject: ada.ID.String(), data: struct {
			tenancy.User
			Removed map[string]int `json:"removed"`
		}{user, map[string]int{"memberships": 3, "role_assignments": 3, "identities": 1}},
	})
	w.tells(got[0], about(removed, before))
	d := w.Dump()
	w.Len(d.Users, 1)
	w.Len(d.Memberships, 2)
	w.Empty(d.Identities)
	w.Empty(d.Secrets)
	w.consistent()
	w.refuses(tenancy.ErrNotFound, "", func() error { return w.Svc.Users.Delete(w.Ctx, ada.ID) })
}

func deleteLastOwner(w *world) {
	ada, bob, eve := w.User("ada"), w.User("bob"), w.User("eve")
	alone, shared, idle := w.Owned("Alone", ada), w.Owned("Shared", ada), w.Owned("Idle", ada)
	w.Add(shared, bob, rbac.Owner)
	w.Add(idle, bob, rbac.Owner)
	w.Deactivate(idle, bob) // an inactive owner is none
	w.Add(alone, eve, rbac.Admin)
	e := w.refuses(tenancy.ErrLastOwner, "", func() error { return w.Svc.Users.Delete(w.Ctx, ada.ID) })
	w.ElementsMatch([]string{alone.ID.String(), idle.ID.String()}, e.IDs)
	w.NoError(w.Svc.Memberships.TransferOwnership(w.Ctx, alone.ID, ada.ID, eve.ID, ""))
	_, err := w.Svc.Memberships.Reactivate(w.Ctx, idle.ID, bob.ID)
	w.NoError(err)
	w.NoError(w.Svc.Users.Delete(w.Ctx, ada.ID))
}

// marked makes a user whose every text says so.
func (w *world) marked(mark string) tenancy.User {
	w.T.Helper()
	user := w.NewUser(tenancy.NewUser{
		Email: mark + "@acme.example", DisplayName: mark, GivenName: mark, FamilyName: mark, Phone: mark, ExternalID: mark,
		Picture: "https://a.example/" + mark, Attributes: map[string]string{"a": mark}, Metadata: map[string]string{"m": mark},
	})
	in := servicetest.Adding(w.Owned("Of someone else", w.User("owner-"+user.ID.String()[20:])), user)
	in.DisplayName, in.Attributes, in.Metadata = mark, map[string]string{"a": mark}, map[string]string{"m": mark}
	_, err := w.Svc.Memberships.Add(w.Ctx, in)
	w.NoError(err)
	w.Link(user, google("sub-"+mark, mark+"@acme.example", true))
	w.proof(user, mark+"@other.example")
	for _, name := range []string{"Changed", mark} {
		_, err = w.Svc.Users.Update(w.Ctx, user.ID, tenancy.UserUpdate{DisplayName: &name})
		w.NoError(err)
	}
	_, err = w.Svc.Memberships.Update(w.Ctx, in.OrganizationID, user.ID, tenancy.MembershipUpdate{DisplayName: servicetest.Ptr(mark + " II")})
	w.NoError(err)
	return user
}

func eraseUser(w *world) {
	ada, bob := w.marked("xadax"), w.marked("xbobx")
	before := w.Dump()
	w.Contains(before.String(), "xadax")
	w.Clock.Advance(time.Hour)
	w.emits(func() error { return w.Svc.Users.Erase(w.Ctx, ada.ID) },
		some(tenancy.EventMembershipRemoved), some(tenancy.EventUserDeleted), some(tenancy.EventUserErased))
	after := w.Dump()
	w.NotContains(after.String(), "xadax")
	w.Contains(after.String(), "xbobx")
	w.Len(after.Events, len(before.Events)+3) // they stay, emptied
	for _, e := range after.Events {
		if e.UserID == ada.ID && e.Time.Before(w.Clock.At) {
			w.True(e.Redacted, "%s", e.Type)
			w.Empty(e.Data)
			w.Empty(e.Previous)
		}
		if e.UserID == bob.ID {
			w.False(e.Redacted, "%s", e.Type)
		}
	}
	w.NewUser(tenancy.NewUser{Email: "xadax@acme.example", ExternalID: "xadax"})
}

func eraseDeleted(w *world) {
	ada := w.marked("xadax")
	w.NoError(w.Svc.Users.Delete(w.Ctx, ada.ID))
	w.Contains(w.Dump().String(), "xadax")
	w.emits(func() error { return w.Svc.Users.Erase(w.Ctx, ada.ID) }, some(tenancy.EventUserErased))
	w.NotContains(w.Dump().String(), "xadax")
	w.silent(func() error { return w.Svc.Users.Erase(w.Ctx, ada.ID) }) // G8: nothing is left to erase
	w.refuses(tenancy.ErrNotFound, "", func() error { return w.Svc.Users.Erase(w.Ctx, servicetest.Nobody) })
}

// eraseMerged: whoever was merged into a person is that person, before a delete and
// after.
func eraseMerged(w *world) {
	for _, deleted := range []bool{false, true} {
		ada, bob, eve := w.marked("xadax"), w.marked("xbobx"), w.marked("xevex")
		for _, step := range [][2]tenancy.User{{ada, bob}, {bob, eve}} {
			_, err := w.merge(step[0], step[1])
			w.NoError(err)
		}
		w.refuses(tenancy.ErrMerged, "", func() error { return w.Svc.Users.Erase(w.Ctx, ada.ID) })
		if deleted {
			w.NoError(w.Svc.Users.Delete(w.Ctx, eve.ID))
		}
		w.NoError(w.Svc.Users.Erase(w.Ctx, eve.ID))
		for _, mark := range []string{"xadax", "xbobx", "xevex"} {
			w.NotContains(w.Dump().String(), mark, "deleted first: %t", deleted)
		}
	}
}

func eraseRefused(w *world) {
	ada := w.marked("xadax")
	w.Owned("Own", ada)
	w.refuses(tenancy.ErrLastOwner, "", func() error { return w.Svc.Users.Erase(w.Ctx, ada.ID) })
}
