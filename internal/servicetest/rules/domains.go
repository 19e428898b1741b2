package rules

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/freehold-dev/freehold/domains"
	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/tenancy"
)

func domainRules() []rule {
	return slices.Concat([]rule{
		{"D1 the normal form of a domain is kept", on(domainNames)},
		{"D1 attack: IDN confusables are other domains", on(confusables)},
		{"D1 attack: a public suffix cannot be claimed", on(publicSuffixes)},
		{"D2 attack: a free-mail domain cannot be claimed", on(freeMail)},
		{"D2 the list of public email domains can be extended", on(ownPublicEmail)},
		{"D3 a claim is pending", on(claiming)},
		{"D3 attack: squatted pending claims have no effect", on(squatting)},
		{"D3 a claim fails after 30 days, and starts over", on(startingOver)},
		{"D3 a claim fails while another organization holds the domain", on(heldElsewhere)},
		{"D6 the longest verified match wins", on(longestMatch)},
		{"D6 subdomains are proved by themselves", on(subdomains)},
		{"D7 what a domain does for who joins", on(joiningByDomain)},
		{"D7 Owner", on(domainOwners)},
		{"G8 events of domains", on(domainEvents)},
		{"G9 at most so many claims", with(func(c *tenancy.Config) { c.Limits.DomainClaims = 2 }, claimLimit)},
		{"O1 an organization is created with domains", on(createdWithDomains)},
		{"O2 G8 a domain goes with its organization", on(domainsDeleted)},
		{"M10 a domain that is released takes the roles that it gave", on(domainReleased)},
		{"A4 what only the host says of a domain", with(func(c *tenancy.Config) { c.SelfServe = true }, domainHostInputs)},
	}, provingRules(), recheckRules(), lookRules(), dormantRules(), domainRoleRules(), domainStateRules())
}

func domainNames(w *world) {
	acme := w.Org("Acme")
	for given, want := range map[string]string{
		"Acme.Example": "acme.example", "bücher.example": "xn--bcher-kva.example", "xn--bcher-kva.test": "xn--bcher-kva.test",
		"a.b.c.example": "a.b.c.example", "acme.github.io": "acme.github.io",
	} {
		d := w.Claim(acme.ID, given)
		w.Equal(want, d.Name)
		w.Equal(d, w.domain(d))
	}
	// One domain, one claim, however it is spelled.
	for _, again := range []string{"ACME.EXAMPLE", "acme.example", "xn--bcher-kva.example", "bücher.example"} {
		w.refuses(tenancy.ErrAlreadyExists, "name", func() error {
			_, err := w.Svc.Domains.Claim(w.Ctx, tenancy.NewDomain{OrganizationID: acme.ID, Name: again})
			return err
		})
	}
}

func (w *world) unclaimable(name string) {
	w.T.Helper()
	org := w.Org("Acme")
	w.refuses(tenancy.ErrInvalid, "name", func() error {
		_, err := w.Svc.Domains.Claim(w.Ctx, tenancy.NewDomain{OrganizationID: org.ID, Name: name, Verified: true})
		return err
	})
}

// confusables: what looks alike is a name of its own, or none.
func confusables(w *world) {
	victim, attacker := w.Org("Victim"), w.Org("Attacker")
	w.Holds(victim.ID, "apple.example")
	look := w.Holds(attacker.ID, "аpple.example") // U+0430
	w.Equal("xn--pple-43d.example", look.Name)
	w.Equal(victim.ID, w.owner("ada@apple.example"))
	w.Equal(attacker.ID, w.owner("ada@xn--pple-43d.example"))
	for _, name := range []string{
		"\u212aelvin.example", "ｆｕｌｌ.example", "a。example", "a\u200bb.example", "xn--.example", "a\u0338\u0301.example..",
		"xn--a.example", "١٢٣.example\u202e",
	} {
		w.each(name, func(w *world) { w.unclaimable(name) })
	}
}

func publicSuffixes(w *world) {
	for _, name := range []string{
		"com", "co.uk", "github.io", "localhost", "example", "1.2.3.4", "[::1]", "0x7f.1", "acme.example.", "a..example", "", "*.acme.example",
		"_dmarc.acme.example", "acme example.com", "a.123",
	} {
		w.each(name, func(w *world) { w.unclaimable(name) })
	}
}

func freeMail(w *world) {
	org := w.Org("Acme")
	for _, name := range []string{"gmail.com", "GMail.com", "mailinator.com", "vip.163.com", "anything.33mail.com"} {
		for _, verified := range []bool{false, true} {
			w.refuses(tenancy.ErrPublicEmailDomain, "name", func() error {
				_, err := w.Svc.Domains.Claim(w.Ctx, tenancy.NewDomain{OrganizationID: org.ID, Name: name, Verified: verified})
				return err
			})
		}
	}
}

func ownPublicEmail(w *world) {
	longer, err := domains.DefaultPublicEmail().With("campus.example")
	w.NoError(err)
	org := w.Org("Acme").ID
	for name, list := range map[string]*domains.PublicEmail{"campus.example": &longer, "gmail.com": &longer} {
		strict := w.Another(func(c *tenancy.Config) { c.PublicEmail = list })
		w.refuses(tenancy.ErrPublicEmailDomain, "name", func() error {
			_, err := strict.Domains.Claim(w.Ctx, tenancy.NewDomain{OrganizationID: org, Name: name})
			return err
		})
	}
	none := w.Another(func(c *tenancy.Config) { c.PublicEmail = &domains.PublicEmail{} })
	_, err = none.Domains.Claim(w.Ctx, tenancy.NewDomain{OrganizationID: org, Name: "gmail.com"})
	w.NoError(err)
}

func claiming(w *world) {
	acme, other := w.Org("Acme"), w.Org("Other")
	d := w.Claim(acme.ID, "acme.example")
	w.Equal(tenancy.DomainPending, d.State)
	w.Equal(tenancy.JoiningOff, d.Joining)
	w.Equal(w.Clock.At.Truncate(time.Microsecond).Add(servicetest.Month), d.DueAt)
	w.Regexp(`^[a-z2-7]{52}$`, d.Challenge)
	w.Zero(d.VerifiedAt)
	w.NotEqual(d.Challenge, w.Claim(other.ID, "acme.example").Challenge)
	w.Empty(w.Prover.Looks()) // nobody goes and looks unasked

	c, err := w.Svc.Domains.Challenge(w.Ctx, acme.ID, d.ID)
	w.NoError(err)
	w.Equal(domains.Challenge{App: "freehold", Domain: "acme.example", Token: d.Challenge}, c)
	w.NoError(c.Check(domains.MethodDNS))
	named := w.Another(func(c *tenancy.Config) { c.App = "acme-app" })
	c, err = named.Domains.Challenge(w.Ctx, acme.ID, d.ID)
	w.NoError(err)
	w.Equal("_acme-app-challenge.acme.example", c.TXTName())
}

// squatting: any number of claims on one name, and they neither route, nor let in, nor
// keep the owner of the domain out.
func squatting(w *world) {
	ada := w.User("ada")
	w.Prover.RefuteAll()
	var squats []tenancy.Domain
	for i := range 20 {
		squat, err := w.Svc.Domains.Claim(w.Ctx, tenancy.NewDomain{
			OrganizationID: w.Org(fmt.Sprintf("Squatter %d", i)).ID, Name: "acme.example", Joining: tenancy.JoiningAuto,
		})
		w.NoError(err)
		_, err = w.Verify(squat)
		w.Failed(err, tenancy.ErrDomainNotVerified, "")
		squats = append(squats, squat)
	}
	w.Zero(w.owner(ada.Email))
	acme := w.Org("Acme")
	d := w.Holds(acme.ID, "acme.example")
	w.Equal(acme.ID, w.owner(ada.Email))
	for _, squat := range squats {
		w.Equal(tenancy.DomainFailed, w.domain(squat).State)
	}
	w.NoError(w.Svc.Domains.Release(w.Ctx, acme.ID, d.ID))
	w.Zero(w.owner(ada.Email)) // nobody inherits it
	for _, squat := range squats {
		w.Equal(tenancy.DomainPending, w.domain(squat).State)
	}
}

func startingOver(w *world) {
	acme := w.Org("Acme")
	d, swept := w.Claim(acme.ID, "acme.example"), w.Claim(acme.ID, "swept.example")
	w.Clock.Advance(servicetest.Month - time.Microsecond)
	w.Equal(tenancy.DomainPending, w.domain(d).State)
	w.Clock.Advance(time.Microsecond)
	failed := w.domain(d)
	w.Equal(tenancy.DomainFailed, failed.State) // at the moment of reading
	w.Prover.Looks()

	again, err := w.Verify(d) // everything would be proved, and yet
	w.Failed(err, tenancy.ErrDomainNotVerified, "")
	w.Empty(w.Prover.Looks())
	w.Equal(tenancy.DomainPending, again.State)
	w.NotEqual(d.Challenge, again.Challenge)
	w.Equal(w.Clock.At.Truncate(time.Microsecond).Add(servicetest.Month), again.DueAt)
	w.Equal(again, w.domain(d))
	w.Zero(w.owner("ada@acme.example"))

	got, err := w.Verify(again)
	w.NoError(err)
	w.Equal(tenancy.DomainVerified, got.State)
	w.Equal(again.Challenge, w.Prover.Looks()[0].Token)

	w.emits(func() error { _, err := w.Svc.Domains.Recheck(w.Ctx); return err }, some(tenancy.EventDomainFailed))
	w.Equal(tenancy.DomainFailed, w.domain(swept).State)
	again, err = w.Verify(swept)
	w.Failed(err, tenancy.ErrDomainNotVerified, "")
	w.NotEqual(swept.Challenge, again.Challenge)
	w.Equal(tenancy.DomainPending, again.State)
}

func heldElsewhere(w *world) {
	holder, other := w.Org("Holder"), w.Org("Other")
	claim := w.Claim(other.ID, "acme.example")
	held := w.Holds(holder.ID, "acme.example")
	later := w.Claim(w.Org("Late").ID, "acme.example")
	for _, d := range []tenancy.Domain{claim, later} {
		w.Equal(tenancy.DomainFailed, w.domain(d).State)
		page, err := w.Svc.Domains.List(w.Ctx, d.OrganizationID, tenancy.DomainQuery{})
		w.NoError(err)
		w.Equal(tenancy.DomainFailed, page.Items[0].State)
		w.Prover.Looks()
		refusal := w.refuses(tenancy.ErrDomainTaken, "", func() error { _, err := w.Verify(d); return err })
		w.Empty(w.Prover.Looks())
		w.refuses(tenancy.ErrDomainTaken, "", func() error {
			_, err := w.Svc.Domains.MarkVerified(w.Ctx, d.OrganizationID, d.ID)
			return err
		})
		w.NotContains(refusal.Error(), holder.ID.String()) // not by whom
		w.Empty(refusal.IDs)
	}
	more := w.Org("More")
	w.refuses(tenancy.ErrDomainTaken, "", func() error {
		_, err := w.Svc.Domains.Claim(w.Ctx, tenancy.NewDomain{OrganizationID: more.ID, Name: "acme.example", Verified: true})
		return err
	})
	w.NoError(w.Svc.Domains.Release(w.Ctx, holder.ID, held.ID))
	got, err := w.Verify(claim)
	w.NoError(err)
	w.Equal(tenancy.DomainVerified, got.State)
}

func joiningByDomain(w *world) {
	w.Declare()
	acme := w.Org("Acme")
	d := w.Claim(acme.ID, "acme.example")
	update := func(in tenancy.DomainUpdate) (tenancy.Domain, error) {
		return w.Svc.Domains.Update(w.Ctx, acme.ID, d.ID, in)
	}
	for _, joining := range []tenancy.DomainJoining{tenancy.JoiningSuggest, tenancy.JoiningRequest, tenancy.JoiningAuto, tenancy.JoiningOff} {
		got, err := update(tenancy.DomainUpdate{Joining: &joining})
		w.NoError(err)
		w.Equal(joining, got.Joining)
		w.Equal(got, w.domain(d))
		w.silent(func() error { _, err := update(tenancy.DomainUpdate{Joining: &joining}); return err })
	}
	got, err := update(tenancy.DomainUpdate{Role: servicetest.Ptr(servicetest.Auditor), Version: w.domain(d).Version})
	w.NoError(err)
	w.Equal(servicetest.Auditor, got.Role)
	got, err = update(tenancy.DomainUpdate{Role: servicetest.Ptr("")})
	w.NoError(err)
	w.Empty(got.Role)
	w.refuses(tenancy.ErrConflict, "version", func() error {
		_, err := update(tenancy.DomainUpdate{Version: 1, Role: servicetest.Ptr(servicetest.Auditor)})
		return err
	})
}

func domainOwners(w *world) {
	acme := w.Org("Acme")
	w.Holds(acme.ID, "acme.example")
	for _, address := range []string{"ada@acme.example", "ADA@Acme.EXAMPLE", "a.b+c@acme.example"} {
		d, err := w.Svc.Domains.Owner(w.Ctx, address)
		w.NoError(err)
		w.Equal(acme.ID, d.OrganizationID)
	}
	for _, address := range []string{"ada@www.acme.example", "ada@other.example", "ada@acme.example.evil.example", "acme.example@evil.example"} {
		w.Zero(w.owner(address), address)
	}
	for _, address := range []string{"acme.example", `"a@evil.example"@acme.example`, "ada@evil.example@acme.example", "ada＠acme.example", "ada@example", ""} {
		_, err := w.Svc.Domains.Owner(w.Ctx, address)
		w.Failed(err, tenancy.ErrInvalid, "email")
	}
}

func claimLimit(w *world) {
	acme := w.Org("Acme")
	one := w.Claim(acme.ID, "one.example")
	w.Holds(acme.ID, "two.example")
	w.refuses(tenancy.ErrInvalid, "domains", func() error {
		_, err := w.Svc.Domains.Claim(w.Ctx, tenancy.NewDomain{OrganizationID: acme.ID, Name: "three.example"})
		return err
	})
	w.Claim(w.Org("Other").ID, "three.example")
	w.NoError(w.Svc.Domains.Release(w.Ctx, acme.ID, one.ID))
	w.Claim(acme.ID, "three.example")
}

func createdWithDomains(w *world) {
	acme := w.NewOrg(tenancy.NewOrganization{DisplayName: "Acme", Domains: []tenancy.NewDomain{
		{Name: "Acme.Example", Verified: true, Joining: tenancy.JoiningAuto, Role: rbac.Guest}, {Name: "acme.test"},
	}})
	page, err := w.Svc.Domains.List(w.Ctx, acme.ID, tenancy.DomainQuery{})
	w.NoError(err)
	w.Len(page.Items, 2)
	held, pending := page.Items[0], page.Items[1]
	w.Equal([]any{"acme.example", tenancy.DomainVerified, tenancy.JoiningAuto, rbac.Guest, ""}, []any{held.Name, held.State, held.Joining, held.Role, held.Method})
	w.Equal([]any{"acme.test", tenancy.DomainPending}, []any{pending.Name, pending.State})
	w.Equal(acme.ID, w.owner("ada@acme.example"))
	for name, bad := range map[string]struct {
		d     tenancy.NewDomain
		code  tenancy.Code
		field string
	}{
		"taken":              {tenancy.NewDomain{Name: "acme.example", Verified: true}, tenancy.ErrDomainTaken, ""},
		"free mail":          {tenancy.NewDomain{Name: "gmail.com"}, tenancy.ErrPublicEmailDomain, "name"},
		"no domain":          {tenancy.NewDomain{Name: "x"}, tenancy.ErrInvalid, "name"},
		"of an organization": {tenancy.NewDomain{Name: "x.example", OrganizationID: acme.ID}, tenancy.ErrInvalid, "domains"},
		"an owner's role":    {tenancy.NewDomain{Name: "x.example", Role: rbac.Owner}, tenancy.ErrInvalid, "role"},
	} {
		w.each(name, func(w *world) {
			w.refuses(bad.code, bad.field, func() error {
				_, err := w.Svc.Organizations.Create(w.Ctx, tenancy.NewOrganization{DisplayName: "Half", Domains: []tenancy.NewDomain{{Name: "ok.example"}, bad.d}})
				return err
			})
		})
	}
}

func domainsDeleted(w *world) {
	acme := w.Org("Acme")
	w.Holds(acme.ID, "acme.example")
	w.Claim(acme.ID, "acme.test")
	other := w.Claim(w.Org("Other").ID, "acme.example")
	events := w.emits(func() error { return w.Svc.Organizations.Delete(w.Ctx, acme.ID) }, some(tenancy.EventOrganizationDeleted))
	w.Contains(string(events[0].Data), `"domains":2`)
	w.Equal([]tenancy.Domain{w.domain(other)}, w.Dump().Domains)
	w.Zero(w.owner("ada@acme.example"))
	_, err := w.Verify(other)
	w.NoError(err)
}

// domainReleased: M1 leaves nobody without a role, M10 no manual one is touched.
func domainReleased(w *world) {
	w.Declare()
	acme := w.Org("Acme")
	d, kept := w.Holds(acme.ID, "acme.example"), w.Holds(acme.ID, "kept.example")
	ada, bob, cyd := w.User("ada"), w.User("bob"), w.User("cyd")
	w.Assign(w.Add(acme, ada, servicetest.Auditor), servicetest.Clerk, tenancy.RoleDomain, d.ID.String())
	w.Assign(w.Add(acme, bob, servicetest.Auditor), servicetest.Clerk, tenancy.RoleDomain, kept.ID.String())
	m := w.Add(acme, cyd, servicetest.Clerk)
	w.NoError(w.Store.Update(w.Ctx, func(rows store.Rows) error { // all that cyd has is of the domain
		a := m.Assignments[0]
		a.Source, a.SourceID, a.Version = tenancy.RoleDomain, d.ID.String(), a.Version+1
		return servicetest.UpdateRow(w.Ctx, rows, a)
	}))
	w.emits(func() error { return w.Svc.Domains.Release(w.Ctx, acme.ID, d.ID) },
		some(tenancy.EventMembershipRolesChanged), some(tenancy.EventMembershipRolesChanged),
		event{kind: tenancy.EventDomainReleased, org: acme.ID, subject: d.ID.String(), data: d})
	w.Equal([]string{servicetest.Auditor}, w.Member(acme, ada).Roles)
	w.Equal([]string{servicetest.Clerk, servicetest.Auditor}, w.Member(acme, bob).Roles)
	w.Equal([]string{rbac.Member}, w.Member(acme, cyd).Roles)
	_, err := w.Svc.Domains.Get(w.Ctx, acme.ID, d.ID)
	w.Failed(err, tenancy.ErrNotFound, "")
	w.Zero(w.owner(ada.Email))

	few := w.Another(func(c *tenancy.Config) { c.DeleteLimit = 1 })
	w.Assign(w.Member(acme, ada), servicetest.Clerk, tenancy.RoleDomain, kept.ID.String())
	w.refuses(tenancy.ErrTooLarge, "", func() error { return few.Domains.Release(w.Ctx, acme.ID, kept.ID) })
}

func domainHostInputs(w *world) {
	h := newHouse(w)
	owner := h.as("owner")
	claim := func(in tenancy.NewDomain) func() error {
		in.OrganizationID, in.Name = h.at.org, "mine.example"
		return func() error { _, err := owner.Domains.Claim(w.Ctx, in); return err }
	}
	create := func(in tenancy.NewDomain) func() error {
		in.Name = "mine.example"
		return func() error {
			_, err := owner.Organizations.Create(w.Ctx, tenancy.NewOrganization{DisplayName: "Mine", Owner: h.at.owner, Domains: []tenancy.NewDomain{in}})
			return err
		}
	}
	for name, call := range map[string]struct {
		field string
		call  func() error
	}{
		"a chosen id":          {"id", claim(tenancy.NewDomain{ID: unclaimed})},
		"verified":             {"verified", claim(tenancy.NewDomain{Verified: true})},
		"subdomains":           {"subdomains", claim(tenancy.NewDomain{Subdomains: true})},
		"a chosen id, created": {"id", create(tenancy.NewDomain{ID: unclaimed})},
		"verified, created":    {"verified", create(tenancy.NewDomain{Verified: true})},
		"a role, created":      {"role", create(tenancy.NewDomain{Role: rbac.Guest})},
		"the names below a domain": {"subdomains", func() error {
			_, err := owner.Domains.Update(w.Ctx, h.at.org, h.at.held, tenancy.DomainUpdate{Subdomains: servicetest.Ptr(true)})
			return err
		}},
		"that a domain is verified": {"", func() error { _, err := owner.Domains.MarkVerified(w.Ctx, h.at.org, h.at.claim); return err }},
	} {
		w.each(name, func(w *world) { w.refuses(tenancy.ErrForbidden, call.field, call.call) })
	}
	w.NoError(claim(tenancy.NewDomain{Joining: tenancy.JoiningAuto, Role: rbac.Guest})())
	w.NoError(owner.Transact(w.Ctx, func(ctx context.Context, tx *tenancy.Service) error {
		_, err := tx.Organizations.Create(ctx, tenancy.NewOrganization{DisplayName: "Mine", Owner: h.at.owner, Domains: []tenancy.NewDomain{{Name: "own.example"}}})
		return err
	}))
}
