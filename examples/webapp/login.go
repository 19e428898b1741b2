package main

import (
	"net/http"

	"github.com/freehold-dev/freehold/store/sqlite"
	"github.com/freehold-dev/freehold/tenancy"
	"github.com/freehold-dev/freehold/tenancysmtp"
)

// accounts is what people do before they are anybody: sign in and sign up. The program
// finds out what they can prove, and Freehold decides what that is worth.
type accounts struct {
	*site
	store   *sqlite.Store
	service *tenancy.Service
	mailer  *tenancysmtp.Mailer
	secure  bool
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

// login mails a code.
func (a *accounts) login(w http.ResponseWriter, r *http.Request) {
	a.askCode(w, r, r.PostFormValue("email"), r.PostFormValue("invitation"))
}

// askCode mails a code to whatever address, and offers single sign-on where the
// address's domain has it: neither tells whether the address is a user's.
func (a *accounts) askCode(w http.ResponseWriter, r *http.Request, address, invitation string) {
	email, err := tenancy.CanonicalEmail(address)
	var route tenancy.Route
	if err == nil {
		route, err = a.service.Route(r.Context(), email, tenancy.RouteHints{})
	}
	if err == nil {
		err = a.sendCode(r.Context(), email)
	}
	if err != nil {
		a.guard.Error(w, r, err)
		return
	}
	a.show(w, r, "code", "Enter the code", step{
		Decision: tenancy.Decision{Connections: route.Connections}, Email: email, Invitation: invitation,
	})
}

// loginByCode takes the code.
func (a *accounts) loginByCode(w http.ResponseWriter, r *http.Request) {
	email, err := tenancy.CanonicalEmail(r.PostFormValue("email"))
	if err == nil {
		err = a.spendCode(r.Context(), email, r.PostFormValue("code"))
	}
	if err != nil {
		a.guard.Error(w, r, err)
		return
	}
	a.enter(w, r, email, tenancy.Attempt{Evidence: tenancy.MailboxEvidence(email), Invitation: r.PostFormValue("invitation")})
}

// loginTo goes on where somebody had to choose an organization.
func (a *accounts) loginTo(w http.ResponseWriter, r *http.Request) {
	email, err := a.proof(r)
	in := tenancy.Attempt{Evidence: tenancy.MailboxEvidence(email)}
	if err == nil {
		in.OrganizationID, err = tenancy.ParseOrganizationID(r.PostFormValue("organization"))
	}
	if err != nil {
		a.guard.Error(w, r, err)
		return
	}
	a.enter(w, r, email, in)
}

// enter has Freehold decide on an attempt, and does what it says. proved is the address
// that the person has just proved; "" = none.
func (a *accounts) enter(w http.ResponseWriter, r *http.Request, proved string, in tenancy.Attempt) {
	in.Session = a.sessions.Token(r) // of the same person: then this sign-in adds to it
	d, err := a.service.SignIn(r.Context(), in)
	if err != nil {
		a.guard.Error(w, r, err)
		return
	}
	a.follow(w, r, proved, in, d)
}

func (a *accounts) follow(w http.ResponseWriter, r *http.Request, proved string, in tenancy.Attempt, d tenancy.Decision) {
	newcomer := proved != "" && d.Kind == tenancy.DecisionInvitationNeeded && d.OrganizationID.IsZero()
	if proved != "" && (newcomer || d.Kind == tenancy.DecisionChooseOrganization) {
		if err := a.keepProof(w, r, proved); err != nil {
			a.guard.Error(w, r, err)
			return
		}
	}
	next := step{d, proved, in.Invitation}
	switch {
	case d.Kind == tenancy.DecisionSignedIn:
		a.welcome(w, r, d)
	case d.Kind == tenancy.DecisionVerifyEmail:
		a.askCode(w, r, r.PostFormValue("email"), in.Invitation)
	case d.Kind == tenancy.DecisionChooseOrganization:
		a.show(w, r, "choose", "Where to?", next)
	case newcomer:
		http.Redirect(w, r, "/signup", http.StatusSeeOther)
	default:
		a.showAs(w, r, http.StatusForbidden, "refused", "Not yet", next)
	}
}

// welcome hands out the session. Another person who used this browser before is signed out.
func (a *accounts) welcome(w http.ResponseWriter, r *http.Request, d tenancy.Decision) {
	if old := a.sessions.Token(r); old != "" {
		_ = a.service.Sessions.SignOut(r.Context(), old) // at worst it runs out by itself; of the same person it is spent
	}
	if err := a.dropProof(w, r); err != nil {
		a.guard.Error(w, r, err)
		return
	}
	a.sessions.Set(w, d.Started())
	http.Redirect(w, r, pathOf(d.OrganizationID), http.StatusSeeOther)
}
