package tenancy

import (
	"cmp"
	"context"
	"iter"
	"slices"

	"github.com/freehold-dev/freehold/store/typed"
)

// MemberQuery selects memberships for [Memberships.List], [Memberships.Count] and [Memberships.ListByUser].
type MemberQuery struct {
	Statuses []MembershipStatus // nil = active only (rule M12); pending includes invitation_expired
	// Roles are slugs, at most 20. They select the members who hold at least one of these roles, from any
	// source; nil = all members. A pending member holds no role. Only for the lists of an organization.
	Roles []string
	// Search finds members by the beginnings of words: "lovelace", "ada love", "ada@acme" (rule G17). Each word
	// of Search must be the beginning of a word of the member's name in the organization, or of a piece of the
	// canonical address; the characters . - _ + and @ separate pieces. Case, diacritics and apostrophes make no
	// difference: "bjorn" finds Bjørn. Where all words of Search have one or two characters, the longest one
	// must begin the name or the address.
	//
	// The list follows one word of Search, one that finds few members. First come the members whose name begins
	// with it, then those whose address begins with it, then those with another such word. Only eight words of
	// each member count, those of the name first.
	//
	// Search has at most 800 bytes and 20 words. White space around it is ignored, and "" searches for nothing.
	// It works for the members of one organization only, and only with the Order [ByID], the zero value.
	Search      string
	NamePrefix  string // the beginning of the member's name in the organization, in any case (rule G12)
	EmailPrefix string // the beginning of the canonical address
	// Order is [ByID] by default. With a prefix or a Search, the list is then sorted by these instead. An
	// organization's list may also have [ByName]; [ByEmail], which begins with members without an address;
	// [ByJoined] and [ByLastSignIn] (rule G17).
	//
	// [ByJoined] sorts by JoinedAt; for a pending member that is the time of the invitation. [ByLastSignIn]
	// begins with members who never signed in to the organization. It sorts the first 10,000 members by id,
	// then the next 10,000, and so on; [Memberships.Count] says whether there are more than 10,000. Each page
	// reads all members that it sorts. Using a session does not count as a sign-in. A prefix cannot be combined
	// with [ByJoined] or [ByLastSignIn].
	Order      Order
	Descending bool   // in reverse order
	Limit      int    // default 50, at most 1000
	Cursor     string // Next of the previous page
}

func (q MemberQuery) filter() (f membershipFilter, err error) {
	if q.Order >= byWord {
		return f, invalid("order", "is none")
	}
	f.Status = typed.Of(MembershipActive)
	if q.Statuses != nil {
		for _, status := range q.Statuses {
			if !status.known() {
				return f, invalid("statuses", "has one that is none")
			}
		}
		if f.Status, err = someOf("statuses", q.Statuses); err != nil {
			return f, err
		}
	}
	if f.NamePrefix, err = searchPrefix("name_prefix", q.NamePrefix); err != nil {
		return f, err
	}
	f.EmailPrefix, err = searchPrefix("email_prefix", q.EmailPrefix)
	return f, err
}

func (q MemberQuery) paging() paging {
	return paging{along(q.Order, q.NamePrefix, q.EmailPrefix), q.Descending, q.Limit, q.Cursor}
}

// List returns a page of an organization's members, each with name, address, roles and last sign-in, in a
// constant number of queries (rule M12).
//
// Where more than 1,000 members hold one of q's Roles, a page looks at up to 10,000 members of the list, and
// with a Search at up to 2,000. Such a page may have fewer members than its limit, even none, and still have a
// Next.
//
// Errors: [ErrInvalid], [ErrInvalidCursor]; [ErrUnknownRole]; [ErrNotFound] for the organization.
func (g Memberships) List(ctx context.Context, organization OrganizationID, q MemberQuery) (Page[Member], error) {
	return read(ctx, g.s, membershipsList, organization.String(), func(ctx context.Context, c *call) (Page[Member], error) {
		if err := c.access().authorize(ctx, scope{organization: organization}); err != nil {
			return Page[Member]{}, err
		}
		if err := c.members().mayList(q); err != nil {
			return Page[Member]{}, err
		}
		org, err := c.tx.Organizations().Get(ctx, organization)
		if err != nil {
			return Page[Member]{}, err
		}
		rows, err := c.members().page(ctx, organization, q)
		if err != nil {
			return Page[Member]{}, err
		}
		members, err := c.members().views(ctx, rows.Items, []Organization{org}, nil)
		return Page[Member]{Items: members, Next: rows.Next}, err
	})
}

// All walks the members that List returns, page by page.
func (g Memberships) All(ctx context.Context, organization OrganizationID, q MemberQuery) iter.Seq2[Member, error] {
	return pages(func(cursor string) (Page[Member], error) {
		q := q
		q.Cursor = cursor
		return g.List(ctx, organization, q)
	}, q.Cursor)
}

// ListByUser returns a page of a user's organizations, each with its name and the user's roles there, in a
// constant number of queries. It is the list that an organization switcher shows (rule M12). It leaves out
// archived organizations (rule O2), so a page may be shorter than its limit.
//
// Errors: [ErrInvalid], [ErrInvalidCursor]; [ErrNotFound], [ErrMerged] for the user.
func (g Memberships) ListByUser(ctx context.Context, user UserID, q MemberQuery) (Page[Member], error) {
	return read(ctx, g.s, membershipsListByUser, user.String(), func(ctx context.Context, c *call) (Page[Member], error) {
		if err := c.access().authorize(ctx, scope{user: user}); err != nil {
			return Page[Member]{}, err
		}
		if err := c.members().mayList(q); err != nil {
			return Page[Member]{}, err
		}
		if q.Order != ByID {
			return Page[Member]{}, invalid("order", "is not by id")
		}
		if q.Roles != nil {
			return Page[Member]{}, invalid("roles", "are of one organization")
		}
		if q.Search != "" {
			return Page[Member]{}, invalid("search", "is of one organization")
		}
		person, err := c.users().get(ctx, user)
		if err != nil {
			return Page[Member]{}, err
		}
		filter, err := q.filter()
		if err != nil {
			return Page[Member]{}, err
		}
		filter.UserID = typed.Of(user)
		rows, err := listPage(ctx, c.tx.Memberships(), filter, paging{ByID, q.Descending, q.Limit, q.Cursor}, membershipKey,
			"organizations of user", user, q.Statuses, q.NamePrefix, q.EmailPrefix)
		if err != nil {
			return Page[Member]{}, err
		}
		members, err := c.members().views(ctx, rows.Items, nil, []User{person})
		members = slices.DeleteFunc(members, func(m Member) bool { return m.OrganizationName == "" })
		return Page[Member]{Items: members, Next: rows.Next}, err
	})
}

// AllByUser walks the organizations that ListByUser returns, page by page.
func (g Memberships) AllByUser(ctx context.Context, user UserID, q MemberQuery) iter.Seq2[Member, error] {
	return pages(func(cursor string) (Page[Member], error) {
		q := q
		q.Cursor = cursor
		return g.ListByUser(ctx, user, q)
	}, q.Cursor)
}

// mayList refuses pending memberships to an actor who may not see them (rule A4).
func (ms memberRules) mayList(q MemberQuery) error {
	return ms.c.access().hostOnly(input{"statuses", slices.Contains(q.Statuses, MembershipPending)})
}

func membershipKey(m *Membership, order Order) typed.Place {
	key := typed.Place{ID: m.ID}
	switch order {
	case ByName:
		key.Text = m.NameKey
	case ByEmail:
		key.Text = m.EmailKey
	case ByJoined:
		key.Int = m.JoinedAt.UnixMicro()
	}
	return key
}

// views turns memberships into members for display. It makes one query for the roles, and one each for those
// organizations and users that the caller did not pass. The name of an archived organization is left out,
// unless the caller passed that organization.
func (ms memberRules) views(ctx context.Context, rows []Membership, orgs []Organization, users []User) ([]Member, error) {
	if len(rows) == 0 {
		return nil, nil
	}
	held, err := ms.c.roles().assignments(ctx, idsOf(rows)...)
	if err != nil {
		return nil, err
	}
	if orgs == nil {
		filter := organizationFilter{ID: distinct(rows, func(m Membership) OrganizationID { return m.OrganizationID }), Archived: typed.Of(false)}
		if orgs, err = ms.c.tx.Organizations().List(ctx, filter, listSpan{Limit: len(rows)}); err != nil {
			return nil, err
		}
	}
	if users == nil {
		filter := userFilter{ID: distinct(rows, func(m Membership) UserID { return m.UserID })}
		if users, err = ms.c.tx.Users().List(ctx, filter, listSpan{Limit: len(rows)}); err != nil {
			return nil, err
		}
	}
	var all []RoleAssignment
	for _, mine := range held {
		all = append(all, mine...)
	}
	r, err := ms.c.roles().ranks(ctx, all...)
	members := assemble(rows, held, r, orgs, users)
	for i := range members {
		members[i].Membership = members[i].at(ms.c.now)
	}
	return members, err
}

func distinct[V any, T comparable](rows []V, of func(V) T) typed.In[T] {
	seen := make(map[T]bool, len(rows))
	var values []T
	for _, v := range rows {
		if id := of(v); !seen[id] {
			seen[id] = true
			values = append(values, id)
		}
	}
	return typed.Of(values...)
}

func assemble(rows []Membership, held map[MembershipID][]RoleAssignment, r ranks, orgs []Organization, users []User) []Member {
	names := make(map[OrganizationID]*Organization, len(orgs))
	for i := range orgs {
		names[orgs[i].ID] = &orgs[i]
	}
	people := make(map[UserID]*User, len(users))
	for i := range users {
		people[users[i].ID] = &users[i]
	}
	members := make([]Member, len(rows))
	for i, m := range rows {
		members[i] = newMember(m, held[m.ID], r, names[m.OrganizationID], people[m.UserID])
	}
	return members
}

func newMember(m Membership, held []RoleAssignment, r ranks, org *Organization, user *User) Member {
	member := Member{Membership: m, Name: m.DisplayName, Assignments: held, Roles: r.sort(held)}
	member.RoleNames = make([]string, len(member.Roles))
	for i, slug := range member.Roles {
		member.RoleNames[i] = r.name(m.OrganizationID, slug)
	}
	if org != nil {
		member.OrganizationName, member.OrganizationSlug = org.DisplayName, org.Slug
	}
	if user != nil {
		member.Name = cmp.Or(member.Name, user.Name())
		member.Email, member.EmailASCII = user.Email, asciiEmail(user.Email, user.EmailKey)
	}
	return member
}

// view is [memberRules.views] for one membership.
func (ms memberRules) view(ctx context.Context, m Membership) (Member, error) {
	org, err := ms.c.tx.Organizations().Get(ctx, m.OrganizationID)
	if err != nil {
		return Member{}, err
	}
	members, err := ms.views(ctx, []Membership{m}, []Organization{org}, nil)
	if err != nil {
		return Member{}, err
	}
	return members[0], nil
}

// viewOr is [memberRules.view] after a step that may have failed with err.
func (ms memberRules) viewOr(ctx context.Context, m Membership, err error) (Member, error) {
	if err != nil {
		return Member{}, err
	}
	return ms.view(ctx, m)
}
