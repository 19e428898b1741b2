package main

import (
	"net/http"

	"github.com/freehold-dev/freehold/store/sqlite"
	"github.com/freehold-dev/freehold/tenancy"
	"github.com/freehold-dev/freehold/tenancyhttp"
)

// accounts is what people do before they are anybody: sign in and sign up. The program
// finds out what they can prove, and Freehold decides what that is worth.
type accounts struct {
	*site
	store   *sqlite.Store
	service *tenancy.Service
	secure  bool // cookies go over https alone
}

// step is what the pages on the way in are made of.
type step struct {
	tenancy.Decision
	Email      string
	Invitation string // goes with every form, as long as there is one
}

func (a *accounts) loginPage(w http.ResponseWriter, r *http.Request) {
	a.show(w, r, "login", "Sign in", nil)
}

// loginTo goes on where somebody had to choose an organization.
func (a *accounts) loginTo(w http.ResponseWriter, r *http.Request) {
	evidence, err := a.pending(r)
	in := tenancy.Attempt{Evidence: evidence}
	if err == nil {
		in.OrganizationID, err = tenancy.ParseOrganizationID(r.PostFormValue("organization"))
	}
	if err != nil {
		a.guard.Error(w, r, err)
		return
	}
	a.enter(w, r, in)
}

// pending is what this browser has proved, in a sign-in that goes on.
func (a *accounts) pending(r *http.Request) (tenancy.Evidence, error) {
	token := a.sessions.Pending(r)
	if token == "" {
		return tenancy.Evidence{}, tenancyhttp.ErrUnauthenticated
	}
	return tenancy.PendingEvidence(token), nil
}

// enter has Freehold decide on an attempt, and does what it says.
func (a *accounts) enter(w http.ResponseWriter, r *http.Request, in tenancy.Attempt) {
	in.Session = a.sessions.Token(r) // of the same person: then this sign-in adds to it
	d, err := a.service.SignIn(r.Context(), in)
	if err != nil {
		a.guard.Error(w, r, beginAnew(err))
		return
	}
	a.follow(w, r, in, d)
}

// beginAnew sends somebody back to the start whose sign-in has run out, or was ended.
func beginAnew(err error) error {
	switch tenancy.CodeOf(err) {
	case tenancy.ErrInvalidToken, tenancy.ErrTokenExpired:
		return tenancyhttp.ErrUnauthenticated
	}
	return err
}

func (a *accounts) follow(w http.ResponseWriter, r *http.Request, in tenancy.Attempt, d tenancy.Decision) {
	a.sessions.SetPending(w, d)
	chooses := d.Kind == tenancy.DecisionChooseOrganization
	next := step{Decision: d, Invitation: in.Invitation}
	switch {
	case d.Kind == tenancy.DecisionSignedIn:
		a.welcome(w, r, d)
	case d.Kind == tenancy.DecisionVerifyEmail:
		a.askProof(w, r, r.PostFormValue("email"), in.Invitation)
	case chooses && len(d.Choices) == 0:
		http.Redirect(w, r, "/signup", http.StatusSeeOther)
	case chooses && len(d.Choices) == 1 && !d.TookOver: // there is nothing to choose
		a.enter(w, r, tenancy.Attempt{Evidence: tenancy.PendingEvidence(d.Pending.Reveal()), OrganizationID: d.Choices[0].OrganizationID})
	case chooses:
		a.show(w, r, "choose", "Where to?", next)
	default:
		a.showAs(w, r, http.StatusForbidden, "refused", "Not yet", next)
	}
}

// welcome hands out the session. Another person who used this browser before is signed out.
func (a *accounts) welcome(w http.ResponseWriter, r *http.Request, d tenancy.Decision) {
	if old := a.sessions.Token(r); old != "" {
		_ = a.service.Sessions.SignOut(r.Context(), old) // at worst it runs out by itself; of the same person it is spent
	}
	a.sessions.Set(w, d.Started())
	http.Redirect(w, r, pathOf(d.OrganizationID), http.StatusSeeOther)
}
