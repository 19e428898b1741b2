package main

import (
	"net/http"

	"github.com/freehold-dev/freehold/store/sqlite"
	"github.com/freehold-dev/freehold/tenancy"
	"github.com/freehold-dev/freehold/tenancyhttp"
)

// accounts has the pages for people who are not signed in yet: sign in and sign up. This program finds out what
// they can prove, and Freehold decides what follows.
type accounts struct {
	*site
	store   *sqlite.Store
	service *tenancy.Service
	secure  bool // cookies only over https
}

// step is the data of the sign-in pages.
type step struct {
	tenancy.Decision
	Email      string
	Invitation string // every form carries it
}

func (a *accounts) loginPage(w http.ResponseWriter, r *http.Request) {
	a.show(w, r, "login", "Sign in", nil)
}

// loginTo continues after a person has chosen an organization.
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

// pending returns what this browser has proved in an unfinished sign-in.
func (a *accounts) pending(r *http.Request) (tenancy.Evidence, error) {
	token := a.sessions.Pending(r)
	if token == "" {
		return tenancy.Evidence{}, tenancyhttp.ErrUnauthenticated
	}
	return tenancy.PendingEvidence(token), nil
}

// enter calls SignIn with an attempt, and carries out the decision.
func (a *accounts) enter(w http.ResponseWriter, r *http.Request, in tenancy.Attempt) {
	in.Session = a.sessions.Token(r) // if it is of the same person, this sign-in adds to it
	d, err := a.service.SignIn(r.Context(), in)
	if err != nil {
		a.guard.Error(w, r, beginAnew(err))
		return
	}
	a.follow(w, r, in, d)
}

// beginAnew sends a person back to the start if their sign-in has expired, or was ended.
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
	case chooses && len(d.Choices) == 1 && !d.TookOver: // there is only one choice
		a.enter(w, r, tenancy.Attempt{Evidence: tenancy.PendingEvidence(d.Pending.Reveal()), OrganizationID: d.Choices[0].OrganizationID})
	case chooses:
		a.show(w, r, "choose", "Where to?", next)
	default:
		a.showAs(w, r, http.StatusForbidden, "refused", "Not yet", next)
	}
}

// welcome sets the session in the browser. If another person used this browser before, it signs them out.
func (a *accounts) welcome(w http.ResponseWriter, r *http.Request, d tenancy.Decision) {
	if old := a.sessions.Token(r); old != "" {
		_ = a.service.Sessions.SignOut(r.Context(), old) // if this fails, it expires by itself; a session of the same person has ended already
	}
	a.sessions.Set(w, d.Started())
	http.Redirect(w, r, pathOf(d.OrganizationID), http.StatusSeeOther)
}
