package typedtest

import (
	"time"

	"github.com/freehold-dev/freehold/tenancy"
)

func domains() *subject[tenancy.Domain, tenancy.DomainFilter] {
	type V = tenancy.Domain
	type F = tenancy.DomainFilter
	return &subject[V, F]{
		entity:  tenancy.Describe().Domains,
		table:   tenancy.Tx.Domains,
		bare:    bareDomain,
		full:    fullDomain,
		closed:  []string{"state", "joining"},
		derived: map[string]string{"verified_name": "name"},
		release: func(v *V) { v.State = tenancy.DomainLapsed },
		parents: places,
		fields: []field[V, F]{
			in("ID", func(f *F) *tenancy.In[tenancy.DomainID] { return &f.ID }, func(v V) tenancy.DomainID { return v.ID }),
			in("OrganizationID", func(f *F) *tenancy.In[tenancy.OrganizationID] { return &f.OrganizationID }, func(v V) tenancy.OrganizationID { return v.OrganizationID }),
			in("Name", func(f *F) *tenancy.In[string] { return &f.Name }, func(v V) string { return v.Name }),
			in("State", func(f *F) *tenancy.In[tenancy.DomainState] { return &f.State }, func(v V) tenancy.DomainState { return v.State }),
			inNull("Role", func(f *F) *tenancy.In[string] { return &f.Role }, func(v V) string { return v.Role }),
			before("DueBefore", func(f *F) *time.Time { return &f.DueBefore }, func(v V) time.Time { return v.DueAt }),
		},
	}
}

func connections() *subject[tenancy.Connection, tenancy.ConnectionFilter] {
	type V = tenancy.Connection
	type F = tenancy.ConnectionFilter
	return &subject[V, F]{
		entity:  tenancy.Describe().Connections,
		table:   tenancy.Tx.Connections,
		bare:    bareConnection,
		full:    fullConnection,
		closed:  []string{"protocol", "state"},
		parents: places,
		fields: []field[V, F]{
			in("ID", func(f *F) *tenancy.In[tenancy.ConnectionID] { return &f.ID }, func(v V) tenancy.ConnectionID { return v.ID }),
			in("OrganizationID", func(f *F) *tenancy.In[tenancy.OrganizationID] { return &f.OrganizationID }, func(v V) tenancy.OrganizationID { return v.OrganizationID }),
			in("State", func(f *F) *tenancy.In[tenancy.ConnectionState] { return &f.State }, func(v V) tenancy.ConnectionState { return v.State }),
		},
	}
}

func policies() *subject[tenancy.Policy, tenancy.PolicyFilter] {
	type V = tenancy.Policy
	type F = tenancy.PolicyFilter
	return &subject[V, F]{
		entity:  tenancy.Describe().Policies,
		table:   tenancy.Tx.Policies,
		bare:    barePolicy,
		full:    fullPolicy,
		parents: manyPlaces,
		fields: []field[V, F]{
			in("ID", func(f *F) *tenancy.In[tenancy.PolicyID] { return &f.ID }, func(v V) tenancy.PolicyID { return v.ID }),
			in("OrganizationID", func(f *F) *tenancy.In[tenancy.OrganizationID] { return &f.OrganizationID }, func(v V) tenancy.OrganizationID { return v.OrganizationID }),
		},
	}
}

func sessions() *subject[tenancy.Session, tenancy.SessionFilter] {
	type V = tenancy.Session
	type F = tenancy.SessionFilter
	return &subject[V, F]{
		entity:  tenancy.Describe().Sessions,
		table:   tenancy.Tx.Sessions,
		bare:    bareSession,
		full:    fullSession,
		closed:  []string{"end_reason"},
		parents: peopleAndPlaces,
		fields: []field[V, F]{
			in("ID", func(f *F) *tenancy.In[tenancy.SessionID] { return &f.ID }, func(v V) tenancy.SessionID { return v.ID }),
			in("UserID", func(f *F) *tenancy.In[tenancy.UserID] { return &f.UserID }, func(v V) tenancy.UserID { return v.UserID }),
			inNull("OrganizationID", func(f *F) *tenancy.In[tenancy.OrganizationID] { return &f.OrganizationID }, func(v V) tenancy.OrganizationID { return v.OrganizationID }),
			inNull("MembershipID", func(f *F) *tenancy.In[tenancy.MembershipID] { return &f.MembershipID }, func(v V) tenancy.MembershipID { return v.MembershipID }),
			in("Ended", func(f *F) *tenancy.In[bool] { return &f.Ended }, func(v V) bool { return !v.EndedAt.IsZero() }),
			before("DueBefore", func(f *F) *time.Time { return &f.DueBefore }, func(v V) time.Time { return v.ExpiresAt }),
		},
	}
}
