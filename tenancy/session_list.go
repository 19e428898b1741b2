package tenancy

import (
	"cmp"
	"context"
	"iter"
	"math"
	"slices"

	"github.com/freehold-dev/freehold/domains"
	"github.com/freehold-dev/freehold/store/typed"
)

// SessionQuery selects sessions for [Sessions.List] and [Sessions.ListByUser]: the live ones, oldest first. A
// page may have fewer sessions than Limit without being the last, because sessions that are not live any more
// are left out of it.
type SessionQuery struct {
	Ended      bool   // also sessions that ended or expired, as long as they are kept
	Descending bool   // in reverse order
	Limit      int    // default 50, at most 1000
	Cursor     string // Next of the previous page
}

func (q SessionQuery) filter() (f sessionFilter) {
	if !q.Ended {
		f.Ended = typed.Of(false)
	}
	return f
}

func (q SessionQuery) paging() paging { return paging{ByID, q.Descending, q.Limit, q.Cursor} }

// Get returns a session, live or not.
//
// Errors: [ErrNotFound].
func (g Sessions) Get(ctx context.Context, id SessionID) (Session, error) {
	return read(ctx, g.s, sessionsGet, id.String(), func(ctx context.Context, c *call) (Session, error) {
		s, err := c.sessions().get(ctx, id)
		if err != nil {
			return Session{}, err
		}
		result, err := c.sessions().asSeen(ctx, []Session{s})
		if err != nil {
			return Session{}, err
		}
		return result[0], nil
	})
}

// List returns a page of the sessions in an organization.
//
// Errors: [ErrInvalid], [ErrInvalidCursor]; [ErrNotFound] for the organization.
func (g Sessions) List(ctx context.Context, organization OrganizationID, q SessionQuery) (Page[Session], error) {
	return read(ctx, g.s, sessionsList, organization.String(), func(ctx context.Context, c *call) (Page[Session], error) {
		if err := c.access().authorize(ctx, scope{organization: organization}); err != nil {
			return Page[Session]{}, err
		}
		if _, err := c.tx.Organizations().Get(ctx, organization); err != nil {
			return Page[Session]{}, err
		}
		filter := q.filter()
		filter.OrganizationID = typed.Of(organization)
		return c.sessions().page(ctx, filter, q, "sessions", organization, q.Ended)
	})
}

// All walks the sessions that List returns, page by page.
func (g Sessions) All(ctx context.Context, organization OrganizationID, q SessionQuery) iter.Seq2[Session, error] {
	return pages(func(cursor string) (Page[Session], error) {
		q := q
		q.Cursor = cursor
		return g.List(ctx, organization, q)
	}, q.Cursor)
}

// ListByUser returns a page of a user's sessions in all organizations.
//
// Errors: [ErrInvalid], [ErrInvalidCursor]; [ErrNotFound], [ErrMerged].
func (g Sessions) ListByUser(ctx context.Context, user UserID, q SessionQuery) (Page[Session], error) {
	return read(ctx, g.s, sessionsListByUser, user.String(), func(ctx context.Context, c *call) (Page[Session], error) {
		if err := c.access().authorize(ctx, scope{user: user}); err != nil {
			return Page[Session]{}, err
		}
		if _, err := c.users().get(ctx, user); err != nil {
			return Page[Session]{}, err
		}
		filter := q.filter()
		filter.UserID = typed.Of(user)
		return c.sessions().page(ctx, filter, q, "sessions of", user, q.Ended)
	})
}

// AllByUser walks the sessions that ListByUser returns, page by page.
func (g Sessions) AllByUser(ctx context.Context, user UserID, q SessionQuery) iter.Seq2[Session, error] {
	return pages(func(cursor string) (Page[Session], error) {
		q := q
		q.Cursor = cursor
		return g.ListByUser(ctx, user, q)
	}, q.Cursor)
}

func (ss sessionRules) page(ctx context.Context, filter sessionFilter, q SessionQuery, query ...any) (Page[Session], error) {
	page, err := listPage(ctx, ss.c.tx.Sessions(), filter, q.paging(), keyByID, query...)
	if err != nil {
		return Page[Session]{}, err
	}
	result, err := ss.asSeen(ctx, page.Items)
	if err != nil {
		return Page[Session]{}, err
	}
	page.Items = result[:0]
	for _, s := range result {
		if q.Ended || s.EndedAt.IsZero() && ss.c.now.Before(s.ExpiresAt) {
			page.Items = append(page.Items, s)
		}
	}
	return page, nil
}

// asSeen returns sessions in the form that the caller may see. A session that ended with all others of its
// organization or connection has EndedAt set, and ExpiresAt is not later than the organization's limits allow.
// Fields that only the session's user may see are cleared for others. It makes two queries, and two more where
// a session is in another organization than its connection's.
func (ss sessionRules) asSeen(ctx context.Context, rows []Session) ([]Session, error) {
	through, err := ss.connectionsThrough(ctx, rows)
	if err != nil {
		return nil, err
	}
	orgs, err := ss.organizationsOf(ctx, rows, through)
	if err != nil {
		return nil, err
	}
	unspoken, err := ss.unspoken(ctx, rows, through)
	if err != nil {
		return nil, err
	}
	for i := range rows {
		s := &rows[i]
		if s.EndedAt.IsZero() {
			ss.markEnded(s, orgs, through)
		}
		if s.EndedAt.IsZero() && unspoken[s.ID] {
			s.EndReason, s.EndedAt, s.ExpiresAt = EndedConnection, ss.c.now, ss.c.now
		}
		if p := ss.c.service.principal; p != nil && p.user != s.UserID {
			s.ClientID = SessionID{} // this may be the id of an entry in another organization
			s.withhold(through[s.ConnectionID].OrganizationID)
		}
	}
	return rows, nil
}

// unspoken returns the live sessions outside their connection's organization whose connection cannot verify the
// user's address any more: see stillVouched.
func (ss sessionRules) unspoken(ctx context.Context, rows []Session, through map[ConnectionID]Connection) (map[SessionID]bool, error) {
	away := slices.DeleteFunc(slices.Clone(rows), func(s Session) bool {
		home := through[s.ConnectionID].OrganizationID
		return home.IsZero() || home == s.OrganizationID || !s.EndedAt.IsZero()
	})
	if len(away) == 0 {
		return nil, nil
	}
	ids := distinct(away, func(s Session) UserID { return s.UserID })
	found, err := ss.c.tx.Users().List(ctx, userFilter{ID: ids}, listSpan{Limit: len(away)})
	if err != nil {
		return nil, err
	}
	above := make(map[UserID][]string, len(found))
	var names []string
	for _, user := range found {
		above[user.ID] = domains.Parents(emailDomain(user.EmailKey))
		names = append(names, above[user.ID]...)
	}
	slices.Sort(names)
	var holders map[string]Domain
	if names = slices.Compact(names); len(names) > 0 {
		holders, err = ss.c.domains().holders(ctx, names...)
	}
	unspoken := map[SessionID]bool{}
	for _, s := range away {
		held, ok := longestMatch(holders, above[s.UserID])
		unspoken[s.ID] = !ok || held.OrganizationID != through[s.ConnectionID].OrganizationID
	}
	return unspoken, err
}

// markEnded sets EndedAt of a live session that its organization or connection has ended (rules S2, P9).
func (ss sessionRules) markEnded(s *Session, orgs map[OrganizationID]*Organization, through map[ConnectionID]Connection) {
	org, c := orgs[s.OrganizationID], through[s.ConnectionID]
	home := orgs[c.OrganizationID]
	switch {
	case !s.OrganizationID.IsZero() && (org == nil || org.ended(*s)):
		s.EndReason, s.EndedAt = EndedOrganization, ss.c.now
		if org != nil {
			s.EndedAt = org.SessionsEndedAt
		}
	case !s.ConnectionID.IsZero() && !c.upholds(*s):
		s.EndReason, s.EndedAt = EndedConnection, cmp.Or(c.UpdatedAt, ss.c.now)
	case home != nil && home.ended(*s):
		s.EndReason, s.EndedAt = EndedConnection, home.SessionsEndedAt
	default:
		s.ExpiresAt = ss.c.instance.config.runsOut(*s, org)
		return
	}
	s.ExpiresAt = s.EndedAt
}

// withhold clears what a session's organization may not know: another organization's connection, and the
// identity that the user came by. home is the connection's organization (rule P11).
func (s *Session) withhold(home OrganizationID) {
	if home.IsZero() || home != s.OrganizationID {
		s.ConnectionID, s.ConnectionEpoch, s.IdentityID = ConnectionID{}, 0, IdentityID{}
	}
}

func (ss sessionRules) connectionsThrough(ctx context.Context, rows []Session) (map[ConnectionID]Connection, error) {
	var ids []ConnectionID
	for _, s := range rows {
		if !s.ConnectionID.IsZero() && !slices.Contains(ids, s.ConnectionID) {
			ids = append(ids, s.ConnectionID)
		}
	}
	through := make(map[ConnectionID]Connection, len(ids))
	if len(ids) == 0 {
		return through, nil
	}
	found, err := ss.c.tx.Connections().List(ctx, connectionFilter{ID: typed.Of(ids...)}, listSpan{Limit: len(ids)})
	for _, c := range found {
		through[c.ID] = c
	}
	return through, err
}

// organizationsOf reads the organizations of sessions, and those of the connections that the sessions came
// through.
func (ss sessionRules) organizationsOf(ctx context.Context, rows []Session, through map[ConnectionID]Connection) (map[OrganizationID]*Organization, error) {
	orgs := map[OrganizationID]*Organization{}
	var ids []OrganizationID
	for _, s := range rows {
		for _, id := range []OrganizationID{s.OrganizationID, through[s.ConnectionID].OrganizationID} {
			if _, known := orgs[id]; !known && !id.IsZero() {
				orgs[id] = nil
				ids = append(ids, id)
			}
		}
	}
	if len(ids) == 0 {
		return orgs, nil
	}
	found, err := ss.c.tx.Organizations().List(ctx, organizationFilter{ID: typed.Of(ids...)}, listSpan{Limit: math.MaxInt32})
	for i := range found {
		orgs[found[i].ID] = &found[i]
	}
	return orgs, err
}
