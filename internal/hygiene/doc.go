// Package hygiene has tests alone: they hold the whole module to the rules of the
// house that no compiler checks, such as who may import whom, what a host links,
// and that every exported name says what it is.
package hygiene
