package main

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"time"

	"github.com/freehold-dev/freehold/tenancy"
)

// trip is what a browser keeps while its person is away at a provider: what the answer
// has to match, and where they wanted to.
type trip struct {
	Provider     string
	State        string // binds the answer to the browser
	Nonce        string // binds the id token to the trip
	Verifier     string // binds the code to the trip (PKCE)
	Invitation   string
	Organization tenancy.OrganizationID // where to; zero = it was not said
}

const tripFor = 10 * time.Minute

// remember puts a trip into the browser that goes on it. Nobody else can have it there
// at the callback: that is why it need not be signed.
func (a *app) remember(w http.ResponseWriter, t trip) {
	text, _ := json.Marshal(t) // it is texts alone
	a.tripCookie(w, base64.RawURLEncoding.EncodeToString(text), int(tripFor/time.Second))
}

// recall gives the trip back, once.
func (a *app) recall(w http.ResponseWriter, r *http.Request) (t trip, err error) {
	cookie, err := r.Cookie(a.trip)
	if err != nil {
		return t, err
	}
	a.tripCookie(w, "", -1)
	text, err := base64.RawURLEncoding.DecodeString(cookie.Value)
	if err == nil {
		err = json.Unmarshal(text, &t)
	}
	return t, err
}

// tripCookie goes along from the provider's site, for it is a link that leads back: Lax
// lets that through, Strict would not.
func (a *app) tripCookie(w http.ResponseWriter, value string, seconds int) {
	http.SetCookie(w, &http.Cookie{
		Name: a.trip, Value: value, Path: "/", MaxAge: seconds,
		HttpOnly: true, Secure: !a.insecure, SameSite: http.SameSiteLaxMode,
	})
}
