// Command webapp is a small web application with customers. People sign up, or come by invitation, by their
// company's domain or by its single sign-on. They belong to organizations, and write documents there. The
// documents and the pages are this program's own. Freehold decides who belongs where, how they sign in and what
// they may do.
//
//	go run ./examples/webapp [-demo] [-addr localhost:8080] [-db webapp.db]
//
// An empty database gets two example organizations. Mails are printed, unless -smtp names a mail server. With
// -demo, a toy replaces the DNS, and everybody may publish the proof of a domain in it. A second toy replaces
// the companies' single sign-on, and believes everything.
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

	"github.com/freehold-dev/freehold/tenancy"
	"github.com/freehold-dev/freehold/tenancysmtp"
)

func main() {
	o := options{log: slog.New(slog.NewTextHandler(os.Stderr, nil)), posts: 120}
	addr := flag.String("addr", "localhost:8080", "where to listen")
	flag.StringVar(&o.path, "db", "webapp.db", "the SQLite file; made if it is not there")
	site := flag.String("url", "", "where browsers find the site (default http:// and -addr)")
	smtp := flag.String("smtp", "", "a mail server, host:port (default: mails are printed)")
	from := flag.String("from", "Webapp <no-reply@webapp.example>", "who mails come from")
	flag.BoolVar(&o.secure, "secure", false, "browsers reach the site by https")
	demo := flag.Bool("demo", false, "domains and single sign-on are toys")
	flag.Parse()
	*site = cmp.Or(*site, "http://"+*addr)
	var err error
	if o.mailer, err = newMailer(*smtp, *from, func(m tenancy.Message) string { return *site + linkTo(m) }); err != nil {
		o.log.Error("webapp", "error", err)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o, *addr, *demo); err != nil {
		o.log.Error("webapp", "error", err)
		os.Exit(1)
	}
}

// newMailer sends mails, or prints them if there is no mail server.
func newMailer(smtp, from string, link func(tenancy.Message) string) (tenancy.Mailer, error) {
	if smtp == "" {
		return tenancysmtp.NewLog(os.Stdout, link), nil
	}
	return tenancysmtp.New(tenancysmtp.Config{Addr: smtp, From: from, Link: link})
}

// run serves until ctx ends.
func run(ctx context.Context, o options, addr string, demo bool) error {
	if demo {
		o.demo = newToyDNS()
	}
	a, err := open(ctx, o)
	if err != nil {
		return err
	}
	defer a.close()
	if err := a.seed(ctx); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	a.log.Info("serving", "address", addr)
	return a.serve(ctx, listener)
}

// serve answers requests until ctx ends. Meanwhile it runs the Service's background work, which follows the
// commits of other processes and removes what has expired.
func (a *app) serve(ctx context.Context, listener net.Listener) error {
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
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
