package tenancy

import "time"

// DomainState is the state of an organization's claim to a domain (rule D3). Only a verified domain has any
// effect.
type DomainState string

// The states of a domain.
const (
	DomainPending  DomainState = "pending"  // claimed; several organizations can claim one name
	DomainVerified DomainState = "verified" // proved; one organization holds the name
	DomainLapsed   DomainState = "lapsed"   // the proof is gone (rule D5)
	DomainDormant  DomainState = "dormant"  // its organization is archived (rule O2)
	DomainFailed   DomainState = "failed"   // not proved in time, or another organization holds the name
)

// The reasons why a claim has failed: see [Domain].
const (
	DomainFailedExpired = "expired" // it was not proved within 30 days
	DomainFailedTaken   = "taken"   // another organization holds the name
)

// DomainJoining says what a verified domain does for a person who signs in with an address on it (rule D7).
type DomainJoining string

func (j DomainJoining) known() bool {
	return j == JoiningOff || j == JoiningSuggest || j == JoiningRequest || j == JoiningAuto
}

// The ways of joining by domain.
const (
	JoiningOff     DomainJoining = "off"     // nothing
	JoiningSuggest DomainJoining = "suggest" // it shows the organization to them
	JoiningRequest DomainJoining = "request" // it lets them file a join request
	JoiningAuto    DomainJoining = "auto"    // it makes them members at their sign-in
)

// Domain is an organization's claim to a domain name (rule D3).
type Domain struct {
	ID             DomainID       `json:"id"`              // never changes
	Version        int64          `json:"version"`         // counts changes from 1 (rule G11)
	OrganizationID OrganizationID `json:"organization_id"` // the organization that claims it
	Name           string         `json:"name"`            // in normal form, with A-labels (rule D1)
	State          DomainState    `json:"state"`           // see [DomainState]
	// FailedReason says why a claim has failed: [DomainFailedExpired] or [DomainFailedTaken]. While the
	// claim is pending, it says why the last look found no proof; before the first look it is "". Then it
	// is one of the reasons of a [domains.Finding], or the code with which a proof that was found was
	// refused. Such a code is [ErrForbidden], if somebody with more permissions has to call Verify (rule
	// R6). In the other states it is "".
	FailedReason string `json:"failed_reason,omitempty"`
	Challenge    string `json:"challenge"` // the token to publish; not a secret
	// Subdomains says that addresses on subdomains count too. It has a proof of its own (rule D6).
	Subdomains bool          `json:"subdomains,omitempty"`
	Joining    DomainJoining `json:"joining"`        // what people with an address on the domain may do
	Role       string        `json:"role,omitempty"` // the role of people who join by it; "" = the organization's default
	// Method is how the domain was proved, such as [domains.MethodDNS]; "" if the host marked it as
	// verified.
	Method       string    `json:"method,omitempty"`
	VerifiedAt   time.Time `json:"verified_at,omitzero"`   // when it became verified
	ProvedAt     time.Time `json:"proved_at,omitzero"`     // when the proof was last seen
	MissingSince time.Time `json:"missing_since,omitzero"` // when rechecks began to find no proof; zero: the proof is there
	// SubdomainsProvedAt and SubdomainsMissingSince are the same for the proof of the subdomains.
	// SubdomainsProvedAt is zero where the host marked the subdomains as proved.
	SubdomainsProvedAt     time.Time `json:"subdomains_proved_at,omitzero"`
	SubdomainsMissingSince time.Time `json:"subdomains_missing_since,omitzero"` // zero: the proof is there, or not needed
	// DueAt is when the domain is rechecked. A pending claim fails at this time.
	DueAt     time.Time `json:"due_at,omitzero"`
	CreatedAt time.Time `json:"created_at,omitzero"` // when it was created
	UpdatedAt time.Time `json:"updated_at,omitzero"` // when it last changed, with Version
}

// DomainID is the id of a domain; its text begins with dom_.
type DomainID = ID[Domain]

func (Domain) idPrefix() string { return "dom" }

func (d Domain) rowID() [16]byte { return d.ID }

func (d *Domain) stamps() (*int64, *time.Time) { return &d.Version, &d.UpdatedAt }

func (d *Domain) event(kind EventType) newEvent {
	return newEvent{kind: kind, organization: d.OrganizationID, subject: d.ID.String(), data: *d}
}

// Domains is the group of methods on an organization's claims to domain names.
type Domains struct{ s *Service }

// NewDomain is the input of Domains.Claim. OrganizationID and Name are required; the rest may be empty.
type NewDomain struct {
	ID             DomainID       `json:"id,omitzero"`              // for imports; zero = a new one
	OrganizationID OrganizationID `json:"organization_id,omitzero"` // the organization that claims it
	// Name is the domain in any spelling; the claim keeps the normal form (rule D1).
	Name    string        `json:"name"`
	Joining DomainJoining `json:"joining,omitempty"` // "" = [JoiningOff]
	// Role is the role of people who join by the domain; "" = the organization's default.
	Role string `json:"role,omitempty"`
	// Verified and Subdomains let the host declare that the domain, and all names below it, belong to the
	// organization. Then no proof is needed, now or later, unless the organization is archived for long:
	// see [Domains.MarkVerified].
	Verified   bool `json:"-"`
	Subdomains bool `json:"-"` // only together with Verified
}

// DomainUpdate is a change to a claim. A nil field stays as it is.
type DomainUpdate struct {
	Version int64          // the Version that this change is based on; 0 = any (rule G11)
	Joining *DomainJoining // one of the Joining constants
	Role    *string        // a pointer to the empty string means the organization's default
	// Subdomains false gives up the names below the domain. Only the host can set true, which declares that
	// they belong to the organization; actors call VerifySubdomains.
	Subdomains *bool
}

// DomainQuery selects claims of an organization for List.
type DomainQuery struct {
	Descending bool   // by id, so newest first
	Limit      int    // default 50, at most 1000
	Cursor     string // Next of the previous page
}
