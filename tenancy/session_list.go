package tenancy

import (
	"cmp"
	"context"
	"iter"
	"math"
	"slices"

	"github.com/freehold-dev/freehold/domains"
)

// SessionQuery selects sessions for List and ListByUser: the live ones, oldest first.
// A page may hold fewer than Limit, and not be the last, where some are not live any
// more.
type SessionQuery struct {
	Ended      bool // also those that ended or ran out, as long as they are kept
	Descending bool
	Limit      int    // default 50, at most 1000
	Cursor     string // Next of the page before
}

func (q SessionQuery) filter() (f SessionFilter) {
	if !q.Ended {
		f.Ended = Of(false)
	}
	return f
}

func (q SessionQuery) paging() paging { return paging{ByID, q.Descending, q.Limit, q.Cursor} }

// Get gives a session, live or not, or [ErrNotFound].
func (g Sessions) Get(ctx context.Context, id SessionID) (Session, error) {
	return read(ctx, g.s, sessionsGet, id.String(), func(ctx context.Context, w *work) (Session, error) {
		s, err := w.session(ctx, id)
		if err != nil {
			return Session{}, err
		}
		told, err := w.told(ctx, []Session{s})
		if err != nil {
			return Session{}, err
		}
		return told[0], nil
	})
}

// List gives a page of the sessions that are in an organization.
//
// Errors: [ErrInvalid], [ErrInvalidCursor]; [ErrNotFound] for the organization.
func (g Sessions) List(ctx context.Context, organization OrganizationID, q SessionQuery) (Page[Session], error) {
	return read(ctx, g.s, sessionsList, organization.String(), func(ctx context.Context, w *work) (Page[Session], error) {
		if err := w.authorize(ctx, scope{organization: organization}); err != nil {
			return Page[Session]{}, err
		}
		if _, err := w.Organizations().Get(ctx, organization); err != nil {
			return Page[Session]{}, err
		}
		filter := q.filter()
		filter.OrganizationID = Of(organization)
		return w.sessions(ctx, filter, q, "sessions", organization, q.Ended)
	})
}

// All walks the sessions that List would give, page by page.
func (g Sessions) All(ctx context.Context, organization OrganizationID, q SessionQuery) iter.Seq2[Session, error] {
	return pages(func(cursor string) (Page[Session], error) {
		q := q
		q.Cursor = cursor
		return g.List(ctx, organization, q)
	}, q.Cursor)
}

// ListByUser gives a page of a user's sessions, wherever they are.
//
// Errors: [ErrInvalid], [ErrInvalidCursor]; [ErrNotFound], [ErrMerged].
func (g Sessions) ListByUser(ctx context.Context, user UserID, q SessionQuery) (Page[Session], error) {
	return read(ctx, g.s, sessionsListByUser, user.String(), func(ctx context.Context, w *work) (Page[Session], error) {
		if err := w.authorize(ctx, scope{user: user}); err != nil {
			return Page[Session]{}, err
		}
		if _, err := w.user(ctx, user); err != nil {
			return Page[Session]{}, err
		}
		filter := q.filter()
		filter.UserID = Of(user)
		return w.sessions(ctx, filter, q, "sessions of", user, q.Ended)
	})
}

// AllByUser walks the sessions that ListByUser would give, page by page.
func (g Sessions) AllByUser(ctx context.Context, user UserID, q SessionQuery) iter.Seq2[Session, error] {
	return pages(func(cursor string) (Page[Session], error) {
		q := q
		q.Cursor = cursor
		return g.ListByUser(ctx, user, q)
	}, q.Cursor)
}

func (w *work) sessions(ctx context.Context, filter SessionFilter, q SessionQuery, query ...any) (Page[Session], error) {
	page, err := list(ctx, w.Sessions(), filter, q.paging(), keyByID, query...)
	if err != nil {
		return Page[Session]{}, err
	}
	told, err := w.told(ctx, page.Items)
	if err != nil {
		return Page[Session]{}, err
	}
	page.Items = told[:0]
	for _, s := range told {
		if q.Ended || s.EndedAt.IsZero() && w.now.Before(s.ExpiresAt) {
			page.Items = append(page.Items, s)
		}
	}
	return page, nil
}

// told gives sessions as they are: those that their organization or their connection
// ended at once have ended, and none expires later than its organization lets it. What
// somebody else than their user may not know of them is left out. It takes two queries, and
// two more where some are elsewhere than the organization of their connection.
func (w *work) told(ctx context.Context, rows []Session) ([]Session, error) {
	through, err := w.connectionsThrough(ctx, rows)
	if err != nil {
		return nil, err
	}
	orgs, err := w.organizationsOf(ctx, rows, through)
	if err != nil {
		return nil, err
	}
	unspoken, err := w.unspoken(ctx, rows, through)
	if err != nil {
		return nil, err
	}
	for i := range rows {
		s := &rows[i]
		if s.EndedAt.IsZero() {
			w.tellEnd(s, orgs, through)
		}
		if s.EndedAt.IsZero() && unspoken[s.ID] {
			s.EndReason, s.EndedAt, s.ExpiresAt = EndedConnection, w.now, w.now
		}
		if p := w.service.principal; p != nil && p.user != s.UserID {
			s.withhold(through[s.ConnectionID].OrganizationID)
		}
	}
	return rows, nil
}

// unspoken are the live sessions that are elsewhere than the organization of their
// connection, which cannot verify the person's address any more: see stillVouched.
func (w *work) unspoken(ctx context.Context, rows []Session, through map[ConnectionID]Connection) (map[SessionID]bool, error) {
	away := slices.DeleteFunc(slices.Clone(rows), func(s Session) bool {
		home := through[s.ConnectionID].OrganizationID
		return home.IsZero() || home == s.OrganizationID || !s.EndedAt.IsZero()
	})
	if len(away) == 0 {
		return nil, nil
	}
	ids := distinct(away, func(s Session) UserID { return s.UserID })
	found, err := w.Users().List(ctx, UserFilter{ID: ids}, Span{Limit: len(away)})
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
		holders, err = w.holders(ctx, names...)
	}
	unspoken := map[SessionID]bool{}
	for _, s := range away {
		held, ok := longest(holders, above[s.UserID])
		unspoken[s.ID] = !ok || held.OrganizationID != through[s.ConnectionID].OrganizationID
	}
	return unspoken, err
}

// tellEnd makes a live session read as ended where it is (rules S2, P9).
func (w *work) tellEnd(s *Session, orgs map[OrganizationID]*Organization, through map[ConnectionID]Connection) {
	org, c := orgs[s.OrganizationID], through[s.ConnectionID]
	home := orgs[c.OrganizationID]
	switch {
	case !s.OrganizationID.IsZero() && (org == nil || org.ended(*s)):
		s.EndReason, s.EndedAt = EndedOrganization, w.now
		if org != nil {
			s.EndedAt = org.SessionsEndedAt
		}
	case !s.ConnectionID.IsZero() && !c.upholds(*s):
		s.EndReason, s.EndedAt = EndedConnection, cmp.Or(c.UpdatedAt, w.now)
	case home != nil && home.ended(*s):
		s.EndReason, s.EndedAt = EndedConnection, home.SessionsEndedAt
	default:
		s.ExpiresAt = w.config.runsOut(*s, org)
		return
	}
	s.ExpiresAt = s.EndedAt
}

// withhold takes out of a session what is not its organization's to know: through whose
// connection, and by which identity, the person came. home is the connection's
// organization (rule P11).
func (s *Session) withhold(home OrganizationID) {
	if home.IsZero() || home != s.OrganizationID {
		s.ConnectionID, s.ConnectionEpoch, s.IdentityID = ConnectionID{}, 0, IdentityID{}
	}
}

func (w *work) connectionsThrough(ctx context.Context, rows []Session) (map[ConnectionID]Connection, error) {
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
	found, err := w.Connections().List(ctx, ConnectionFilter{ID: Of(ids...)}, Span{Limit: len(ids)})
	for _, c := range found {
		through[c.ID] = c
	}
	return through, err
}

// organizationsOf reads the organizations where sessions are, and those of the connections
// that they came through.
func (w *work) organizationsOf(ctx context.Context, rows []Session, through map[ConnectionID]Connection) (map[OrganizationID]*Organization, error) {
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
	found, err := w.Organizations().List(ctx, OrganizationFilter{ID: Of(ids...)}, Span{Limit: math.MaxInt32})
	for i := range found {
		orgs[found[i].ID] = &found[i]
	}
	return orgs, err
}
