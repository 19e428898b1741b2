package tenancy

import (
	"cmp"
	"errors"
	"time"

	"github.com/freehold-dev/freehold/store"
)

// Code says what went wrong. Compare with it: errors.Is(err, tenancy.ErrNotFound). There are no other codes
// than those below. Their texts are stable, and may be sent to a client.
type Code = store.Code

// The codes, with what they mean. The comment of a method lists the codes that it returns. Any method may
// also return [ErrInvalid], [ErrCanceled], [ErrBusy], [ErrClosed] and the codes of the store, and on a bound
// Service [ErrForbidden] and [ErrNotFound].
const (
	// ErrInvalid: an input breaks a rule; Field says which. Nothing was written.
	ErrInvalid = store.ErrInvalid
	// ErrNotFound: it does not exist, or the caller may not see it (rule G7).
	ErrNotFound = store.ErrNotFound
	// ErrAlreadyExists: a unique key is taken; Field says which.
	ErrAlreadyExists = store.ErrAlreadyExists
	// ErrConflict: the Version named is not the stored one (rule G11).
	ErrConflict = store.ErrConflict
	// ErrTooLarge: the call concerns more rows than one transaction may change; see Config.DeleteLimit.
	ErrTooLarge Code = "too_large"
	// ErrReferenced: a row of the host's refers to the thing to delete.
	ErrReferenced = store.ErrReferenced
	// ErrForbidden: the actor may not; Field names an input that only the host may
	// give (rules A1, A4).
	ErrForbidden Code = "forbidden"

	// ErrMerged: the user was merged into another one; IDs has the id of that one (rule U6).
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
	// ErrUserSuspended: the host has suspended the user, and only the host can let them in (rule M9).
	ErrUserSuspended Code = "user_suspended"
	// ErrMembershipInactive: the membership is not active, or that of another account with an address of the
	// same person's (rules M5, M8).
	ErrMembershipInactive Code = "membership_inactive"
	// ErrMembershipRemoved: the person was removed from the organization, or left it, and somebody there has
	// to let them in again (rules M5, M6).
	ErrMembershipRemoved Code = "membership_removed"
	// ErrSeatLimit: every seat is taken (rule M9).
	ErrSeatLimit Code = "seat_limit"
	// ErrJoinRefused: Config.OnJoin refused; its error is wrapped (rule M11).
	ErrJoinRefused Code = "join_refused"
	// ErrUnknownRole: the organization has no such role.
	ErrUnknownRole Code = "unknown_role"
	// ErrUnknownPermission: the permission is not declared, so it cannot be granted or checked (rule R1).
	ErrUnknownPermission Code = "unknown_permission"
	// ErrRoleInUse: the role is in use, and Counts says by what; name a replacement (rule R5).
	ErrRoleInUse Code = "role_in_use"

	// ErrAlreadyInvited: an invitation to this address is already pending there (rule I1).
	ErrAlreadyInvited Code = "already_invited"
	// ErrInvitationAccepted: somebody has accepted the invitation (rule I4).
	ErrInvitationAccepted Code = "invitation_accepted"
	// ErrInvitationRevoked: the invitation was taken back (rule I5).
	ErrInvitationRevoked Code = "invitation_revoked"
	// ErrInvitationDeclined: the invitation was declined, or its address declined another one of the
	// organization's in the last 30 days; then RetryAfter says how long to wait (rule I9).
	ErrInvitationDeclined Code = "invitation_declined"
	// ErrInvitationExpired: the invitation's time is over (rule I3).
	ErrInvitationExpired Code = "invitation_expired"
	// ErrInvitationForOtherEmail: the invitation is for another address (rule I4).
	ErrInvitationForOtherEmail Code = "invitation_for_other_email"
	// ErrInvitationVoid: the inviter may no longer give what the invitation gives (rule I4), or the
	// organization to found cannot be made any more (rule I13).
	ErrInvitationVoid Code = "invitation_void"
	// ErrEmailDomainNotAllowed: the organization does not allow addresses on this domain (rule M14).
	ErrEmailDomainNotAllowed Code = "email_domain_not_allowed"
	// ErrOrganizationClosed: the organization is suspended or archived, so nobody can join it (rule M14).
	ErrOrganizationClosed Code = "organization_closed"
	// ErrRateLimited: too often in too short a time; RetryAfter says how long to wait (rules I12, D3).
	ErrRateLimited Code = "rate_limited"
	// ErrMailFailed: the call succeeded, but Config.Mailer failed; its error is wrapped (rule I2).
	ErrMailFailed Code = "mail_failed"
	// ErrJoinCodeRevoked: the code was taken back, or its author could not make it now (rule I7).
	ErrJoinCodeRevoked Code = "join_code_revoked"
	// ErrJoinCodeExpired: the code's time is over.
	ErrJoinCodeExpired Code = "join_code_expired"
	// ErrJoinCodeSpent: the code was used as often as it allows.
	ErrJoinCodeSpent Code = "join_code_spent"
	// ErrJoinRequestsOff: the organization accepts no join requests (rule I7).
	ErrJoinRequestsOff Code = "join_requests_off"
	// ErrAlreadyRequested: the person has asked already, and the request waits (rule I7).
	ErrAlreadyRequested Code = "already_requested"
	// ErrJoinRequestDecided: the request was approved, declined or canceled before.
	ErrJoinRequestDecided Code = "join_request_decided"

	// ErrPublicEmailDomain: anybody can get an address on this domain, so nobody may claim it, and no list of
	// allowed domains may have it (rules D2, O3).
	ErrPublicEmailDomain Code = "public_email_domain"
	// ErrDomainTaken: another organization has verified the domain (rule D3).
	ErrDomainTaken Code = "domain_taken"
	// ErrDomainNotVerified: the proof was not found, or the domain has none; Reason says which (rule D3).
	ErrDomainNotVerified Code = "domain_not_verified"
	// ErrWouldLockOut: after the change no owner could sign in any more (rule P3).
	ErrWouldLockOut Code = "would_lock_out"
	// ErrConnectionInUse: a policy requires the connection; change the policy first (rule P3).
	ErrConnectionInUse Code = "connection_in_use"

	// ErrSessionExpired: the session is too old, or was unused too long (rule S1).
	ErrSessionExpired Code = "session_expired"
	// ErrSessionEnded: the session was signed out or revoked, or its user, organization or membership lost
	// access (rule S2).
	ErrSessionEnded Code = "session_ended"
	// ErrSignInRequired: only a session of the same user may do this; sign in and try again (rule U5).
	ErrSignInRequired Code = "sign_in_required"
	// ErrSignInRefused: a policy demands another way to sign in there; sign in again (rule P3).
	ErrSignInRefused Code = "sign_in_refused"

	// ErrInvalidToken: the token is malformed, unknown or of another kind (rule G10); of a pending sign-in
	// also used or ended (rule P5).
	ErrInvalidToken Code = "invalid_token"
	// ErrTokenExpired: the token was valid once; its time is over.
	ErrTokenExpired Code = "token_expired"
	// ErrTokenUsed: the token was valid once, and has been used or replaced.
	ErrTokenUsed Code = "token_used"
	// ErrInvalidCursor: the cursor is malformed, or from another query (rule G6).
	ErrInvalidCursor Code = "invalid_cursor"
	// ErrEventsPruned: the cursor is below what Prune left (rule E1).
	ErrEventsPruned = store.ErrEventsPruned

	// ErrInTransaction: an outer Service was called with the context of a running transaction, or a method was
	// called that cannot run inside one.
	ErrInTransaction Code = "in_transaction"
	// ErrUnboundInRequest: the trusted Service was asked to write or list with the context of a request that a
	// guard let through; see [Guarded] (rule G13).
	ErrUnboundInRequest Code = "unbound_in_request"
	// ErrReadOnly: a write inside View, or a database that cannot be written.
	ErrReadOnly = store.ErrReadOnly
	// ErrCanceled: the context ended first; context.Canceled or DeadlineExceeded is wrapped.
	ErrCanceled = store.ErrCanceled
	// ErrBusy: another writer held the database too long. Nothing was written; try again.
	ErrBusy = store.ErrBusy
	// ErrClosed: the store, or the transaction, has ended.
	ErrClosed = store.ErrClosed
	// ErrStorageFull: there is no room on the disk. Nothing of the call was kept.
	ErrStorageFull = store.ErrStorageFull
	// ErrCorrupt: the database is damaged.
	ErrCorrupt = store.ErrCorrupt
	// ErrNotADatabase: the file is not a database.
	ErrNotADatabase = store.ErrNotADatabase
	// ErrSchema: the tables are missing, older or newer than this program's; the text says which.
	ErrSchema = store.ErrSchema
	// ErrInternal: none of the above; the cause is wrapped.
	ErrInternal = store.ErrInternal
)

// Error is the error that every method of this package returns (rule G7). Only Code is always set. Its text
// has no secrets, and nothing that a database driver says; Unwrap returns the driver's error.
type Error struct {
	// Code is what went wrong, to compare with.
	Code Code
	// Op is the operation, such as "create organization".
	Op string
	// Kind and Key name the thing: a kind such as "organization", and its id or another key.
	Kind, Key string
	// Field is the name of the wrong input, in snake case.
	Field string
	// Reason says what is wrong, for a person to read.
	Reason string
	// IDs names the things in the way, such as the organizations of ErrLastOwner.
	IDs []string
	// RetryAfter is how long to wait before the same call can succeed; 0 = unknown, or waiting does not help.
	// It is set for ErrRateLimited, and for ErrInvitationDeclined of an address.
	RetryAfter time.Duration
	// Counts is how many things are in the way, by kind.
	Counts map[string]int
	// Err is the cause.
	Err error
}

// Error returns one line, such as `deactivate membership "org_.../usr_...": last_owner`.
func (e *Error) Error() string {
	return (&store.Error{Code: e.Code, Kind: cmp.Or(e.Op, e.Kind), Key: e.Key, Field: e.Field, Reason: e.Reason}).Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is makes errors.Is(err, code) work.
func (e *Error) Is(target error) bool {
	code, ok := target.(Code)
	return ok && code == e.Code
}

// CodeOf returns the Code of err: "" for nil, [ErrCanceled] for an error of a context, and [ErrInternal] for any
// other error without a Code.
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

// rateLimited is the refusal of a call that came too often; wait is how long to wait.
func rateLimited(field string, wait time.Duration) *Error {
	return &Error{
		Code: ErrRateLimited, Field: field, RetryAfter: wait,
		Reason: "was done too often: try again in " + wait.Round(time.Second).String(),
	}
}

func notFound[T Entity](id ID[T]) *Error {
	return &Error{Code: ErrNotFound, Kind: kindName(id.Prefix()), Key: id.String()}
}

// explain adds to err the name of the operation and the key of its thing. It keeps what a deeper layer has set,
// because that is more exact. An error of the host's own code in Transact or OnJoin passes unchanged.
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

// kindName returns the name of a kind of thing, for errors, as its table has it.
func kindName(prefix string) string {
	for _, e := range entities {
		if e.table.Columns[0].Prefix == prefix {
			return e.table.Kind
		}
	}
	return prefix
}
