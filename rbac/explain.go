package rbac

import "strings"

// Explanation is how a permission comes to be held (rule R7): by which role,
// through which parents, by which grant as it was written.
type Explanation struct {
	// Role is the slug of the role held. It is "" where nothing gives the
	// permission, and the rest is empty then.
	Role string
	// Parents are the slugs from the role's parent up to the one that has the
	// grant; none if the role itself has it.
	Parents []string
	// Grant is what gives the permission.
	Grant Grant
}

// String is one line: "editor, which extends member, grants documents:*", or ""
// where there is nothing to explain.
func (e Explanation) String() string {
	if e.Role == "" {
		return ""
	}
	var b strings.Builder
	b.WriteString(e.Role)
	for _, parent := range e.Parents {
		b.WriteString(", which extends " + parent)
	}
	if len(e.Parents) > 0 {
		b.WriteByte(',')
	}
	b.WriteString(" grants " + string(e.Grant))
	return b.String()
}

// Explain says how someone who holds these roles comes to hold p, or gives the
// zero Explanation if they do not. Of several ways it tells the one of the first
// role by priority, its own grants before its parents', the most exact grant
// first. A slug that is not there is [ErrUnknownRole]. Whether p is declared is
// not looked at; ask the [Registry] first.
func (r *Roles) Explain(p Permission, slugs ...string) (Explanation, error) {
	for _, slug := range slugs {
		if _, ok := r.bySlug[slug]; !ok {
			return Explanation{}, &Error{ErrUnknownRole, slug}
		}
	}
	for _, slug := range r.Sort(slugs...) {
		var parents []string
		for role := range r.chain(r.bySlug[slug]) {
			if role.Slug != slug {
				parents = append(parents, role.Slug)
			}
			if grant, ok := closest(role.Grants, p); ok {
				return Explanation{slug, parents, grant}, nil
			}
		}
	}
	return Explanation{}, nil
}

// closest returns the most exact of the grants that cover p: p itself, or else
// the wildcard with the longest stem.
func closest(grants []Grant, p Permission) (best Grant, found bool) {
	for _, g := range grants {
		if g == p {
			return g, true
		}
		if g.Covers(p) && len(g) > len(best) {
			best, found = g, true
		}
	}
	return best, found
}
