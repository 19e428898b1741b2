package prove_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/freehold-dev/freehold/domains"
	"github.com/freehold-dev/freehold/domains/prove"
	"github.com/freehold-dev/freehold/internal/dnstest"
)

const (
	label = "_acme-challenge.example.com"
	value = "token=" + token
)

func TestRecords(t *testing.T) { // D4, D5
	server := dnstest.Start(t)
	many := make([]string, 1000)
	for i := range many {
		many[i] = "v=verification-of-another-service"
	}
	for what, c := range map[string]struct {
		answer dnstest.Answer
		want   domains.Finding
	}{
		"the record":          {dnstest.TXT(value), proved()},
		"beside others":       {dnstest.TXT("v=spf1 -all", value, "token=other"), proved()},
		"split":               {dnstest.Answer{TXT: [][]string{{"tok", "en=", token}}}, proved()},
		"split with a border": {dnstest.Answer{TXT: [][]string{{"", value, ""}}}, proved()},
		"truncated":           {dnstest.Answer{TXT: dnstest.TXT(value).TXT, Truncated: true}, proved()},
		"last of many":        {dnstest.TXT(append(many, value)...), proved()},
		"none of many":        {dnstest.TXT(many...), refuted(domains.ReasonOtherValue)},
		"another value":       {dnstest.TXT("token=another_claim_0123"), refuted(domains.ReasonOtherValue)},
		"a longer value":      {dnstest.TXT(value + strings.Repeat("x", 300)), refuted(domains.ReasonOtherValue)},
		"two halves":          {dnstest.TXT("token=", token), refuted(domains.ReasonOtherValue)},
		"empty":               {dnstest.TXT(""), refuted(domains.ReasonOtherValue)},
		"no record":           {dnstest.Answer{}, refuted(domains.ReasonNoRecord)},
		"other types only":    {dnstest.Addr("192.0.2.1"), refuted(domains.ReasonNoRecord)},
		"NXDOMAIN":            {dnstest.NXDomain(), refuted(domains.ReasonNoRecord)},
		"SERVFAIL":            {dnstest.ServFail(), unknown(domains.ReasonNameServer)},
		"REFUSED":             {dnstest.Refused(), unknown(domains.ReasonNameServer)},
	} {
		t.Run(what, func(t *testing.T) {
			server.Set(label, c.answer)
			p := prove.New(prove.Options{Resolver: server.Resolver()})
			require.Equal(t, c.want, find(t, p, domains.MethodDNS))
		})
	}
}

// Silence and lies are no answers, also where the lie holds the record, or denies it.
func TestNoAnswer(t *testing.T) { // D5
	server := dnstest.Start(t)
	p := prove.New(prove.Options{Resolver: server.Resolver(), Timeout: brief})
	txt := dnstest.TXT(value).TXT
	for what, a := range map[string]dnstest.Answer{
		"silence":                      dnstest.Silence(),
		"another id":                   {TXT: txt, WrongID: true},
		"another question":             {TXT: txt, WrongQuestion: true},
		"another id, NXDOMAIN":         {RCode: dnstest.NXDomain().RCode, WrongID: true},
		"another question, NXDOMAIN":   {RCode: dnstest.NXDomain().RCode, WrongQuestion: true},
		"truncated, then another's id": {TXT: txt, Truncated: true, WrongID: true},
	} {
		server.Set(label, a)
		require.Equal(t, unknown(domains.ReasonTimeout), find(t, p, domains.MethodDNS), what)
	}
	require.NoError(t, server.Close())
	require.Equal(t, domains.Unknown, find(t, p, domains.MethodDNS).Outcome, "nobody there")
}

// The record of a domain does not prove its subdomains, nor the other way about.
func TestSubdomainsHaveALabel(t *testing.T) { // D6
	server := dnstest.Start(t)
	p := prove.New(prove.Options{Resolver: server.Resolver()})
	wide := challenge()
	wide.Subdomains = true

	server.Set(label, dnstest.TXT(value))
	finding, err := p.Prove(t.Context(), wide, domains.MethodDNS)
	require.NoError(t, err)
	require.Equal(t, refuted(domains.ReasonNoRecord), finding)

	server.Set(label)
	server.Set("_acme-subdomains-challenge.example.com", dnstest.TXT(value))
	finding, err = p.Prove(t.Context(), wide, domains.MethodDNS)
	require.NoError(t, err)
	require.Equal(t, proved(), finding)
	require.Equal(t, refuted(domains.ReasonNoRecord), find(t, p, domains.MethodDNS))
}

// An error is about the call: a challenge that cannot be, or a context that ended.
func TestErrors(t *testing.T) {
	server := dnstest.Start(t)
	p := prove.New(prove.Options{Resolver: server.Resolver()})
	_, err := p.Prove(t.Context(), challenge(), "smtp")
	require.ErrorIs(t, err, domains.ErrMethod)
	_, err = p.Prove(t.Context(), domains.Challenge{}, domains.MethodDNS)
	require.ErrorIs(t, err, domains.ErrApp)
	wide := challenge()
	wide.Subdomains = true
	for _, by := range []domains.Method{domains.MethodMeta, domains.MethodFile} { // D6
		_, err = p.Prove(t.Context(), wide, by)
		require.ErrorIs(t, err, domains.ErrMethod)
	}
	require.Zero(t, server.Asked(label))

	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, by := range methods() {
		_, err = p.Prove(ended, challenge(), by)
		require.ErrorIs(t, err, context.Canceled)
	}
}

func methods() []domains.Method {
	return []domains.Method{domains.MethodDNS, domains.MethodMeta, domains.MethodFile}
}

// The resolver waits for seconds; Prove does not, and leaves nothing that does.
func TestEndsWithItsContext(t *testing.T) {
	server := dnstest.Start(t)
	server.Set(label, dnstest.Silence())
	server.Set("example.com", dnstest.Silence())
	for _, by := range methods() {
		running := goleak.IgnoreCurrent()
		begun := time.Now()
		p := prove.New(prove.Options{Resolver: server.Resolver()})
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(brief, cancel)
		_, err := p.Prove(ctx, challenge(), by)
		require.ErrorIs(t, err, context.Canceled)

		for range 10 { // whichever tells of it first: the context or the connection
			hurried, cancel := context.WithTimeout(t.Context(), brief/10)
			_, err = p.Prove(hurried, challenge(), by)
			cancel()
			require.ErrorIs(t, err, context.DeadlineExceeded)
		}

		p = prove.New(prove.Options{Resolver: server.Resolver(), Timeout: brief})
		require.Equal(t, unknown(domains.ReasonTimeout), find(t, p, by))
		goleak.VerifyNone(t, running)
		require.Less(t, time.Since(begun), 4*time.Second)
	}
}

// The machine's resolver is there without being asked for.
func TestZeroOptions(t *testing.T) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := prove.New(prove.Options{}).Prove(ended, challenge(), domains.MethodDNS)
	require.ErrorIs(t, err, context.Canceled)
}
