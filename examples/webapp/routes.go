package main

import (
	"net/http"

	"github.com/freehold-dev/freehold/rbac"
)

// route is one thing that the program answers, and who may ask for it.
type route struct {
	pattern string
	guard   func(http.Handler) http.Handler
	handler http.HandlerFunc
}

// anybody is the guard of what needs no session.
func anybody(next http.Handler) http.Handler { return next }

func (a *app) routes() []route {
	accounts, documents, members := a.accounts, &documents{a.site}, &members{a.site}
	signedIn, member, may := a.site.guard.SignedIn, a.site.guard.Member, a.site.guard.Require
	return []route{
		{"GET /login", anybody, accounts.loginPage},
		{"POST /login", anybody, accounts.sendCode},
		{"POST /login/code", anybody, accounts.login},
		{"GET /signup", anybody, accounts.signUpPage},
		{"POST /signup", anybody, accounts.signUp},
		{"POST /logout", anybody, accounts.logout},

		{"GET /{$}", signedIn, a.site.organizations},
		{"POST /orgs", signedIn, a.site.createOrganization},

		{"GET /orgs/{org}", may(readDocuments), documents.list},
		{"POST /orgs/{org}/documents", may(writeDocuments), documents.create},
		{"GET /orgs/{org}/documents/{id}", may(readDocuments), documents.read},
		{"POST /orgs/{org}/documents/{id}", may(writeDocuments), documents.update},
		{"POST /orgs/{org}/documents/{id}/delete", may(deleteDocuments), documents.remove},

		{"GET /orgs/{org}/members", may(rbac.ReadMembers), members.list},
		{"POST /orgs/{org}/members/{user}/role", may(rbac.WriteMembers), members.setRole},
		{"POST /orgs/{org}/members/{user}/remove", may(rbac.WriteMembers), members.remove},
		{"POST /orgs/{org}/leave", member, members.leave},
	}
}
