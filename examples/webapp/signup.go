package main

import (
	"context"
	"net/http"
	"time"

	"github.com/freehold-dev/freehold/tenancy"
	"github.com/freehold-dev/freehold/tenancyhttp"
)

// newcomer is a request's session if it belongs to nobody yet.
func (a *accounts) newcomer(r *http.Request) (session, error) {
	s, err := a.session(r)
	switch {
	case err != nil:
		return session{}, err
	case s.email == "":
		return session{}, tenancyhttp.ErrUnauthenticated
	case !s.user.IsZero():
		return session{}, &tenancy.Error{Code: tenancy.ErrAlreadyExists, Field: "email", Reason: "you have signed up already"}
	}
	return s, nil
}

func (a *accounts) signUpPage(w http.ResponseWriter, r *http.Request) {
	s, err := a.newcomer(r)
	if err != nil {
		a.guard.Error(w, r, err)
		return
	}
	a.show(w, r, "signup", "Sign up", s.email)
}

func (a *accounts) signUp(w http.ResponseWriter, r *http.Request) {
	s, err := a.newcomer(r)
	if err == nil {
		err = a.register(r.Context(), s, r.PostFormValue("name"), r.PostFormValue("organization"))
	}
	if err != nil {
		a.guard.Error(w, r, err)
		return
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// register makes a user, their organization and a first document, and gives the
// session to the user: all of it in one transaction of the program's own.
func (a *accounts) register(ctx context.Context, s session, name, organization string) error {
	tx, err := a.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // does nothing after the commit
	in, err := a.service.WithStore(a.store.InTx(tx))
	if err != nil {
		return err
	}
	user, err := in.Users.Create(ctx, tenancy.NewUser{Email: s.email, EmailVerified: true, DisplayName: name})
	if err != nil {
		return err
	}
	org, err := in.Organizations.Create(ctx, tenancy.NewOrganization{DisplayName: organization, Owner: user.ID})
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, insertDocument, org.ID, user.ID, "Welcome", "This is your first document.", time.Now().Unix()); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `UPDATE sessions SET user_id = ? WHERE token = ?`, user.ID, s.token); err != nil {
		return err
	}
	return tx.Commit()
}
