package rbac

import "strings"

// Explanation says why a role gives a permission (rule R7): which role, through which parents, and by which
// grant as it was written.
type Explanation struct {
	// Role is the slug of the role. It is "" if no role gives the permission; the other fields are empty then.
	Role string
	// Parents are the slugs from the role's parent up to the role with the grant. It is empty if the role
	// itself has the grant.
	Parents []string
	// Grant gives the permission.
	Grant Grant
}

// String returns one line, "editor, which extends member, grants documents:*", or "" if no role gives the
// permission.
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

// Explain says why these roles together give p, or returns the zero Explanation if they do not. If several
// grants give p, it reports the first role by priority, the role's own grants before its parents', and the most
// exact grant first. For an unknown slug it returns [ErrUnknownRole]. It does not check whether p is declared;
// ask the [Registry] first.
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

// closest returns the most exact grant that covers p: p itself, or else the wildcard with the longest text.
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
