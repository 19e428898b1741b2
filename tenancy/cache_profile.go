package tenancy

import (
	"context"
	"slices"
	"strings"

	"github.com/freehold-dev/freehold/rbac"
)

// profile is what some roles give together. It never changes, and who has the same
// roles and grants shares it.
type profile struct {
	registry *rbac.Registry
	first    uint64 // the first 64 permissions of the registry, a bit each
	set      *rbac.Set
	roles    []string // by priority
}

// can is [rbac.Set.Can], in less memory: a check of many people waits for that.
func (p *profile) can(permission rbac.Permission) (bool, error) {
	i, ok := p.registry.Index(permission)
	if !ok || i >= 64 {
		return p.set.Can(permission)
	}
	return p.first>>i&1 != 0, nil
}

func newProfile(book *rulebook, roles *rbac.Roles, slugs []string) (*profile, error) {
	sorted := slices.Compact(roles.Sort(slugs...))
	grants, err := roles.Grants(sorted...)
	if err != nil {
		return nil, bad("roles", err)
	}
	set, err := rbac.Compile(book.registry, grants)
	if err != nil {
		return nil, bad("grants", err)
	}
	p := &profile{registry: book.registry, set: set, roles: sorted}
	for i := range 64 {
		if set.Has(i) {
			p.first |= 1 << i
		}
	}
	return p, nil
}

// compile makes a profile that nobody shares.
func (w *work) compile(ctx context.Context, id OrganizationID, slugs []string) (*profile, error) {
	book, err := w.rulebook(ctx)
	if err != nil {
		return nil, err
	}
	roles, err := w.rolesOf(ctx, id)
	if err != nil {
		return nil, err
	}
	return newProfile(book, roles, slugs)
}

// shared is compile with what others in the cache have compiled already: the
// declarations, and what the same roles give. All of it is in the entries that the
// load began with, or of the epoch that it began in, and goes when that goes. Under a
// mark nothing is shared, for it may be of either side; and as a mark goes only after
// what it covers was dropped, that is asked second.
func (w *work) shared(ctx context.Context, c *cache, l load, slugs []string) (*profile, error) {
	if !c.marked(l.key) && !c.overtaken(l) {
		p, err := w.borrow(ctx, l, slugs)
		if err == nil {
			return p, nil
		}
		// Another process may have made roles and given them since what is shared
		// was read: only this snapshot knows both.
		w.book = nil
	}
	return w.compile(ctx, l.key.organization, slugs)
}

// borrow gives a profile that others have too. Roles of the application give the
// same everywhere; others are kept for the organization.
func (w *work) borrow(ctx context.Context, l load, slugs []string) (*profile, error) {
	if w.book = l.entries.book.Load(); w.book == nil {
		book, err := w.rulebook(ctx)
		if err != nil {
			return nil, err
		}
		if !l.entries.book.CompareAndSwap(nil, book) {
			w.book = l.entries.book.Load()
		}
	}
	key := heldKey{roles: strings.Join(slices.Compact(slices.Sorted(slices.Values(slugs))), " ")}
	var epoch uint32 // roles of the application last as long as the entries
	if slices.ContainsFunc(slugs, rbac.IsOrganizationSlug) {
		key.organization, epoch = l.key.organization, l.epoch
	}
	if p := l.entries.recall(key, epoch); p != nil {
		return p, nil
	}
	roles := w.book.roles
	if !key.organization.IsZero() {
		var err error
		if roles, err = w.rolesOf(ctx, key.organization); err != nil {
			return nil, err
		}
	}
	p, err := newProfile(w.book, roles, slugs)
	if err != nil {
		return nil, err
	}
	return l.entries.remember(key, epoch, p), nil
}

// heldKey is what some members hold: roles, and where, if one is an organization's own.
type heldKey struct {
	organization OrganizationID
	roles        string
}

// held is what they get by that.
type held struct {
	epoch   uint32
	profile *profile
}

func (e *entries) recall(key heldKey, epoch uint32) *profile {
	e.mu.Lock()
	defer e.mu.Unlock()
	if h, ok := e.held[key]; ok && h.epoch == epoch {
		return h.profile
	}
	return nil
}

// remember keeps a profile, or gives the one that has the same in it: organizations
// tend to make the same roles.
func (e *entries) remember(key heldKey, epoch uint32, p *profile) *profile {
	var text strings.Builder
	for _, role := range p.roles {
		text.WriteString(role + " ")
	}
	for _, grant := range p.set.Grants().All() {
		text.WriteString("\n" + string(grant))
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if same := e.profiles[text.String()]; same != nil {
		p = same
	} else if len(e.profiles) < maxProfiles {
		e.profiles[text.String()] = p
	}
	if len(e.held) >= maxHeld {
		clear(e.held)
	}
	e.held[key] = held{epoch, p}
	return p
}
