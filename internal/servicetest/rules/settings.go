package rules

import (
	"fmt"
	"slices"
	"time"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/tenancy"
)

func settingRules() []rule {
	return []rule{
		{"O3 settings on joining and sessions", on(joiningSettings)},
		{"O3 allowed and blocked domains are kept in their normal form", on(emailDomainSettings)},
		{"O3 settings are an admin's own", on(settingsByAdmin)},
	}
}

func joiningSettings(w *world) {
	all := tenancy.Settings{
		AllowedDomains: []string{"acme.example"}, BlockedDomains: []string{"evil.example"}, AcceptOnDomains: true,
		SingleSignOnJoins: true, SessionIdle: time.Minute, SessionFor: 12 * time.Hour,
	}
	org := w.NewOrg(tenancy.NewOrganization{DisplayName: "Acme", Settings: all})
	w.Equal(all, org.Settings)
	w.Equal(org, w.getOrg(org.ID))
	w.Equal(tenancy.Settings{}, w.NewOrg(tenancy.NewOrganization{DisplayName: "Plain"}).Settings) // absent is not zero

	update := func(in tenancy.OrganizationUpdate) tenancy.Organization {
		got, err := w.Svc.Organizations.Update(w.Ctx, org.ID, in)
		w.NoError(err)
		w.Equal(got, w.getOrg(org.ID))
		return got
	}
	w.Equal(all, update(tenancy.OrganizationUpdate{DisplayName: servicetest.Ptr("Other")}).Settings) // nil leaves alone
	w.silent(func() error {
		_, err := w.Svc.Organizations.Update(w.Ctx, org.ID, tenancy.OrganizationUpdate{
			AllowedDomains: &all.AllowedDomains, BlockedDomains: servicetest.Ptr(slices.Clone(all.BlockedDomains)), AcceptOnDomains: servicetest.Ptr(true),
			SingleSignOnJoins: servicetest.Ptr(true), SessionIdle: servicetest.Ptr(time.Minute), SessionFor: servicetest.Ptr(12 * time.Hour),
		})
		return err
	})
	for _, step := range []struct {
		in   tenancy.OrganizationUpdate
		want func(*tenancy.Settings)
	}{
		{tenancy.OrganizationUpdate{AllowedDomains: &[]string{}}, func(s *tenancy.Settings) { s.AllowedDomains = nil }},
		{tenancy.OrganizationUpdate{BlockedDomains: new([]string)}, func(s *tenancy.Settings) { s.BlockedDomains = nil }},
		{tenancy.OrganizationUpdate{AcceptOnDomains: servicetest.Ptr(false)}, func(s *tenancy.Settings) { s.AcceptOnDomains = false }},
		{tenancy.OrganizationUpdate{SingleSignOnJoins: servicetest.Ptr(false)}, func(s *tenancy.Settings) { s.SingleSignOnJoins = false }},
		{tenancy.OrganizationUpdate{SessionIdle: servicetest.Ptr(time.Hour)}, func(s *tenancy.Settings) { s.SessionIdle = time.Hour }},
		{tenancy.OrganizationUpdate{SessionFor: servicetest.Ptr(time.Duration(0))}, func(s *tenancy.Settings) { s.SessionFor = 0 }},
	} {
		step.want(&all)
		w.Equal(all, update(step.in).Settings)
	}
}

func emailDomainSettings(w *world) {
	given := []string{"B.example", "a.example", "bücher.example", "b.example"}
	org := w.NewOrg(tenancy.NewOrganization{DisplayName: "Acme", Settings: tenancy.Settings{AllowedDomains: given, BlockedDomains: given}})
	want := []string{"a.example", "b.example", "xn--bcher-kva.example"}
	w.Equal(want, org.Settings.AllowedDomains)
	w.Equal(want, org.Settings.BlockedDomains)
	given[0] = "edited.example"
	w.Equal(want, w.getOrg(org.ID).Settings.AllowedDomains)
}

// settingsByAdmin: what is the organization's own to say, an admin says.
func settingsByAdmin(w *world) {
	h := newHouse(w)
	got, err := h.as("admin").Organizations.Update(w.Ctx, h.at.org, tenancy.OrganizationUpdate{
		AllowedDomains: &[]string{"acme.example"}, BlockedDomains: &[]string{"evil.example"}, AcceptOnDomains: servicetest.Ptr(true),
		SingleSignOnJoins: servicetest.Ptr(true), SessionIdle: servicetest.Ptr(time.Hour), SessionFor: servicetest.Ptr(time.Hour),
	})
	w.NoError(err)
	w.Equal([]string{"acme.example"}, got.Settings.AllowedDomains)
	w.refuses(tenancy.ErrForbidden, "", func() error {
		_, err := h.as("member").Organizations.Update(w.Ctx, h.at.org, tenancy.OrganizationUpdate{AcceptOnDomains: servicetest.Ptr(false)})
		return err
	})
}

// emailDomainCases: D1, at most 100.
func emailDomainCases[T any](field string, set func(*T, []string)) []value[T] {
	many := func(n int) []string {
		names := make([]string, n)
		for i := range names {
			names[i] = fmt.Sprintf("d%d.example", i)
		}
		return names
	}
	mail := value[T]{"free mail", func(in *T, _ cast) { set(in, []string{"gmail.com"}) }, "", ""}
	if field == "allowed_domains" { // kept out, it may be; let in, it lets in everybody
		mail.code, mail.field = tenancy.ErrPublicEmailDomain, field
	}
	cases := []value[T]{
		mail,
		{"none", func(in *T, _ cast) { set(in, nil) }, "", ""},
		{"100", func(in *T, _ cast) { set(in, many(100)) }, "", ""},
		{"101", func(in *T, _ cast) { set(in, many(101)) }, tenancy.ErrInvalid, field},
	}
	for name, bad := range map[string]string{
		"empty": "", "a public suffix": "co.uk", "a wildcard": "*.example", "an address": "ada@acme.example", "an IP address": "127.0.0.1",
		"a trailing dot": "acme.example.", "NUL": "a\x00.example", "invalid UTF-8": "\xff.example", "the Kelvin sign": "\u212aelvin.example",
	} {
		cases = append(cases, value[T]{name, func(in *T, _ cast) { set(in, []string{"ok.example", bad}) }, tenancy.ErrInvalid, field})
	}
	return cases
}

// sessionLimitCases: none, or whole seconds and at least a minute.
func sessionLimitCases[T any](field string, set func(*T, time.Duration)) []value[T] {
	cases := []value[T]{
		{"none", func(in *T, _ cast) { set(in, 0) }, "", ""},
		{"a minute", func(in *T, _ cast) { set(in, time.Minute) }, "", ""},
		{"a century", func(in *T, _ cast) { set(in, 100*365*servicetest.Day) }, "", ""},
	}
	for name, bad := range map[string]time.Duration{
		"negative": -time.Hour, "a nanosecond": 1, "59 seconds": 59 * time.Second, "half a second over": time.Minute + time.Second/2,
		"the least there is": -1 << 63,
	} {
		cases = append(cases, value[T]{name, func(in *T, _ cast) { set(in, bad) }, tenancy.ErrInvalid, field})
	}
	return cases
}
