package tenancy

import (
	"context"
	"iter"

	"github.com/freehold-dev/freehold/store/typed"
)

// Applicant is a join request with the name and address of the user who asks. It is for the people who decide.
type Applicant struct {
	JoinRequest
	Name  string `json:"name,omitempty"`  // the user's
	Email string `json:"email,omitempty"` // the user's
	// EmailASCII is Email with the domain in ASCII (A-labels), where the domain is not ASCII: such a domain may
	// look like another one (rule G5). Otherwise it is "".
	EmailASCII string `json:"email_ascii,omitempty"`
}

// JoinRequestQuery selects join requests for List.
type JoinRequestQuery struct {
	States     []JoinRequestState // nil = pending only
	Descending bool               // in reverse order
	Limit      int                // default 50, at most 1000
	Cursor     string             // Next of the previous page
}

func (q JoinRequestQuery) filter() (f joinRequestFilter, err error) {
	f.State = typed.Of(JoinRequestPending)
	if q.States == nil {
		return f, nil
	}
	for _, state := range q.States {
		if !state.known() {
			return f, invalid("states", "has one that is none")
		}
	}
	f.State, err = someOf("states", q.States)
	return f, err
}

// Get returns a join request. On a bound Service, members who may read the organization's join requests can
// call it, and the user who filed this one.
//
// Errors: [ErrNotFound].
func (g JoinRequests) Get(ctx context.Context, id JoinRequestID) (Applicant, error) {
	found, err := read(ctx, g.s, joinRequestsGet, id.String(), func(ctx context.Context, c *call) ([]Applicant, error) {
		req, err := c.joining().authorizedRequest(ctx, id)
		if err != nil {
			return nil, err
		}
		return c.joining().applicants(ctx, []JoinRequest{req})
	})
	if err != nil {
		return Applicant{}, err
	}
	return found[0], nil
}

// List returns a page of an organization's join requests, each with the name and address of the applicant, in a
// constant number of queries.
//
// Errors: [ErrInvalid], [ErrInvalidCursor]; [ErrNotFound] for the organization.
func (g JoinRequests) List(ctx context.Context, organization OrganizationID, q JoinRequestQuery) (Page[Applicant], error) {
	return read(ctx, g.s, joinRequestsList, organization.String(), func(ctx context.Context, c *call) (Page[Applicant], error) {
		if err := c.access().authorize(ctx, scope{organization: organization}); err != nil {
			return Page[Applicant]{}, err
		}
		if _, err := c.tx.Organizations().Get(ctx, organization); err != nil {
			return Page[Applicant]{}, err
		}
		filter, err := q.filter()
		if err != nil {
			return Page[Applicant]{}, err
		}
		filter.OrganizationID = typed.Of(organization)
		rows, err := listPage(ctx, c.tx.JoinRequests(), filter, paging{ByID, q.Descending, q.Limit, q.Cursor},
			keyByID, "join requests", organization, q.States)
		if err != nil {
			return Page[Applicant]{}, err
		}
		people, err := c.joining().applicants(ctx, rows.Items)
		return Page[Applicant]{Items: people, Next: rows.Next}, err
	})
}

// All walks the join requests that List returns, page by page.
func (g JoinRequests) All(ctx context.Context, organization OrganizationID, q JoinRequestQuery) iter.Seq2[Applicant, error] {
	return pages(func(cursor string) (Page[Applicant], error) {
		q := q
		q.Cursor = cursor
		return g.List(ctx, organization, q)
	}, q.Cursor)
}

// applicants adds the applicants to join requests, in one query.
func (jn joinRules) applicants(ctx context.Context, rows []JoinRequest) ([]Applicant, error) {
	if len(rows) == 0 {
		return nil, nil
	}
	ids := make([]UserID, len(rows))
	for i, req := range rows {
		ids[i] = req.UserID
	}
	users, err := jn.c.tx.Users().List(ctx, userFilter{ID: typed.Of(ids...)}, listSpan{Limit: len(ids)})
	if err != nil {
		return nil, err
	}
	people := make(map[UserID]User, len(users))
	for _, user := range users {
		people[user.ID] = user
	}
	list := make([]Applicant, len(rows))
	for i, req := range rows {
		user := people[req.UserID]
		list[i] = Applicant{JoinRequest: req, Name: user.Name(), Email: user.Email, EmailASCII: asciiEmail(user.Email, user.EmailKey)}
	}
	return list, nil
}
