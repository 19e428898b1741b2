package tenancyhttp

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/freehold-dev/freehold/tenancy"
)

// Problem is an error in the form of RFC 9457, of the type about:blank, with the extension members code, field,
// ids and counts. It contains neither the cause nor the text of the error; log those.
type Problem struct {
	Title  string         `json:"title"`            // the status in words
	Status int            `json:"status"`           // the HTTP status
	Code   tenancy.Code   `json:"code"`             // what a client compares with
	Detail string         `json:"detail,omitempty"` // [tenancy.Error].Reason
	Field  string         `json:"field,omitempty"`  // the input that is wrong
	IDs    []string       `json:"ids,omitempty"`    // for last_owner: the organizations
	Counts map[string]int `json:"counts,omitempty"` // how many rows of each kind prevent the change
	// RetryAfter is the time to wait before the next try, in whole seconds; 0 = no need to wait.
	RetryAfter time.Duration `json:"-"`
}

// ProblemOf returns the Problem of an error, by its code:
//
//	400  invalid, invalid_token, invalid_cursor, unknown_role, unknown_permission, no_organization,
//	     two_carriers, public_email_domain
//	401  unauthenticated, session_expired, session_ended
//	403  forbidden, email_not_verified, email_managed, join_refused, sign_in_refused, sign_in_required,
//	     sign_in_wanted, step_up_needed,
//	     organization_closed, email_domain_not_allowed, invitation_for_other_email
//	404  not_found, merged
//	405  method_not_allowed
//	409  already_exists, conflict, too_large, referenced, last_owner, already_member,
//	     already_member_elsewhere, pending_membership, membership_inactive, seat_limit, role_in_use,
//	     connection_in_use, would_lock_out, identity_conflict, already_invited, already_requested, join_request_decided, domain_taken,
//	     domain_not_verified, invitation_declined (with RetryAfter, where it is of an address)
//	410  token_expired, token_used, events_pruned, invitation_accepted, invitation_revoked,
//	     invitation_expired, invitation_void, join_code_revoked, join_code_expired, join_code_spent
//	413  body_too_large
//	429  rate_limited (with RetryAfter, where it is known)
//	502  mail_failed
//	503  busy, canceled (both with RetryAfter), closed, read_only, storage_full
//	500  everything else
//
// A 404 says only that. From 500 on, the Problem contains only the code. A nil error is a 500, too.
func ProblemOf(err error) Problem {
	code := tenancy.CodeOf(err)
	if code == tenancy.ErrMerged {
		code = tenancy.ErrNotFound // a merge must not reveal into which user
	}
	status := statuses[code]
	if status == 0 {
		status, code = http.StatusInternalServerError, tenancy.ErrInternal
	}
	p := Problem{Title: http.StatusText(status), Status: status, Code: code}
	if code == tenancy.ErrBusy || code == tenancy.ErrCanceled {
		p.RetryAfter = time.Second
	}
	var e *tenancy.Error
	if status == http.StatusNotFound || status >= http.StatusInternalServerError || !errors.As(err, &e) {
		return p
	}
	p.RetryAfter = (e.RetryAfter + time.Second - 1).Truncate(time.Second)
	p.Detail, p.Field, p.Counts = e.Reason, e.Field, maps.Clone(e.Counts)
	if code == tenancy.ErrLastOwner {
		p.IDs = slices.Clone(e.IDs)
	}
	return p
}

// WriteError answers with the [Problem] of err as application/problem+json, and with the headers that its
// status needs. Call it before you write anything else.
func WriteError(w http.ResponseWriter, err error) {
	p := ProblemOf(err)
	body, failed := json.Marshal(p)
	if failed != nil { // cannot happen: every field of a Problem can be encoded
		body = nil
	}
	h := w.Header()
	for _, about := range []string{"Content-Encoding", "Content-Range", "Etag", "Last-Modified"} {
		h.Del(about) // headers that the handler set for the body that it does not send
	}
	h.Set("Content-Type", "application/problem+json")
	h.Set("Content-Length", strconv.Itoa(len(body)+1))
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	if p.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int(p.RetryAfter/time.Second)))
	}
	if p.Status == http.StatusUnauthorized && h.Get("WWW-Authenticate") == "" {
		h.Set("WWW-Authenticate", "Bearer") // RFC 9110 demands that a 401 names a scheme
	}
	w.WriteHeader(p.Status)
	_, _ = w.Write(append(body, '\n'))
}
