package prove_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/domains"
	"github.com/freehold-dev/freehold/domains/prove"
	"github.com/freehold-dev/freehold/internal/dnstest"
)

// gate notes what the guard was shown, and keeps what it let through from leaving.
type gate struct {
	mu            sync.Mutex
	shown, passed []netip.Addr
}

var errGate = errors.New("let through")

func (g *gate) wrap(guard prove.Guard) prove.Guard {
	return func(network, address string, c syscall.RawConn) error {
		err := guard(network, address, c)
		g.mu.Lock()
		defer g.mu.Unlock()
		addr := netip.MustParseAddrPort(address).Addr()
		g.shown = append(g.shown, addr)
		if err == nil {
			g.passed = append(g.passed, addr)
			return errGate
		}
		return err
	}
}

// Wherever a domain points, nothing inside is connected to. The addresses come from a
// name server, as an attacker's would, and are dialled as any are.
func TestSSRF(t *testing.T) { // D4
	for what, addresses := range map[string][]string{
		"private 10/8":                {"10.0.0.1"},
		"private 10/8, last":          {"10.255.255.255"},
		"private 172.16/12":           {"172.16.0.1"},
		"private 172.16/12, last":     {"172.31.255.255"},
		"private 192.168/16":          {"192.168.1.1"},
		"loopback":                    {"127.0.0.1"},
		"loopback, another":           {"127.1.2.3"},
		"loopback, IPv6":              {"::1"},
		"link-local":                  {"169.254.0.1"},
		"metadata":                    {"169.254.169.254"},
		"metadata, ECS":               {"169.254.170.2"},
		"metadata, IPv6":              {"fd00:ec2::254"},
		"metadata, OCI":               {"192.0.0.192"},
		"metadata, CGNAT":             {"100.100.100.200"},
		"link-local, IPv6":            {"fe80::1"},
		"site-local, IPv6":            {"fec0::1"},
		"CGNAT":                       {"100.64.0.1"},
		"CGNAT, last":                 {"100.127.255.255"},
		"unspecified":                 {"0.0.0.0"},
		"this network":                {"0.1.2.3"},
		"unspecified, IPv6":           {"::"},
		"broadcast":                   {"255.255.255.255"},
		"reserved":                    {"240.0.0.1"},
		"multicast":                   {"224.0.0.1"},
		"multicast, IPv6":             {"ff02::1"},
		"benchmarking":                {"198.18.0.1"},
		"documentation 1":             {"192.0.2.1"},
		"documentation 2":             {"198.51.100.1"},
		"documentation 3":             {"203.0.113.1"},
		"documentation, IPv6":         {"2001:db8::1"},
		"documentation, IPv6, new":    {"3fff::1"},
		"6to4 relay":                  {"192.88.99.1"},
		"mapped loopback":             {"::ffff:127.0.0.1"},
		"mapped private":              {"::ffff:10.0.0.1"},
		"mapped metadata":             {"::ffff:169.254.169.254"},
		"compatible":                  {"::127.0.0.1"},
		"translated":                  {"::ffff:0:127.0.0.1"},
		"NAT64 of loopback":           {"64:ff9b::7f00:1"},
		"NAT64 of metadata":           {"64:ff9b::a9fe:a9fe"},
		"NAT64, local":                {"64:ff9b:1::7f00:1"},
		"6to4 of loopback":            {"2002:7f00:1::1"},
		"6to4 of private":             {"2002:a00:1::1"},
		"Teredo":                      {"2001::7f00:1"},
		"ORCHID":                      {"2001:20::1"},
		"unique local":                {"fc00::1"},
		"unique local, assigned":      {"fd12:3456::1"},
		"discard":                     {"100::1"},
		"segment routing":             {"5f00::1"},
		"several, both families":      {"10.0.0.1", "127.0.0.1", "fc00::1", "::1"},
		"several, all tried in turns": {"192.168.0.1", "192.168.0.2", "192.168.0.3"},
	} {
		t.Run(what, func(t *testing.T) {
			server := dnstest.Start(t)
			server.Set("example.com", dnstest.Addr(addresses...))
			for _, by := range []domains.Method{domains.MethodMeta, domains.MethodFile} {
				var g gate
				p := prove.New(prove.Options{Resolver: server.Resolver()})
				p.WrapGuard(g.wrap)
				require.Equal(t, unknown("blocked address"), find(t, p, by))
				require.NotEmpty(t, g.shown, "the guard was asked")
				require.Empty(t, g.passed)
			}
		})
	}
}

// What is public passes, or the test above would show nothing.
func TestPublicAddressesPass(t *testing.T) { // D4
	for _, address := range []string{"93.184.215.14", "8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:4700:4700::1111", "::ffff:8.8.8.8"} {
		server := dnstest.Start(t)
		server.Set("example.com", dnstest.Addr(address))
		var g gate
		p := prove.New(prove.Options{Resolver: server.Resolver()})
		p.WrapGuard(g.wrap)
		require.Equal(t, unknown(domains.ReasonNoConnection), find(t, p, domains.MethodMeta), address)
		require.Equal(t, []netip.Addr{netip.MustParseAddr(address).Unmap()}, g.passed)
	}
}

// The port is held as well, should anything ever ask for another.
func TestGuardHoldsThePort(t *testing.T) { // D4
	p := prove.New(prove.Options{})
	p.WrapGuard(func(guard prove.Guard) prove.Guard {
		require.NoError(t, guard("tcp4", "8.8.8.8:443", nil))
		for _, bad := range []string{"8.8.8.8:80", "8.8.8.8:22", "8.8.8.8:8443"} {
			require.Error(t, guard("tcp4", bad, nil), bad)
		}
		require.Error(t, guard("udp4", "8.8.8.8:443", nil))
		return guard
	})
}

// A name that was public a moment ago is judged by what is dialled now: the first place
// of the file is fetched from a public address, and for the second it is another's.
func TestSSRFRebinding(t *testing.T) { // D4
	for _, inside := range []string{"127.0.0.1", "::1", "169.254.169.254"} {
		names := dnstest.Start(t)
		names.Set("example.com", dnstest.Addr("93.184.215.14"), dnstest.Addr(inside))
		site, pool := website(t, http.NotFoundHandler())
		var g gate
		p := prove.New(prove.Options{Resolver: names.Resolver(), Roots: pool})
		p.WrapGuard(g.wrap)
		dials := 0
		p.WrapDial(func(guarded prove.Dial) prove.Dial {
			return func(ctx context.Context, host string) (net.Conn, error) {
				dials++
				conn, err := guarded(ctx, host)
				if errors.Is(err, errGate) { // it would have connected
					return to(site)(ctx, host)
				}
				return conn, err
			}
		})
		both := challenge()
		both.RootFile = true
		finding, err := p.Prove(t.Context(), both, domains.MethodFile)
		require.NoError(t, err)
		require.Equal(t, unknown("blocked address"), finding)
		require.Equal(t, 2, dials)
		require.Equal(t, []netip.Addr{netip.MustParseAddr("93.184.215.14")}, g.passed)
	}
}

// A redirect that is followed is dialled as the first address was.
func TestSSRFRedirect(t *testing.T) { // D4
	names := dnstest.Start(t)
	names.Set("example.com", dnstest.Addr("93.184.215.14"))
	names.Set("www.example.com", dnstest.Addr("127.0.0.1"))
	site, pool := website(t, http.RedirectHandler("https://www.example.com/", http.StatusFound))
	var g gate
	p := prove.New(prove.Options{Resolver: names.Resolver(), Roots: pool})
	p.WrapGuard(g.wrap)
	p.WrapDial(func(guarded prove.Dial) prove.Dial {
		return func(ctx context.Context, host string) (net.Conn, error) {
			if host == "example.com" {
				return to(site)(ctx, host)
			}
			return guarded(ctx, host)
		}
	})
	require.Equal(t, unknown("blocked address"), find(t, p, domains.MethodMeta))
	require.Equal(t, []netip.Addr{netip.MustParseAddr("127.0.0.1")}, g.shown)
	require.Empty(t, g.passed)
}
