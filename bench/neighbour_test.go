package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

// The bars of TestNeighbour: how much worse the median of a neighbour's writes may become, and how long a call may
// hold the write lock.
const (
	worsens = 1.5
	holds   = 50 * time.Millisecond
)

// holdsLong are methods that may hold the write lock longer: what they do is one transaction, and the host decides
// how large it is. (Migrate and Backup are no transactions of the store's.)
var holdsLong = []string{"import"}

// TestNeighbour has a tenant do its worst, one kind at a time, and measures what a small tenant beside it
// notices. Each kind has its share of the time, half of it without the heavy tenant, in turns.
func TestNeighbour(t *testing.T) {
	span := long(t)
	d := newDuel(t)
	worst := d.worst()
	for _, kind := range worst {
		t.Run(kind.name, func(t *testing.T) {
			d.anew(t)
			var alone, beside spreads
			for range 3 { // the machine may be busy with something else
				alone, beside = d.compare(t, kind, span/time.Duration(len(worst)))
				if kind.done.Load() > 0 && (kind.unheld || worse(alone, beside) <= worsens*factor(t)) {
					break
				}
			}
			if kind.done.Load() == 0 {
				t.Error("the tenant came to do nothing")
			}
			for _, work := range []string{"check", "change", "sign-in"} {
				a, b := alone.of(work), beside.of(work)
				most := "none"
				if work != "check" && !kind.unheld {
					most = bar(fmt.Sprintf("at most %g", worsens), ratioOf(a, b) <= worsens)
				}
				figure(t, "neighbour", kind.name, kind.done.Load(), work, a.at(0.5), b.at(0.5), a.at(0.99), b.at(0.99), fmt.Sprintf("%.2f", ratioOf(a, b)), most)
			}
			if of := worse(alone, beside); of > worsens*factor(t) && !kind.unheld {
				t.Errorf("the median of the neighbour's writes became %.2f times as long, more than %g", of, worsens)
			}
		})
	}
	d.held(t)
}

// held prints which methods held the write lock longest, and fails where one did for too long.
func (d *duel) held(t *testing.T) {
	t.Helper()
	stats, err := d.store.Stats(t.Context())
	must(t, err)
	for i, hold := range stats.Slowest {
		exempt := slices.Contains(holdsLong, hold.Purpose)
		most := "none"
		if !exempt {
			most = bar(fmt.Sprintf("at most %d ms", holds.Milliseconds()), hold.For <= holds)
		}
		if i < 12 {
			figure(t, "holds", cmp.Or(hold.Purpose, "others"), hold.For, most)
		}
		if !exempt && hold.For > time.Duration(float64(holds)*factor(t)) {
			t.Errorf("%q held the write lock for %v, longer than %v", hold.Purpose, hold.For, holds)
		}
	}
}

func ratioOf(alone, beside *spread) float64 {
	return float64(beside.at(0.5)) / float64(max(1, alone.at(0.5)))
}

// worse is by how much the median of the neighbour's writes became longer, of the kind for which it is most.
func worse(alone, beside spreads) float64 {
	return max(ratioOf(alone.of("change"), beside.of("change")), ratioOf(alone.of("sign-in"), beside.of("sign-in")))
}

// shortest is how long the neighbour is looked at at least, so that those who rest come to work.
const shortest = 250 * time.Millisecond

// compare measures the neighbour alone and beside a kind of work, in turns.
func (d *duel) compare(t *testing.T, kind *worstKind, span time.Duration) (alone, beside spreads) {
	t.Helper()
	turns, part := 4, span/8
	if part < shortest {
		turns, part = 2, max(shortest, span/4)
	}
	alone, beside = spreads{}, spreads{}
	for range turns {
		if kind.before != nil {
			kind.before(t, part)
		}
		must(t, d.neighbour(t.Context(), part, alone))
		ctx, cancel := context.WithCancel(t.Context())
		ended := kind.run(ctx)
		err := d.neighbour(t.Context(), part, beside)
		cancel()
		must(t, errors.Join(err, ended()))
	}
	return alone, beside
}

// neighbour is what the small tenant's people do for a while.
func (d *duel) neighbour(ctx context.Context, span time.Duration, took spreads) error {
	for n, end := 0, time.Now().Add(span); n < 3 || time.Now().Before(end); n++ {
		name := fmt.Sprint("C", n)
		err := errors.Join(
			took.time("sign-in", func() error {
				in, err := d.svc.SignIn(ctx, tenancy.Attempt{Evidence: tenancy.MailboxEvidence(d.person.Email)})
				if err == nil && in.Kind != tenancy.DecisionSignedIn {
					err = fmt.Errorf("decided %s", in.Kind)
				}
				return err
			}),
			took.time("change", func() error {
				_, err := d.owner.Memberships.Update(ctx, d.small, d.person.ID, tenancy.MembershipUpdate{DisplayName: &name})
				return err
			}))
		for i := 0; i < 20 && err == nil; i++ {
			if i == 0 { // which is not warm
				_, err = d.svc.Can(ctx, d.person.ID, d.small, rbac.ReadMembers)
				continue
			}
			err = took.time("check", func() error {
				_, err := d.svc.Can(ctx, d.person.ID, d.small, rbac.ReadMembers)
				return err
			})
		}
		if err != nil {
			return err
		}
		time.Sleep(2 * time.Millisecond)
	}
	return nil
}

// worstKind is a kind of work that a tenant does without end, or the host for it, by so many at once.
type worstKind struct {
	name   string
	atOnce int
	do     func(ctx context.Context, by, n int) error // by is who does it, n how often they did before
	before func(t *testing.T, part time.Duration)     // makes what so long a part needs
	unheld bool                                       // the bar is not for it
	next   [heavyAdmins]int
	done   atomic.Int64
}

// run has it done until ctx ends; the function that it gives waits for that.
func (k *worstKind) run(ctx context.Context) (ended func() error) {
	failed := make([]error, k.atOnce)
	var all sync.WaitGroup
	for by := range k.atOnce {
		all.Go(func() {
			for ctx.Err() == nil {
				err := k.do(ctx, by, k.next[by])
				k.next[by]++
				if err == nil {
					k.done.Add(1)
				} else if tenancy.CodeOf(err) != tenancy.ErrCanceled {
					failed[by] = fmt.Errorf("%s: %w", k.name, err)
					return
				}
			}
		})
	}
	return func() error {
		all.Wait()
		return errors.Join(failed...)
	}
}

// worst are the kinds. Imports without a rest keep the writer for themselves, and nothing but the host that makes them can
// change that: they are measured and not held to the bar. With rests they are.
func (d *duel) worst() []*worstKind {
	return []*worstKind{
		{name: "large roles changed, by four at once", atOnce: heavyAdmins, do: d.changesRoles},
		{name: "roles that 500 hold deleted, by four at once", atOnce: heavyAdmins, do: d.deletesRoles},
		{name: "connections deleted, by four at once", atOnce: heavyAdmins, do: d.deletesConnections},
		{name: "members removed, by four at once", atOnce: heavyAdmins, do: d.removesMembers},
		{name: "imports of 100 people, with rests of twice as long", atOnce: 1, do: d.importsResting},
		{name: "imports of 100 people, without a rest", atOnce: 1, do: d.imports, unheld: true},
		{name: "long lists read", atOnce: 1, do: d.lists},
		{name: "events pruned", atOnce: 1, do: d.prunes, before: d.logs},
		{name: "calls refused", atOnce: 1, do: d.refused},
	}
}

func (d *duel) changesRoles(ctx context.Context, by, n int) error {
	svc := d.admins[by]
	slug := ownRole(n % heavyRoles)
	switch n % 3 {
	case 0:
		text := strings.Repeat(fmt.Sprint((n+by)%10), 470)
		_, err := svc.Roles.Update(ctx, d.heavy, slug, tenancy.RoleUpdate{Description: &text})
		return err
	case 1:
		roles := []string{rbac.Member}
		for i := range 19 {
			roles = append(roles, ownRole((n+i)%heavyRoles))
		}
		_, err := svc.Memberships.SetRoles(ctx, d.heavy, d.members[len(d.members)-1-by], roles...)
		return err
	default:
		role, err := svc.Roles.Get(ctx, d.heavy, slug)
		if err != nil {
			return err
		}
		grants := append(role.Grants, rbac.ReadEvents)
		_, err = svc.Roles.Update(ctx, d.heavy, slug, tenancy.RoleUpdate{Grants: &grants})
		return err
	}
}

// deletesRoles deletes a role that many hold, who get another, and makes it anew when that one is to go. It is not broken off.
func (d *duel) deletesRoles(ctx context.Context, by, n int) error {
	ctx, svc := context.WithoutCancel(ctx), d.admins[by]
	_, err := svc.Roles.Create(ctx, d.heavy, tenancy.NewRole{Slug: held(by, 1-n%2)})
	if err != nil && tenancy.CodeOf(err) != tenancy.ErrAlreadyExists {
		return err
	}
	return svc.Roles.Delete(ctx, d.heavy, held(by, n%2), held(by, 1-n%2))
}

// deletesConnections deletes one after the other, those first by which people came, and makes others in between.
func (d *duel) deletesConnections(ctx context.Context, by, n int) error {
	svc := d.admins[by]
	if n%2 == 1 {
		_, err := svc.Connections.Create(ctx, d.connection(n))
		if tenancy.CodeOf(err) == tenancy.ErrInvalid { // others made theirs before
			return nil
		}
		return err
	}
	page, err := svc.Connections.List(ctx, d.heavy, tenancy.ConnectionQuery{Limit: heavyAdmins})
	if err != nil || by >= len(page.Items) {
		return err
	}
	err = svc.Connections.Delete(ctx, d.heavy, page.Items[by].ID)
	if tenancy.CodeOf(err) == tenancy.ErrNotFound { // another was quicker
		return nil
	}
	return err
}

// removesMembers removes one after the other, and takes their access where they are removed already.
func (d *duel) removesMembers(ctx context.Context, by, n int) error {
	from := heavyPairs * heavyHolders // holders of roles stay
	to := len(d.members) - heavyAdmins
	err := d.admins[by].Memberships.Remove(ctx, d.heavy, d.members[from+(n*heavyAdmins+by)%(to-from)])
	if tenancy.CodeOf(err) == tenancy.ErrNotFound {
		return nil
	}
	return err
}

func (d *duel) imports(ctx context.Context, _, _ int) error {
	return d.svc.Import(ctx, func(ctx context.Context, tx *tenancy.Service) error {
		for range 100 {
			d.late++
			if _, err := joins(ctx, tx, d.heavy, fmt.Sprintf("late%d@mail.example.com", d.late)); err != nil {
				return err
			}
		}
		return nil
	})
}

func (d *duel) importsResting(ctx context.Context, by, n int) error {
	begun := time.Now()
	if err := d.imports(ctx, by, n); err != nil {
		return err
	}
	rest := time.NewTimer(2 * time.Since(begun))
	defer rest.Stop()
	select {
	case <-ctx.Done():
	case <-rest.C:
	}
	return nil
}

func (d *duel) lists(ctx context.Context, by, n int) (err error) {
	svc := d.admins[by]
	switch n % 5 {
	case 0:
		_, err = svc.Memberships.List(ctx, d.heavy, tenancy.MemberQuery{Order: tenancy.ByName, Limit: 1000})
	case 1:
		_, err = svc.Roles.List(ctx, d.heavy)
	case 2:
		_, err = svc.Connections.List(ctx, d.heavy, tenancy.ConnectionQuery{Limit: 1000})
	case 3:
		_, err = svc.Events.List(ctx, tenancy.EventQuery{OrganizationID: d.heavy, Limit: 1000, Descending: true})
	default:
		_, err = svc.Sessions.List(ctx, d.heavy, tenancy.SessionQuery{Limit: 1000})
	}
	return err
}

// logs puts events into the log, past the Service, of which there are enough to prune for so long.
func (d *duel) logs(t *testing.T, part time.Duration) {
	t.Helper()
	_, err := d.store.DB().ExecContext(t.Context(), `INSERT INTO tenancy_events (id, type, organization_id, subject, actor, time, redacted)
		WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
		SELECT 'evt_' || printf('%026d', i), 'organization.updated', ?2, ?2, 'host', ?3, 0 FROM n`,
		5_000+int(100_000*part.Seconds()), d.heavy.String(), time.Now().UnixMicro())
	must(t, err)
}

func (d *duel) prunes(ctx context.Context, _, _ int) error {
	n, err := d.svc.Events.Prune(ctx, time.Now())
	if n > 0 { // though it was broken off
		return nil
	}
	return err
}

// refused asks for what one may not have.
func (d *duel) refused(ctx context.Context, _, n int) (err error) {
	switch n % 3 {
	case 0:
		_, err = d.guest.Roles.Create(ctx, d.heavy, tenancy.NewRole{Slug: "org-mine"})
	case 1:
		_, err = d.guest.Events.List(ctx, tenancy.EventQuery{OrganizationID: d.heavy})
	default:
		_, err = d.guest.Memberships.SetRoles(ctx, d.heavy, d.members[0], rbac.Owner)
	}
	if code := tenancy.CodeOf(err); code == tenancy.ErrForbidden {
		return nil
	}
	return fmt.Errorf("not refused: %w", err)
}
