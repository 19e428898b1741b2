package tenancy

import (
	"context"

	"github.com/freehold-dev/freehold/store"
)

// accessRules decide what the actor of a call may do, and who may do what.
type accessRules struct{ c *call }

func (c *call) access() accessRules { return accessRules{c} }

// organizationRules make, change, archive and delete organizations.
type organizationRules struct{ c *call }

func (c *call) organizations() organizationRules { return organizationRules{c} }

// userRules make, change, merge and delete users, and prove their addresses.
type userRules struct{ c *call }

func (c *call) users() userRules { return userRules{c} }

// identityRules link identities to users, and unlink them.
type identityRules struct{ c *call }

func (c *call) identities() identityRules { return identityRules{c} }

// memberRules read, change, list and end memberships.
type memberRules struct{ c *call }

func (c *call) members() memberRules { return memberRules{c} }

// ownerRules make sure that an organization has an owner who can sign in, and that only owners decide about
// owners.
type ownerRules struct{ c *call }

func (c *call) owners() ownerRules { return ownerRules{c} }

// roleRules declare roles and permissions, and assign roles to memberships.
type roleRules struct{ c *call }

func (c *call) roles() roleRules { return roleRules{c} }

// invitationRules send, resend, accept and end invitations.
type invitationRules struct{ c *call }

func (c *call) invitations() invitationRules { return invitationRules{c} }

// joinRules let users into organizations: every way in goes through join. They also have join codes and
// join requests.
type joinRules struct{ c *call }

func (c *call) joining() joinRules { return joinRules{c} }

// proofRules start proofs of mailboxes, and check the tokens and codes that come back.
type proofRules struct{ c *call }

func (c *call) proofs() proofRules { return proofRules{c} }

// domainRules claim, verify, change and release domains.
type domainRules struct{ c *call }

func (c *call) domains() domainRules { return domainRules{c} }

// connectionRules make, change and end connections, and manage the roles that come from them.
type connectionRules struct{ c *call }

func (c *call) connections() connectionRules { return connectionRules{c} }

// policyRules store the policies of organizations, and check sign-ins against them.
type policyRules struct{ c *call }

func (c *call) policies() policyRules { return policyRules{c} }

// seatRules count the active members of organizations that limit their seats.
type seatRules struct{ c *call }

func (c *call) seats() seatRules { return seatRules{c} }

// sessionRules start, read, move and end sessions.
type sessionRules struct{ c *call }

func (c *call) sessions() sessionRules { return sessionRules{c} }

// lock excludes every other transaction that locks one of keys, until this one ends. Lock in the order of
// the classes where you can, and afterwards read again what you read before.
func (c *call) lock(ctx context.Context, keys ...store.LockKey) error { return c.tx.Lock(ctx, keys...) }

// pendingRules store sign-ins that need one more thing.
type pendingRules struct{ c *call }

func (c *call) pendings() pendingRules { return pendingRules{c} }

// admission is the step of a sign-in that lets the person into an organization.
type admission struct{ n *signIn }

func (n *signIn) admission() admission { return admission{n} }
