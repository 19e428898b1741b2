// Package dnstest is a name server on loopback that says what it is told to say, for
// tests and for programs that show a domain being verified without owning one.
//
//	server := dnstest.Start(t)
//	server.Set("_acme-challenge.example.com", dnstest.TXT("token=..."))
//	prover := prove.New(prove.Options{Resolver: server.Resolver()})
//
// A program calls [Listen] and Close. The server speaks enough DNS for Go's own
// resolver, over UDP and TCP on one port, and answers badly on request: late, cut
// off, to another question. Names that it was not told of do not exist.
//
// It is no part of the core: only tests and examples import it.
package dnstest

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"

	"golang.org/x/net/dns/dnsmessage"
)

// Server is a running name server. It is safe for concurrent use.
type Server struct {
	udp     *net.UDPConn
	tcp     *net.TCPListener
	running sync.WaitGroup

	mu      sync.Mutex
	answers map[string][]Answer
	asked   map[asked]int
	open    map[net.Conn]struct{}
	closed  bool
}

// asked is what the server counts.
type asked struct {
	name string
	kind dnsmessage.Type
}

// TB is what Start needs of a *testing.T or *testing.B. It is here so that a program
// does not link package testing.
type TB interface {
	Helper()
	// Fatal ends the test: there is no server.
	Fatal(args ...any)
	// Cleanup is how the server ends with the test.
	Cleanup(f func())
}

// Start runs a server until the test ends.
func Start(t TB) *Server {
	t.Helper()
	s, err := Listen()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// Listen runs a server on a free port of 127.0.0.1, until Close.
func Listen() (*Server, error) {
	udp, tcp, err := listenBoth()
	if err != nil {
		return nil, err
	}
	s := &Server{
		udp: udp, tcp: tcp,
		answers: map[string][]Answer{}, asked: map[asked]int{}, open: map[net.Conn]struct{}{},
	}
	s.running.Add(2)
	go s.serveUDP()
	go s.serveTCP()
	return s, nil
}

// listenBoth finds a port that is free for UDP and for TCP.
func listenBoth() (*net.UDPConn, *net.TCPListener, error) {
	var last error
	for range 16 {
		udp, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			return nil, nil, err
		}
		port := udp.LocalAddr().(*net.UDPAddr).Port
		tcp, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
		if err == nil {
			return udp, tcp, nil
		}
		last = errors.Join(err, udp.Close())
	}
	return nil, nil, last
}

// Close stops the server and waits until nothing of it runs.
func (s *Server) Close() error {
	s.mu.Lock()
	s.closed = true
	err := errors.Join(s.udp.Close(), s.tcp.Close())
	for conn := range s.open {
		_ = conn.Close() // whoever serves it sees that, and ends
	}
	s.mu.Unlock()
	s.running.Wait()
	return err
}

// Addr is where the server listens, as host:port.
func (s *Server) Addr() string { return s.udp.LocalAddr().String() }

// Resolver is Go's own resolver, asking this server alone whatever the machine is set
// up to ask. The machine's hosts file still goes before it for addresses.
func (s *Server) Resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, network, s.Addr())
	}}
}

// Set gives the answers for a name, in place of those before: the first to the first
// question, and the last to all that follow. Questions of one record type are counted
// apart from others, because resolvers ask for A and AAAA at once; one that comes
// again over TCP counts once. No answers: the name does not exist.
func (s *Server) Set(name string, answers ...Answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name = canonical(name)
	s.answers[name] = answers
	for key := range s.asked {
		if key.name == name {
			delete(s.asked, key)
		}
	}
}

// Asked is how often the server was asked for a name since it was set.
func (s *Server) Asked(name string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for key, times := range s.asked {
		if key.name == canonical(name) {
			n += times
		}
	}
	return n
}

// answer chooses what to say and counts the question; over TCP, after a truncated
// answer, the question was counted already.
func (s *Server) answer(q dnsmessage.Question, tcp bool) Answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := asked{canonical(q.Name.String()), q.Type}
	if !tcp || s.asked[key] == 0 {
		s.asked[key]++
	}
	answers := s.answers[key.name]
	if len(answers) == 0 {
		return NXDomain()
	}
	a := answers[min(s.asked[key], len(answers))-1]
	if a.AAAA != nil && q.Type == dnsmessage.TypeAAAA {
		return *a.AAAA
	}
	return a
}

func canonical(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }
