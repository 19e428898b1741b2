package tenancy

import (
	"context"
	"slices"
)

// The names of the claims that Claims makes. The host's own claims cannot use these names.
const (
	ClaimSubject              = "sub"             // the user's id
	ClaimSession              = "sid"             // the session's id
	ClaimMethods              = "amr"             // how the person signed in (RFC 8176)
	ClaimConfined             = "confined"        // true: the session never leaves its organization (rule P6)
	ClaimExternalID           = "ext_id"          // the user's external id
	ClaimMetadata             = "metadata"        // those of the user's metadata that the query names
	ClaimOrganization         = "org_id"          // the id of the session's organization
	ClaimOrganizationExternal = "org_ext_id"      // its external id
	ClaimOrganizationMetadata = "org_metadata"    // those of its metadata that the query names
	ClaimMemberMetadata       = "member_metadata" // those of the membership's metadata that the query names
	ClaimRole                 = "role"            // the user's primary role there (rule R4)
	ClaimRoles                = "roles"           // all the user's roles there, by priority
	ClaimPermissions          = "permissions"     // all permissions that the roles give (rule R7)
)

var reservedClaims = []string{
	ClaimSubject, ClaimSession, ClaimMethods, ClaimConfined, ClaimExternalID, ClaimMetadata, ClaimOrganization,
	ClaimOrganizationExternal, ClaimOrganizationMetadata, ClaimMemberMetadata, ClaimRole, ClaimRoles, ClaimPermissions,
}

// ClaimsQuery selects what Claims adds to the claims that are always present.
type ClaimsQuery struct {
	Metadata             []string       // keys of the user's metadata
	OrganizationMetadata []string       // keys of the organization's
	MemberMetadata       []string       // keys of the membership's
	Extra                map[string]any // claims of the host's own, under other names
	// NoPermissions leaves the permissions out. Use it for a token that has to stay small, such as one in a
	// cookie or a header. The reader of the token then asks the Service, or decides by the roles.
	NoPermissions bool
}

// Claims makes the claims about a session, for a token that the host signs itself (rules S3, S6). The Claim
// constants list them. The host adds issuer, audience and times. Claims checks the session as Authenticate
// does.
//
// A claim without a value is left out: all claims about the organization for a session without one, an
// external id that is not set, a metadata key that does not exist.
//
// While one entry of a client is alive, Authenticate may return a Session without an organization that is
// one of the other entries. Make claims for it with a Service that is bound to it ([SessionPrincipal]):
// they leave that entry's organization out.
//
// The claim "amr" is a list of strings: "pwd" for [MethodPassword], any other method by its own name, then
// "mfa" if the person showed a second factor. The claim "confined" is present only if it is true.
//
// Errors: [ErrInvalid] with the field "extra" for a reserved name; [ErrNotFound],
// [ErrSessionEnded], [ErrSessionExpired].
func (g Sessions) Claims(ctx context.Context, id SessionID, q ClaimsQuery) (map[string]any, error) {
	return read(ctx, g.s, sessionsClaims, id.String(), func(ctx context.Context, c *call) (map[string]any, error) {
		return c.sessions().claimsOf(ctx, id, q)
	})
}

func (ss sessionRules) claimsOf(ctx context.Context, id SessionID, q ClaimsQuery) (map[string]any, error) {
	s, err := ss.c.tx.Sessions().Get(ctx, id)
	if CodeOf(err) == ErrNotFound { // only the host may know a missing session from another user's
		if denied := ss.c.access().authorize(ctx, scope{}); denied != nil {
			return nil, ss.c.access().lookUp(ctx, ss.c.service.principal.user, denied) // costs as much: see absent
		}
	}
	if err != nil {
		return nil, err
	}
	if err := ss.c.access().authorize(ctx, scope{user: s.UserID}); err != nil {
		return nil, ss.c.access().lookUp(ctx, noUser, err)
	}
	if p := ss.c.service.principal; p != nil && p.session != nil && p.session.ID != s.ID {
		return nil, ss.c.access().deny(scope{}, forbidden("")) // the other session may be at another organization
	}
	claims := map[string]any{ClaimSubject: s.UserID.String(), ClaimSession: s.ID.String()}
	if methods := s.references(); len(methods) > 0 {
		claims[ClaimMethods] = methods
	}
	if s.Confined {
		claims[ClaimConfined] = true
	}
	for name, value := range q.Extra {
		if slices.Contains(reservedClaims, name) {
			return nil, &Error{Code: ErrInvalid, Field: "extra", Key: name, Reason: "has a reserved name"}
		}
		claims[name] = value
	}
	held, err := ss.upheld(ctx, s)
	if err != nil {
		return nil, err
	}
	setClaim(claims, ClaimExternalID, held.user.ExternalID)
	claimMetadata(claims, ClaimMetadata, held.user.Metadata, q.Metadata)
	if p := ss.c.service.principal; held.organization == nil || p != nil && p.session != nil && p.session.OrganizationID.IsZero() {
		return claims, nil
	}
	return claims, ss.claimThere(ctx, claims, held, q)
}

// references returns the authentication method references of a session, with the names of RFC 8176 where
// that has one.
func (s Session) references() []string {
	var names []string
	switch s.Method {
	case "":
	case MethodPassword:
		names = append(names, "pwd")
	default:
		names = append(names, string(s.Method))
	}
	if s.SecondFactor {
		names = append(names, "mfa")
	}
	return names
}

// claimThere adds the claims about the session's organization.
func (ss sessionRules) claimThere(ctx context.Context, claims map[string]any, held sessionFacts, q ClaimsQuery) error {
	org, m := held.organization, held.membership
	claims[ClaimOrganization] = org.ID.String()
	setClaim(claims, ClaimOrganizationExternal, org.ExternalID)
	claimMetadata(claims, ClaimOrganizationMetadata, org.Metadata, q.OrganizationMetadata)
	claimMetadata(claims, ClaimMemberMetadata, m.Metadata, q.MemberMetadata)
	facts, err := ss.c.access().facts(ctx, org.ID, m.UserID)
	if err != nil || facts.reason() != ReasonGranted {
		return err
	}
	p, err := ss.c.access().compile(ctx, org.ID, facts.Roles)
	if err != nil {
		return err
	}
	if len(p.roles) > 0 {
		claims[ClaimRole], claims[ClaimRoles] = p.roles[0], slices.Clone(p.roles) // a copy, because the profile is shared
	}
	if q.NoPermissions {
		return nil
	}
	permissions := p.set.Permissions()
	texts := make([]string, len(permissions))
	for i, permission := range permissions {
		texts[i] = string(permission)
	}
	if len(texts) > 0 {
		claims[ClaimPermissions] = texts
	}
	return nil
}

func setClaim(claims map[string]any, name, value string) {
	if value != "" {
		claims[name] = value
	}
}

func claimMetadata(claims map[string]any, name string, metadata map[string]string, keys []string) {
	chosen := map[string]string{}
	for _, key := range keys {
		if value, ok := metadata[key]; ok {
			chosen[key] = value
		}
	}
	if len(chosen) > 0 {
		claims[name] = chosen
	}
}
