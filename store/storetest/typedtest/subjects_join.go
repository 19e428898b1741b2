package typedtest

import (
	"time"

	"github.com/freehold-dev/freehold/tenancy"
)

func invitations() *subject[tenancy.Invitation, tenancy.InvitationFilter] {
	type V = tenancy.Invitation
	type F = tenancy.InvitationFilter
	return &subject[V, F]{
		entity:  tenancy.Describe().Invitations,
		table:   tenancy.Tx.Invitations,
		bare:    bareInvitation,
		full:    fullInvitation,
		closed:  []string{"state"},
		derived: map[string]string{"scope": "organization_id", "pending_email_key": "email_key"},
		release: func(v *V) { v.State = tenancy.InvitationRevoked },
		parents: places,
		fields: []field[V, F]{
			in("ID", func(f *F) *tenancy.In[tenancy.InvitationID] { return &f.ID }, func(v V) tenancy.InvitationID { return v.ID }),
			in("OrganizationID", func(f *F) *tenancy.In[tenancy.OrganizationID] { return &f.OrganizationID }, func(v V) tenancy.OrganizationID { return v.OrganizationID }),
			in("EmailKey", func(f *F) *tenancy.In[string] { return &f.EmailKey }, func(v V) string { return v.EmailKey }),
			inNull("InviterID", func(f *F) *tenancy.In[tenancy.UserID] { return &f.InviterID }, func(v V) tenancy.UserID { return v.InviterID }),
			inNull("UserID", func(f *F) *tenancy.In[tenancy.UserID] { return &f.UserID }, func(v V) tenancy.UserID { return v.UserID }),
			in("State", func(f *F) *tenancy.In[tenancy.InvitationState] { return &f.State }, func(v V) tenancy.InvitationState { return v.State }),
			prefix("EmailPrefix", func(f *F) *string { return &f.EmailPrefix }, func(v *V) *string { return &v.EmailKey }),
			before("DueBefore", func(f *F) *time.Time { return &f.DueBefore }, func(v V) time.Time { return v.ExpiresAt }),
			after("DueAfter", func(f *F) *time.Time { return &f.DueAfter }, func(v V) time.Time { return v.ExpiresAt }),
		},
	}
}

func joinCodes() *subject[tenancy.JoinCode, tenancy.JoinCodeFilter] {
	type V = tenancy.JoinCode
	type F = tenancy.JoinCodeFilter
	return &subject[V, F]{
		entity:  tenancy.Describe().JoinCodes,
		table:   tenancy.Tx.JoinCodes,
		bare:    bareJoinCode,
		full:    fullJoinCode,
		parents: places,
		fields: []field[V, F]{
			in("ID", func(f *F) *tenancy.In[tenancy.JoinCodeID] { return &f.ID }, func(v V) tenancy.JoinCodeID { return v.ID }),
			in("OrganizationID", func(f *F) *tenancy.In[tenancy.OrganizationID] { return &f.OrganizationID }, func(v V) tenancy.OrganizationID { return v.OrganizationID }),
			inNull("Role", func(f *F) *tenancy.In[string] { return &f.Role }, func(v V) string { return v.Role }),
			in("Revoked", func(f *F) *tenancy.In[bool] { return &f.Revoked }, func(v V) bool { return !v.RevokedAt.IsZero() }),
		},
	}
}

func joinRequests() *subject[tenancy.JoinRequest, tenancy.JoinRequestFilter] {
	type V = tenancy.JoinRequest
	type F = tenancy.JoinRequestFilter
	return &subject[V, F]{
		entity:  tenancy.Describe().JoinRequests,
		table:   tenancy.Tx.JoinRequests,
		bare:    bareJoinRequest,
		full:    fullJoinRequest,
		closed:  []string{"state"},
		derived: map[string]string{"pending_user_id": "user_id"},
		release: func(v *V) { v.State = tenancy.JoinRequestDeclined },
		parents: peopleAndPlaces,
		fields: []field[V, F]{
			in("ID", func(f *F) *tenancy.In[tenancy.JoinRequestID] { return &f.ID }, func(v V) tenancy.JoinRequestID { return v.ID }),
			in("OrganizationID", func(f *F) *tenancy.In[tenancy.OrganizationID] { return &f.OrganizationID }, func(v V) tenancy.OrganizationID { return v.OrganizationID }),
			in("UserID", func(f *F) *tenancy.In[tenancy.UserID] { return &f.UserID }, func(v V) tenancy.UserID { return v.UserID }),
			in("State", func(f *F) *tenancy.In[tenancy.JoinRequestState] { return &f.State }, func(v V) tenancy.JoinRequestState { return v.State }),
		},
	}
}
