// Command webapp is a small web application that has customers: people sign in by a
// code sent to their address, belong to organizations, and write documents there. The
// documents, the sessions and the pages are its own; who belongs where, and what they
// may do, is Freehold's.
//
//	go run ./examples/webapp [-addr localhost:8080] [-db webapp.db]
//
// An empty database gets two organizations to play with. Codes are not mailed: they
// are in the log.
package main

import (
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
)

func main() {
	addr := flag.String("addr", "localhost:8080", "where to listen")
	path := flag.String("db", "webapp.db", "the SQLite file; made if it is not there")
	secure := flag.Bool("secure", false, "browsers reach the site by https")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	if err := run(ctx, log, *addr, *path, *secure); err != nil {
		log.Error("webapp", "error", err)
		os.Exit(1)
	}
}

// run serves until ctx ends.
func run(ctx context.Context, log *slog.Logger, addr, path string, secure bool) error {
	a, err := open(ctx, settings{
		path: path, secure: secure, log: log,
		mail: func(address, code string) { log.Info("a mail", "to", address, "code", code) },
	})
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
	return a.serve(ctx, listener)
}

// serve answers requests and lets the Service follow what other processes commit, until
// ctx ends.
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
	a.log.Info("serving", "url", "http://"+listener.Addr().String())
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
