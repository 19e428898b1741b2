// Command webapp is a small web application that has customers: people sign up, or come
// by invitation, by their company's domain or by its single sign-on, belong to
// organizations, and write documents there. The documents and the pages are its own;
// who belongs where, how they may sign in and what they may do is Freehold's.
//
//	go run ./examples/webapp [-demo] [-addr localhost:8080] [-db webapp.db]
//
// An empty database gets two organizations to play with. Mails are not delivered: a
// mail server inside the program shows them. With -demo there are a name server in which
// everybody may publish the proof of a domain, and a toy in place of companies' single
// sign-on that believes what it is told.
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

	"github.com/freehold-dev/freehold/internal/dnstest"
	"github.com/freehold-dev/freehold/internal/smtptest"
)

func main() {
	o := options{log: slog.New(slog.NewTextHandler(os.Stderr, nil))}
	addr := flag.String("addr", "localhost:8080", "where to listen")
	flag.StringVar(&o.path, "db", "webapp.db", "the SQLite file; made if it is not there")
	flag.StringVar(&o.url, "url", "", "where browsers find the site (default http:// and -addr)")
	flag.BoolVar(&o.secure, "secure", false, "browsers reach the site by https")
	demo := flag.Bool("demo", false, "domains and single sign-on are toys")
	flag.Parse()
	o.url = cmp.Or(o.url, "http://"+*addr)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o, *addr, *demo); err != nil {
		o.log.Error("webapp", "error", err)
		os.Exit(1)
	}
}

// run serves until ctx ends.
func run(ctx context.Context, o options, addr string, demo bool) error {
	mails := &smtptest.Server{Print: os.Stdout}
	if err := mails.Start(); err != nil {
		return err
	}
	defer mails.Close()
	o.smtp = mails.Addr()
	if demo {
		var err error
		if o.demo, err = dnstest.Listen(); err != nil {
			return err
		}
		defer o.demo.Close()
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
	a.log.Info("serving", "url", o.url)
	return a.serve(ctx, listener)
}

// serve answers requests and lets the Service follow what other processes commit, and
// clear away what has run out, until ctx ends.
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
