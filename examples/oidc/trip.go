package main

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"time"

	"github.com/freehold-dev/freehold/tenancy"
)

// trip is what a browser keeps while its person is at a provider: the values that the answer must match, and
// where the person wanted to go.
type trip struct {
	Provider     string
	State        string // binds the answer to the browser
	Nonce        string // binds the id token to the trip
	Verifier     string // binds the code to the trip (PKCE)
	Invitation   string
	Organization tenancy.OrganizationID // the organization to sign in to; zero = not chosen
}

const tripFor = 10 * time.Minute

// remember stores a trip in the browser. At the callback only that browser can have it, so it need not be
// signed.
func (a *app) remember(w http.ResponseWriter, t trip) {
	text, _ := json.Marshal(t) // cannot fail: the fields are texts
	a.tripCookie(w, base64.RawURLEncoding.EncodeToString(text), int(tripFor/time.Second))
}

// recall returns the trip, once.
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

// tripCookie makes a cookie that the browser also sends when the provider's site links back here: Lax allows
// that, Strict would not.
func (a *app) tripCookie(w http.ResponseWriter, value string, seconds int) {
	http.SetCookie(w, &http.Cookie{
		Name: a.trip, Value: value, Path: "/", MaxAge: seconds,
		HttpOnly: true, Secure: !a.insecure, SameSite: http.SameSiteLaxMode,
	})
}
