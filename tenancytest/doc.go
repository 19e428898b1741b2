// Package tenancytest helps an application to test code that uses package tenancy.
//
// For most uses, make a [World], fill it, and call your own code on its Service:
//
//	func TestInvite(t *testing.T) {
//		w := tenancytest.New(t)
//		acme := w.Organization("Acme", "ada")
//		app := NewApp(w.Service)
//		...
//		token := w.Mailbox.Token(t, "bob@mail.example")
//		w.RequireEvent(tenancy.EventInvitationSent, acme.ID)
//	}
//
// A World is a [tenancy.Service] over an empty store in memory. It has a clock that the test moves, a mailbox that
// keeps the mails, and a prover of domains that finds what the test publishes. Ids and tokens are the same in each
// run. To run on SQLite instead, change one line (package store/sqlite/sqlitetest):
//
//	w := tenancytest.New(t, func(c *tenancy.Config) { c.Store = sqlitetest.New(t) })
//
// [World.MemberIn] puts a person into any state that a membership can have. [World.Cookie] and [World.Bearer] sign
// a person in to an HTTP handler behind a [tenancyhttp.Guard]; with [World.Through] they do so by single sign-on.
// [Leaks] looks for queries of the application that show one tenant's rows to another.
//
// An application that makes its Service itself uses the parts, [NewClock], [NewMailbox] and [NewProver], and writes
// the World as a literal.
//
// The package uses [testing] and net/http, so only tests should import it.
//
// Numbers in brackets, such as (rule N3), are rules. They are defined in
// https://github.com/freehold-dev/freehold/blob/main/docs/rules.md.
package tenancytest
