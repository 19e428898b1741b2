package prove_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/freehold-dev/freehold/domains"
	"github.com/freehold-dev/freehold/domains/prove"
)

// trickle writes a piece every few milliseconds, for as long as anyone listens.
func trickle(w io.Writer, piece string) {
	for {
		if _, err := io.WriteString(w, piece); err != nil {
			return
		}
		if flusher, ok := w.(http.Flusher); ok {
			flusher.Flush()
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// flood writes as fast as it can, for as long as anyone listens.
func flood(w io.Writer, piece string) {
	for {
		if _, err := io.WriteString(w, piece); err != nil {
			return
		}
	}
}

// raw takes a connection over after the request.
func raw(serve func(io.Writer)) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer func() { _ = conn.Close() }()
		serve(conn)
	}
}

const ok = "HTTP/1.1 200 OK\r\n"

// Each ends within the limit, in a finding, and leaves nothing running.
func TestHostileWebsites(t *testing.T) { // D4, D5
	var bomb bytes.Buffer
	zip := gzip.NewWriter(&bomb)
	_, err := zip.Write(make([]byte, 1<<24))
	require.NoError(t, err)
	require.NoError(t, zip.Close())
	binary := make([]byte, 1<<16)
	for i := range binary {
		binary[i] = byte(i * i >> 3)
	}
	for what, c := range map[string]struct {
		website http.HandlerFunc
		page    domains.Finding
		file    domains.Finding
	}{
		"a huge head": {say(200, "<head>"+strings.Repeat("<link>", 1<<20)), unknown(domains.ReasonTooLarge), refuted(domains.ReasonOtherContent)},
		"a huge tag":  {say(200, "<meta name='"+strings.Repeat("x", 1<<20)), unknown(domains.ReasonTooLarge), refuted(domains.ReasonOtherContent)},
		"a huge body": {say(200, "<body>"+strings.Repeat("<p>", 1<<20)), refuted(domains.ReasonNoTag), refuted(domains.ReasonOtherContent)},
		"endless":     {func(w http.ResponseWriter, _ *http.Request) { flood(w, "<meta>") }, unknown(domains.ReasonTooLarge), refuted(domains.ReasonOtherContent)},
		"binary":      {say(200, string(binary)), refuted(domains.ReasonNoTag), refuted(domains.ReasonOtherContent)},
		"a bomb": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(bomb.Bytes())
		}, unknown(domains.ReasonEncoded), unknown(domains.ReasonEncoded)},
		"a trickling head":        {func(w http.ResponseWriter, _ *http.Request) { trickle(w, "<meta>") }, unknown(domains.ReasonTimeout), unknown(domains.ReasonTimeout)},
		"never an answer":         {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, unknown(domains.ReasonTimeout), unknown(domains.ReasonTimeout)},
		"trickling headers":       {raw(func(w io.Writer) { _, _ = io.WriteString(w, ok); trickle(w, "X: y\r\n") }), unknown(domains.ReasonTimeout), unknown(domains.ReasonTimeout)},
		"a trickling status":      {raw(func(w io.Writer) { trickle(w, "H") }), unknown(domains.ReasonTimeout), unknown(domains.ReasonTimeout)},
		"endless headers":         {raw(func(w io.Writer) { _, _ = io.WriteString(w, ok); flood(w, "X: y\r\n") }), unknown(domains.ReasonBadResponse), unknown(domains.ReasonBadResponse)},
		"an endless header":       {raw(func(w io.Writer) { _, _ = io.WriteString(w, ok+"X: "); flood(w, "yyyyyyyy") }), unknown(domains.ReasonBadResponse), unknown(domains.ReasonBadResponse)},
		"endless information":     {raw(func(w io.Writer) { flood(w, "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n") }), unknown(domains.ReasonBadResponse), unknown(domains.ReasonBadResponse)},
		"an endless chunk size":   {raw(func(w io.Writer) { _, _ = io.WriteString(w, ok+"Transfer-Encoding: chunked\r\n\r\n"); flood(w, "0") }), unknown(domains.ReasonBadResponse), unknown(domains.ReasonBadResponse)},
		"no HTTP":                 {raw(func(w io.Writer) { _, _ = io.WriteString(w, "220 mail.example.com ESMTP\r\n") }), unknown(domains.ReasonBadResponse), unknown(domains.ReasonBadResponse)},
		"nothing":                 {raw(func(io.Writer) {}), unknown(domains.ReasonBadResponse), unknown(domains.ReasonBadResponse)},
		"cut short":               {raw(func(w io.Writer) { _, _ = io.WriteString(w, ok+"Content-Length: 900\r\n\r\n<head>") }), unknown(domains.ReasonBadResponse), unknown(domains.ReasonBadResponse)},
		"the token, cut short":    {raw(func(w io.Writer) { _, _ = io.WriteString(w, ok+"Content-Length: 900\r\n\r\n"+token) }), unknown(domains.ReasonBadResponse), unknown(domains.ReasonBadResponse)},
		"two lengths":             {raw(func(w io.Writer) { _, _ = io.WriteString(w, ok+"Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx") }), unknown(domains.ReasonBadResponse), unknown(domains.ReasonBadResponse)},
		"a switch of protocol":    {raw(func(w io.Writer) { _, _ = io.WriteString(w, "HTTP/1.1 101 Switching Protocols\r\n\r\n") }), unknown(domains.ReasonStatus), unknown(domains.ReasonStatus)},
		"the tag, then for ever":  {func(w http.ResponseWriter, _ *http.Request) { flood(w, challenge().MetaTag()) }, proved(), refuted(domains.ReasonOtherContent)},
		"the body, then for ever": {func(w http.ResponseWriter, _ *http.Request) { trickle(w, "<p>x") }, refuted(domains.ReasonNoTag), unknown(domains.ReasonTimeout)},
	} {
		t.Run(what, func(t *testing.T) {
			for by, want := range map[domains.Method]domains.Finding{domains.MethodMeta: c.page, domains.MethodFile: c.file} {
				p := visitor(t, c.website, limit(want))
				running := goleak.IgnoreCurrent()
				begun := time.Now()
				require.Equal(t, want, find(t, p, by))
				require.Less(t, time.Since(begun), prove.DefaultTimeout/2)
				goleak.VerifyNone(t, running)
			}
		})
	}
}

// limit is short where time has to run out, and long where all has to end by itself.
func limit(want domains.Finding) time.Duration {
	if want.Reason == domains.ReasonTimeout {
		return brief
	}
	return prove.DefaultTimeout
}

// listener serves each connection with one function, without TLS of its own.
func listener(t *testing.T, serve func(net.Conn)) prove.Dial {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			serve(conn)
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	return func(ctx context.Context, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "tcp", l.Addr().String())
	}
}

func TestHostileHandshakes(t *testing.T) { // D5
	another, _ := certificate(t, "example.net")
	right, pool := certificate(t, "example.com")
	pool.AddCert(leaf(t, another))
	for what, c := range map[string]struct {
		serve func(net.Conn)
		want  domains.Finding
	}{
		"no TLS": {func(conn net.Conn) { _, _ = io.WriteString(conn, "HTTP/1.1 404 Not Found\r\n\r\n") }, unknown(domains.ReasonTLS)},
		"closed": {func(net.Conn) {}, unknown(domains.ReasonTLS)},
		"silent": {func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }, unknown(domains.ReasonTimeout)},
		"endless": {func(conn net.Conn) {
			_, _ = conn.Write([]byte{22, 3, 3, 0, 1, 0}) // a handshake record that never comes to anything
			flood(conn, "\x16\x03\x03\x00\x01\x00")
		}, unknown(domains.ReasonTLS)},
		"another's certificate": {func(conn net.Conn) {
			_ = tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{another}}).HandshakeContext(context.Background())
		}, unknown(domains.ReasonTLS)},
		"old TLS": {func(conn net.Conn) {
			_ = tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{right}, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}).HandshakeContext(context.Background())
		}, unknown(domains.ReasonTLS)},
	} {
		t.Run(what, func(t *testing.T) {
			p := prove.New(prove.Options{Timeout: limit(c.want), Roots: pool})
			dial := listener(t, c.serve)
			p.WrapDial(func(prove.Dial) prove.Dial { return dial })
			require.Equal(t, c.want, find(t, p, domains.MethodMeta))
		})
	}
}

// Only authorities that were named are believed.
func TestRoots(t *testing.T) { // D4
	site, pool := website(t, say(200, challenge().MetaTag()))
	_, others := certificate(t, "example.com")
	for _, c := range []struct {
		options prove.Options
		want    domains.Finding
	}{
		{prove.Options{Roots: pool}, proved()},
		{prove.Options{Roots: others}, unknown(domains.ReasonTLS)},
		{prove.Options{}, unknown(domains.ReasonTLS)},
	} {
		p := prove.New(c.options)
		p.WrapDial(func(prove.Dial) prove.Dial { return to(site) })
		require.Equal(t, c.want, find(t, p, domains.MethodMeta))
	}
}

func TestNoConnection(t *testing.T) { // D5
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	p := prove.New(prove.Options{})
	p.WrapDial(func(prove.Dial) prove.Dial {
		return func(ctx context.Context, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "tcp", l.Addr().String())
		}
	})
	require.Equal(t, unknown(domains.ReasonNoConnection), find(t, p, domains.MethodMeta))
}

// No more is read than is judged.
func TestBodiesAreBounded(t *testing.T) { // D4
	var sent atomic.Int64
	p := visitor(t, func(w http.ResponseWriter, _ *http.Request) {
		for {
			n, err := fmt.Fprint(w, strings.Repeat("<meta>", 1000))
			sent.Add(int64(n))
			if err != nil {
				return
			}
		}
	}, 0)
	require.Equal(t, unknown(domains.ReasonTooLarge), find(t, p, domains.MethodMeta))
	require.Less(t, sent.Load(), int64(16<<20), "but for what the sockets hold")
}
