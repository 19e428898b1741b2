package main

import (
	"context"
	"net/http"
	"time"

	"github.com/freehold-dev/freehold/tenancy"
)

func (a *accounts) signUpPage(w http.ResponseWriter, r *http.Request) {
	if _, err := a.pending(r); err != nil {
		a.guard.Error(w, r, err)
		return
	}
	a.show(w, r, "signup", "Sign up", nil)
}

func (a *accounts) signUp(w http.ResponseWriter, r *http.Request) {
	evidence, err := a.pending(r)
	in := tenancy.Attempt{
		Evidence: evidence, Profile: tenancy.Profile{DisplayName: r.PostFormValue("name")},
		Found: &tenancy.NewOrganization{DisplayName: r.PostFormValue("organization")},
	}
	var d tenancy.Decision
	if err == nil {
		d, err = a.register(r.Context(), in)
	}
	if err != nil {
		a.guard.Error(w, r, beginAnew(err))
		return
	}
	a.follow(w, r, in, d)
}

// register makes a user, their organization, the session and a first document in one transaction of this
// program.
func (a *accounts) register(ctx context.Context, in tenancy.Attempt) (d tenancy.Decision, err error) {
	tx, err := a.db.BeginTx(ctx, nil)
	if err != nil {
		return d, err
	}
	defer tx.Rollback() // does nothing after the commit
	ctx, svc, err := a.service.Join(ctx, a.store.InTx(tx))
	if err != nil {
		return d, err
	}
	if d, err = svc.SignIn(ctx, in); err != nil {
		return d, err
	}
	if d.Kind == tenancy.DecisionSignedIn {
		_, err = tx.ExecContext(ctx, insertDocument, d.OrganizationID, d.User.ID, "Welcome", "This is your first document.", time.Now().Unix())
		if err != nil {
			return d, err
		}
	}
	return d, tx.Commit()
}
