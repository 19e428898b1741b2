package tenancyhttp

import (
	"net/http"

	"github.com/freehold-dev/freehold/tenancy"
)

// These codes are in addition to those of package tenancy.
const (
	// ErrUnauthenticated: nobody is signed in, or the user who was signed in was deleted.
	ErrUnauthenticated tenancy.Code = "unauthenticated"
	// ErrNoOrganization: the request selects no organization.
	ErrNoOrganization tenancy.Code = "no_organization"
	// ErrTwoCarriers: the request carries a session cookie and a Bearer token, or two Authorization headers (rule S6).
	ErrTwoCarriers tenancy.Code = "two_carriers"
	// ErrSignInWanted: the organization requires another sign-in than the session has; Reason is the
	// [tenancy.DecisionKind] (rule S1).
	ErrSignInWanted tenancy.Code = "sign_in_wanted"
	// ErrMethodNotAllowed: a handler of this package does not accept this HTTP method.
	ErrMethodNotAllowed tenancy.Code = "method_not_allowed"
	// ErrBodyTooLarge: the body of the request is larger than 64 KiB.
	ErrBodyTooLarge tenancy.Code = "body_too_large"
	// ErrStepUp: the person must sign in again, because the last sign-in is too long ago (rule S4).
	ErrStepUp tenancy.Code = "step_up_needed"
)

// statuses maps each code to its HTTP status. Nothing changes it after the program has started.
var statuses = map[tenancy.Code]int{
	ErrUnauthenticated: http.StatusUnauthorized,
	ErrNoOrganization:  http.StatusBadRequest,
	ErrTwoCarriers:     http.StatusBadRequest,
	ErrSignInWanted:    http.StatusForbidden,
	ErrStepUp:          http.StatusForbidden,

	ErrMethodNotAllowed: http.StatusMethodNotAllowed,
	ErrBodyTooLarge:     http.StatusRequestEntityTooLarge,

	tenancy.ErrInvalid:           http.StatusBadRequest,
	tenancy.ErrInvalidToken:      http.StatusBadRequest,
	tenancy.ErrInvalidCursor:     http.StatusBadRequest,
	tenancy.ErrUnknownRole:       http.StatusBadRequest,
	tenancy.ErrUnknownPermission: http.StatusBadRequest,
	tenancy.ErrPublicEmailDomain: http.StatusBadRequest,

	tenancy.ErrSessionExpired: http.StatusUnauthorized,
	tenancy.ErrSessionEnded:   http.StatusUnauthorized,

	tenancy.ErrForbidden:               http.StatusForbidden,
	tenancy.ErrEmailNotVerified:        http.StatusForbidden,
	tenancy.ErrJoinRefused:             http.StatusForbidden,
	tenancy.ErrSignInRefused:           http.StatusForbidden,
	tenancy.ErrSignInRequired:          http.StatusForbidden,
	tenancy.ErrEmailManaged:            http.StatusForbidden,
	tenancy.ErrOrganizationClosed:      http.StatusForbidden,
	tenancy.ErrEmailDomainNotAllowed:   http.StatusForbidden,
	tenancy.ErrInvitationForOtherEmail: http.StatusForbidden,

	tenancy.ErrNotFound: http.StatusNotFound,
	tenancy.ErrMerged:   http.StatusNotFound,

	tenancy.ErrAlreadyExists:          http.StatusConflict,
	tenancy.ErrConflict:               http.StatusConflict,
	tenancy.ErrTooLarge:               http.StatusConflict,
	tenancy.ErrReferenced:             http.StatusConflict,
	tenancy.ErrLastOwner:              http.StatusConflict,
	tenancy.ErrAlreadyMember:          http.StatusConflict,
	tenancy.ErrAlreadyMemberElsewhere: http.StatusConflict,
	tenancy.ErrPendingMembership:      http.StatusConflict,
	tenancy.ErrMembershipInactive:     http.StatusConflict,
	tenancy.ErrMembershipRemoved:      http.StatusConflict,
	tenancy.ErrUserSuspended:          http.StatusForbidden,
	tenancy.ErrSeatLimit:              http.StatusConflict,
	tenancy.ErrRoleInUse:              http.StatusConflict,
	tenancy.ErrConnectionInUse:        http.StatusConflict,
	tenancy.ErrWouldLockOut:           http.StatusConflict,
	tenancy.ErrIdentityConflict:       http.StatusConflict,
	tenancy.ErrAlreadyInvited:         http.StatusConflict,
	tenancy.ErrInvitationDeclined:     http.StatusConflict,
	tenancy.ErrAlreadyRequested:       http.StatusConflict,
	tenancy.ErrJoinRequestsOff:        http.StatusConflict,
	tenancy.ErrJoinRequestDecided:     http.StatusConflict,
	tenancy.ErrDomainTaken:            http.StatusConflict,
	tenancy.ErrDomainNotVerified:      http.StatusConflict,

	tenancy.ErrTokenExpired:       http.StatusGone,
	tenancy.ErrTokenUsed:          http.StatusGone,
	tenancy.ErrEventsPruned:       http.StatusGone,
	tenancy.ErrInvitationAccepted: http.StatusGone,
	tenancy.ErrInvitationRevoked:  http.StatusGone,
	tenancy.ErrInvitationExpired:  http.StatusGone,
	tenancy.ErrInvitationVoid:     http.StatusGone,
	tenancy.ErrJoinCodeRevoked:    http.StatusGone,
	tenancy.ErrJoinCodeExpired:    http.StatusGone,
	tenancy.ErrJoinCodeSpent:      http.StatusGone,

	tenancy.ErrRateLimited: http.StatusTooManyRequests,

	tenancy.ErrMailFailed: http.StatusBadGateway,

	tenancy.ErrBusy:        http.StatusServiceUnavailable,
	tenancy.ErrCanceled:    http.StatusServiceUnavailable,
	tenancy.ErrClosed:      http.StatusServiceUnavailable,
	tenancy.ErrReadOnly:    http.StatusServiceUnavailable,
	tenancy.ErrStorageFull: http.StatusServiceUnavailable,

	tenancy.ErrUnboundInRequest: http.StatusInternalServerError,
	tenancy.ErrInTransaction:    http.StatusInternalServerError,
	tenancy.ErrCorrupt:          http.StatusInternalServerError,
	tenancy.ErrNotADatabase:     http.StatusInternalServerError,
	tenancy.ErrSchema:           http.StatusInternalServerError,
	tenancy.ErrInternal:         http.StatusInternalServerError,
}
