package tenancy

import (
	"fmt"
	"slices"
	"time"
)

const (
	maxEmailDomains = 100 // for each of the two lists of an organization
	minSessionLimit = time.Minute
)

// apply writes an update's settings on joining and on sessions, in their stored form (rule O3).
func (s *Settings) apply(c *Config, in OrganizationUpdate) (err error) {
	for _, set := range []struct {
		field string
		in    *[]string
		at    *[]string
		read  func(field, s string) (string, error)
	}{
		{"allowed_domains", in.AllowedDomains, &s.AllowedDomains, c.domain}, {"blocked_domains", in.BlockedDomains, &s.BlockedDomains, domainName},
	} {
		if set.in == nil {
			continue
		}
		if *set.at, err = emailDomains(set.field, *set.in, set.read); err != nil {
			return err
		}
	}
	for _, set := range []struct {
		field string
		in    *time.Duration
		at    *time.Duration
	}{{"session_idle", in.SessionIdle, &s.SessionIdle}, {"session_for", in.SessionFor, &s.SessionFor}} {
		if set.in == nil {
			continue
		}
		if d := *set.in; d != 0 && (d < minSessionLimit || d%time.Second != 0) {
			return invalid(set.field, fmt.Sprintf("is %v, want whole seconds and at least a minute, or 0", d))
		}
		*set.at = *set.in
	}
	s.AcceptOnDomains = deref(in.AcceptOnDomains, s.AcceptOnDomains)
	s.JoinRequests = deref(in.JoinRequests, s.JoinRequests)
	s.SingleSignOnJoins = deref(in.SingleSignOnJoins, s.SingleSignOnJoins)
	return nil
}

// emailDomains returns the names in the normal form that read gives, sorted and without duplicates; nil if
// there are none.
func emailDomains(field string, in []string, read func(field, s string) (string, error)) ([]string, error) {
	if len(in) > maxEmailDomains {
		return nil, invalid(field, fmt.Sprintf("are %d, at most %d", len(in), maxEmailDomains))
	}
	var names []string
	for _, s := range in {
		name, err := read(field, s)
		if err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}
