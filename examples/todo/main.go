// Command todo is a to-do list for teams, in one file that you can copy from. People sign up with a password,
// found organizations, invite each other, and share a list. It uses chi, an SQLite file, and argon2id for
// passwords.
//
//	go run . [-addr localhost:8080] [-db todo.db]
//
// It prints mails on the terminal and does not send them.
package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"database/sql"
	_ "embed"
	"encoding/hex"
	"errors"
	"flag"
	"html/template"
	"log"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/go-chi/chi/v5"
	"golang.org/x/crypto/argon2"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/store/sqlite"
	"github.com/freehold-dev/freehold/tenancy"
	"github.com/freehold-dev/freehold/tenancyhttp"
	"github.com/freehold-dev/freehold/tenancysmtp"
)

// The program's own tables reference those of Freehold, which exist first.
const tables = `
CREATE TABLE IF NOT EXISTS todos (
    id INTEGER PRIMARY KEY, organization_id TEXT NOT NULL REFERENCES tenancy_organizations (id) ON DELETE CASCADE,
    text TEXT NOT NULL, done INTEGER NOT NULL DEFAULT 0) STRICT;
CREATE TABLE IF NOT EXISTS passwords (
    user_id TEXT NOT NULL PRIMARY KEY REFERENCES tenancy_users (id) ON DELETE CASCADE,
    credential TEXT NOT NULL, hash TEXT NOT NULL, wrong INTEGER NOT NULL DEFAULT 0) STRICT;
CREATE TABLE IF NOT EXISTS waiting_passwords (
    handle TEXT NOT NULL PRIMARY KEY, hash TEXT NOT NULL, expires_at INTEGER NOT NULL) STRICT;`

const (
	readTodos  rbac.Permission = "todos:read"
	writeTodos rbac.Permission = "todos:write"
)

//go:embed pages.html
var pagesText string

type app struct {
	db       *sql.DB
	store    *sqlite.Store
	svc      *tenancy.Service
	sessions *tenancyhttp.Sessions
	guard    *tenancyhttp.Guard
	pages    *template.Template
}

func main() {
	addr := flag.String("addr", "localhost:8080", "where to listen")
	path := flag.String("db", "todo.db", "the SQLite file; made if it is not there")
	flag.Parse()
	link := func(m tenancy.Message) string { return "http://" + *addr + linkTo(m) }
	a, err := open(context.Background(), *path, tenancysmtp.NewLog(os.Stdout, link))
	if err != nil {
		log.Fatal(err)
	}
	defer a.store.Close()
	go func() { log.Print(a.svc.Run(context.Background())) }() // removes what has expired
	log.Print("open http://", *addr)
	server := http.Server{Addr: *addr, Handler: a.routes(), ReadHeaderTimeout: 10 * time.Second}
	log.Print(server.ListenAndServe())
}

// linkTo returns the URL of the link in a mail.
func linkTo(m tenancy.Message) string {
	token := "?" + url.Values{"token": {m.Token.Reveal()}}.Encode()
	if m.Kind == tenancy.MessageMailboxProof {
		return "/proof" + token
	}
	return "/invitation" + token
}

func open(ctx context.Context, path string, mailer tenancy.Mailer) (_ *app, err error) {
	a := &app{}
	if a.pages, err = template.New("").Parse(pagesText); err != nil {
		return nil, err
	}
	if a.store, err = sqlite.Open(ctx, path); err != nil {
		return nil, err
	}
	a.db = a.store.DB()
	if _, err = a.db.ExecContext(ctx, tables); err != nil {
		return nil, err
	}
	if a.svc, err = tenancy.New(tenancy.Config{Store: a.store, Mailer: mailer, SelfServe: true, App: "todo"}); err != nil {
		return nil, err
	}
	err = a.svc.Declare(ctx, 1, tenancy.Schema{
		Permissions: []tenancy.PermissionSpec{{Slug: readTodos}, {Slug: writeTodos}},
		Roles: []tenancy.RoleSpec{
			{Slug: rbac.Member, Grants: []rbac.Grant{readTodos, writeTodos, rbac.ReadMembers}},
			{Slug: rbac.Guest, Grants: []rbac.Grant{readTodos}},
		},
	})
	if err != nil {
		return nil, err
	}
	if a.sessions, err = tenancyhttp.NewSessions(tenancyhttp.SessionsConfig{Service: a.svc, Insecure: true, Error: a.sorry}); err != nil {
		return nil, err // Insecure is for http on this machine: leave it out behind https
	}
	a.guard, err = tenancyhttp.New(tenancyhttp.Config{
		Service: a.svc, Sessions: a.sessions, Organization: tenancyhttp.PathValue("org"), Error: a.sorry,
	})
	return a, err
}

func (a *app) routes() http.Handler {
	r := chi.NewRouter()
	r.Use(http.NewCrossOriginProtection().Handler)
	r.Group(func(r chi.Router) {
		r.Use(a.guard.Public)
		r.Get("/login", func(w http.ResponseWriter, r *http.Request) { a.show(w, r, "login", r.FormValue("invitation")) })
		r.Post("/login", a.login)
		r.Post("/signup", a.signUp)
		r.Post("/code", a.code)
		r.Get("/proof", a.proofPage)
		r.Post("/proof", a.openProof)
		r.Get("/invitation", a.invitationPage)
		r.Post("/logout", a.sessions.SignOut)
		r.Post("/switch", a.sessions.Switch)
	})
	r.Group(func(r chi.Router) {
		r.Use(a.guard.SignedIn)
		r.Get("/", a.home)
		r.Post("/orgs", a.found)
		r.Post("/invitation", a.accept)
	})
	r.With(a.guard.Follow, a.guard.Require(readTodos)).Get("/orgs/{org}", a.list)
	r.With(a.guard.Require(writeTodos)).Post("/orgs/{org}/todos", a.add)
	r.With(a.guard.Require(writeTodos)).Post("/orgs/{org}/todos/{id}", a.done)
	r.With(a.guard.Require(rbac.WriteInvitations)).Post("/orgs/{org}/invitations", a.invite)
	return r
}

// The list: the Service is bound to the user, and every WHERE contains the organization.

type todo struct {
	ID   int64
	Text string
	Done bool
}

func (a *app) list(w http.ResponseWriter, r *http.Request) {
	ctx, svc, org := r.Context(), tenancyhttp.Service(r.Context()), tenancyhttp.Organization(r.Context())
	me, err := tenancyhttp.Member(ctx)
	members, err2 := svc.Memberships.List(ctx, org, tenancy.MemberQuery{Order: tenancy.ByName})
	rows, err3 := a.db.QueryContext(ctx, `SELECT id, text, done FROM todos WHERE organization_id = ? ORDER BY id`, org)
	if err = errors.Join(err, err3); err != nil {
		a.sorry(w, r, err)
		return
	}
	defer rows.Close()
	var todos []todo
	for rows.Next() {
		var t todo
		err = errors.Join(err, rows.Scan(&t.ID, &t.Text, &t.Done))
		todos = append(todos, t)
	}
	if err = errors.Join(err, rows.Err()); err != nil {
		a.sorry(w, r, err)
		return
	}
	mayInvite, _ := tenancyhttp.Can(ctx, rbac.WriteInvitations)
	a.show(w, r, "list", map[string]any{
		"Me": me, "Todos": todos, "Members": members.Items, "SeesMembers": err2 == nil, "MayInvite": mayInvite,
	})
}

func (a *app) add(w http.ResponseWriter, r *http.Request) {
	org := tenancyhttp.Organization(r.Context())
	_, err := a.db.ExecContext(r.Context(), `INSERT INTO todos (organization_id, text) VALUES (?, ?)`, org, r.PostFormValue("text"))
	a.next(w, r, "/orgs/"+org.String(), err)
}

func (a *app) done(w http.ResponseWriter, r *http.Request) {
	org := tenancyhttp.Organization(r.Context())
	_, err := a.db.ExecContext(r.Context(), `UPDATE todos SET done = 1 - done WHERE organization_id = ? AND id = ?`, org, chi.URLParam(r, "id"))
	a.next(w, r, "/orgs/"+org.String(), err)
}

func (a *app) invite(w http.ResponseWriter, r *http.Request) {
	svc, org := tenancyhttp.Service(r.Context()), tenancyhttp.Organization(r.Context())
	_, err := svc.Invitations.Send(r.Context(), tenancy.NewInvitation{OrganizationID: org, Email: r.PostFormValue("email")})
	a.next(w, r, "/orgs/"+org.String(), err)
}

func (a *app) home(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	mine, err := tenancyhttp.Service(ctx).Memberships.ListByUser(ctx, tenancyhttp.User(ctx), tenancy.MemberQuery{})
	if err != nil {
		a.sorry(w, r, err)
		return
	}
	a.show(w, r, "home", mine.Items)
}

func (a *app) found(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	org, err := tenancyhttp.Service(ctx).Organizations.Create(ctx, tenancy.NewOrganization{
		DisplayName: r.PostFormValue("name"), Owner: tenancyhttp.User(ctx),
	})
	a.next(w, r, "/orgs/"+org.ID.String(), err)
}

func (a *app) invitationPage(w http.ResponseWriter, r *http.Request) {
	token := r.FormValue("token")
	preview, err := a.svc.Invitations.Preview(r.Context(), token) // a preview does not use up the token
	if err != nil {
		a.sorry(w, r, err)
		return
	}
	_, err = a.sessions.Authenticate(r)
	a.show(w, r, "invitation", map[string]any{"Preview": preview, "Token": token, "SignedIn": err == nil})
}

func (a *app) accept(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	m, err := tenancyhttp.Service(ctx).Invitations.Accept(ctx, r.PostFormValue("invitation"), tenancyhttp.User(ctx))
	a.next(w, r, "/orgs/"+m.OrganizationID.String(), err)
}

// Passwords: the program keeps a hash, Freehold does the rest. See docs/guides/passwords.md.

func (a *app) login(w http.ResponseWriter, r *http.Request) {
	ctx, email := r.Context(), r.PostFormValue("email")
	user, err := a.svc.Users.GetByEmail(ctx, email)
	if err != nil && !errors.Is(err, tenancy.ErrNotFound) && !errors.Is(err, tenancy.ErrInvalid) {
		a.sorry(w, r, err)
		return
	}
	var credential, kept string
	err = a.db.QueryRowContext(ctx, `SELECT credential, hash FROM passwords WHERE user_id = ? AND wrong < 10`, user.ID).Scan(&credential, &kept)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		a.sorry(w, r, err)
		return
	}
	if !matches(kept, r.PostFormValue("password")) { // takes as long if there is no password
		_, err = a.db.ExecContext(ctx, `UPDATE passwords SET wrong = wrong + 1 WHERE user_id = ?`, user.ID)
		a.next(w, r, "/login", errors.Join(err, &tenancy.Error{Code: tenancyhttp.ErrUnauthenticated, Op: "sign in"}))
		return
	}
	if _, err = a.db.ExecContext(ctx, `UPDATE passwords SET wrong = 0 WHERE user_id = ?`, user.ID); err != nil {
		a.sorry(w, r, err)
		return
	}
	a.enter(w, r, tenancy.Attempt{Evidence: tenancy.PasswordEvidence(credential, email), Invitation: r.PostFormValue("invitation")})
}

// signUp is also the password reset: a person who proves the mailbox in this browser keeps the password that
// was typed here.
func (a *app) signUp(w http.ResponseWriter, r *http.Request) {
	ctx, password := r.Context(), r.PostFormValue("password")
	if len(password) < 8 || len(password) > 256 {
		a.sorry(w, r, &tenancy.Error{Code: tenancy.ErrInvalid, Op: "sign up", Field: "password", Reason: "is not 8 to 256 long"})
		return
	}
	started, err := a.svc.Proofs.Start(ctx, tenancy.NewProof{Email: r.PostFormValue("email")})
	if err == nil {
		_, err = a.db.ExecContext(ctx, `DELETE FROM waiting_passwords WHERE expires_at < ?`, time.Now().Unix())
	}
	if err == nil {
		_, err = a.db.ExecContext(ctx, `INSERT INTO waiting_passwords (handle, hash, expires_at) VALUES (?, ?, ?)`,
			fingerprint(started.Handle.Reveal()), hash(password), started.ExpiresAt.Unix())
	}
	if err != nil {
		a.sorry(w, r, err)
		return
	}
	http.SetCookie(w, &http.Cookie{
		Name: "proof", Value: started.Handle.Reveal(), Path: "/", MaxAge: 600, HttpOnly: true, SameSite: http.SameSiteLaxMode, // and Secure behind https
	})
	a.show(w, r, "code", map[string]any{"Proof": started, "Invitation": r.PostFormValue("invitation")})
}

func (a *app) code(w http.ResponseWriter, r *http.Request) {
	proved, err := a.svc.Proofs.Finish(r.Context(), handle(r), r.PostFormValue("code"))
	a.proved(w, r, proved, err)
}

func (a *app) proofPage(w http.ResponseWriter, r *http.Request) {
	preview, err := a.svc.Proofs.Preview(r.Context(), r.FormValue("token"), handle(r)) // mail scanners open the link, too
	if err != nil {
		a.sorry(w, r, err)
		return
	}
	a.show(w, r, "proof", map[string]any{"Preview": preview, "Token": r.FormValue("token")})
}

func (a *app) openProof(w http.ResponseWriter, r *http.Request) {
	proved, err := a.svc.Proofs.Open(r.Context(), r.PostFormValue("token"), handle(r))
	a.proved(w, r, proved, err)
}

// proved signs in a person who has proved a mailbox. It keeps the pending password only if it was typed in this
// browser: anybody may have typed it in another one.
func (a *app) proved(w http.ResponseWriter, r *http.Request, proved tenancy.ProvedMailbox, err error) {
	if err != nil {
		a.sorry(w, r, err)
		return
	}
	ctx, in := r.Context(), tenancy.Attempt{Evidence: proved.Evidence, Invitation: r.PostFormValue("invitation")}
	var typed string
	if proved.Here {
		err = a.db.QueryRowContext(ctx, `SELECT hash FROM waiting_passwords WHERE handle = ?`, fingerprint(handle(r))).Scan(&typed)
	}
	if err != nil || typed == "" {
		a.enter(w, r, in)
		return
	}
	credential, err := a.credential(ctx, proved.Email)
	if err != nil {
		a.sorry(w, r, err)
		return
	}
	in.Evidence = tenancy.PasswordEvidence(credential, proved.Email).WithMailbox(proved.Email)
	var d tenancy.Decision
	err = sqlite.Transact(ctx, a.svc, func(ctx context.Context, svc *tenancy.Service, tx *sql.Tx) error {
		if d, err = signIn(ctx, svc, in); err != nil || d.Kind != tenancy.DecisionSignedIn {
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO passwords (user_id, credential, hash) VALUES (?, ?, ?)
			ON CONFLICT DO UPDATE SET credential = excluded.credential, hash = excluded.hash, wrong = 0`, d.User.ID, credential, typed)
		if err != nil {
			return err
		}
		return svc.Sessions.RevokeAll(ctx, d.User.ID, d.Session.ID)
	})
	a.follow(w, r, d, err)
}

// credential names the password of an address: that of a proved account, or a new one.
func (a *app) credential(ctx context.Context, email string) (credential string, err error) {
	user, err := a.svc.Users.GetByEmail(ctx, email)
	if err == nil && !user.EmailVerifiedAt.IsZero() {
		err = a.db.QueryRowContext(ctx, `SELECT credential FROM passwords WHERE user_id = ?`, user.ID).Scan(&credential)
	}
	if credential == "" && (err == nil || errors.Is(err, tenancy.ErrNotFound) || errors.Is(err, sql.ErrNoRows)) {
		return rand.Text(), nil
	}
	return credential, err
}

func (a *app) enter(w http.ResponseWriter, r *http.Request, in tenancy.Attempt) {
	in.Session = a.sessions.Token(r) // if it is of the same person, this sign-in adds to it
	d, err := signIn(r.Context(), a.svc, in)
	a.follow(w, r, d, err)
}

// signIn signs a person with several organizations in to the first that their evidence is enough for: the home page lists all.
func signIn(ctx context.Context, svc *tenancy.Service, in tenancy.Attempt) (tenancy.Decision, error) {
	d, err := svc.SignIn(ctx, in)
	if err != nil || d.Kind != tenancy.DecisionChooseOrganization {
		return d, err
	}
	for _, choice := range d.Choices[:min(len(d.Choices), 4)] { // five refusals end a pending sign-in
		next, err := svc.SignIn(ctx, tenancy.Attempt{
			Evidence: tenancy.PendingEvidence(d.Pending.Reveal()), OrganizationID: choice.OrganizationID, Session: in.Session,
		})
		if err != nil || next.Kind != tenancy.DecisionUseSingleSignOn && next.Kind != tenancy.DecisionUseOtherMethod {
			return next, err
		}
	}
	return d, nil
}

// follow carries out a decision.
func (a *app) follow(w http.ResponseWriter, r *http.Request, d tenancy.Decision, err error) {
	if err != nil {
		a.sorry(w, r, err)
		return
	}
	if d.Kind != tenancy.DecisionSignedIn { // docs/guides/closed.md has a page for each kind
		a.showAs(w, r, http.StatusForbidden, "refused", d)
		return
	}
	if old := a.sessions.Token(r); old != "" {
		_ = a.svc.Sessions.SignOut(r.Context(), old) // if this fails, the session expires by itself
	}
	a.sessions.Set(w, d.Started())
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// hash returns argon2id with a salt, as text. matches takes the same time whatever is kept.
func hash(password string) string {
	salt := make([]byte, 16)
	rand.Read(salt)
	return hex.EncodeToString(salt) + hex.EncodeToString(argon(password, salt))
}

func matches(kept, password string) bool {
	raw, err := hex.DecodeString(kept)
	known := err == nil && len(raw) == 48
	if !known {
		raw = make([]byte, 48)
	}
	return subtle.ConstantTimeCompare(raw[16:], argon(password, raw[:16])) == 1 && known
}

func argon(password string, salt []byte) []byte {
	return argon2.IDKey([]byte(password), salt, 1, 64*1024, 4, 32)
}

func fingerprint(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

func handle(r *http.Request) string {
	cookie, err := r.Cookie("proof")
	if err != nil {
		return ""
	}
	return cookie.Value
}

func (a *app) show(w http.ResponseWriter, r *http.Request, page string, data any) {
	a.showAs(w, r, http.StatusOK, page, data)
}

func (a *app) showAs(w http.ResponseWriter, r *http.Request, status int, page string, data any) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "same-origin")
	// Browsers may hold redirects after a form to form-action, too: add your provider there, if a form leads to one.
	w.Header().Set("Content-Security-Policy", "default-src 'none'; form-action 'self'; frame-ancestors 'none'")
	w.WriteHeader(status)
	if err := a.pages.ExecuteTemplate(w, page, data); err != nil {
		log.Print(r.URL.Path, ": ", err)
	}
}

func (a *app) next(w http.ResponseWriter, r *http.Request, path string, err error) {
	if err != nil {
		a.sorry(w, r, err)
		return
	}
	http.Redirect(w, r, path, http.StatusSeeOther)
}

func (a *app) sorry(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, tenancyhttp.ErrUnauthenticated) && r.Method == http.MethodGet {
		http.Redirect(w, r, "/login", http.StatusSeeOther)
		return
	}
	p := tenancyhttp.ProblemOf(err)
	if p.Status >= 500 {
		log.Print(r.URL.Path, ": ", err)
	}
	a.showAs(w, r, p.Status, "problem", p)
}
