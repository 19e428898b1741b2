package tenancy

import (
	"time"

	"github.com/freehold-dev/freehold/store/typed"
)

// policyFilter selects policies. The fields are combined with and.
type policyFilter struct {
	ID             typed.In[PolicyID]
	OrganizationID typed.In[OrganizationID]
}

// policyRows describes the row of a policy.
var policyRows = typed.Describe[Policy, policyFilter](
	"tenancy_policies", "policy",
	typed.ID("id", func(v *Policy) *PolicyID { return &v.ID }),
	typed.Integer("version", func(v *Policy) *int64 { return &v.Version }),
	typed.ID("organization_id", func(v *Policy) *OrganizationID { return &v.OrganizationID }).References(organizationRows.Table),
	typed.Object("domain_policy", storeDomainPolicy, loadDomainPolicy),
	typed.Object("organization_policy", storeOrganizationPolicy, loadOrganizationPolicy),
	typed.IDs("exempt", func(v *Policy) *[]UserID { return &v.Exempt }, ParseUserID),
	typed.Instant("created_at", func(v *Policy) *time.Time { return &v.CreatedAt }),
	typed.Instant("updated_at", func(v *Policy) *time.Time { return &v.UpdatedAt }),
	typed.Flag("binds_owners", func(v *Policy) *bool { return &v.BindsOwners }),
).
	Unique("organization_id", "organization_id").
	Where(func(c *typed.Conds, f policyFilter) {
		typed.OneID(c, "id", f.ID)
		typed.OneID(c, "organization_id", f.OrganizationID)
	})

// storedDomainPolicy is the form of a DomainPolicy in its column.
type storedDomainPolicy struct {
	Methods      []SignInMethod `json:"methods,omitempty"`
	ConnectionID string         `json:"connection_id,omitempty"`
	SecondFactor bool           `json:"second_factor,omitempty"`
}

func storeDomainPolicy(v *Policy) storedDomainPolicy {
	p := v.Domain
	return storedDomainPolicy{p.Methods, p.ConnectionID.String(), p.SecondFactor}
}

func loadDomainPolicy(v *Policy, p storedDomainPolicy) {
	v.Domain = DomainPolicy{Methods: p.Methods, SecondFactor: p.SecondFactor}
	v.Domain.ConnectionID, _ = ParseID[Connection](p.ConnectionID) // only the store wrote it; "" is the zero id
}

// storedOrganizationPolicy is the form of an OrganizationPolicy in its column.
type storedOrganizationPolicy struct {
	SingleSignOn bool   `json:"single_sign_on,omitempty"`
	ConnectionID string `json:"connection_id,omitempty"`
	SecondFactor bool   `json:"second_factor,omitempty"`
}

func storeOrganizationPolicy(v *Policy) storedOrganizationPolicy {
	p := v.Organization
	return storedOrganizationPolicy{p.SingleSignOn, p.ConnectionID.String(), p.SecondFactor}
}

func loadOrganizationPolicy(v *Policy, p storedOrganizationPolicy) {
	v.Organization = OrganizationPolicy{SingleSignOn: p.SingleSignOn, SecondFactor: p.SecondFactor}
	v.Organization.ConnectionID, _ = ParseID[Connection](p.ConnectionID)
}

func (t *txn) Policies() table[Policy, policyFilter] { return bind(t, policyRows) }
