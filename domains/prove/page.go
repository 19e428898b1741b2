package prove

import (
	"errors"
	"io"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"github.com/freehold-dev/freehold/domains"
)

// judgePage looks for the meta tag. It stops at the tag, or at the end of the head. A page may be longer than
// what is read; a head may not.
func judgePage(c domains.Challenge, body io.Reader) (domains.Finding, error) {
	page := html.NewTokenizer(io.LimitReader(body, maxBody))
	var h head
	for {
		if page.Next() == html.ErrorToken {
			return judgeEnd(page.Err(), body)
		}
		token := page.Token()
		switch h.step(token) {
		case headOver:
			if token.Type == html.TextToken && page.Next() == html.ErrorToken {
				return judgeEnd(page.Err(), body) // the tag may be cut in half
			}
			return refuted(domains.ReasonNoTag), nil
		case headMeta:
			if c.MatchMeta(attribute(token, "name"), attribute(token, "content")) {
				return proved(), nil
			}
		}
	}
}

// judgeEnd returns what a page shows that ended within its head, or whose head is longer than what is read.
func judgeEnd(err error, rest io.Reader) (domains.Finding, error) {
	if !errors.Is(err, io.EOF) {
		return domains.Finding{}, err
	}
	switch _, err = io.ReadFull(rest, make([]byte, 1)); {
	case err == nil:
		return unknown(domains.ReasonTooLarge), nil
	case errors.Is(err, io.EOF):
		return refuted(domains.ReasonNoTag), nil
	}
	return domains.Finding{}, err
}

// head follows a page through its head, as the HTML standard does. A head begins even without a tag that opens
// it, and an element that may not be in it ends it.
type head struct {
	raw      atom.Atom // the element whose content is text, not markup
	template int       // number of open templates
}

type step int

const (
	headOn   step = iota // nothing that matters
	headMeta             // a meta tag that counts
	headOver             // the head has ended
)

func (h *head) step(t html.Token) step {
	switch t.Type {
	case html.TextToken:
		if h.raw == 0 && h.template == 0 && strings.Trim(t.Data, "\ufeff \t\n\f\r") != "" {
			return headOver
		}
	case html.StartTagToken, html.SelfClosingTagToken:
		return h.open(t.DataAtom)
	case html.EndTagToken:
		return h.close(t.DataAtom)
	}
	return headOn
}

func (h *head) open(tag atom.Atom) step {
	switch tag {
	case atom.Title, atom.Style, atom.Script, atom.Noscript, atom.Noframes:
		h.raw = tag // also for a self-closing tag: only void elements close themselves
	case atom.Template:
		h.template++
	case atom.Meta:
		if h.template == 0 {
			return headMeta
		}
	case atom.Html, atom.Head, atom.Base, atom.Basefont, atom.Bgsound, atom.Link:
	default:
		if h.template == 0 {
			return headOver
		}
	}
	return headOn
}

func (h *head) close(tag atom.Atom) step {
	switch tag {
	case h.raw:
		h.raw = 0
	case atom.Template:
		h.template = max(0, h.template-1)
	case atom.Head, atom.Body, atom.Html, atom.Br:
		if h.template == 0 {
			return headOver
		}
	}
	return headOn
}

// attribute returns an attribute's value, unescaped. If several attributes have one name, the first one counts,
// as in browsers.
func attribute(t html.Token, name string) string {
	for _, a := range t.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}
