package tenancy

import (
	"context"
	"slices"
)

// The names of the claims that Claims makes. None of them can be given by the host.
const (
	ClaimSubject              = "sub"             // the user's id
	ClaimSession              = "sid"             // the session's id
	ClaimMethods              = "amr"             // how the person signed in (RFC 8176)
	ClaimConfined             = "confined"        // true: the session never leaves its organization (rule P6)
	ClaimExternalID           = "ext_id"          // the user's external id
	ClaimMetadata             = "metadata"        // of the user's metadata what was asked for
	ClaimOrganization         = "org_id"          // the id of the organization chosen
	ClaimOrganizationExternal = "org_ext_id"      // its external id
	ClaimOrganizationMetadata = "org_metadata"    // of its metadata what was asked for
	ClaimMemberMetadata       = "member_metadata" // of the membership's metadata what was asked for
	ClaimRole                 = "role"            // the primary role there (rule R4)
	ClaimRoles                = "roles"           // all roles there, by priority
	ClaimPermissions          = "permissions"     // all that the roles give (rule R7)
)

var reservedClaims = []string{
	ClaimSubject, ClaimSession, ClaimMethods, ClaimConfined, ClaimExternalID, ClaimMetadata, ClaimOrganization,
	ClaimOrganizationExternal, ClaimOrganizationMetadata, ClaimMemberMetadata, ClaimRole, ClaimRoles, ClaimPermissions,
}

// ClaimsQuery says what Claims puts in besides what is always there.
type ClaimsQuery struct {
	Metadata             []string       // keys of the user's metadata
	OrganizationMetadata []string       // keys of the organization's
	MemberMetadata       []string       // keys of the membership's
	Extra                map[string]any // claims of the host's own, under other names
	// NoPermissions leaves the permissions out, for a token that has to stay small, as one
	// in a cookie or a header. Its reader then asks the Service, or goes by the roles.
	NoPermissions bool
}

// Claims makes the claims about a session for a token that the host signs by itself
// (rules S3, S6): the Claim constants say which. What is missing is left out: without an
// organization all that is there, an external id that is not set, a metadata key that
// is not there. The session is judged as by Authenticate. Issuer, audience and times
// are the host's.
//
// A Session that Authenticate gives without an organization, while another entry of its client
// lives, is one of the other entries: claims for it are made by a Service that is bound to it
// ([SessionPrincipal]), which leaves that organization out.
//
// The claim "amr" is a list of strings: "pwd" for [MethodPassword], any other method by
// its own name, then "mfa" where the person showed a second factor. The claim "confined"
// is there only where it is true.
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
	if CodeOf(err) == ErrNotFound { // told from another's to the host alone
		if denied := ss.c.access().authorize(ctx, scope{}); denied != nil {
			return nil, ss.c.access().lookUp(ctx, ss.c.service.principal.user, denied) // at the cost of another's: see absent
		}
	}
	if err != nil {
		return nil, err
	}
	if err := ss.c.access().authorize(ctx, scope{user: s.UserID}); err != nil {
		return nil, ss.c.access().lookUp(ctx, noUser, err)
	}
	if p := ss.c.service.principal; p != nil && p.session != nil && p.session.ID != s.ID {
		return nil, ss.c.access().deny(scope{}, forbidden("")) // it may be at another organization
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

// references are the authentication method references of a session, by the names of
// RFC 8176 where it has one.
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

// claimThere adds what is so in the organization that was chosen.
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
		claims[ClaimRole], claims[ClaimRoles] = p.roles[0], slices.Clone(p.roles) // the profile is shared
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
