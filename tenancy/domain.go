package tenancy

import "time"

// DomainState is how an organization's claim to a domain stands (rule D3). Only a
// verified one has any effect.
type DomainState string

// The states of a domain.
const (
	DomainPending  DomainState = "pending"  // claimed, by any number of organizations
	DomainVerified DomainState = "verified" // proved, by one
	DomainLapsed   DomainState = "lapsed"   // the proof is gone (rule D5)
	DomainDormant  DomainState = "dormant"  // its organization is archived (rule O2)
	DomainFailed   DomainState = "failed"   // not proved in time, or another's
)

// Why a claim has failed.
const (
	DomainFailedExpired = "expired" // it was not proved within 30 days
	DomainFailedTaken   = "taken"   // another organization holds the name
)

// DomainJoining is what a verified domain does for who comes with an address on it
// (rule D7).
type DomainJoining string

func (j DomainJoining) known() bool {
	return j == JoiningOff || j == JoiningSuggest || j == JoiningRequest || j == JoiningAuto
}

// The ways of joining by domain.
const (
	JoiningOff     DomainJoining = "off"     // nothing
	JoiningSuggest DomainJoining = "suggest" // the organization is shown to them
	JoiningRequest DomainJoining = "request" // they may ask, with a join request
	JoiningAuto    DomainJoining = "auto"    // they are members as they sign in
)

// Domain is an organization's claim to a domain name (rule D3).
type Domain struct {
	ID             DomainID       `json:"id"`              // never changes
	Version        int64          `json:"version"`         // counts changes from 1 (rule G11)
	OrganizationID OrganizationID `json:"organization_id"` // the organization that claims it
	Name           string         `json:"name"`            // normal form, A-labels (rule D1)
	State          DomainState    `json:"state"`           // see [DomainState]; only a verified one counts
	// FailedReason says why a claim has failed: [DomainFailedExpired] or [DomainFailedTaken].
	// While it is pending it says why the last look found no proof: one of the reasons of a
	// [domains.Finding], or the code with which a proof that was found is refused, such as
	// [ErrForbidden] where it takes somebody with more permissions to call Verify (rule R6);
	// "" before the first look. Otherwise "".
	FailedReason string `json:"failed_reason,omitempty"`
	Challenge    string `json:"challenge"` // the token to publish; it is no secret
	// Subdomains says that addresses on subdomains count too: proved by itself (rule D6).
	Subdomains bool          `json:"subdomains,omitempty"`
	Joining    DomainJoining `json:"joining"`        // what people with an address on it may do
	Role       string        `json:"role,omitempty"` // for who joins by it; "" = the organization's default
	// Method is how it was proved: [domains.MethodDNS] and its like, or "" by the host's word.
	Method       string    `json:"method,omitempty"`
	VerifiedAt   time.Time `json:"verified_at,omitzero"`   // when it became verified
	ProvedAt     time.Time `json:"proved_at,omitzero"`     // when the proof was last seen
	MissingSince time.Time `json:"missing_since,omitzero"` // when rechecks began to find it gone; zero: they do not
	// SubdomainsProvedAt and SubdomainsMissingSince are the same for the proof of the
	// subdomains; the first is zero where they count by the host's word.
	SubdomainsProvedAt     time.Time `json:"subdomains_proved_at,omitzero"`
	SubdomainsMissingSince time.Time `json:"subdomains_missing_since,omitzero"` // zero: the proof is there, or none is needed
	DueAt                  time.Time `json:"due_at,omitzero"`                   // when it is rechecked, or, while pending, fails
	CreatedAt              time.Time `json:"created_at,omitzero"`               // when it was made
	UpdatedAt              time.Time `json:"updated_at,omitzero"`               // when it last changed, with Version
}

// DomainID is the id of a domain, dom_...
type DomainID = ID[Domain]

func (Domain) idPrefix() string { return "dom" }

func (d Domain) rowID() [16]byte { return d.ID }

func (d *Domain) stamps() (*int64, *time.Time) { return &d.Version, &d.UpdatedAt }

func (d *Domain) event(kind EventType) newEvent {
	return newEvent{kind: kind, organization: d.OrganizationID, subject: d.ID.String(), data: *d}
}

// Domains is the group of methods on an organization's claims to domain names.
type Domains struct{ s *Service }

// NewDomain is what Claim needs: an organization and a name; the rest may be empty.
type NewDomain struct {
	ID             DomainID       `json:"id,omitzero"`              // for imports; zero = a new one
	OrganizationID OrganizationID `json:"organization_id,omitzero"` // the organization that claims it
	Name           string         `json:"name"`                     // any spelling of a domain; its normal form is kept (rule D1)
	Joining        DomainJoining  `json:"joining,omitempty"`        // "" = [JoiningOff]
	Role           string         `json:"role,omitempty"`           // for who joins by it; "" = the organization's default
	// Verified and Subdomains are the host's word that the domain, and all names below
	// it, are the organization's: no proof is asked for, then or later, but for an
	// organization that is archived: see [Domains.MarkVerified].
	Verified   bool `json:"-"`
	Subdomains bool `json:"-"` // of a Verified one
}

// DomainUpdate is a change to a claim. A nil field stays as it is.
type DomainUpdate struct {
	Version int64          // the Version this is based on; 0 = whichever (rule G11)
	Joining *DomainJoining // one of the Joining constants
	Role    *string        // a pointer to the empty string: the organization's default
	// Subdomains false gives up the names below; true is the host's word that they are
	// the organization's, where an actor has VerifySubdomains.
	Subdomains *bool
}

// DomainQuery selects claims of an organization for List.
type DomainQuery struct {
	Descending bool   // by id, so the newest first
	Limit      int    // default 50, at most 1000
	Cursor     string // Next of the page before
}
