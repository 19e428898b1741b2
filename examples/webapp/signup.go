package main

import (
	"context"
	"net/http"
	"time"

	"github.com/freehold-dev/freehold/tenancy"
)

func (a *accounts) signUpPage(w http.ResponseWriter, r *http.Request) {
	email, err := a.proof(r)
	if err != nil {
		a.guard.Error(w, r, err)
		return
	}
	a.show(w, r, "signup", "Sign up", email)
}

func (a *accounts) signUp(w http.ResponseWriter, r *http.Request) {
	email, err := a.proof(r)
	in := tenancy.Attempt{
		Evidence: tenancy.MailboxEvidence(email), Profile: tenancy.Profile{DisplayName: r.PostFormValue("name")},
	}
	var d tenancy.Decision
	if err == nil {
		d, err = a.register(r.Context(), email, in, r.PostFormValue("organization"))
	}
	if err != nil {
		a.guard.Error(w, r, err)
		return
	}
	a.follow(w, r, email, in, d)
}

// register makes a user, their organization, a first document and the session: all of
// it in one transaction of the program's own.
func (a *accounts) register(ctx context.Context, email string, in tenancy.Attempt, organization string) (d tenancy.Decision, err error) {
	tx, err := a.db.BeginTx(ctx, nil)
	if err != nil {
		return d, err
	}
	defer tx.Rollback() // does nothing after the commit
	ctx, svc, err := a.service.Join(ctx, a.store.InTx(tx))
	if err != nil {
		return d, err
	}
	user, err := svc.Users.Create(ctx, tenancy.NewUser{Email: email, EmailVerified: true, DisplayName: in.Profile.DisplayName})
	if err != nil {
		return d, err
	}
	org, err := svc.Organizations.Create(ctx, tenancy.NewOrganization{DisplayName: organization, Owner: user.ID})
	if err != nil {
		return d, err
	}
	if _, err := tx.ExecContext(ctx, insertDocument, org.ID, user.ID, "Welcome", "This is your first document.", time.Now().Unix()); err != nil {
		return d, err
	}
	in.OrganizationID = org.ID
	if d, err = svc.SignIn(ctx, in); err != nil || d.Kind != tenancy.DecisionSignedIn {
		return d, err
	}
	return d, tx.Commit()
}
