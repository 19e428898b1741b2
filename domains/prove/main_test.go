package prove_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/freehold-dev/freehold/domains"
	"github.com/freehold-dev/freehold/domains/prove"
	"github.com/freehold-dev/freehold/internal/dnstest"
)

// Nothing listens there: a Prover that used a proxy would fail every test of a website.
func TestMain(m *testing.M) {
	for _, name := range []string{"HTTPS_PROXY", "https_proxy"} {
		if err := os.Setenv(name, "http://127.0.0.1:1"); err != nil {
			log.Fatal(err)
		}
	}
	goleak.VerifyTestMain(m)
}

const (
	token = "k3J9_x-Qm2Lr8TzV5bNw"
	brief = 150 * time.Millisecond // for what never ends
)

func challenge() domains.Challenge {
	return domains.Challenge{App: "acme", Domain: "example.com", Token: token}
}

func proved() domains.Finding {
	return domains.Finding{Outcome: domains.Proved, Reason: domains.ReasonFound}
}

func refuted(reason string) domains.Finding {
	return domains.Finding{Outcome: domains.Refuted, Reason: reason}
}

func unknown(reason string) domains.Finding {
	return domains.Finding{Outcome: domains.Unknown, Reason: reason}
}

// certificate makes an authority's certificate that serves as a website's as well.
func certificate(t *testing.T, names ...string) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: names, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	cert, pool := tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, x509.NewCertPool()
	pool.AddCert(leaf(t, cert))
	return cert, pool
}

func leaf(t *testing.T, cert tls.Certificate) *x509.Certificate {
	t.Helper()
	parsed, err := x509.ParseCertificate(cert.Certificate[0])
	require.NoError(t, err)
	return parsed
}

// website serves example.com and its www over TLS on loopback.
func website(t *testing.T, handler http.Handler) (*httptest.Server, *x509.CertPool) {
	t.Helper()
	cert, pool := certificate(t, "example.com", "www.example.com")
	server := httptest.NewUnstartedServer(handler)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	return server, pool
}

// visitor is a Prover that reaches a website on loopback by every name.
func visitor(t *testing.T, handler http.HandlerFunc, timeout time.Duration) *prove.Prover {
	t.Helper()
	server, pool := website(t, handler)
	p := prove.New(prove.Options{Roots: pool, Timeout: timeout, Resolver: dnstest.Start(t).Resolver()})
	p.WrapDial(func(prove.Dial) prove.Dial { return to(server) })
	return p
}

// to dials a server whatever the host.
func to(server *httptest.Server) prove.Dial {
	return func(ctx context.Context, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "tcp", server.Listener.Addr().String())
	}
}

// find proves, and wants a finding.
func find(t *testing.T, p *prove.Prover, by domains.Method) domains.Finding {
	t.Helper()
	finding, err := p.Prove(t.Context(), challenge(), by)
	require.NoError(t, err)
	return finding
}
