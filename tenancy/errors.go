package tenancy

import (
	"cmp"
	"errors"
	"time"

	"github.com/freehold-dev/freehold/store"
)

// Code says what went wrong, as a value to compare with: errors.Is(err,
// tenancy.ErrNotFound). The list is closed; the texts are stable and may be
// handed to a client.
type Code = store.Code

// The codes. Each stands with what it means; a method's documentation names those
// that it returns, besides [ErrInvalid], [ErrCanceled], [ErrBusy], [ErrClosed] and
// the store's own, which any method may return, and on a bound Service [ErrForbidden]
// and [ErrNotFound].
const (
	// ErrInvalid: an input breaks a rule; Field says which. Nothing was written.
	ErrInvalid = store.ErrInvalid
	// ErrNotFound: not there, or not there for the caller (rule G7).
	ErrNotFound = store.ErrNotFound
	// ErrAlreadyExists: a unique key is taken; Field says which.
	ErrAlreadyExists = store.ErrAlreadyExists
	// ErrConflict: the Version named is not the stored one (rule G11).
	ErrConflict = store.ErrConflict
	// ErrTooLarge: more than one transaction should touch; see Config.DeleteLimit.
	ErrTooLarge Code = "too_large"
	// ErrReferenced: a row of the host's refers to what should go.
	ErrReferenced = store.ErrReferenced
	// ErrForbidden: the actor may not; Field names an input that only the host may
	// give (rules A1, A4).
	ErrForbidden Code = "forbidden"

	// ErrMerged: the user was merged into another; IDs holds that one's id (rule U6).
	ErrMerged Code = "merged"
	// ErrEmailNotVerified: an address counts only once it is proved (rule U4).
	ErrEmailNotVerified Code = "email_not_verified"
	// ErrEmailManaged: the address is on a domain whose organization binds its people to a sign-in policy (rule U9).
	ErrEmailManaged Code = "email_managed"
	// ErrIdentityConflict: the user has another identity at the provider already (rule U4).
	ErrIdentityConflict Code = "identity_conflict"
	// ErrLastOwner: the organizations in IDs would be left without an owner (rule M7).
	ErrLastOwner Code = "last_owner"
	// ErrAlreadyMember: the person is an active member already (rule M3).
	ErrAlreadyMember Code = "already_member"
	// ErrAlreadyMemberElsewhere: Config.SingleOrganization allows no second membership (rule M13).
	ErrAlreadyMemberElsewhere Code = "already_member_elsewhere"
	// ErrPendingMembership: the membership waits for its invitation (rules M2, M4, M5).
	ErrPendingMembership Code = "pending_membership"
	// ErrUserSuspended: the host suspended the user, whom only the host lets in (rule M9).
	ErrUserSuspended Code = "user_suspended"
	// ErrMembershipInactive: the membership is not active, or that of another account with an address of the
	// same person's (rules M5, M8).
	ErrMembershipInactive Code = "membership_inactive"
	// ErrMembershipRemoved: they were removed from the organization, or left it, and somebody there has to let
	// them in again (rules M5, M6).
	ErrMembershipRemoved Code = "membership_removed"
	// ErrSeatLimit: every seat is taken (rule M9).
	ErrSeatLimit Code = "seat_limit"
	// ErrJoinRefused: Config.OnJoin said no; its error is wrapped (rule M11).
	ErrJoinRefused Code = "join_refused"
	// ErrUnknownRole: no such role in this organization.
	ErrUnknownRole Code = "unknown_role"
	// ErrUnknownPermission: not declared, so neither granted nor checked (rule R1).
	ErrUnknownPermission Code = "unknown_permission"
	// ErrRoleInUse: Counts says by what; name a replacement (rule R5).
	ErrRoleInUse Code = "role_in_use"

	// ErrAlreadyInvited: an invitation of that address there is pending (rule I1).
	ErrAlreadyInvited Code = "already_invited"
	// ErrInvitationAccepted: somebody accepted it (rule I4).
	ErrInvitationAccepted Code = "invitation_accepted"
	// ErrInvitationRevoked: it was taken back (rule I5).
	ErrInvitationRevoked Code = "invitation_revoked"
	// ErrInvitationDeclined: it was declined, or its address declined another one of the organization's in the last 30
	// days; then RetryAfter says how long to wait (rule I9).
	ErrInvitationDeclined Code = "invitation_declined"
	// ErrInvitationExpired: its time ran out (rule I3).
	ErrInvitationExpired Code = "invitation_expired"
	// ErrInvitationForOtherEmail: it is for somebody else (rule I4).
	ErrInvitationForOtherEmail Code = "invitation_for_other_email"
	// ErrInvitationVoid: who sent it may not give what it promises any more (rule I4), or the
	// organization that it founds cannot be made any more (rule I13).
	ErrInvitationVoid Code = "invitation_void"
	// ErrEmailDomainNotAllowed: the organization takes no addresses of that domain (rule M14).
	ErrEmailDomainNotAllowed Code = "email_domain_not_allowed"
	// ErrOrganizationClosed: it is suspended or archived, so nobody gets in (rule M14).
	ErrOrganizationClosed Code = "organization_closed"
	// ErrRateLimited: too often in too short a time; RetryAfter says how long to wait (rules I12, D3).
	ErrRateLimited Code = "rate_limited"
	// ErrMailFailed: what was asked is done, but Config.Mailer failed; its error is wrapped (rule I2).
	ErrMailFailed Code = "mail_failed"
	// ErrJoinCodeRevoked: the code was taken back, or who made it could not make it now (rule I7).
	ErrJoinCodeRevoked Code = "join_code_revoked"
	// ErrJoinCodeExpired: its time ran out.
	ErrJoinCodeExpired Code = "join_code_expired"
	// ErrJoinCodeSpent: as many as may have used it.
	ErrJoinCodeSpent Code = "join_code_spent"
	// ErrJoinRequestsOff: the organization takes no requests to join (rule I7).
	ErrJoinRequestsOff Code = "join_requests_off"
	// ErrAlreadyRequested: the person asked already, and waits (rule I7).
	ErrAlreadyRequested Code = "already_requested"
	// ErrJoinRequestDecided: it was approved, declined or canceled.
	ErrJoinRequestDecided Code = "join_request_decided"

	// ErrPublicEmailDomain: anyone can have an address there, so nobody may claim it, and no
	// list of allowed domains holds it (rules D2, O3).
	ErrPublicEmailDomain Code = "public_email_domain"
	// ErrDomainTaken: another organization has verified the domain (rule D3).
	ErrDomainTaken Code = "domain_taken"
	// ErrDomainNotVerified: the proof was not found, or the domain has none; Reason says which (rule D3).
	ErrDomainNotVerified Code = "domain_not_verified"
	// ErrWouldLockOut: after the change no owner could sign in any more (rule P3).
	ErrWouldLockOut Code = "would_lock_out"
	// ErrConnectionInUse: a policy requires the connection; change that first (rule P3).
	ErrConnectionInUse Code = "connection_in_use"

	// ErrSessionExpired: too old, or unused too long (rule S1).
	ErrSessionExpired Code = "session_expired"
	// ErrSessionEnded: signed out, revoked, or its user, organization or membership is out (rule S2).
	ErrSessionEnded Code = "session_ended"
	// ErrSignInRequired: only a session of the same user may do this; sign in and try again (rule U5).
	ErrSignInRequired Code = "sign_in_required"
	// ErrSignInRefused: a policy wants another way to sign in there; sign in anew (rule P3).
	ErrSignInRefused Code = "sign_in_refused"

	// ErrInvalidToken: malformed, unknown, or another kind's (rule G10); of a pending sign-in also used or ended (rule P5).
	ErrInvalidToken Code = "invalid_token"
	// ErrTokenExpired: the token was good once; its time ran out.
	ErrTokenExpired Code = "token_expired"
	// ErrTokenUsed: the token was good once and has been spent or replaced.
	ErrTokenUsed Code = "token_used"
	// ErrInvalidCursor: malformed, or of another query (rule G6).
	ErrInvalidCursor Code = "invalid_cursor"
	// ErrEventsPruned: the cursor is below what Prune left (rule E1).
	ErrEventsPruned = store.ErrEventsPruned

	// ErrInTransaction: an outer Service was called with the context of a running
	// transaction, or a method that must not run inside one was.
	ErrInTransaction Code = "in_transaction"
	// ErrUnboundInRequest: the unbound Service was asked to write or list with the context of
	// a request that a guard let through; see [Guarded] (rule G13).
	ErrUnboundInRequest Code = "unbound_in_request"
	// ErrReadOnly: a write inside View, or a database that cannot be written.
	ErrReadOnly = store.ErrReadOnly
	// ErrCanceled: the context ended first; context.Canceled or DeadlineExceeded is wrapped.
	ErrCanceled = store.ErrCanceled
	// ErrBusy: another writer held the database too long. Nothing was written; try again.
	ErrBusy = store.ErrBusy
	// ErrClosed: the store, or the transaction, has ended.
	ErrClosed = store.ErrClosed
	// ErrStorageFull: no room on the disk. Nothing of the call was kept.
	ErrStorageFull = store.ErrStorageFull
	// ErrCorrupt: the database is damaged.
	ErrCorrupt = store.ErrCorrupt
	// ErrNotADatabase: the file is something else.
	ErrNotADatabase = store.ErrNotADatabase
	// ErrSchema: the tables are missing, older or newer than this program's; the text says which.
	ErrSchema = store.ErrSchema
	// ErrInternal: none of the above; the cause is wrapped.
	ErrInternal = store.ErrInternal
)

// Error is the error of every method here (rule G7). Only Code is always set.
// Its text holds no secret and no driver's words; those are behind Unwrap.
type Error struct {
	// Code is what to compare with.
	Code Code
	// Op is what was asked: "create organization".
	Op string
	// Kind and Key name the thing: "organization", its id or another key.
	Kind, Key string
	// Field is the input at fault, in snake case.
	Field string
	// Reason says what is wrong with it, for a person.
	Reason string
	// IDs names the things in the way, such as the organizations of ErrLastOwner.
	IDs []string
	// RetryAfter is how long to wait before the same call can succeed; 0 = it is not known, or
	// time changes nothing. Set for ErrRateLimited, and for ErrInvitationDeclined of an address.
	RetryAfter time.Duration
	// Counts says how many are in the way, by kind.
	Counts map[string]int
	// Err is the cause.
	Err error
}

// Error is one line: `deactivate membership "org_.../usr_...": last_owner`.
func (e *Error) Error() string {
	return (&store.Error{Code: e.Code, Kind: cmp.Or(e.Op, e.Kind), Key: e.Key, Field: e.Field, Reason: e.Reason}).Error()
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is makes errors.Is(err, code) work.
func (e *Error) Is(target error) bool {
	code, ok := target.(Code)
	return ok && code == e.Code
}

// CodeOf is err's Code: "" for nil, [ErrCanceled] for a bare context error, and
// [ErrInternal] for an error that carries none.
func CodeOf(err error) Code {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return store.CodeOf(err)
}

func invalid(field, reason string) *Error {
	return &Error{Code: ErrInvalid, Field: field, Reason: reason}
}

// rateLimited refuses what was done too often, for as long as it takes.
func rateLimited(field string, wait time.Duration) *Error {
	return &Error{
		Code: ErrRateLimited, Field: field, RetryAfter: wait,
		Reason: "was done too often: try again in " + wait.Round(time.Second).String(),
	}
}

func notFound[T Entity](id ID[T]) *Error {
	return &Error{Code: ErrNotFound, Kind: kindName(id.Prefix()), Key: id.String()}
}

// explain gives err the name of the operation and what it was about, without
// hiding what a deeper layer said more exactly. An error of the host's own, from
// inside Transact or OnJoin, passes as it is.
func explain(err error, op, key string) error {
	if err == nil {
		return nil
	}
	var e *Error
	if errors.As(err, &e) {
		if e.Op != "" {
			return err
		}
		result := *e
		result.Op = op
		if result.Key == "" {
			result.Key = key
		}
		if result.Err == nil && err != error(e) {
			result.Err = err
		}
		return &result
	}
	return &Error{Code: CodeOf(err), Op: op, Key: key, Err: err}
}

// kindName is a kind of thing in words, for errors: what its table calls it.
func kindName(prefix string) string {
	for _, e := range entities {
		if e.table.Columns[0].Prefix == prefix {
			return e.table.Kind
		}
	}
	return prefix
}
