// Command oidc is a program that people sign in to by OpenID Connect, with a public provider or with their
// organization's own. Libraries implement the protocol; Freehold decides what a sign-in gives access to.
//
//	OIDC_SECRET=... SSO_SECRET=... go run . -issuer https://accounts.google.com -client ... \
//		-domain acme.example -sso https://acme.example/oidc -sso-client ...
//
// It is its own module, so that nobody else downloads those libraries. It keeps everything in memory.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

func main() {
	addr := flag.String("addr", "localhost:8080", "where to listen")
	url := flag.String("url", "", "where browsers reach it; default http:// and the address")
	var own, sso client
	flag.StringVar(&own.issuer, "issuer", "https://accounts.google.com", "the issuer for everybody")
	flag.StringVar(&own.id, "client", "", "the client's id there; its secret is in OIDC_SECRET")
	domain := flag.String("domain", "acme.example", "the domain of an organization to play with")
	flag.StringVar(&sso.issuer, "sso", "", "its own issuer; default: it has none")
	flag.StringVar(&sso.id, "sso-client", "", "the client's id there; its secret is in SSO_SECRET")
	flag.Parse()
	own.secret, sso.secret = os.Getenv("OIDC_SECRET"), os.Getenv("SSO_SECRET")
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	a, err := open(settings{
		url: cmp.Or(*url, "http://"+*addr), own: own, secret: func(tenancy.ConnectionID) string { return sso.secret },
		client: &http.Client{Timeout: 10 * time.Second}, log: log,
	})
	if err == nil && sso.issuer != "" {
		_, err = a.office(ctx, "Acme", *domain, sso)
	}
	if err == nil {
		err = a.serve(ctx, *addr)
	}
	if err != nil {
		log.Error("oidc", "error", err)
		os.Exit(1)
	}
}

// office makes an organization with a domain and a provider of its own. This demonstration believes both. A
// real program first lets the organization prove its domain, with Domains.Challenge and Domains.Verify.
func (a *app) office(ctx context.Context, name, domain string, sso client) (c tenancy.Connection, err error) {
	err = a.service.Transact(ctx, func(ctx context.Context, tx *tenancy.Service) error {
		org, err := tx.Organizations.Create(ctx, tenancy.NewOrganization{
			DisplayName: name,
			Settings:    tenancy.Settings{SingleSignOnJoins: true},
			Domains:     []tenancy.NewDomain{{Name: domain, Verified: true}},
		})
		if err != nil {
			return err
		}
		c, err = tx.Connections.Create(ctx, tenancy.NewConnection{
			OrganizationID: org.ID, Protocol: tenancy.ProtocolOIDC, Name: name + "'s sign-in", State: tenancy.ConnectionActive,
			Issuer: sso.issuer, Settings: map[string]string{"client_id": sso.id},
			Groups: map[string]string{"administrators": rbac.Admin, "contractors": rbac.Guest},
		})
		return err
	})
	return c, err
}

// serve answers requests until ctx ends.
func (a *app) serve(ctx context.Context, addr string) error {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: a.handler(), ReadHeaderTimeout: 10 * time.Second}
	ctx, cancel := context.WithCancel(ctx)
	var background sync.WaitGroup
	defer background.Wait()
	defer cancel()
	background.Go(func() { _ = a.service.Run(ctx) })
	background.Go(func() {
		<-ctx.Done()
		patience, done := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer done()
		_ = server.Shutdown(patience)
	})
	a.log.Info("serving", "url", a.url)
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
