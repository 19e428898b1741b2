package rules

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/tenancy"
)

// walkRules call every exported method as people of one organization, with the ids and keys
// of another. The calls are written down in walkCalls. The steps are generated from them: a
// call takes its ids and keys from slots, and each slot is filled from one's own
// organization, from the other, or with what nobody has.
func walkRules() []rule {
	return []rule{
		{"A1 every exported method has a call in the walk", on(walkTabled)},
		{"P11 A3 G7 a walk of every method finds nothing of another organization", with(walkConfig, walkLeaks).in(servicetest.Memory, servicetest.Weak)},
		{"G7 A3 what is elsewhere and what is nowhere answer alike and cost the same", with(walkConfig, walkCosts).in(servicetest.Memory)},
		{"G9 attack: a stranger's refused calls make an organization's writers wait", with(walkConfig, walkLocks).in(servicetest.Memory)},
		{"P11 I6 what people see before they are in is a name to choose by", with(walkConfig, walkViews)},
	}
}

// slot is an id or a key that a call takes.
type slot string

// slots are all slots, each with the text of its id or key.
var slots = map[slot]func(h *holdings) string{
	"organization": func(h *holdings) string { return h.org.String() },
	"user":         func(h *holdings) string { return h.user.String() },
	"identity":     func(h *holdings) string { return h.identity.String() },
	"connection":   func(h *holdings) string { return h.connection.String() },
	"domain":       func(h *holdings) string { return h.domain.String() },
	"invitation":   func(h *holdings) string { return h.invitation.String() },
	"join code":    func(h *holdings) string { return h.code.String() },
	"join request": func(h *holdings) string { return h.request.String() },
	"session":      func(h *holdings) string { return h.session.String() },

	"slug": func(h *holdings) string { return h.slug }, "former slug": func(h *holdings) string { return h.formerSlug }, "external id": func(h *holdings) string { return h.external },
	"person": func(h *holdings) string { return h.person }, "role": func(h *holdings) string { return h.role },
	"name": func(h *holdings) string { return h.name }, "email": func(h *holdings) string { return h.email },
	"subject": func(h *holdings) string { return h.subject },

	"invite": func(h *holdings) string { return h.invite }, "dead invite": func(h *holdings) string { return h.deadInvite },
	"link": func(h *holdings) string { return h.link }, "dead link": func(h *holdings) string { return h.deadLink },
	"proof": func(h *holdings) string { return h.proof }, "bearer": func(h *holdings) string { return h.bearer },
}

// callKeys gives a call its ids and keys, and records which slots the call takes.
type callKeys struct {
	self  tenancy.UserID // the caller
	token string         // of the caller's session
	of    func(slot) *holdings
	taken []slot

	mingled  tenancy.SessionID // in Beta, through Acme's connection
	disputed tenancy.DomainID  // Beta's claim to a domain that Acme holds
}

func (k *callKeys) take(s slot) *holdings {
	if !slices.Contains(k.taken, s) {
		k.taken = append(k.taken, s)
	}
	return k.of(s)
}

func (k *callKeys) org() tenancy.OrganizationID { return k.take("organization").org }

func (k *callKeys) user() tenancy.UserID { return k.take("user").user }

func (k *callKeys) identity() tenancy.IdentityID { return k.take("identity").identity }

func (k *callKeys) connection() tenancy.ConnectionID { return k.take("connection").connection }

func (k *callKeys) domain() tenancy.DomainID { return k.take("domain").domain }

func (k *callKeys) invitation() tenancy.InvitationID { return k.take("invitation").invitation }

func (k *callKeys) code() tenancy.JoinCodeID { return k.take("join code").code }

func (k *callKeys) request() tenancy.JoinRequestID { return k.take("join request").request }

func (k *callKeys) session() tenancy.SessionID { return k.take("session").session }

func (k *callKeys) text(s slot) string { return slots[s](k.take(s)) }

func (k *callKeys) actor() tenancy.Actor {
	return tenancy.Actor{Kind: tenancy.ActorUser, ID: k.user().String()}
}

func (k *callKeys) groups() map[string]string { return map[string]string{"staff": k.text("role")} }

// walkCall calls one method, with ids and keys from k.
type walkCall func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error)

// walkCalls are all calls. A name is the method and, after a colon, the variant.
func walkCalls() map[string]walkCall {
	all := map[string]walkCall{}
	for _, table := range []map[string]walkCall{
		walkService(), walkOrganizations(), walkUsers(), walkMembers(), walkInvitations(), walkJoining(), walkRoles(), walkSessions(), walkProofs(),
		walkConnections(), walkDomains(), walkEvents(),
	} {
		maps.Copy(all, table)
	}
	return all
}

// methodOf is the method in the name of a call.
func methodOf(call string) string {
	method, _, _ := strings.Cut(call, ":")
	return method
}

func walkTabled(w *world) {
	called := map[string]bool{}
	for name := range walkCalls() {
		called[methodOf(name)] = true
	}
	var tabled []string
	for _, m := range tenancy.Methods() {
		tabled = append(tabled, m.Name)
	}
	w.Equal(tabled, slices.Sorted(maps.Keys(called)), "each method of the table needs a call in walk_calls.go or walk_calls_people.go")
}

// paged reads all pages of a list.
func paged[T any](page func(cursor string) (tenancy.Page[T], error)) (any, error) {
	var all []tenancy.Page[T]
	for cursor := ""; ; {
		got, err := page(cursor)
		if err != nil {
			return nil, err
		}
		all = append(all, got)
		if cursor = got.Next; cursor == "" {
			return all, nil
		}
	}
}

// walker is a caller: a person of Beta, or a stranger.
type walker struct {
	name  string
	id    tenancy.UserID
	token string
	as    tenancy.Principal
}

func (t *tenants) walkers() []walker {
	var all []walker
	for i, p := range []struct {
		name string
		user tenancy.User
	}{{"stranger", t.stranger}, {"member", t.member}, {"admin", t.admin}, {"owner", t.owner}} {
		token := t.sessions[i].Token.Reveal()
		all = append(all,
			walker{p.name, p.user.ID, token, tenancy.UserPrincipal(p.user.ID)},
			walker{p.name + " by session", p.user.ID, token, tenancy.SessionPrincipal(t.sessions[i].Session)})
	}
	return all
}

// walkStep is one call by one walker.
type walkStep struct {
	call   string
	walker walker
	from   *holdings // fills the varied slots
	varied []slot    // Beta fills all other slots
}

// how names the varied slots.
func (s walkStep) how() string {
	if len(s.varied) == 0 {
		return "own"
	}
	names := make([]string, len(s.varied))
	for i, v := range s.varied {
		names[i] = string(v)
	}
	return strings.Join(names, ", ")
}

// variations are the sets of slots to vary: all together, and each alone.
func variations(taken []slot) [][]slot {
	if len(taken) == 0 {
		return nil
	}
	all := [][]slot{taken}
	if len(taken) > 1 {
		for _, s := range taken {
			all = append(all, []slot{s})
		}
	}
	return all
}

// walkAnswer is the outcome of a step.
type walkAnswer struct {
	result any
	err    error
	taken  []slot
}

// takes are the slots that a call takes. They depend on the call alone, so a canceled one
// tells them.
func (t *tenants) takes(call string) []slot {
	k := t.keys(walkStep{call: call})
	ended, cancel := context.WithCancel(t.Ctx)
	cancel()
	_, _ = t.calls[call](ended, t.Svc, k)
	return k.taken
}

func (t *tenants) keys(s walkStep) *callKeys {
	return &callKeys{self: s.walker.id, token: s.walker.token, mingled: t.mingled, disputed: t.disputed, of: func(one slot) *holdings {
		if slices.Contains(s.varied, one) {
			return s.from
		}
		return &t.beta
	}}
}

// take makes a step on a service from metered, so that the store keeps no change.
func (t *tenants) take(svc *tenancy.Service, s walkStep) (a walkAnswer) {
	k := t.keys(s)
	a.result, a.err = t.calls[s.call](t.Ctx, svc.As(s.walker.as), k)
	a.taken = k.taken
	return a
}

// metered is a Service over a meter.
func (t *tenants) metered(configure func(*tenancy.Config)) (*tenancy.Service, *meter) {
	m := &meter{Store: t.Store}
	return t.Another(func(c *tenancy.Config) {
		c.Store = m
		configure(c)
	}), m
}

func asItIs(*tenancy.Config) {}
