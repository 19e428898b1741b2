package domains_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/publicsuffix"
	"pgregory.net/rapid"

	"github.com/freehold-dev/freehold/domains"
)

const token = "k3J9_x-Qm2Lr8TzV5bNw"

func challenge() domains.Challenge {
	return domains.Challenge{App: "acme", Domain: "example.com", Token: token}
}

func TestWhatToPublish(t *testing.T) { // D4
	c := challenge()
	require.Equal(t, "_acme-challenge.example.com", c.TXTName())
	require.Equal(t, "token="+token, c.TXTValue())
	require.Equal(t, "acme-domain-verification", c.MetaName())
	require.Equal(t, `<meta name="acme-domain-verification" content="`+token+`">`, c.MetaTag())
	require.Equal(t, "https://example.com/", c.PageURL())
	require.Equal(t, []string{"https://example.com/.well-known/acme-challenge.txt"}, c.FileURLs())
	c.RootFile = true
	require.Equal(t, []string{
		"https://example.com/.well-known/acme-challenge.txt",
		"https://example.com/acme-challenge.txt",
	}, c.FileURLs())
	require.Equal(t, token, c.FileBody())

	c.Subdomains = true // D6
	require.Equal(t, "_acme-subdomains-challenge.example.com", c.TXTName())
}

func TestCheck(t *testing.T) { // D4
	for _, by := range []domains.Method{domains.MethodDNS, domains.MethodMeta, domains.MethodFile} {
		require.NoError(t, challenge().Check(by), by)
	}
	for what, c := range map[string]struct {
		spoil func(*domains.Challenge)
		by    domains.Method
		want  error
	}{
		"no app":               {func(c *domains.Challenge) { c.App = "" }, domains.MethodDNS, domains.ErrApp},
		"no domain":            {func(c *domains.Challenge) { c.Domain = "" }, domains.MethodDNS, domains.ErrEmpty},
		"capitals":             {func(c *domains.Challenge) { c.Domain = "Example.com" }, domains.MethodDNS, domains.ErrNotNormal},
		"a public suffix":      {func(c *domains.Challenge) { c.Domain = "co.uk" }, domains.MethodDNS, domains.ErrPublicSuffix},
		"an address":           {func(c *domains.Challenge) { c.Domain = "127.0.0.1" }, domains.MethodFile, domains.ErrIPAddress},
		"a path":               {func(c *domains.Challenge) { c.Domain = "example.com/x" }, domains.MethodFile, domains.ErrMalformed},
		"no token":             {func(c *domains.Challenge) { c.Token = "" }, domains.MethodDNS, domains.ErrToken},
		"a short token":        {func(c *domains.Challenge) { c.Token = token[:15] }, domains.MethodDNS, domains.ErrToken},
		"a long token":         {func(c *domains.Challenge) { c.Token = strings.Repeat("a", 129) }, domains.MethodDNS, domains.ErrToken},
		"markup in the token":  {func(c *domains.Challenge) { c.Token = token + `">` }, domains.MethodMeta, domains.ErrToken},
		"no method":            {func(*domains.Challenge) {}, "", domains.ErrMethod},
		"another method":       {func(*domains.Challenge) {}, "smtp", domains.ErrMethod},
		"subdomains by a page": {func(c *domains.Challenge) { c.Subdomains = true }, domains.MethodMeta, domains.ErrMethod},
		"subdomains by a file": {func(c *domains.Challenge) { c.Subdomains = true }, domains.MethodFile, domains.ErrMethod},
		"no room for a label":  {func(c *domains.Challenge) { c.Domain = name(253) }, domains.MethodDNS, domains.ErrNameTooLong},
	} {
		t.Run(what, func(t *testing.T) {
			bad := challenge()
			c.spoil(&bad)
			require.ErrorIs(t, bad.Check(c.by), c.want)
		})
	}
	c := challenge()
	c.Subdomains = true
	require.NoError(t, c.Check(domains.MethodDNS), "D6")
	c = challenge()
	c.Domain = name(253)
	require.NoError(t, c.Check(domains.MethodFile), "a website needs no label")
	require.Equal(t, "challenge: token", domains.ErrToken.Error())
}

func TestCheckApp(t *testing.T) { // D4
	longest := strings.Repeat("a", domains.MaxApp)
	for _, app := range []string{"acme", "a", "4", "acme-staging", "a--b", "subdomains", longest} {
		require.NoError(t, domains.CheckApp(app), app)
		c := domains.Challenge{App: app, Domain: "example.com", Token: token, Subdomains: true}
		label, _, _ := strings.Cut(c.TXTName(), ".")
		require.LessOrEqual(t, len(label), 63)
	}
	for _, app := range []string{
		"", "-", "-acme", "acme-", "Acme", "ac me", "acme.example", "acme_x", "bücher", "a\"b", "a/b",
		longest + "a", "acme-subdomains",
	} {
		require.ErrorIs(t, domains.CheckApp(app), domains.ErrApp, app)
	}
}

// What proves one application's claim, or a domain alone, proves nothing else.
func TestNamesNeverMeet(t *testing.T) { // D4, D6
	app := rapid.StringMatching(`[a-z]{1,3}(-subdomains|-challenge|-[a-z]{1,2}){0,2}`)
	rapid.Check(t, func(t *rapid.T) {
		one := domains.Challenge{App: app.Draw(t, "one"), Domain: "example.com", Subdomains: rapid.Bool().Draw(t, "s")}
		two := domains.Challenge{App: app.Draw(t, "two"), Domain: "example.com", Subdomains: rapid.Bool().Draw(t, "t")}
		if domains.CheckApp(one.App) != nil || domains.CheckApp(two.App) != nil {
			return
		}
		if one.TXTName() == two.TXTName() {
			require.Equal(t, one, two)
		}
	})
}

func TestMatchTXT(t *testing.T) { // D4
	value := "token=" + token
	for what, records := range map[string][]string{
		"alone":       {value},
		"last":        {"v=spf1 -all", "token=another_0123456789", value},
		"first twice": {value, value, ""},
	} {
		require.True(t, challenge().MatchTXT(records), what)
	}
	for what, record := range map[string]string{
		"empty":            "",
		"token alone":      token,
		"space before":     " " + value,
		"space after":      value + " ",
		"quoted":           `"` + value + `"`,
		"more after":       value + "x",
		"less":             value[:len(value)-1],
		"capitals":         strings.ToUpper(value),
		"space at equals":  "token = " + token,
		"two in one":       value + value,
		"newline":          value + "\n",
		"of another claim": "token=another_0123456789",
	} {
		require.False(t, challenge().MatchTXT([]string{record}), what)
	}
	require.False(t, challenge().MatchTXT(nil))
	require.False(t, domains.Challenge{}.MatchTXT([]string{"token=", ""}), "the zero value is never proved")
}

func TestMatchFile(t *testing.T) { // D4
	for _, body := range []string{token, token + "\n", token + "\r\n"} {
		require.True(t, challenge().MatchFile([]byte(body)), "%q", body)
	}
	for _, body := range []string{
		"", "\n", token + "\n\n", token + "\r\n\r\n", token + "\r", token + " ", "\n" + token, " " + token,
		"\ufeff" + token, token + "\x00", token[1:], strings.ToLower(token), "token=" + token, "<p>" + token + "</p>",
	} {
		require.False(t, challenge().MatchFile([]byte(body)), "%q", body)
	}
	require.False(t, domains.Challenge{}.MatchFile(nil), "the zero value is never proved")
}

func TestMatchMeta(t *testing.T) { // D4
	require.True(t, challenge().MatchMeta("acme-domain-verification", token))
	require.False(t, challenge().MatchMeta("acme-domain-verification", token+" "))
	require.False(t, challenge().MatchMeta("other-domain-verification", token))
	require.False(t, challenge().MatchMeta("ACME-domain-verification", token))
	require.False(t, domains.Challenge{}.MatchMeta("-domain-verification", ""), "the zero value is never proved")
}

func TestParents(t *testing.T) { // D6
	for domain, want := range map[string][]string{
		"example.com":           {"example.com"},
		"mail.eu.example.co.uk": {"mail.eu.example.co.uk", "eu.example.co.uk", "example.co.uk"},
		"a.someone.github.io":   {"a.someone.github.io", "someone.github.io"},
		"www.ck":                {"www.ck"},
		"a.corp.local":          {"a.corp.local", "corp.local"},
		"co.uk":                 nil,
		"com":                   nil,
		"localhost":             nil,
		"":                      nil,
		name(254):               nil,
	} {
		require.Equal(t, want, domains.Parents(domain), domain)
	}
	require.Len(t, domains.Parents(strings.Repeat("a.", 126)+"b"), 126)
}

func FuzzParents(f *testing.F) { // D6
	f.Fuzz(func(t *testing.T, s string) {
		domain, err := domains.Normalize(s)
		if err != nil {
			domains.Parents(s)
			return
		}
		names := domains.Parents(domain)
		require.Equal(t, domain, names[0])
		for i, name := range names {
			require.NoError(t, check(name))
			if i > 0 {
				require.True(t, strings.HasSuffix(names[i-1], "."+name))
			}
		}
		registered, err := publicsuffix.EffectiveTLDPlusOne(domain)
		require.NoError(t, err)
		require.Equal(t, registered, names[len(names)-1])
	})
}

func FuzzMatch(f *testing.F) { // D4
	f.Fuzz(func(t *testing.T, app, token, text string) {
		c := domains.Challenge{App: app, Domain: "example.com", Token: token}
		if c.Check(domains.MethodDNS) != nil {
			require.False(t, domains.CheckApp(app) == nil && (c.MatchTXT([]string{text}) || c.MatchFile([]byte(text))))
			return
		}
		require.True(t, c.MatchTXT([]string{text, c.TXTValue()}))
		require.True(t, c.MatchFile([]byte(c.FileBody())))
		require.Equal(t, text == c.TXTValue(), c.MatchTXT([]string{text}))
		require.Equal(t, strings.TrimRight(text, "\r\n") == token && len(text) <= len(token)+2 &&
			!strings.HasSuffix(text, "\r") && !strings.HasSuffix(text, "\n\n"), c.MatchFile([]byte(text)))
	})
}
