// Package tenancy is the tenancy core of a B2B product: who belongs to which
// customer, as what, and every rule about how people get in and how they leave.
//
// For most uses, open a store, make a [Service] with [New], and call the methods in
// its groups:
//
//	svc, err := tenancy.New(tenancy.Config{Store: memory.New()})
//	ada, err := svc.Users.Create(ctx, tenancy.NewUser{Email: "ada@acme.example"})
//	acme, err := svc.Organizations.Create(ctx, tenancy.NewOrganization{DisplayName: "Acme", Owner: ada.ID})
//
// # The model
//
// An [Organization] is a customer. A [User] is a person, once in the whole
// application, found by an email address that is theirs alone. An [Identity] is one
// way in which a user signs in. A [Membership] puts a user into an organization: at
// most one for each pair, pending, active or inactive, with one role or more. A
// [RoleAssignment] is one role of one membership from one source.
//
// People get in by an [Invitation], a [JoinCode] or a [JoinRequest], over a [Domain]
// that the organization has verified, or through a [Connection], its single sign-on. A
// [Policy] is what the organization demands of sign-ins. [Service.Route] says by what an
// address may sign in, and [Service.SignIn] decides on an [Attempt] and starts a
// [Session]: a user's sign-in on one device, at one organization at most. [Proofs] prove a
// mailbox by a link or a code, before there is a user.
//
// [Service.As] is the Service for somebody: what they may do, and no more. An [Event] is one
// change, written in the transaction that made it; together they are the audit log.
//
// # Transactions
//
// A method that writes is one transaction. [Service.Transact] makes several calls
// one; [Service.Join] makes them part of a transaction of the host's own, so
// that the host's rows and these are kept or undone together.
//
// # Errors
//
// Every error is an [*Error] with a [Code], and the codes are the sentinels:
// errors.Is(err, tenancy.ErrLastOwner). Bad input is [ErrInvalid] with the field;
// then nothing was written.
//
// # JSON
//
// What methods give has a JSON form (rule G15): lists are [], never null; durations are a
// number of seconds; a time that is not set is left out, and so is a setting that is not.
// Tokens show a placeholder. [Settings] are read back from the same form.
//
// # Rules
//
// Numbers in brackets, such as (rule M7), are rules. They are defined in
// https://github.com/freehold-dev/freehold/blob/main/docs/rules.md.
// Each says in a few sentences what holds, and which methods carry it.
//
// # Stores
//
// Package store has the contract that a backend keeps: rows, transactions and locks, and
// no rules. store/storetest proves a backend. A table of the host's own works on every
// store, through [Service.Rows] and package store/typed.
package tenancy
