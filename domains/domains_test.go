package domains_test

import (
	"errors"
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"
	"pgregory.net/rapid"

	"github.com/freehold-dev/freehold/domains"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// name repeats a label until the name has exactly n bytes.
func name(n int) string {
	s := strings.Repeat(strings.Repeat("a", 63)+".", 3)
	return s + strings.Repeat("b", n-len(s)-2) + ".c"
}

func TestNormalize(t *testing.T) { // D1
	for what, c := range map[string]struct{ in, want string }{
		"as it is":             {"example.com", "example.com"},
		"ASCII capitals":       {"EXAMPLE.Com", "example.com"},
		"U-label":              {"bücher.example", "xn--bcher-kva.example"},
		"A-label":              {"xn--bcher-kva.example", "xn--bcher-kva.example"},
		"A-label in capitals":  {"XN--BCHER-KVA.example", "xn--bcher-kva.example"},
		"a capital U-label":    {"BÜcher.example", "xn--bcher-kva.example"},
		"Greek capitals":       {"ΑΒΓ.example", "xn--mxacd.example"},
		"Cyrillic capitals":    {"ЯНДЕКС.рф", "xn--d1acpjx3f.xn--p1ai"},
		"sharp s is no ss":     {"faß.de", "xn--fa-hia.de"},
		"right to left":        {"אב.com", "xn--4dbc.com"},
		"below a registration": {"mail.eu.example.co.uk", "mail.eu.example.co.uk"},
		"below a private one":  {"someone.github.io", "someone.github.io"},
		"exception to a rule":  {"www.ck", "www.ck"},
		"unknown top level":    {"corp.local", "corp.local"},
		"numeric, not last":    {"127.0.0.1.example.com", "127.0.0.1.example.com"},
		"digits then letters":  {"example.1a", "example.1a"},
		"127 labels":           {strings.Repeat("a.", 126) + "b", strings.Repeat("a.", 126) + "b"},
		"63-byte label":        {strings.Repeat("a", 63) + ".com", strings.Repeat("a", 63) + ".com"},
		"longer as U-labels":   {strings.Repeat("公", 40) + ".com", mustASCII(strings.Repeat("公", 40)) + ".com"},
	} {
		t.Run(what, func(t *testing.T) {
			got, err := domains.Normalize(c.in)
			require.NoError(t, err)
			require.Equal(t, c.want, got)
			require.NoError(t, check(got))
		})
	}
	got, err := domains.Normalize(name(253))
	require.NoError(t, err)
	require.Len(t, got, domains.MaxLen)
}

func mustASCII(label string) string {
	s, err := idna.Punycode.ToASCII(label)
	if err != nil {
		panic(err)
	}
	return s
}

// Each refusal names its reason and gives no text beside it.
func TestRefusals(t *testing.T) { // D1
	for what, c := range map[string]struct {
		in   string
		want domains.Reason
	}{
		"empty":                     {"", domains.ErrEmpty},
		"254 bytes":                 {name(254), domains.ErrTooLong},
		"64-byte label":             {strings.Repeat("a", 64) + ".com", domains.ErrTooLong},
		"64-byte A-label":           {strings.Repeat("ü", 60) + ".com", domains.ErrTooLong},
		"128 labels":                {strings.Repeat("a.", 127) + "b", domains.ErrTooLong},
		"trailing dot":              {"example.com.", domains.ErrTrailingDot},
		"two trailing dots":         {"example.com..", domains.ErrTrailingDot},
		"a dot":                     {".", domains.ErrTrailingDot},
		"IPv4":                      {"1.2.3.4", domains.ErrIPAddress},
		"IPv6":                      {"2001:db8::1", domains.ErrIPAddress},
		"IPv6 in brackets":          {"[::1]", domains.ErrIPAddress},
		"IPv6 with a zone":          {"fe80::1%eth0", domains.ErrIPAddress},
		"IPv4 mapped":               {"::ffff:1.2.3.4", domains.ErrIPAddress},
		"IPv4 in brackets":          {"[1.2.3.4]", domains.ErrIPAddress},
		"IPv4 in two parts":         {"0x7f.1", domains.ErrNumericLabel},
		"IPv4 in one part":          {"2130706433", domains.ErrNumericLabel},
		"IPv4 in hexadecimal":       {"0x7f000001", domains.ErrNumericLabel},
		"IPv4 in capitals":          {"127.0.0.0X1F", domains.ErrNumericLabel},
		"IPv4 in octal":             {"0177.0.0.01", domains.ErrNumericLabel},
		"IPv4 ending in 0xa":        {"127.0.0.0xa", domains.ErrNumericLabel},
		"empty hexadecimal":         {"127.0.0.0x", domains.ErrNumericLabel},
		"numeric last label":        {"example.123", domains.ErrNumericLabel},
		"one label":                 {"localhost", domains.ErrSingleLabel},
		"top level":                 {"com", domains.ErrSingleLabel},
		"public suffix":             {"co.uk", domains.ErrPublicSuffix},
		"public suffix in capitals": {"CO.UK", domains.ErrPublicSuffix},
		"public suffix by wildcard": {"anything.ck", domains.ErrPublicSuffix},
		"public suffix, IDN":        {"公司.cn", domains.ErrPublicSuffix},
		"public suffix, private":    {"github.io", domains.ErrPublicSuffix},
	} {
		t.Run(what, func(t *testing.T) { requireRefused(t, c.in, c.want) })
	}
}

// Hostile text is refused before any work is spent on it.
func TestHostileLength(t *testing.T) { // D1
	require.NoError(t, requireRefused(t, strings.Repeat("ü", 1<<20), domains.ErrTooLong).Err)
}

// What IDNA refuses is malformed, with what it said beneath.
func TestMalformed(t *testing.T) { // D1
	for what, in := range map[string]string{
		"leading dot":                ".example.com",
		"empty label":                "example..com",
		"IPv4 in full width":         "１.２.３.４",
		"IPv4 with a port":           "1.2.3.4:80",
		"underscore":                 "_dmarc.example.com",
		"leading hyphen":             "-a.example.com",
		"trailing hyphen":            "a-.example.com",
		"hyphens in 3 and 4":         "ab--cd.example.com",
		"space":                      "exa mple.com",
		"surrounding space":          " example.com",
		"control":                    "exa\x00mple.com",
		"line end":                   "example.com\n",
		"not UTF-8":                  "exa\xffmple.com",
		"URL":                        "https://example.com",
		"email":                      "ada@example.com",
		"wildcard":                   "*.example.com",
		"ideographic dot":            "example\u3002com",
		"full-width dot":             "example\uff0ecom",
		"half-width dot":             "example\uff61com",
		"full-width letters":         "ｅxample.com",
		"Kelvin sign":                "\u212Aelvin.com",
		"long s":                     "\u017fample.com",
		"dotted capital I":           "\u0130stanbul.com",
		"capital sharp s":            "STRA\u1e9eE.example",
		"the Angstrom sign":          "\u212bngstrom.example",
		"full-width capitals":        "\uff21cme.example",
		"a capital with a full stop": "BÜCHER\u3002example",
		"soft hyphen":                "exam\u00adple.com",
		"zero-width joiner":          "exam\u200dple.com",
		"zero-width space":           "exam\u200bple.com",
		"not NFC":                    "bu\u0308cher.example",
		"leading combining mark":     "\u0308bucher.example",
		"two directions":             "אa.com",
		"A-label of nothing":         "xn--.com",
		"A-label of ASCII":           "xn--example-.com",
		"A-label of an A-label":      "xn--xn---epa.com",
		"A-label of a capital":       "xn--bcher-kva.xn--7ba.com",
		"A-label of a dotted digit":  "xn--a-ecp.com",
		"A-label of a joiner":        "xn--ab-m1t.com",
		"A-label, not Punycode":      "xn--zzzzzz.com",
	} {
		t.Run(what, func(t *testing.T) {
			require.Error(t, errors.Unwrap(requireRefused(t, in, domains.ErrMalformed)))
		})
	}
}

func requireRefused(t *testing.T, in string, want domains.Reason) *domains.Error {
	t.Helper()
	got, err := domains.Normalize(in)
	require.ErrorIs(t, err, want)
	require.Empty(t, got)
	require.Equal(t, "domain: "+string(want), err.Error(), "the input is not repeated")

	var refused *domains.Error
	require.ErrorAs(t, err, &refused)
	require.Equal(t, want, refused.Reason)
	return refused
}

// A name that looks like another is another name.
func TestConfusables(t *testing.T) { // D1
	for lookAlike, original := range map[string]string{
		"аpple.com":   "apple.com",  // Cyrillic a
		"аррӏе.com":   "apple.com",  // Cyrillic throughout
		"gооgle.com":  "google.com", // Cyrillic o
		"раураӏ.com":  "paypal.com",
		"exаmple.com": "example.com",
		"ɡithub.com":  "github.com", // script g
		"dıgital.com": "digital.com",
	} {
		got, err := domains.Normalize(lookAlike)
		require.NoError(t, err)
		require.NotEqual(t, original, got)
		require.Contains(t, got, "xn--")
	}
}

// check is D1 read literally and by other means than the package's own.
func check(domain string) error {
	labels := strings.Split(domain, ".")
	if len(labels) < 2 || len(labels) > 127 || len(domain) > 253 || net.ParseIP(domain) != nil {
		return errors.New("size or address")
	}
	for _, label := range labels {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return errors.New("label")
		}
		if strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			return errors.New("character")
		}
		unicode, err := idna.Punycode.ToUnicode(label)
		if err != nil {
			return err
		}
		again, err := idna.Registration.ToASCII(unicode)
		if err != nil || again != label {
			return errors.New("A-label does not round-trip")
		}
	}
	if strings.Trim(labels[len(labels)-1], "0123456789") == "" {
		return errors.New("numeric last label")
	}
	_, err := publicsuffix.EffectiveTLDPlusOne(domain)
	return err
}

func requireNormal(t require.TestingT, in string) {
	got, err := domains.Normalize(in)
	if err != nil {
		var refused *domains.Error
		require.ErrorAs(t, err, &refused)
		require.Empty(t, got)
		return
	}
	require.NoError(t, check(got), "%q gave %q", in, got)
	again, err := domains.Normalize(got)
	require.NoError(t, err, "%q gave %q", in, got)
	require.Equal(t, got, again, "not a fixed point")
}

func TestNormalForm(t *testing.T) { // D1
	label := rapid.OneOf(
		rapid.StringMatching(`[a-zA-Z0-9-]{1,20}`),
		rapid.StringMatching(`xn--[a-z0-9-]{1,12}`),
		rapid.StringOfN(rapid.RuneFrom([]rune("aüßéаяוא公司ñ\u200d\u0301K1")), 1, 8, -1),
	)
	rapid.Check(t, func(t *rapid.T) {
		requireNormal(t, strings.Join(rapid.SliceOfN(label, 1, 5).Draw(t, "labels"), "."))
	})
}

func FuzzNormalize(f *testing.F) {
	f.Fuzz(func(t *testing.T, s string) { requireNormal(t, s) })
}

func BenchmarkNormalize(b *testing.B) {
	for b.Loop() {
		if _, err := domains.Normalize("Mail.Example.co.uk"); err != nil {
			b.Fatal(err)
		}
	}
}
