package prove_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"github.com/freehold-dev/freehold/domains"
	"github.com/freehold-dev/freehold/domains/prove"
)

var tag = challenge().MetaTag()

// judge looks at a page at once and piece by piece: where reads end must not matter.
func judge(t *testing.T, page string) domains.Finding {
	t.Helper()
	finding, err := prove.JudgePage(challenge(), strings.NewReader(page))
	require.NoError(t, err)
	pieces := iotest.HalfReader
	if len(page) < 1000 {
		pieces = iotest.OneByteReader
	}
	slowly, err := prove.JudgePage(challenge(), pieces(strings.NewReader(page)))
	require.NoError(t, err)
	require.Equal(t, finding, slowly)
	return finding
}

func TestTagInTheHead(t *testing.T) { // D4
	for what, page := range map[string]string{
		"a page":                 "<!doctype html><html lang=en><head><title>Acme</title>" + tag + "</head><body>Welcome</body></html>",
		"a head that is implied": "<!doctype html>\n" + tag + "<p>Welcome",
		"alone":                  tag,
		"byte order mark":        "\ufeff<!doctype html><head>" + tag,
		"capitals":               `<HTML><HEAD><META NAME="acme-domain-verification" CONTENT="` + token + `"></HEAD>`,
		"quotes and order":       "<head><meta content='" + token + "'\n name=acme-domain-verification>",
		"self-closing":           `<head><meta name="acme-domain-verification" content="` + token + `"/>`,
		"escaped":                `<head><meta name="acme&#45;domain-verification" content="` + token + `">`,
		"more attributes":        `<head><meta id=x name="acme-domain-verification" data-y content="` + token + `">`,
		"after another claim's":  `<head><meta name="acme-domain-verification" content="another_claim_0123">` + tag,
		"after what heads hold":  `<head><!-- x --><meta charset=utf-8><base href=/><link rel=x><style>p{}</style><script>if(a<b){}</script><noscript><p></noscript><template><p>x</p></template>` + tag,
		"template in a template": "<head><template><template></template></template>" + tag,
		"a stray end":            "<head></template></title></p>" + tag,
		"a processing step":      "<?xml version='1.0'?><head>" + tag,
	} {
		require.Equal(t, proved(), judge(t, page), what)
	}
}

// Wherever a website may show its users' text, the tag proves nothing.
func TestTagElsewhere(t *testing.T) { // D4
	for what, page := range map[string]string{
		"body":                       "<head></head><body>" + tag,
		"body that is implied":       "<head><title>x</title><p>" + tag,
		"text before":                "<head>Welcome" + tag,
		"an escaped character":       "<head>&nbsp;" + tag,
		"after the head":             "<head></head>" + tag,
		"after the page":             "<html></html>" + tag,
		"after a stray body end":     "<head></body>" + tag,
		"after a stray br end":       "<head></br>" + tag,
		"comment":                    "<head><!-- " + tag + " -->",
		"comment that never ends":    "<head><!-- " + tag,
		"title":                      "<head><title>" + tag + "</title>",
		"title that closes itself":   "<head><title/>" + tag,
		"title that never ends":      "<head><title>x" + tag,
		"script":                     "<head><script>" + tag + "</script>",
		"style":                      "<head><style>" + tag + "</style>",
		"noscript":                   "<head><noscript>" + tag + "</noscript>",
		"template":                   "<head><template>" + tag + "</template>",
		"template, two deep":         "<head><template><template></template>" + tag,
		"template that closes head":  "<head><template></head>" + tag + "</template>",
		"textarea":                   "<head><textarea>" + tag,
		"svg":                        "<head><svg>" + tag,
		"unknown element":            "<head><acme-header>" + tag,
		"attribute":                  `<head><meta name=description content='` + tag + `'>`,
		"attribute of another":       `<head><link title='` + tag + `'>`,
		"escaped":                    "<head>&lt;meta name=acme-domain-verification content=" + token + "&gt;",
		"second of two attributes":   `<head><meta name=x name="acme-domain-verification" content="` + token + `">`,
		"second of two contents":     `<head><meta name="acme-domain-verification" content=x content="` + token + `">`,
		"property instead of name":   `<head><meta property="acme-domain-verification" content="` + token + `">`,
		"another application":        `<head><meta name="other-domain-verification" content="` + token + `">`,
		"space in content":           `<head><meta name="acme-domain-verification" content=" ` + token + `">`,
		"no content":                 `<head><meta name="acme-domain-verification">`,
		"another element":            `<head><link name="acme-domain-verification" content="` + token + `">`,
		"a tag that never ends":      strings.TrimSuffix(tag, ">"),
		"an empty page":              "",
		"the token alone":            token,
		"UTF-16":                     "\xff\xfe" + strings.Join(strings.Split(tag, ""), "\x00"),
		"plaintext":                  "<head><plaintext>" + tag,
		"a frameset":                 "<frameset>" + tag,
		"an end tag with attributes": "<head></meta name=acme-domain-verification content=" + token + ">",
	} {
		require.Equal(t, refuted(domains.ReasonNoTag), judge(t, page), what)
	}
}

// A head is read to 64 KiB; what follows it may be of any length.
func TestPageBorders(t *testing.T) { // D4
	const limit = 64 << 10
	pad := func(n int) string { return "<head>" + strings.Repeat(" ", n-len("<head>")) }
	require.Equal(t, proved(), judge(t, pad(limit-len(tag))+tag))
	require.Equal(t, proved(), judge(t, pad(limit-len(tag))+tag+strings.Repeat("x", limit)))
	for over := 1; over <= len(tag); over++ {
		require.Equal(t, unknown(domains.ReasonTooLarge), judge(t, pad(limit-len(tag)+over)+tag))
	}
	require.Equal(t, refuted(domains.ReasonNoTag), judge(t, pad(limit)), "the whole page was read")
	require.Equal(t, unknown(domains.ReasonTooLarge), judge(t, pad(limit+1)))
	require.Equal(t, refuted(domains.ReasonNoTag), judge(t, "<head></head>"+strings.Repeat(tag, limit)))
}

func TestPageThatFails(t *testing.T) { // D5
	broken := errors.New("reset")
	for i := range tag { // also in the midst of a tag
		page := strings.NewReader("<head><link>" + tag[:i])
		_, err := prove.JudgePage(challenge(), io.MultiReader(page, iotest.ErrReader(broken)))
		require.ErrorIs(t, err, broken)
	}
}

// A full parser puts the tag into the head wherever it is believed.
func FuzzPage(f *testing.F) { // D4
	f.Fuzz(func(t *testing.T, page string) {
		finding, err := prove.JudgePage(challenge(), strings.NewReader(page))
		require.NoError(t, err)
		require.NotEmpty(t, finding.Reason)
		if finding.Outcome != domains.Proved {
			return
		}
		root, err := html.Parse(strings.NewReader(page))
		require.NoError(t, err)
		require.True(t, inHead(root), "%q", page)
	})
}

// inHead walks a parsed page to its head and looks for the tag among its children.
func inHead(node *html.Node) bool {
	for at := range node.Descendants() {
		if at.DataAtom == atom.Meta && at.Parent != nil && at.Parent.DataAtom == atom.Head {
			attributes := map[string]string{}
			for _, a := range at.Attr {
				attributes[a.Key] = a.Val
			}
			if challenge().MatchMeta(attributes["name"], attributes["content"]) {
				return true
			}
		}
	}
	return false
}
