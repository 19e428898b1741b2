package main

import (
	"net/http"
	"time"

	"github.com/freehold-dev/freehold/tenancy"
)

// login begins the proof of a mailbox: it sends a mail with a code and a link.
func (a *accounts) login(w http.ResponseWriter, r *http.Request) {
	a.askProof(w, r, r.PostFormValue("email"), r.PostFormValue("invitation"))
}

// askProof mails a code and a link to any address, and offers single sign-on if the address's domain has it.
// Neither shows whether a user has the address.
func (a *accounts) askProof(w http.ResponseWriter, r *http.Request, email, invitation string) {
	ctx := r.Context()
	route, err := a.service.Route(ctx, email, tenancy.RouteHints{})
	var started tenancy.StartedProof
	if err == nil {
		started, err = a.service.Proofs.Start(ctx, tenancy.NewProof{Email: email})
	}
	if err != nil {
		a.guard.Error(w, r, err)
		return
	}
	a.handleCookie(w, started.Handle.Reveal(), 10*time.Minute)
	a.show(w, r, "code", "Enter the code", codePage{
		step{Decision: tenancy.Decision{Connections: route.Connections}, Email: started.Email, Invitation: invitation}, started.HasCode,
	})
}

// codePage says what was sent, with or without a code: see [tenancy.StartedProof].
type codePage struct {
	step
	HasCode bool
}

// loginByCode checks the code, in the browser that asked for it.
func (a *accounts) loginByCode(w http.ResponseWriter, r *http.Request) {
	proved, err := a.service.Proofs.Finish(r.Context(), a.handle(r), r.PostFormValue("code"))
	a.proved(w, r, proved, err)
}

// linkPage is the page of the link in the mail. It does not use up the token, because mail programs open links,
// too.
func (a *accounts) linkPage(w http.ResponseWriter, r *http.Request) {
	token := r.FormValue("token")
	preview, err := a.service.Proofs.Preview(r.Context(), token, a.handle(r))
	if err != nil {
		a.guard.Error(w, r, err)
		return
	}
	a.show(w, r, "link", "Sign in", struct {
		tenancy.ProofPreview
		Token string
	}{preview, token})
}

// loginByLink signs in only the browser in which the link was opened.
func (a *accounts) loginByLink(w http.ResponseWriter, r *http.Request) {
	proved, err := a.service.Proofs.Open(r.Context(), r.PostFormValue("token"), a.handle(r))
	a.proved(w, r, proved, err)
}

// proved continues with a proved mailbox. The person chooses an organization later: a new person has none yet.
func (a *accounts) proved(w http.ResponseWriter, r *http.Request, proved tenancy.ProvedMailbox, err error) {
	if err != nil {
		a.guard.Error(w, r, err)
		return
	}
	if proved.Here {
		a.handleCookie(w, "", -time.Second) // it is used up
	}
	a.enter(w, r, tenancy.Attempt{Evidence: proved.Evidence, Invitation: r.PostFormValue("invitation"), ChooseLater: true})
}

// handle returns this browser's handle of the proof that it asked for; "" = none.
func (a *accounts) handle(r *http.Request) string {
	cookie, err := r.Cookie(a.handleName())
	if err != nil {
		return ""
	}
	return cookie.Value
}

func (a *accounts) handleName() string {
	if a.secure {
		return "__Host-proof"
	}
	return "proof"
}

func (a *accounts) handleCookie(w http.ResponseWriter, value string, lasts time.Duration) {
	http.SetCookie(w, &http.Cookie{
		Name: a.handleName(), Value: value, Path: "/", MaxAge: int(lasts / time.Second),
		HttpOnly: true, Secure: a.secure, SameSite: http.SameSiteLaxMode,
	})
}
