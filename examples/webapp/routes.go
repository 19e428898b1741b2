package main

import (
	"net/http"

	"github.com/freehold-dev/freehold/rbac"
)

// route is one route of the program, with the check that guards it.
type route struct {
	pattern string
	guard   func(http.Handler) http.Handler
	handler http.HandlerFunc
}

func (a *app) routes() []route {
	accounts, documents, members, settings := a.accounts, &documents{a.site}, &members{a.site}, &settings{a.site}
	anybody, signedIn, member, may := a.site.guard.Public, a.site.guard.SignedIn, a.site.guard.Member, a.site.guard.Require
	all := []route{
		{"GET /login", anybody, accounts.loginPage},
		{"POST /login", anybody, accounts.login},
		{"POST /login/code", anybody, accounts.loginByCode},
		{"GET /login/link", anybody, accounts.linkPage},
		{"POST /login/link", anybody, accounts.loginByLink},
		{"POST /login/organization", anybody, accounts.loginTo},
		{"GET /signup", anybody, accounts.signUpPage},
		{"POST /signup", anybody, accounts.signUp},
		{"GET /invitation", anybody, accounts.invitationPage},
		{"POST /invitation", anybody, accounts.acceptInvitation},
		{"POST /invitation/join", signedIn, accounts.joinInvited},
		{"POST /invitation/decline", anybody, accounts.declineInvitation},
		{"POST /logout", anybody, a.site.sessions.SignOut},
		{"POST /switch", anybody, a.site.sessions.Switch},

		{"GET /{$}", signedIn, a.site.organizations},
		{"POST /orgs", signedIn, a.site.createOrganization},

		{"GET /orgs/{org}", may(readDocuments), documents.list},
		{"POST /orgs/{org}/documents", may(writeDocuments), documents.create},
		{"GET /orgs/{org}/documents/{id}", may(readDocuments), documents.read},
		{"POST /orgs/{org}/documents/{id}", may(writeDocuments), documents.update},
		{"POST /orgs/{org}/documents/{id}/delete", may(deleteDocuments), documents.remove},

		{"GET /orgs/{org}/members", may(rbac.ReadMembers), members.list},
		{"POST /orgs/{org}/members/{user}/role", may(rbac.WriteMembers), members.setRole},
		{"POST /orgs/{org}/members/{user}/deactivate", may(rbac.WriteMembers), members.deactivate},
		{"POST /orgs/{org}/members/{user}/reactivate", may(rbac.WriteMembers), members.reactivate},
		{"POST /orgs/{org}/members/{user}/remove", may(rbac.WriteMembers), members.remove},
		{"POST /orgs/{org}/leave", member, members.leave},
		{"POST /orgs/{org}/invitations", may(rbac.WriteInvitations), members.invite},
		{"POST /orgs/{org}/invitations/{invitation}/resend", may(rbac.WriteInvitations), members.resend},
		{"POST /orgs/{org}/invitations/{invitation}/revoke", may(rbac.WriteInvitations), members.revoke},

		{"GET /orgs/{org}/settings", may(rbac.ReadPolicies), settings.page},
		{"POST /orgs/{org}/domains", may(rbac.WriteDomains), settings.claimDomain},
		{"POST /orgs/{org}/domains/{domain}/verify", may(rbac.WriteDomains), settings.verifyDomain},
		{"POST /orgs/{org}/domains/{domain}/release", may(rbac.WriteDomains), settings.releaseDomain},
		{"POST /orgs/{org}/policy", may(rbac.WritePolicies), settings.setPolicy},
	}
	if a.toys == nil {
		return all
	}
	return append(all,
		route{"POST /orgs/{org}/connections", may(rbac.WriteConnections), settings.connect},
		route{"GET /toy/dns", anybody, a.toys.dnsPage},
		route{"POST /toy/dns", anybody, a.toys.publish},
		route{"GET /toy/sso/{connection}", anybody, a.toys.providerPage},
		route{"POST /toy/sso/{connection}", anybody, a.toys.assert},
	)
}
