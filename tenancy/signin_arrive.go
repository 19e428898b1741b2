package tenancy

import (
	"context"
	"slices"

	"github.com/freehold-dev/freehold/store/typed"
)

// arrive picks the organization (rule P7), checks the attempt against its policy (rule P3), and starts the
// session.
func (n *signIn) arrive(ctx context.Context) error {
	org, err := n.pick(ctx)
	if err != nil {
		return err
	}
	start := newSession{
		id: n.session, user: n.user, identity: n.identity.ID, method: n.in.method, connection: n.in.connection,
		connectionEpoch: n.connection.SessionsEpoch, secondFactor: n.in.secondFactor, confined: n.confined(),
	}
	if !n.home.ID.IsZero() {
		start.home = &n.home
	}
	if org != nil {
		if err := n.holdOrganization(ctx, *org); err != nil {
			return err
		}
		m := n.at(org.ID)
		start.organization, start.membership = org, &m
		n.decision.OrganizationID, n.w.throughAt = org.ID, org.ID
	}
	if err := n.regroup(ctx); err != nil {
		return err
	}
	if start.client, err = n.w.sessions().continued(ctx, n.in.Session, n.user.ID); err != nil {
		return err
	}
	started, err := n.w.sessions().startSession(ctx, start)
	n.decision.Session, n.decision.Token, n.decision.ExpiresAt = started.Session, started.Token, started.ExpiresAt
	n.decision.Kind, n.decision.User = DecisionSignedIn, n.user
	if !n.joined.ID.IsZero() {
		n.decision.Member = &n.joined
	}
	return err
}

// regroup gives the roles for the groups that the connection asserts (rule P8), unless the person got them by
// joining just now. It does so in the connection's organization even if the person signs in to another one,
// because the session may switch there later.
func (n *signIn) regroup(ctx context.Context) error {
	if n.grouped || n.in.groups == nil {
		return nil
	}
	m := n.at(n.home.ID)
	if m.ID.IsZero() {
		return nil
	}
	if err := n.w.connections().recompute(ctx, n.home, m, n.connection, n.in.groups); err != nil || n.joined.ID != m.ID {
		return err
	}
	m, err := n.w.tx.Memberships().Get(ctx, m.ID)
	if err != nil {
		return err
	}
	result, err := n.w.members().views(ctx, []Membership{m}, []Organization{n.home}, []User{n.user})
	if err != nil {
		return err
	}
	return n.admission().entered(result[0])
}

// holdOrganization checks the attempt against the policy of the picked organization. On a store with several
// writers it reads the policy again, under the organization's lock.
func (n *signIn) holdOrganization(ctx context.Context, org Organization) error {
	if _, known := n.rules[org.ID]; !known || !n.w.instance.singleWriter {
		more, err := n.w.policies().read(ctx, org.ID)
		if err != nil {
			return err
		}
		n.rules[org.ID] = more[org.ID]
	}
	missing, err := n.w.policies().missingForOrganization(ctx, n.rules[org.ID], n.user.ID, n.in.evidence())
	if err != nil || missing.kind == "" {
		return err
	}
	return n.decide(missing.decision())
}

// pick returns the organization for the session: the one wanted, or the person's only one; nil if they have
// none. A person who takes an account over has not chosen the organizations that it is a member of (rule U5).
func (n *signIn) pick(ctx context.Context) (_ *Organization, err error) {
	active := n.members
	switch {
	case !n.target.IsZero():
		return n.only(ctx, n.target)
	case n.in.ChooseLater:
		choices, err := n.choices(ctx, active)
		if err != nil {
			return nil, err
		}
		return nil, n.leaveToChoose(choices)
	case n.seized:
		n.decision.Choices, err = n.choices(ctx, active)
		return nil, err
	case len(active) == 0:
		return nil, nil
	case len(active) == 1:
		org, err := n.only(ctx, active[0].OrganizationID)
		if CodeOf(err) == ErrNotFound { // archived
			return nil, nil
		}
		return org, err
	}
	return n.choose(ctx, active)
}

func (n *signIn) only(ctx context.Context, id OrganizationID) (*Organization, error) {
	org, err := n.admission().open(ctx, id)
	if err == nil && !org.SuspendedAt.IsZero() {
		err = n.shut(id)
	}
	return &org, err
}

// choose lets the person choose if several organizations are open to them.
func (n *signIn) choose(ctx context.Context, active []Membership) (*Organization, error) {
	orgs, err := n.organizationsOfMembers(ctx, active)
	if err != nil {
		return nil, err
	}
	open := slices.DeleteFunc(slices.Clone(orgs), func(o Organization) bool { return !o.SuspendedAt.IsZero() })
	switch {
	case len(orgs) == 0:
		return nil, nil
	case len(open) == 0:
		return nil, n.decide(Decision{Kind: DecisionSuspended, Reason: ReasonOrganizationSuspended})
	case len(open) == 1:
		return n.only(ctx, open[0].ID)
	}
	choices, err := n.choicesIn(ctx, active, open)
	if err != nil {
		return nil, err
	}
	return nil, n.leaveToChoose(choices)
}

// leaveToChoose ends an attempt whose person must name an organization. The decision also has what their domain
// suggests, and why it did not let them in.
func (n *signIn) leaveToChoose(choices []Member) error {
	return n.decide(Decision{
		Kind: DecisionChooseOrganization, Choices: choices, TookOver: n.decision.TookOver,
		Suggested: n.decision.Suggested, JoinRefused: n.decision.JoinRefused,
	})
}

// choices returns the organizations that are open to the person, as the switcher shows them.
func (n *signIn) choices(ctx context.Context, active []Membership) ([]Member, error) {
	orgs, err := n.organizationsOfMembers(ctx, active)
	if err != nil {
		return nil, err
	}
	return n.choicesIn(ctx, active, slices.DeleteFunc(orgs, func(o Organization) bool { return !o.SuspendedAt.IsZero() }))
}

// organizationsOfMembers reads the organizations of memberships, without archived ones.
func (n *signIn) organizationsOfMembers(ctx context.Context, active []Membership) ([]Organization, error) {
	active = active[:min(len(active), MaxLimit)]
	if len(active) == 0 {
		return nil, nil
	}
	filter := organizationFilter{ID: distinct(active, func(m Membership) OrganizationID { return m.OrganizationID }), Archived: typed.Of(false)}
	return n.w.tx.Organizations().List(ctx, filter, listSpan{Limit: len(active)})
}

func (n *signIn) choicesIn(ctx context.Context, active []Membership, open []Organization) ([]Member, error) {
	if len(open) == 0 {
		return nil, nil
	}
	rows := slices.DeleteFunc(slices.Clone(active), func(m Membership) bool {
		return !slices.ContainsFunc(open, func(o Organization) bool { return o.ID == m.OrganizationID })
	})
	return n.w.members().views(ctx, rows, open, []User{n.user})
}
