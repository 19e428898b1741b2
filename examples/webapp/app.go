package main

import (
	"context"
	"database/sql"
	_ "embed"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/freehold-dev/freehold/domains/prove"
	"github.com/freehold-dev/freehold/store/sqlite"
	"github.com/freehold-dev/freehold/tenancy"
	"github.com/freehold-dev/freehold/tenancyhttp"
)

//go:embed schema.sql
var schema string

// options differ between main and the tests.
type options struct {
	path   string
	secure bool // cookies only over https
	log    *slog.Logger
	mailer tenancy.Mailer
	demo   *toyDNS // not nil: replaces the DNS, and the toys are on
	posts  int     // how often one address may post in a minute; 0 = no limit
	// mailEvery is the time between two mails to one address, and between two checks of one domain; 0 = the
	// library's default, a minute.
	mailEvery time.Duration
}

// app is the whole program. Its Service is the trusted one, so only accounts and the guard get it. All other
// handlers use the Service of their request.
type app struct {
	db      *sql.DB
	store   *sqlite.Store
	service *tenancy.Service
	log     *slog.Logger
	limiter *limiter

	site     *site
	accounts *accounts
	toys     *toys // nil: the toys are off
}

// open opens the database, brings its tables up to date and builds the program.
func open(ctx context.Context, o options) (_ *app, err error) {
	a := &app{log: o.log, limiter: newLimiter(o.posts)}
	defer func() {
		if err != nil {
			a.close()
		}
	}()
	if a.db, err = openDB(o.path); err != nil {
		return nil, err
	}
	if err := sqlite.Migrate(ctx, a.db); err != nil {
		return nil, err
	}
	if _, err := a.db.ExecContext(ctx, schema); err != nil {
		return nil, err
	}
	if a.store, err = sqlite.New(ctx, a.db); err != nil {
		return nil, err
	}
	if err := a.found(o); err != nil {
		return nil, err
	}
	if err := declare(ctx, a.service); err != nil {
		return nil, err
	}
	return a, a.build(o)
}

// found makes the Service. A person without an invitation signs up together with an organization, on a page of
// this program.
func (a *app) found(o options) (err error) {
	var prover tenancy.Prover = prove.New(prove.Options{})
	if o.demo != nil {
		prover = o.demo
	}
	a.service, err = tenancy.New(tenancy.Config{
		Store: a.store, Logger: o.log, SelfServe: true,
		Mailer: o.mailer, Prover: prover, App: "webapp",
		MailEvery: o.mailEvery, VerifyEvery: o.mailEvery, AllowTestDomains: o.demo != nil,
	})
	return err
}

// build makes the pages.
func (a *app) build(o options) error {
	pages, err := loadPages()
	if err != nil {
		return err
	}
	a.site = &site{db: a.db, pages: pages, demo: o.demo != nil}
	a.site.sessions, err = tenancyhttp.NewSessions(tenancyhttp.SessionsConfig{
		Service: a.service, Logger: o.log, Insecure: !o.secure, Error: a.site.sorry,
	})
	if err != nil {
		return err
	}
	a.site.guard, err = tenancyhttp.New(tenancyhttp.Config{
		Service: a.service, Logger: o.log, Error: a.site.sorry,
		Sessions:     a.site.sessions,
		Organization: tenancyhttp.PathValue("org"),
	})
	a.accounts = &accounts{site: a.site, store: a.store, service: a.service, secure: o.secure}
	if o.demo != nil {
		a.toys = &toys{a.accounts, o.demo}
	}
	return err
}

func (a *app) close() {
	if a.store != nil {
		_ = a.store.Close()
	}
	if a.db != nil {
		_ = a.db.Close()
	}
}

// openDB opens the file with the settings that store/sqlite needs. Only the owner can read a new file, and
// SQLite gives the two files beside it the same mode.
func openDB(path string) (*sql.DB, error) {
	if file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600); err == nil {
		_ = file.Close()
	}
	options := url.Values{
		"_pragma": {"busy_timeout(5000)", "journal_mode(WAL)", "foreign_keys(1)", "secure_delete(1)"},
		"_txlock": {"immediate"},
	}
	return sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?"+options.Encode())
}

// handler handles all requests.
func (a *app) handler() http.Handler {
	mux := http.NewServeMux()
	for _, r := range a.routes() {
		mux.Handle(r.pattern, a.site.guard.Follow(r.guard(r.handler))) // a link into another organization enters it
	}
	// Sessions are cookies, so forms of other sites must not reach the handlers.
	return a.limiter.limit(http.NewCrossOriginProtection().Handler(http.MaxBytesHandler(mux, 1<<20)))
}
