package tenancy

import (
	"cmp"
	"errors"
	"time"

	"github.com/freehold-dev/freehold/store"
)

// Code says what went wrong. Compare it with errors.Is(err, tenancy.ErrNotFound).
// The list of codes is closed. Their texts are stable, and you may show them to a client.
type Code = store.Code

// The codes, each with its meaning. Any method may return [ErrInvalid], [ErrCanceled],
// [ErrBusy], [ErrClosed] and the codes of the store; on a bound Service also
// [ErrForbidden] and [ErrNotFound]. A method's documentation names its other codes.
const (
	// ErrInvalid: an input breaks a rule; Field names the input. Nothing was written.
	ErrInvalid = store.ErrInvalid
	// ErrNotFound: the thing does not exist, or the caller may not know that it exists (rule G7).
	ErrNotFound = store.ErrNotFound
	// ErrAlreadyExists: another row has this value of a unique key; Field names the key.
	ErrAlreadyExists = store.ErrAlreadyExists
	// ErrConflict: the update names another Version than the stored one (rule G11).
	ErrConflict = store.ErrConflict
	// ErrTooLarge: the call would change more rows than one transaction may change; see Config.DeleteLimit.
	ErrTooLarge Code = "too_large"
	// ErrReferenced: a row in one of your program's own tables refers to a row that the call would delete.
	ErrReferenced = store.ErrReferenced
	// ErrForbidden: the actor does not have the permission; or an actor gave an input that only the host may give, and
	// Field names the input (rules A1, A4).
	ErrForbidden Code = "forbidden"

	// ErrMerged: the user was merged into another user; IDs has the id of that user (rule U6).
	ErrMerged Code = "merged"
	// ErrEmailNotVerified: the address is not verified, and the call needs a verified address (rule U4).
	ErrEmailNotVerified Code = "email_not_verified"
	// ErrEmailManaged: the address is on a domain whose organization binds its people to a sign-in policy, so the
	// person cannot change it (rule U9).
	ErrEmailManaged Code = "email_managed"
	// ErrIdentityConflict: the user has another identity at the same provider already (rule U4).
	ErrIdentityConflict Code = "identity_conflict"
	// ErrLastOwner: the organizations in IDs would be left without an owner (rule M7).
	ErrLastOwner Code = "last_owner"
	// ErrAlreadyMember: the person is an active member already (rule M3).
	ErrAlreadyMember Code = "already_member"
	// ErrAlreadyMemberElsewhere: Config.SingleOrganization allows no second active membership (rule M13).
	ErrAlreadyMemberElsewhere Code = "already_member_elsewhere"
	// ErrPendingMembership: the membership is pending: the person has not accepted the invitation yet (rules M2, M4,
	// M5).
	ErrPendingMembership Code = "pending_membership"
	// ErrUserSuspended: the host has suspended the user; only the host can add a suspended user to an organization
	// (rule M9).
	ErrUserSuspended Code = "user_suspended"
	// ErrMembershipInactive: the membership is inactive, or another account with an address of the same person has an
	// inactive membership there (rules M5, M8).
	ErrMembershipInactive Code = "membership_inactive"
	// ErrMembershipRemoved: the person was removed from the organization, or left it; somebody in the organization
	// must let the person in again (rules M5, M6).
	ErrMembershipRemoved Code = "membership_removed"
	// ErrSeatLimit: every seat of the organization is used (rule M9).
	ErrSeatLimit Code = "seat_limit"
	// ErrJoinRefused: Config.OnJoin returned an error, which is wrapped (rule M11).
	ErrJoinRefused Code = "join_refused"
	// ErrUnknownRole: the organization has no such role.
	ErrUnknownRole Code = "unknown_role"
	// ErrUnknownPermission: the permission was not declared, so it can be neither granted nor checked (rule R1).
	ErrUnknownPermission Code = "unknown_permission"
	// ErrRoleInUse: the role is in use; Counts says how often and by what. To delete the role, name a replacement
	// (rule R5).
	ErrRoleInUse Code = "role_in_use"

	// ErrAlreadyInvited: the organization has a pending invitation to that address already (rule I1).
	ErrAlreadyInvited Code = "already_invited"
	// ErrInvitationAccepted: the invitation was accepted already (rule I4).
	ErrInvitationAccepted Code = "invitation_accepted"
	// ErrInvitationRevoked: the invitation was revoked (rule I5).
	ErrInvitationRevoked Code = "invitation_revoked"
	// ErrInvitationDeclined: the invitation was declined; or the organization invites an address that declined an
	// invitation of the same organization in the last 30 days, and RetryAfter says how long to wait (rule I9).
	ErrInvitationDeclined Code = "invitation_declined"
	// ErrInvitationExpired: the invitation has expired (rule I3).
	ErrInvitationExpired Code = "invitation_expired"
	// ErrInvitationForOtherEmail: the invitation is for the address of another person (rule I4).
	ErrInvitationForOtherEmail Code = "invitation_for_other_email"
	// ErrInvitationVoid: the inviter may no longer give the roles of the invitation (rule I4), or the organization
	// that the invitation founds can no longer be created (rule I13).
	ErrInvitationVoid Code = "invitation_void"
	// ErrEmailDomainNotAllowed: the settings of the organization do not allow addresses of that domain (rule M14).
	ErrEmailDomainNotAllowed Code = "email_domain_not_allowed"
	// ErrOrganizationClosed: the organization is suspended or archived, so nobody can become a member, except through
	// the host (rule M14).
	ErrOrganizationClosed Code = "organization_closed"
	// ErrRateLimited: the caller did this too often in a short time; RetryAfter says how long to wait (rules I12, D3).
	ErrRateLimited Code = "rate_limited"
	// ErrMailFailed: the change is committed, but Config.Mailer failed to send the mail; the error of the Mailer is
	// wrapped (rule I2).
	ErrMailFailed Code = "mail_failed"
	// ErrJoinCodeRevoked: the join code was revoked, or its creator may no longer create such a code (rule I7).
	ErrJoinCodeRevoked Code = "join_code_revoked"
	// ErrJoinCodeExpired: the join code has expired.
	ErrJoinCodeExpired Code = "join_code_expired"
	// ErrJoinCodeSpent: the join code has reached its number of uses.
	ErrJoinCodeSpent Code = "join_code_spent"
	// ErrJoinRequestsOff: the organization does not accept requests to join (rule I7).
	ErrJoinRequestsOff Code = "join_requests_off"
	// ErrAlreadyRequested: the person has a pending request already (rule I7).
	ErrAlreadyRequested Code = "already_requested"
	// ErrJoinRequestDecided: the request was approved, declined or canceled already.
	ErrJoinRequestDecided Code = "join_request_decided"

	// ErrPublicEmailDomain: anybody can have an address on this domain, so no organization can claim it, and it cannot
	// be on a list of allowed domains (rules D2, O3).
	ErrPublicEmailDomain Code = "public_email_domain"
	// ErrDomainTaken: another organization has verified the domain (rule D3).
	ErrDomainTaken Code = "domain_taken"
	// ErrDomainNotVerified: the proof of the domain was not found, or the domain is not verified; Reason says which
	// (rule D3).
	ErrDomainNotVerified Code = "domain_not_verified"
	// ErrWouldLockOut: after the change no owner could sign in any more (rule P3).
	ErrWouldLockOut Code = "would_lock_out"
	// ErrConnectionInUse: a policy requires the connection; change the policy first (rule P3).
	ErrConnectionInUse Code = "connection_in_use"

	// ErrSessionExpired: the session is too old, or was not used for too long (rule S1).
	ErrSessionExpired Code = "session_expired"
	// ErrSessionEnded: the person signed out, the session was revoked, or it ended with its user, organization or
	// membership (rule S2).
	ErrSessionEnded Code = "session_ended"
	// ErrSignInRequired: only a session of the same user may do this; let the user sign in, and try again (rule U5).
	ErrSignInRequired Code = "sign_in_required"
	// ErrSignInRefused: a policy of the organization does not accept the sign-in of this session; the person must sign
	// in again in another way (rule P3).
	ErrSignInRefused Code = "sign_in_refused"

	// ErrInvalidToken: the token is malformed, unknown, or a token of another kind (rule G10). A token of a pending
	// sign-in is also invalid after its use or its end (rule P5).
	ErrInvalidToken Code = "invalid_token"
	// ErrTokenExpired: the token was valid and has expired.
	ErrTokenExpired Code = "token_expired"
	// ErrTokenUsed: the token was valid and has been used or replaced.
	ErrTokenUsed Code = "token_used"
	// ErrInvalidCursor: the cursor is malformed, or belongs to another query (rule G6).
	ErrInvalidCursor Code = "invalid_cursor"
	// ErrEventsPruned: Prune has deleted events after the position of the query, or the event in AfterEvent does not
	// exist in the organization (rule E1).
	ErrEventsPruned = store.ErrEventsPruned

	// ErrInTransaction: a Service from outside a running transaction was called with the context of that transaction,
	// or a method that must not run in a transaction was called in one.
	ErrInTransaction Code = "in_transaction"
	// ErrUnboundInRequest: the trusted Service was asked to write or list with the context of a request behind a
	// guard; see [Guarded] (rule G13).
	ErrUnboundInRequest Code = "unbound_in_request"
	// ErrReadOnly: the call writes inside View, or the database cannot be written.
	ErrReadOnly = store.ErrReadOnly
	// ErrCanceled: the context ended before the call was done; context.Canceled or DeadlineExceeded is wrapped.
	ErrCanceled = store.ErrCanceled
	// ErrBusy: another writer held the database for too long. Nothing was written; try again.
	ErrBusy = store.ErrBusy
	// ErrClosed: the store was closed, or the transaction has ended.
	ErrClosed = store.ErrClosed
	// ErrStorageFull: the disk is full. The call changed nothing.
	ErrStorageFull = store.ErrStorageFull
	// ErrCorrupt: the database is damaged.
	ErrCorrupt = store.ErrCorrupt
	// ErrNotADatabase: the file is not a database.
	ErrNotADatabase = store.ErrNotADatabase
	// ErrSchema: the tables are missing, or they are older or newer than this program expects; the text says which.
	ErrSchema = store.ErrSchema
	// ErrInternal: none of the other codes fits; the cause is wrapped.
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
