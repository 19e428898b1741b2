package main

import (
	"context"
	"database/sql"
	_ "embed"
	"log/slog"
	"net/http"
	"net/url"

	"github.com/freehold-dev/freehold/store/sqlite"
	"github.com/freehold-dev/freehold/tenancy"
	"github.com/freehold-dev/freehold/tenancyhttp"
)

//go:embed schema.sql
var schema string

// settings are what differs between main and the tests.
type settings struct {
	path   string
	secure bool // cookies go over https alone
	log    *slog.Logger
	mail   func(address, code string)
}

// app is the whole program. Its Service is the host's own, so only accounts and the
// guard are given it; every other handler takes what its request brings along.
type app struct {
	db      *sql.DB
	store   *sqlite.Store
	service *tenancy.Service
	log     *slog.Logger

	site     *site
	accounts *accounts
}

// open opens the database, brings its tables up to date and puts the program together.
func open(ctx context.Context, s settings) (_ *app, err error) {
	a := &app{log: s.log}
	defer func() {
		if err != nil {
			a.close()
		}
	}()
	if a.db, err = openDB(s.path); err != nil {
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
	a.service, err = tenancy.New(tenancy.Config{Store: a.store, Logger: s.log, SelfServe: true})
	if err != nil {
		return nil, err
	}
	if err := declare(ctx, a.service); err != nil {
		return nil, err
	}
	pages, err := loadPages()
	if err != nil {
		return nil, err
	}
	a.site = &site{db: a.db, pages: pages}
	a.accounts = &accounts{site: a.site, store: a.store, service: a.service, mail: s.mail, secure: s.secure}
	a.site.guard, err = tenancyhttp.New(tenancyhttp.Config{
		Service: a.service, Logger: s.log,
		User:         a.accounts.user,
		Organization: tenancyhttp.PathValue("org"),
		Error:        a.site.sorry,
	})
	return a, err
}

func (a *app) close() {
	if a.store != nil {
		_ = a.store.Close()
	}
	if a.db != nil {
		_ = a.db.Close()
	}
}

// openDB opens the file as store/sqlite wants a host's handle to be.
func openDB(path string) (*sql.DB, error) {
	options := url.Values{
		"_pragma":       {"journal_mode(WAL)", "foreign_keys(1)"},
		"_busy_timeout": {"5000"},
		"_txlock":       {"immediate"},
	}
	return sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?"+options.Encode())
}

// handler is everything that the program answers.
func (a *app) handler() http.Handler {
	mux := http.NewServeMux()
	for _, r := range a.routes() {
		mux.Handle(r.pattern, r.guard(r.handler))
	}
	// Sessions are cookies, so forms of other sites must not be able to use them.
	return http.NewCrossOriginProtection().Handler(http.MaxBytesHandler(mux, 1<<20))
}
