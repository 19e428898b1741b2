package rules

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/freehold-dev/freehold/domains"
	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

// domainAttacks use the program to look at strangers' domains, or keep it from looking at
// others' (rules D3, D4).
func domainAttacks() []rule {
	return []rule{
		{"D3 attack: a thousand looks at a stranger's domain, by verifying one claim again and again", on(verifiedAgain)},
		{"D3 attack: a thousand looks at a stranger's domain, by claiming and releasing", on(claimedAgain)},
		{"D3 attack: a thousand looks at a stranger's domain, by one person's organizations", with(func(c *tenancy.Config) { c.SelfServe = true }, claimedByOne)},
		{"D3 attack: a thousand looks at a stranger's domain, by reading and rechecking", on(rechecked)},
		{"D3 attack: one organization's pending claims hold up another's", on(heldUp)},
		{"D3 attack: one person's organizations hold up another's claims", on(heldUpByOne)},
		{"D3 attack: a claim is verified for somebody who was removed since", on(claimLeftBehind)},
		{"D3 attack: slow proofs of one organization hold up another's", on(slowProofs).in(servicetest.Memory)},
		{"D4 attack: a proof file that a user of a website put at its root", on(fileAtRoot)},
		{"D4 attack: a name that only the program's own network knows", on(specialUse)},
		{"P3 attack: a domain that locks every owner out, verified by waiting for Run", atDoor(lockedOutByWaiting)},
		{"R6 attack: a claim gives more than the claimant has left, verified by waiting for Run", on(claimGivesMore)},
		{"R6 attack: a domain that takes more permissions, verified by waiting for Run", atDoor(verifiedByWaiting)},
	}
}

// strictly gives w the limits on claims and looks that a host has.
func (w *world) strictly() {
	w.Config.VerifyEvery, w.Config.Limits.NewClaims = 0, 0
	w.Svc = w.Another(func(*tenancy.Config) {})
	w.Prover.RefuteAll()
}

// early checks a refusal for having come too soon, and how long it says to wait.
func (w *world) early(field string, wait time.Duration, call func() error) {
	w.T.Helper()
	w.Equal(wait, w.refuses(tenancy.ErrRateLimited, field, call).RetryAfter)
}

func verifiedAgain(w *world) {
	w.strictly()
	owner := w.User("owner")
	acme := w.Owned("Acme", owner)
	d := w.Claim(acme.ID, "victim.example")
	for _, svc := range []*tenancy.Service{w.Svc, w.asUser(owner)} {
		for _, by := range []domains.Method{domains.MethodDNS, domains.MethodMeta, domains.MethodFile} {
			for range 100 {
				_, _ = svc.Domains.Verify(w.Ctx, acme.ID, d.ID, by)
			}
		}
	}
	w.Len(w.Prover.Looks(), 1)
	again := func() error { _, err := w.Verify(d); return err }
	w.Clock.Advance(20 * time.Second)
	w.early("", 40*time.Second, again)
	for range 1000 { // an hour, at each second of which somebody tries
		w.Clock.Advance(3600 * time.Millisecond)
		w.Error(again())
	}
	looks := len(w.Prover.Looks())
	w.True(50 < looks && looks <= 60, "%d looks", looks)

	w.Clock.Advance(time.Minute)
	w.Prover.ProveAll()
	w.NoError(again())
	w.early("", time.Minute, again) // one that is verified, too
	w.Prover.Looks()
	below := func() error { _, err := w.Svc.Domains.VerifySubdomains(w.Ctx, acme.ID, d.ID); return err }
	w.Prover.RefuteAll()
	w.Failed(below(), tenancy.ErrDomainNotVerified, "") // is another proof, at once
	for range 300 {
		w.Failed(below(), tenancy.ErrRateLimited, "")
	}
	w.Len(w.Prover.Looks(), 1)
	often := w.Another(func(c *tenancy.Config) { c.VerifyEvery = -1 })
	_, err := often.Domains.Verify(w.Ctx, acme.ID, d.ID, domains.MethodDNS)
	w.Failed(err, tenancy.ErrDomainNotVerified, "")
}

func claimedAgain(w *world) {
	w.strictly()
	acme := w.Org("Acme")
	claim := func() (tenancy.Domain, error) {
		return w.Svc.Domains.Claim(w.Ctx, tenancy.NewDomain{OrganizationID: acme.ID, Name: "victim.example"})
	}
	for range 1000 {
		d, err := claim()
		if err != nil {
			w.Failed(err, tenancy.ErrRateLimited, "domains")
			continue
		}
		_, err = w.Verify(d)
		w.Failed(err, tenancy.ErrDomainNotVerified, "")
		w.NoError(w.Svc.Domains.Release(w.Ctx, acme.ID, d.ID))
	}
	w.Len(w.Prover.Looks(), 10)
	w.Clock.Advance(20 * time.Minute)
	w.early("domains", 40*time.Minute, func() error { _, err := claim(); return err })
	w.refuses(tenancy.ErrRateLimited, "domains", func() error { // other names are no way round
		_, err := w.Svc.Domains.Claim(w.Ctx, tenancy.NewDomain{OrganizationID: acme.ID, Name: "other.example"})
		return err
	})
	w.vouched(acme.ID, "own.example") // the host's word needs no look
	w.Claim(w.Org("Beta").ID, "victim.example")
	for range 2 {
		w.recheck()
		w.Equal(11, w.RowsOf("domain_look"))
		w.Clock.Advance(20*time.Minute - time.Microsecond)
	}
	w.Empty(w.Prover.Looks()[1:], "a claim that was released is looked at no more")
	w.Clock.Advance(time.Minute)
	w.recheck()
	w.Equal(1, w.RowsOf("domain_look"), "what counts no more is forgotten")
	_, err := claim()
	w.NoError(err)
}

// claimedByOne: whoever may make organizations has no more claims by making more of them.
func claimedByOne(w *world) {
	w.strictly()
	mallory := w.User("mallory")
	by := w.asUser(mallory)
	for i := range 100 {
		org, err := by.Organizations.Create(w.Ctx, tenancy.NewOrganization{
			DisplayName: "Acme", Owner: mallory.ID, Domains: []tenancy.NewDomain{{Name: "victim.example"}},
		})
		if err != nil {
			w.Failed(err, tenancy.ErrRateLimited, "domains")
			continue
		}
		if i%2 == 0 {
			w.NoError(w.Svc.Organizations.Delete(w.Ctx, org.ID))
		}
	}
	own := w.Owned("Own", mallory)
	w.early("domains", time.Hour, func() error {
		_, err := by.Domains.Claim(w.Ctx, tenancy.NewDomain{OrganizationID: own.ID, Name: "victim.example"})
		return err
	})
	w.Equal(10, w.RowsOf("domain_look"))
	w.Clock.Advance(time.Minute)
	w.recheck()
	w.LessOrEqual(len(w.Prover.Looks()), 5)
	w.Claim(own.ID, "victim.example") // somebody else's claim there is not hers
}

func rechecked(w *world) {
	w.strictly()
	acme := w.Org("Acme")
	d := w.Claim(acme.ID, "victim.example")
	for range 1000 {
		w.Clock.Advance(servicetest.Day / 1000)
		_, err := w.Svc.Domains.Challenge(w.Ctx, acme.ID, d.ID)
		w.NoError(err)
		w.domain(d)
		_, err = w.Svc.Domains.Recheck(w.Ctx)
		w.NoError(err)
	}
	looks := len(w.Prover.Looks())
	w.True(3 < looks && looks <= 6, "%d looks", looks)
	for range 20 { // an organization that comes and goes
		w.Archive(acme)
		w.restore(acme)
		w.recheck()
	}
	w.Empty(w.Prover.Looks())
}

// heldUp: an organization with many claims has one look in the time in which each other has
// one.
func heldUp(w *world) {
	many := w.Org("Many")
	for i := range 50 {
		w.Claim(many.ID, fmt.Sprintf("many%d.example", i))
	}
	w.Clock.Advance(time.Minute)
	for i := range 98 {
		w.Claim(w.Org("One").ID, fmt.Sprintf("one%d.example", i))
	}
	w.Clock.Advance(time.Minute)
	w.Prover.Says(unknown)
	var first, second, all int
	for {
		n, err := w.Svc.Domains.Recheck(w.Ctx)
		w.NoError(err)
		if n == 0 {
			break
		}
		own := 0
		for _, asked := range w.Prover.Looks() {
			if len(asked.Domain) > 4 && asked.Domain[:4] == "many" {
				own++
			}
		}
		switch {
		case first == 0:
			w.Equal(100, n)
			first = own
		case second == 0:
			second = own
		}
		w.LessOrEqual(own, 4)
		all += own
	}
	w.Equal([]int{2, 4, 50}, []int{first, second, all})
}

// slow is a Prover that answers when it is told to.
type slow struct {
	mu     sync.Mutex
	inside map[string]int // by organization, which is the first label
	all    int
	most   int            // at once
	mostOf map[string]int // at once, by organization
	answer chan struct{}
}

func (s *slow) Prove(_ context.Context, c domains.Challenge, _ domains.Method) (domains.Finding, error) {
	of := c.Domain[:4]
	s.mu.Lock()
	s.all++
	s.inside[of]++
	s.most, s.mostOf[of] = max(s.most, s.all), max(s.mostOf[of], s.inside[of])
	s.mu.Unlock()
	<-s.answer
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all--
	s.inside[of]--
	return servicetest.Refuted, nil
}

func (s *slow) now(of string) (all, own int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all, s.inside[of]
}

// slowProofs: whoever claims a domain chooses how slowly it answers. 16 are looked for at a
// time, 4 of one organization.
func slowProofs(w *world) {
	prover := &slow{inside: map[string]int{}, mostOf: map[string]int{}, answer: make(chan struct{})}
	w.Svc = w.Another(func(c *tenancy.Config) { c.Prover = prover })
	claims := map[string][]tenancy.Domain{}
	for _, name := range []string{"slow", "fine", "more", "most", "last"} {
		org := w.Org(name)
		for i := range 10 {
			claims[name] = append(claims[name], w.Claim(org.ID, fmt.Sprintf("%s%d.example", name, i)))
		}
	}
	w.Clock.Advance(time.Minute)
	var asking sync.WaitGroup
	verify := func(name string) {
		for _, d := range claims[name] {
			asking.Go(func() { _, _ = w.Verify(d) })
		}
	}
	wait := func(holds func() bool) {
		for late := time.Now().Add(10 * time.Second); !holds() && time.Now().Before(late); {
			time.Sleep(time.Millisecond)
		}
	}
	verify("slow")
	wait(func() bool { all, _ := prover.now("slow"); return all == 4 })
	verify("fine") // finds room at once
	wait(func() bool { _, own := prover.now("fine"); return own == 4 })
	for _, name := range []string{"more", "most", "last"} {
		verify(name)
	}
	wait(func() bool { all, _ := prover.now(""); return all == 16 })
	asking.Go(func() { _, _ = w.Svc.Domains.Recheck(w.Ctx) })
	time.Sleep(20 * time.Millisecond)
	close(prover.answer)
	asking.Wait()
	w.NoError(w.Ctx.Err())
	w.Equal(16, prover.most)
	for name, most := range prover.mostOf {
		w.LessOrEqual(most, 4, name)
	}
}

func fileAtRoot(w *world) {
	acme := w.Org("Acme")
	d := w.Claim(acme.ID, "site.example")
	const wellKnown, root = "https://site.example/.well-known/freehold-challenge.txt", "https://site.example/freehold-challenge.txt"
	for _, host := range []struct {
		svc    *tenancy.Service
		places []string
	}{
		{w.Svc, []string{wellKnown}},
		{w.Another(func(c *tenancy.Config) { c.RootFileProof = true }), []string{wellKnown, root}},
	} {
		svc := host.svc
		c, err := svc.Domains.Challenge(w.Ctx, acme.ID, d.ID)
		w.NoError(err)
		w.Equal(host.places, c.FileURLs())
		_, err = svc.Domains.Verify(w.Ctx, acme.ID, d.ID, domains.MethodFile)
		w.NoError(err)
		w.Clock.Advance(servicetest.Month)
		_, err = svc.Domains.Recheck(w.Ctx)
		w.NoError(err)
		looks := w.Prover.Looks()
		w.Len(looks, 2)
		for _, asked := range looks {
			w.Equal(host.places, asked.FileURLs())
		}
	}
}

func specialUse(w *world) {
	acme := w.Org("Acme")
	strict := w.Another(func(c *tenancy.Config) { c.AllowTestDomains = false })
	names := []string{
		"corp.local", "db.internal", "hidden.onion", "1.0.10.in-addr.arpa", "acme.test", "app.localhost", "acme.invalid", "acme.example",
		"a.b.c.LOCAL",
	}
	for _, name := range names {
		for _, verified := range []bool{false, true} {
			w.refuses(tenancy.ErrInvalid, "name", func() error {
				_, err := strict.Domains.Claim(w.Ctx, tenancy.NewDomain{OrganizationID: acme.ID, Name: name, Verified: verified})
				return err
			})
			w.refuses(tenancy.ErrInvalid, "name", func() error {
				_, err := strict.Organizations.Create(w.Ctx, tenancy.NewOrganization{DisplayName: "New", Domains: []tenancy.NewDomain{{Name: name, Verified: verified}}})
				return err
			})
		}
		d := w.Claim(acme.ID, name) // as one from before
		w.refuses(tenancy.ErrInvalid, "name", func() error { _, err := strict.Domains.MarkVerified(w.Ctx, acme.ID, d.ID); return err })
		w.refuses(tenancy.ErrInvalid, "name", func() error {
			_, err := strict.Domains.Verify(w.Ctx, acme.ID, d.ID, domains.MethodDNS)
			return err
		})
		w.Clock.Advance(time.Minute)
		n, err := strict.Domains.Recheck(w.Ctx)
		w.NoError(err)
		w.Positive(n)
		w.NoError(w.Svc.Domains.Release(w.Ctx, acme.ID, d.ID))
	}
	w.Empty(w.Prover.Looks())
	_, err := strict.Users.Create(w.Ctx, tenancy.NewUser{Email: "ada@corp.local"}) // addresses are not about that
	w.NoError(err)
	_, err = strict.Domains.Claim(w.Ctx, tenancy.NewDomain{OrganizationID: acme.ID, Name: "localhost.acme.com"})
	w.NoError(err)
}

// lockedOutByWaiting: the policy of an organization's domains binds its owners, whose
// addresses are on none yet, so it takes an owner to verify that one, and one who could sign
// in afterwards.
func lockedOutByWaiting(d *door) {
	boss := d.NewUser(tenancy.NewUser{Email: "boss@gamma.example", EmailVerified: true})
	gamma, manager := d.Owned("Gamma", boss), d.User("manager")
	d.Add(gamma, manager, rbac.Admin)
	d.vouched(gamma.ID, "other.example")
	d.demand(gamma, tenancy.PolicyUpdate{
		Domain: &tenancy.DomainPolicy{Methods: []tenancy.SignInMethod{servicetest.Github}}, BindsOwners: servicetest.Ptr(true),
	})
	for reason, by := range map[tenancy.Code]tenancy.User{tenancy.ErrForbidden: manager, tenancy.ErrWouldLockOut: boss} {
		claim, err := d.asUser(by).Domains.Claim(d.Ctx, tenancy.NewDomain{OrganizationID: gamma.ID, Name: "gamma.example"})
		d.NoError(err)
		d.Clock.Advance(time.Minute)
		d.recheck()
		got := d.world.domain(claim)
		d.Equal([]any{tenancy.DomainPending, string(reason)}, []any{got.State, got.FailedReason})
		_, err = d.asUser(by).Domains.Verify(d.Ctx, gamma.ID, claim.ID, domains.MethodDNS)
		d.ErrorIs(err, reason)
		d.NoError(d.Svc.Domains.Release(d.Ctx, gamma.ID, claim.ID))
	}
	d.enters(servicetest.ByMail(boss.Email)) // the domain is nobody's still
}

// verifiedByWaiting: an administrator has the owners' domain verified by nobody, while their
// own connection waits to speak for it.
func verifiedByWaiting(d *door) {
	boss := d.NewUser(tenancy.NewUser{Email: "boss@gamma.example", EmailVerified: true})
	gamma, manager := d.Owned("Gamma", boss), d.User("manager")
	d.Add(gamma, manager, rbac.Admin)
	d.Connect(gamma, "Theirs")
	claim := func(by *tenancy.Service, name string) tenancy.Domain {
		claimed, err := by.Domains.Claim(d.Ctx, tenancy.NewDomain{OrganizationID: gamma.ID, Name: name})
		d.NoError(err)
		return claimed
	}
	denied := d.RowsOf("denial")
	owners, free := claim(d.asUser(manager), "gamma.example"), claim(d.asUser(manager), "delta.example")
	service := claim(d.Svc.As(tenancy.ServicePrincipal("sync", gamma.ID, rbac.WriteDomains)), "theta.example")
	d.Clock.Advance(time.Minute)
	d.recheck()
	d.Equal(tenancy.DomainVerified, d.world.domain(free).State) // speaks for nobody above them
	for _, refused := range []tenancy.Domain{owners, service} {
		got := d.world.domain(refused)
		d.Equal([]any{tenancy.DomainPending, string(tenancy.ErrForbidden)}, []any{got.State, got.FailedReason})
	}
	d.Equal(denied, d.RowsOf("denial"), "nobody asked, so nobody was denied")
	d.Zero(d.world.owner(boss.Email))
	d.NoError(d.Svc.Memberships.Remove(d.Ctx, gamma.ID, manager.ID))
	d.Clock.Advance(time.Hour)
	d.recheck()
	d.Equal(tenancy.DomainPending, d.world.domain(owners).State)
	_, err := d.asUser(boss).Domains.Verify(d.Ctx, gamma.ID, owners.ID, domains.MethodDNS)
	d.NoError(err)

	own := claim(d.asUser(boss), "own.example") // of somebody who may
	d.Clock.Advance(time.Minute)
	d.recheck()
	d.Equal(tenancy.DomainVerified, d.world.domain(own).State)
}
