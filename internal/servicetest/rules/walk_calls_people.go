package rules

import (
	"context"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

// namesSelf and namesAnother are the two people that a method for oneself can name.
func namesSelf(k *callKeys) tenancy.UserID { return k.self }

func namesAnother(k *callKeys) tenancy.UserID { return k.user() }

func walkUsers() map[string]walkCall {
	all := map[string]walkCall{
		"Users.Create": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return s.Users.Create(ctx, tenancy.NewUser{Email: k.text("email"), ExternalID: k.text("person")})
		},
		"Users.GetByEmail": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return s.Users.GetByEmail(ctx, k.text("email"))
		},
		"Users.GetByExternalID": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return s.Users.GetByExternalID(ctx, k.text("person"))
		},
		"Users.List": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return s.Users.List(ctx, tenancy.UserQuery{EmailPrefix: k.text("email")})
		},
		"Users.Suspend": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return s.Users.Suspend(ctx, k.user())
		},
		"Users.Unsuspend": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return s.Users.Unsuspend(ctx, k.user())
		},
		"Users.ConfirmEmail": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return s.Users.ConfirmEmail(ctx, tenancy.EmailConfirmation{Token: k.text("proof")})
		},
		"Users.Merge": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return s.Users.Merge(ctx, k.user(), k.self)
		},
		"Users.Delete": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return nil, s.Users.Delete(ctx, k.user())
		},
		"Users.Erase": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return nil, s.Users.Erase(ctx, k.user())
		},
		"Users.RecordSignIn": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return nil, s.Users.RecordSignIn(ctx, k.user(), k.org())
		},
		"Identities.Resolve": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return s.Identities.Resolve(ctx, tenancy.NewIdentity{Provider: "google", Subject: k.text("subject")})
		},
		"Identities.Link: a connection's": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return s.Identities.Link(ctx, k.self, tenancy.NewIdentity{Provider: k.connection().String(), Subject: "s-1"})
		},
	}
	walkOneself(all, "", namesSelf)
	walkOneself(all, ": another", namesAnother)
	return all
}

// walkOneself adds the calls of methods for oneself. whom is the person that they name.
func walkOneself(all map[string]walkCall, special string, whom func(k *callKeys) tenancy.UserID) {
	all["Users.Get"+special] = func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
		return s.Users.Get(ctx, whom(k))
	}
	all["Users.Update"+special] = func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
		return s.Users.Update(ctx, whom(k), tenancy.UserUpdate{DisplayName: servicetest.Ptr("Renamed")})
	}
	all["Users.ChangeEmail"+special] = func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
		return s.Users.ChangeEmail(ctx, whom(k), k.text("email"))
	}
	all["Users.SendVerification"+special] = func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
		return s.Users.SendVerification(ctx, whom(k))
	}
	all["Users.CancelEmailChange"+special] = func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
		return s.Users.CancelEmailChange(ctx, whom(k))
	}
	all["Identities.Link"+special] = func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
		return s.Identities.Link(ctx, whom(k), tenancy.NewIdentity{Provider: "google", Subject: k.text("subject")})
	}
	all["Identities.Unlink"+special] = func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
		return nil, s.Identities.Unlink(ctx, whom(k), k.identity())
	}
	all["Identities.List"+special] = func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
		return s.Identities.List(ctx, whom(k))
	}
	all["Memberships.ListByUser"+special] = func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
		return paged(func(cursor string) (tenancy.Page[tenancy.Member], error) {
			return s.Memberships.ListByUser(ctx, whom(k), tenancy.MemberQuery{Limit: 1, Cursor: cursor})
		})
	}
	all["Memberships.Leave"+special] = func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
		return nil, s.Memberships.Leave(ctx, k.org(), whom(k))
	}
	all["Invitations.ListByUser"+special] = func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
		return paged(func(cursor string) (tenancy.Page[tenancy.InvitationPreview], error) {
			return s.Invitations.ListByUser(ctx, whom(k), tenancy.InvitationQuery{Limit: 1, Cursor: cursor})
		})
	}
	all["Invitations.Accept"+special] = func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
		return s.Invitations.Accept(ctx, k.text("invite"), whom(k))
	}
	all["JoinCodes.Use"+special] = func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
		return s.JoinCodes.Use(ctx, k.text("link"), whom(k))
	}
	all["JoinRequests.Create"+special] = func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
		return s.JoinRequests.Create(ctx, k.org(), whom(k), "please")
	}
	all["Sessions.ListByUser"+special] = func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
		return paged(func(cursor string) (tenancy.Page[tenancy.Session], error) {
			return s.Sessions.ListByUser(ctx, whom(k), tenancy.SessionQuery{Ended: true, Limit: 2, Cursor: cursor})
		})
	}
	all["Sessions.RevokeAll"+special] = func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
		return nil, s.Sessions.RevokeAll(ctx, whom(k), k.session())
	}
}

func walkMembers() map[string]walkCall {
	list := func(q tenancy.MemberQuery) walkCall {
		return func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return paged(func(cursor string) (tenancy.Page[tenancy.Member], error) {
				q := q
				q.Limit, q.Cursor = 3, cursor
				return s.Memberships.List(ctx, k.org(), q)
			})
		}
	}
	one := func(call func(tenancy.Memberships, context.Context, tenancy.OrganizationID, tenancy.UserID) (tenancy.Member, error)) walkCall {
		return func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return call(s.Memberships, ctx, k.org(), k.user())
		}
	}
	return map[string]walkCall{
		"Memberships.Add": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return s.Memberships.Add(ctx, tenancy.NewMembership{OrganizationID: k.org(), UserID: k.user()})
		},
		"Memberships.Get": one(tenancy.Memberships.Get),
		"Memberships.Get: oneself": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return s.Memberships.Get(ctx, k.org(), k.self)
		},
		"Memberships.Update": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return s.Memberships.Update(ctx, k.org(), k.user(), tenancy.MembershipUpdate{DisplayName: servicetest.Ptr("Renamed")})
		},
		"Memberships.SetRoles": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return s.Memberships.SetRoles(ctx, k.org(), k.user(), k.text("role"))
		},
		"Memberships.AddRole": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return s.Memberships.AddRole(ctx, k.org(), k.user(), k.text("role"))
		},
		"Memberships.RemoveRole": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return s.Memberships.RemoveRole(ctx, k.org(), k.user(), k.text("role"))
		},
		"Memberships.Deactivate": one(tenancy.Memberships.Deactivate),
		"Memberships.Reactivate": one(tenancy.Memberships.Reactivate),
		"Memberships.Remove": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return nil, s.Memberships.Remove(ctx, k.org(), k.user())
		},
		"Memberships.Removed": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return paged(func(cursor string) (tenancy.Page[tenancy.Removal], error) {
				return s.Memberships.Removed(ctx, k.org(), tenancy.RemovalQuery{Limit: 1, Cursor: cursor})
			})
		},
		"Memberships.Readmit": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return nil, s.Memberships.Readmit(ctx, k.org(), k.user())
		},
		"Memberships.TransferOwnership": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return nil, s.Memberships.TransferOwnership(ctx, k.org(), k.self, k.user(), k.text("role"))
		},
		"Memberships.TransferOwnership: to oneself": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return nil, s.Memberships.TransferOwnership(ctx, k.org(), k.user(), k.self, "")
		},
		"Memberships.Count": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return s.Memberships.Count(ctx, k.org(), tenancy.MemberQuery{})
		},
		"Memberships.Count: by role": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return s.Memberships.Count(ctx, k.org(), tenancy.MemberQuery{Roles: []string{k.text("role")}})
		},
		"Memberships.List: by role":  list(tenancy.MemberQuery{Roles: []string{rbac.Member, rbac.Admin}}),
		"Memberships.List: by words": list(tenancy.MemberQuery{Search: "example"}),
		"Memberships.Count: by words": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return s.Memberships.Count(ctx, k.org(), tenancy.MemberQuery{Search: k.text("email")})
		},
		"Memberships.List": list(tenancy.MemberQuery{
			Statuses: []tenancy.MembershipStatus{tenancy.MembershipActive, tenancy.MembershipInactive},
		}),
		"Memberships.List: by name":         list(tenancy.MemberQuery{Order: tenancy.ByName, Descending: true}),
		"Memberships.List: by joining":      list(tenancy.MemberQuery{Order: tenancy.ByJoined, Descending: true}),
		"Memberships.List: by last sign-in": list(tenancy.MemberQuery{Order: tenancy.ByLastSignIn}),
		"Memberships.List: found": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return s.Memberships.List(ctx, k.org(), tenancy.MemberQuery{EmailPrefix: k.text("email"), Order: tenancy.ByEmail})
		},
	}
}

func walkInvitations() map[string]walkCall {
	return map[string]walkCall{
		"Invitations.Send": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return s.Invitations.Send(ctx, tenancy.NewInvitation{OrganizationID: k.org(), Email: k.text("email"), Roles: []string{k.text("role")}})
		},
		"Invitations.Resend": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return s.Invitations.Resend(ctx, k.invitation())
		},
		"Invitations.SendMany": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			rows := []tenancy.NewInvitation{{OrganizationID: k.org(), Email: k.text("email"), Roles: []string{k.text("role")}}}
			results, err := s.Invitations.SendMany(ctx, rows, tenancy.SendOptions{})
			if err == nil && results[0].Err != nil {
				err = results[0].Err
			}
			return results, err
		},
		"Invitations.Update": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return s.Invitations.Update(ctx, k.invitation(), tenancy.InvitationUpdate{Roles: tenancy.Set([]string{k.text("role")})})
		},
		"Invitations.Decline": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return s.Invitations.Decline(ctx, k.text("invite"))
		},
		"Invitations.Decline: a dead one": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return s.Invitations.Decline(ctx, k.text("dead invite"))
		},
		"Invitations.Revoke": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return s.Invitations.Revoke(ctx, k.invitation())
		},
		"Invitations.Get": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return s.Invitations.Get(ctx, k.invitation())
		},
		"Invitations.List": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return paged(func(cursor string) (tenancy.Page[tenancy.Invitation], error) {
				return s.Invitations.List(ctx, k.org(), tenancy.InvitationQuery{Limit: 2, Cursor: cursor})
			})
		},
		"Invitations.List: found": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return s.Invitations.List(ctx, k.org(), tenancy.InvitationQuery{EmailPrefix: k.text("email")})
		},
		"Invitations.Preview": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return s.Invitations.Preview(ctx, k.text("invite"))
		},
		"Invitations.Preview: of a dead one": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return s.Invitations.Preview(ctx, k.text("dead invite"))
		},
		"Invitations.Accept: a dead one": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return s.Invitations.Accept(ctx, k.text("dead invite"), k.self)
		},
		"Invitations.Sweep": func(ctx context.Context, s *tenancy.Service, _ *callKeys) (any, error) {
			return s.Invitations.Sweep(ctx)
		},
	}
}

func walkJoining() map[string]walkCall {
	return map[string]walkCall{
		"JoinCodes.Create": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return s.JoinCodes.Create(ctx, tenancy.NewJoinCode{
				OrganizationID: k.org(), Role: k.text("role"), AllowedDomains: []string{k.text("name")},
			})
		},
		"JoinCodes.Use: a dead one": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return s.JoinCodes.Use(ctx, k.text("dead link"), k.self)
		},
		"JoinCodes.Get": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return s.JoinCodes.Get(ctx, k.code())
		},
		"JoinCodes.Revoke": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return s.JoinCodes.Revoke(ctx, k.code())
		},
		"JoinCodes.List": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return paged(func(cursor string) (tenancy.Page[tenancy.JoinCode], error) {
				return s.JoinCodes.List(ctx, k.org(), tenancy.JoinCodeQuery{Limit: 1, Cursor: cursor})
			})
		},
		"JoinRequests.Get": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return s.JoinRequests.Get(ctx, k.request())
		},
		"JoinRequests.List": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return paged(func(cursor string) (tenancy.Page[tenancy.Applicant], error) {
				return s.JoinRequests.List(ctx, k.org(), tenancy.JoinRequestQuery{
					States: []tenancy.JoinRequestState{tenancy.JoinRequestPending, tenancy.JoinRequestDeclined}, Limit: 2, Cursor: cursor,
				})
			})
		},
		"JoinRequests.Approve": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return s.JoinRequests.Approve(ctx, k.request(), k.text("role"))
		},
		"JoinRequests.Decline": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return s.JoinRequests.Decline(ctx, k.request())
		},
		"JoinRequests.Cancel": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return s.JoinRequests.Cancel(ctx, k.request())
		},
	}
}

func walkSessions() map[string]walkCall {
	return map[string]walkCall{
		"Sessions.Start": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return s.Sessions.Start(ctx, servicetest.Starting(k.user(), k.org()))
		},
		"Sessions.Authenticate": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return s.Sessions.Authenticate(ctx, k.token, servicetest.NowhereYet)
		},
		"Sessions.Authenticate: another": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return s.Sessions.Authenticate(ctx, k.text("bearer"), servicetest.NowhereYet)
		},
		"Sessions.Switch": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return s.Sessions.Switch(ctx, k.token, k.org())
		},
		"Sessions.Switch: another": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return s.Sessions.Switch(ctx, k.text("bearer"), k.org())
		},
		"Sessions.Enter": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return s.Sessions.Enter(ctx, k.token, k.org())
		},
		"Sessions.Enter: another": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return s.Sessions.Enter(ctx, k.text("bearer"), k.org())
		},
		"Sessions.Authenticate: an entry": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return s.Sessions.Authenticate(ctx, k.text("bearer"), k.org())
		},
		"Sessions.Claims": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return s.Sessions.Claims(ctx, k.session(), tenancy.ClaimsQuery{})
		},
		"Sessions.Get": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return s.Sessions.Get(ctx, k.session())
		},
		"Sessions.List": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return paged(func(cursor string) (tenancy.Page[tenancy.Session], error) {
				return s.Sessions.List(ctx, k.org(), tenancy.SessionQuery{Ended: true, Limit: 3, Cursor: cursor})
			})
		},
		"Sessions.Revoke": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return nil, s.Sessions.Revoke(ctx, k.session())
		},
		"Sessions.RevokeByOrganization": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return nil, s.Sessions.RevokeByOrganization(ctx, k.org())
		},
		"Sessions.SignOut": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return nil, s.Sessions.SignOut(ctx, k.text("bearer"))
		},
		"Sessions.Sweep": func(ctx context.Context, s *tenancy.Service, _ *callKeys) (any, error) { return s.Sessions.Sweep(ctx) },
		"Sessions.Get: of two organizations": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return s.Sessions.Get(ctx, k.mingled)
		},
	}
}
