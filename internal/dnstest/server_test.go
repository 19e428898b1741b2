package dnstest_test

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"golang.org/x/net/dns/dnsmessage"

	"github.com/freehold-dev/freehold/internal/dnstest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const name = "host.example.com"

// failed looks a TXT record up in vain.
func failed(t *testing.T, s *dnstest.Server, timeout time.Duration) *net.DNSError {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	_, err := s.Resolver().LookupTXT(ctx, name+".")
	var failed *net.DNSError
	require.ErrorAs(t, err, &failed)
	return failed
}

func TestAnswers(t *testing.T) {
	s := dnstest.Start(t)
	long, many := strings.Repeat("a", 700), make([]string, 500)
	for i := range many {
		many[i] = "some text that makes the answer too long for UDP"
	}
	for what, c := range map[string]struct {
		answer dnstest.Answer
		want   []string
	}{
		"one":       {dnstest.TXT("one"), []string{"one"}},
		"several":   {dnstest.TXT("one", "", "two"), []string{"one", "", "two"}},
		"split":     {dnstest.Answer{TXT: [][]string{{"a", "b"}, {"c"}}}, []string{"ab", "c"}},
		"long":      {dnstest.TXT(long), []string{long}},
		"over TCP":  {dnstest.TXT(many...), many},
		"truncated": {dnstest.Answer{TXT: [][]string{{"again"}}, Truncated: true}, []string{"again"}},
	} {
		t.Run(what, func(t *testing.T) {
			s.Set(strings.ToUpper(name), c.answer)
			got, err := s.Resolver().LookupTXT(t.Context(), name+".")
			require.NoError(t, err)
			require.Equal(t, c.want, got)
			require.Equal(t, 1, s.Asked(name+"."))
		})
	}
}

func TestFailures(t *testing.T) {
	s := dnstest.Start(t)
	require.True(t, failed(t, s, time.Minute).IsNotFound, "never set")
	for what, a := range map[string]dnstest.Answer{"NXDOMAIN": dnstest.NXDomain(), "no records": {}, "others": dnstest.Addr("192.0.2.1")} {
		s.Set(name, a)
		require.True(t, failed(t, s, time.Minute).IsNotFound, what)
	}
	for what, a := range map[string]dnstest.Answer{"SERVFAIL": dnstest.ServFail(), "REFUSED": dnstest.Refused(), "too long for DNS": {TXT: [][]string{{strings.Repeat("a", 256)}}}} {
		s.Set(name, a)
		err := failed(t, s, time.Minute)
		require.False(t, err.IsNotFound || err.IsTimeout, what)
	}
	for what, a := range map[string]dnstest.Answer{"silence": dnstest.Silence(), "wrong id": {WrongID: true}, "wrong question": {WrongQuestion: true}} {
		s.Set(name, a)
		require.True(t, failed(t, s, 50*time.Millisecond).IsTimeout, what)
	}
	s.Set(name, dnstest.Answer{Truncated: true, Silent: true})
	require.True(t, failed(t, s, 50*time.Millisecond).IsTimeout)
}

func TestAddresses(t *testing.T) {
	s := dnstest.Start(t)
	s.Set(name, dnstest.Addr("192.0.2.1", "2001:db8::1"))
	got, err := s.Resolver().LookupHost(t.Context(), name)
	require.NoError(t, err)
	require.ElementsMatch(t, []string{"192.0.2.1", "2001:db8::1"}, got)

	broken := dnstest.ServFail()
	s.Set(name, dnstest.Answer{Addrs: dnstest.Addr("192.0.2.1").Addrs, AAAA: &broken})
	got, err = s.Resolver().LookupHost(t.Context(), name)
	require.NoError(t, err)
	require.Equal(t, []string{"192.0.2.1"}, got)
}

// The answers come in turn, and the last of them stays.
func TestTurns(t *testing.T) {
	s := dnstest.Start(t)
	s.Set(name, dnstest.Addr("192.0.2.1"), dnstest.Answer{Addrs: dnstest.Addr("192.0.2.2").Addrs, Truncated: true}, dnstest.Addr("192.0.2.3"))
	for _, want := range []string{"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.3"} {
		got, err := s.Resolver().LookupHost(t.Context(), name)
		require.NoError(t, err)
		require.Equal(t, []string{want}, got)
	}
	require.Equal(t, 8, s.Asked(name), "four for A, four for AAAA")
	s.Set(name)
	require.Zero(t, s.Asked(name))
	require.True(t, failed(t, s, time.Minute).IsNotFound)
}

// What is no question gets no answer, and does no harm.
func TestNoise(t *testing.T) {
	s := dnstest.Start(t)
	response, err := (&dnsmessage.Message{Header: dnsmessage.Header{Response: true}}).Pack()
	require.NoError(t, err)
	empty, err := (&dnsmessage.Message{}).Pack()
	require.NoError(t, err)
	conn, err := net.Dial("udp", s.Addr())
	require.NoError(t, err)
	for _, noise := range [][]byte{{}, {1, 2, 3}, response, empty} {
		_, err = conn.Write(noise)
		require.NoError(t, err)
	}
	require.NoError(t, conn.Close())
	for _, noise := range [][]byte{{0}, {0, 9, 1}, {0, 3, 1, 2, 3}} {
		tcp, err := net.Dial("tcp", s.Addr())
		require.NoError(t, err)
		_, err = tcp.Write(noise)
		require.NoError(t, err)
		require.NoError(t, tcp.Close())
	}
	s.Set(name, dnstest.TXT("well"))
	got, err := s.Resolver().LookupTXT(t.Context(), name+".")
	require.NoError(t, err)
	require.Equal(t, []string{"well"}, got)
}

// Close leaves nothing behind, connections that wait for an answer included.
func TestClose(t *testing.T) {
	s, err := dnstest.Listen()
	require.NoError(t, err)
	s.Set(name, dnstest.Silence())
	conn, err := net.Dial("tcp", s.Addr())
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	require.NoError(t, s.Close())
	goleak.VerifyNone(t, goleak.IgnoreCurrent())
	require.Error(t, s.Close(), "closed already")
}
