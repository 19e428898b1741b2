// Package tenancy is the tenancy core of a B2B product. It keeps the product's customers and users, who is
// a member of which customer with which roles, and the rules about how people get in and how they leave.
//
// The program that imports this package is called the host. The host checks passwords, mailed codes and
// providers' tokens. This package decides what follows from them.
//
// Open a store, make a [Service] with [New], and call the methods in the groups of the Service:
//
//	svc, err := tenancy.New(tenancy.Config{Store: memory.New()})
//	ada, err := svc.Users.Create(ctx, tenancy.NewUser{Email: "ada@acme.example"})
//	acme, err := svc.Organizations.Create(ctx, tenancy.NewOrganization{DisplayName: "Acme", Owner: ada.ID})
//	allowed, err := svc.Can(ctx, ada.ID, acme.ID, rbac.WriteMembers)
//
// # The model
//
// These types are the model. In brackets is the field of the Service that has their methods.
//
//   - An [Organization] is a customer (svc.Organizations).
//   - A [User] is a person, once in the whole application. No two users have the same email address
//     (svc.Users).
//   - An [Identity] is one way in which a user signs in (svc.Identities).
//   - A [Membership] puts a user into an organization, with one role or more. It is pending, active or
//     inactive. A user has at most one in each organization (svc.Memberships).
//   - A [Role] is a named set of grants (svc.Roles). A [RoleAssignment] is one role of one membership from
//     one source.
//   - A [Permission] is what a role grants and what the program checks (svc.Permissions).
//   - A [Session] is a sign-in of a user on one device, in one organization at most (svc.Sessions).
//   - An [Event] is one change, written in the transaction that made it. All events together are the audit
//     log (svc.Events).
//
// # How people get in
//
//   - An [Invitation] is mailed to one address (svc.Invitations).
//   - A [JoinCode] admits everybody who has it (svc.JoinCodes).
//   - A [JoinRequest] asks for a membership, and somebody in the organization decides (svc.JoinRequests).
//   - A verified [Domain] admits people by their email address (svc.Domains).
//   - A [Connection] is the organization's single sign-on (svc.Connections).
//
// A [Policy] is what an organization demands of sign-ins (svc.Policies).
//
// # Signing in
//
// [Service.Route] says by what methods an address may sign in. The host then checks the person, makes
// [Evidence] of the result, and calls [Service.SignIn] with an [Attempt]. The [Decision] says whether a
// session has started, or what is missing. [Proofs] mail a link and a code that prove a mailbox, before
// there is a user (svc.Proofs).
//
// # Access
//
// [Service.Can] and [Service.Check] answer whether a user may do something in an organization, and
// [Service.Explain] says why. [Service.Declare] makes the application's permissions and roles known at each
// start.
//
// The Service that [New] returns is trusted: it may do everything. [Service.As] makes a bound Service,
// which does only what one user, session or service account may do. Give the bound one to request handlers.
// [Methods] lists what each method needs.
//
// # Transactions
//
// A method that writes is one transaction; the comments of the few that work in steps say so.
// [Service.Transact] makes several calls one transaction. [Service.Join] makes them part of a transaction
// of the host's own: then the host's rows and these are committed or rolled back together.
//
// # Errors
//
// Every error is an [*Error] with a [Code], and the codes are the sentinels: errors.Is(err,
// tenancy.ErrLastOwner). Bad input is [ErrInvalid] with the name of the field; then nothing was written.
//
// # JSON
//
// Results have a JSON form (rule G15). A list is [], never null. A duration is a number of seconds. A time
// or a setting that is not set is left out. A token shows a placeholder. [Settings] can be decoded from the
// same form.
//
// # Background work
//
// [Service.Run] does what has to happen without a call, such as looking for the proofs of domains. Nothing
// runs in the background unless the program calls it.
//
// # Rules
//
// Numbers in brackets, such as (rule M7), are rules. Each rule says in a few sentences what holds, and
// which methods keep it. They are defined in
// https://github.com/freehold-dev/freehold/blob/main/docs/rules.md.
//
// # Stores
//
// Package store has the contract of a backend: rows, transactions and locks, and no rules. Packages
// store/memory and store/sqlite are backends, and package store/storetest tests one. [Service.Rows] and
// package store/typed keep a table of the host's own in any store.
//
// # Other packages
//
// Package rbac has permissions, grants and roles, and package domains has the names and proofs of domains.
// Package tenancyhttp connects a Service to net/http, and package tenancytest makes one for tests.
package tenancy
