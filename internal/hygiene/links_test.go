package hygiene

import (
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// document is a Markdown file of the repository, nested modules included.
type document struct {
	path  string // from the root, with slashes
	text  string // without blocks of code
	whole string
}

var (
	fence      = regexp.MustCompile("(?ms)^ *```.*?^ *```[ \t]*$")
	codeSpan   = regexp.MustCompile("`[^`\n]+`")
	heading    = regexp.MustCompile(`(?m)^#{1,6} +(.+?)[ #]*$`)
	anchorTag  = regexp.MustCompile(`<a (?:id|name)="([^"]+)"`)
	inlineLink = regexp.MustCompile(`\]\(<?([^()\s>]+)>?(?: "[^"]*")?\)`)
	linkTarget = regexp.MustCompile(`(?m)^ *\[[^\]]+\]: +<?(\S+?)>?$`)
	bareLink   = regexp.MustCompile(`https?://[^\s)>\]|"'` + "`" + `]+`)
	linkText   = regexp.MustCompile(`!?\[([^\]]*)\]\([^)]*\)`)
)

func documents(t *testing.T) (all []document) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() && file != root && (name == "testdata" || name == "node_modules" || strings.HasPrefix(name, ".") && name != ".github") {
			return filepath.SkipDir
		}
		if entry.IsDir() || filepath.Ext(file) != ".md" {
			return nil
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		from, err := filepath.Rel(root, file)
		all = append(all, document{filepath.ToSlash(from), fence.ReplaceAllString(string(text), ""), string(text)})
		return err
	}))
	require.Greater(t, len(all), 20)
	return all
}

// anchors are the places of a document that a link may name, as GitHub makes them from its
// headings, and those of its <a id>.
func (d document) anchors() map[string]bool {
	all, seen := map[string]bool{}, map[string]int{}
	for _, found := range heading.FindAllStringSubmatch(d.text, -1) {
		title := linkText.ReplaceAllString(found[1], "$1")
		slug := strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
				return unicode.ToLower(r)
			}
			return -1
		}, title)
		if n := seen[slug]; n > 0 {
			all[fmt.Sprintf("%s-%d", slug, n)] = true
		}
		all[slug] = true
		seen[slug]++
	}
	for _, found := range anchorTag.FindAllStringSubmatch(d.text, -1) {
		all[found[1]] = true
	}
	return all
}

// links are where the links of a document lead, as written.
func (d document) links() (all []string) {
	text := codeSpan.ReplaceAllString(d.text, "`code`")
	for _, form := range []*regexp.Regexp{inlineLink, linkTarget} {
		for _, found := range form.FindAllStringSubmatch(text, -1) {
			all = append(all, found[1])
		}
	}
	for _, found := range bareLink.FindAllString(text, -1) {
		all = append(all, strings.TrimRight(found, ".,;:"))
	}
	return all
}

// A link within the repository leads to a file, a directory or a place in a document. One
// that leads out leads to a public page that stays: no other registry or mirror.
func TestLinks(t *testing.T) {
	all := documents(t)
	places := map[string]map[string]bool{}
	for _, d := range all {
		places[d.path] = d.anchors()
	}
	links := 0
	for _, d := range all {
		for _, to := range d.links() {
			links++
			assert.NoError(t, d.leads(to, places), "%s: (%s)", d.path, to)
		}
	}
	require.Greater(t, links, 50)
}

// hosts are those that a document may link to.
var hosts = map[string]bool{
	"github.com": true, "pkg.go.dev": true, "go.dev": true, "vuln.go.dev": true, "keepachangelog.com": true, "semver.org": true,
	"www.conventionalcommits.org": true, "www.rfc-editor.org": true, "datatracker.ietf.org": true,
	"www.sqlite.org": true, "sqlite.org": true, "owasp.org": true, "cheatsheetseries.owasp.org": true, "docs.github.com": true,
	// What README.md compares with.
	"workos.com": true, "docs.scalekit.com": true, "www.scalekit.com": true, "clerk.com": true, "better-auth.com": true, "casbin.org": true,
}

// leads tells why a link of the document leads nowhere; nil: it leads somewhere. places are
// the anchors of each document.
func (d document) leads(to string, places map[string]map[string]bool) error {
	link, err := url.Parse(to)
	if err != nil {
		return err
	}
	switch host := link.Hostname(); {
	case link.Scheme == "mailto":
		return nil
	case link.Scheme != "" || host != "":
		reserved := host == "localhost" || strings.HasSuffix(host, ".example") || host == "example.com" || strings.HasSuffix(host, ".example.com")
		if link.Scheme != "https" && !reserved || !hosts[host] && !reserved {
			return fmt.Errorf("%s://%s is not among the hosts of internal/hygiene/links_test.go", link.Scheme, host)
		}
		return nil
	case strings.HasPrefix(link.Path, "/"):
		return fmt.Errorf("begins at a root that readers do not have")
	}
	target := path.Clean(path.Join(path.Dir(d.path), link.Path))
	if link.Path == "" {
		target = d.path
	}
	if target == ".." || strings.HasPrefix(target, "../") {
		return fmt.Errorf("leaves the repository")
	}
	if _, err := os.Stat(filepath.Join(root, filepath.FromSlash(target))); err != nil {
		return err
	}
	if anchors, known := places[target]; known && link.Fragment != "" && !anchors[link.Fragment] {
		return fmt.Errorf("%s has no heading or <a id> for #%s", target, link.Fragment)
	}
	return nil
}

func TestLinksThatLeadNowhereAreFound(t *testing.T) {
	text := "# One `two`: three\n\n## Again\n\n## Again\n\n<a id=\"here\"></a>\n\n[x](README.md#no) [y](<docs/none.md>)\n[z]: ../up.md\n" +
		"```\n[not](a.link)\n```\nsee https://proxy.example.org/x, `[nor](this)`"
	d := document{"README.md", fence.ReplaceAllString(text, ""), text}
	anchors := d.anchors()
	require.Equal(t, map[string]bool{"one-two-three": true, "again": true, "again-1": true, "here": true}, anchors)
	require.Equal(t, []string{"README.md#no", "docs/none.md", "../up.md", "https://proxy.example.org/x"}, d.links())
	places := map[string]map[string]bool{"README.md": anchors}
	for _, to := range append(d.links(), "/etc", "#no", "http://github.com/x", "ftp://github.com") {
		require.Error(t, d.leads(to, places), to)
	}
	for _, to := range []string{"#here", "README.md#again-1", "docs", "https://pkg.go.dev/net/http", "http://localhost:8080", "mailto:a@b.example"} {
		require.NoError(t, d.leads(to, places), to)
	}
}
