package main

import (
	"cmp"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/stretchr/testify/require"
)

// issuer is an OpenID provider on loopback. Whoever comes is the person it has.
type issuer struct {
	*testing.T
	url    string
	client client                // as which the program is known here
	key    *ecdsa.PrivateKey     // published
	hand   *ecdsa.PrivateKey     // that signs; nil: key
	person map[string]any        // claims of the person who is there
	bend   func(map[string]any)  // what is wrong with the next token; nil: nothing
	lead   func(back url.Values) // what is wrong with the way back; nil: nothing
	codes  map[string]url.Values // the requests that codes were given for
}

func newIssuer(t *testing.T, id string) *issuer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	i := &issuer{T: t, key: key, codes: map[string]url.Values{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", i.discovery)
	mux.HandleFunc("GET /keys", i.keys)
	mux.HandleFunc("GET /authorize", i.authorize)
	mux.HandleFunc("POST /token", i.token)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	i.url = server.URL
	i.client = client{issuer: i.url, id: id, secret: "secret of " + id}
	return i
}

func (i *issuer) discovery(w http.ResponseWriter, _ *http.Request) {
	i.answer(w, map[string]any{
		"issuer": i.url, "jwks_uri": i.url + "/keys",
		"authorization_endpoint": i.url + "/authorize", "token_endpoint": i.url + "/token",
		"id_token_signing_alg_values_supported": []string{string(jose.ES256)},
	})
}

func (i *issuer) keys(w http.ResponseWriter, _ *http.Request) {
	i.answer(w, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: i.key.Public(), KeyID: "1", Algorithm: string(jose.ES256), Use: "sig"}}})
}

// authorize knows the person at once, and sends them back with a code.
func (i *issuer) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	asked := q.Get("client_id") == i.client.id && q.Get("response_type") == "code" && q.Get("nonce") != "" &&
		q.Get("code_challenge_method") == "S256" && strings.Contains(q.Get("scope"), "openid")
	if !asked {
		http.Error(w, "a request that is none", http.StatusBadRequest)
		return
	}
	code := rand.Text()
	i.codes[code] = q
	back := url.Values{"code": {code}, "state": {q.Get("state")}}
	if i.lead != nil {
		i.lead(back)
	}
	http.Redirect(w, r, q.Get("redirect_uri")+"?"+back.Encode(), http.StatusFound)
}

// token trades a code, once, for a token: if the client, its way back and its verifier
// are those of the request.
func (i *issuer) token(w http.ResponseWriter, r *http.Request) {
	asked, known := i.codes[r.FormValue("code")]
	delete(i.codes, r.FormValue("code"))
	id, secret, _ := r.BasicAuth()
	id, _ = url.QueryUnescape(id)
	secret, _ = url.QueryUnescape(secret)
	hashed := sha256.Sum256([]byte(r.FormValue("code_verifier")))
	switch {
	case id != i.client.id || secret != i.client.secret:
		http.Error(w, `{"error":"invalid_client"}`, http.StatusUnauthorized)
	case !known || asked.Get("redirect_uri") != r.FormValue("redirect_uri"),
		asked.Get("code_challenge") != base64.RawURLEncoding.EncodeToString(hashed[:]):
		http.Error(w, `{"error":"invalid_grant"}`, http.StatusBadRequest)
	default:
		i.answer(w, map[string]any{"access_token": rand.Text(), "token_type": "Bearer", "id_token": i.sign(asked.Get("nonce"))})
	}
}

func (i *issuer) sign(nonce string) string {
	now := time.Now()
	all := map[string]any{
		"iss": i.url, "aud": i.client.id, "nonce": nonce, "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
	}
	for name, value := range i.person {
		all[name] = value
	}
	if i.bend != nil {
		i.bend(all)
	}
	hand := jose.JSONWebKey{Key: cmp.Or(i.hand, i.key), KeyID: "1"}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: hand}, nil)
	if err != nil {
		i.Error(err)
		return ""
	}
	text, err := jwt.Signed(signer).Claims(all).Serialize()
	if err != nil {
		i.Error(err)
	}
	return text
}

func (i *issuer) answer(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(body); err != nil {
		i.Error(err)
	}
}
