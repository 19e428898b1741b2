package model

import (
	"cmp"
	"maps"
	"strings"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

func (m *machine) orgOperations() map[string]operation {
	return map[string]operation{
		"createOrg":   {weight: 3, do: m.createOrg},
		"updateOrg":   {weight: 3, do: m.updateOrg},
		"suspendOrg":  {weight: 1, do: m.suspendOrg},
		"releaseSlug": {weight: 1, do: m.releaseSlug},
		"archiveOrg":  {weight: 2, do: m.archiveOrg},
		"restoreOrg":  {weight: 3, do: m.restoreOrg},
		"purgeOrg":    {weight: 1, do: m.purgeOrg},
		"deleteOrg":   {weight: 1, do: m.deleteOrg},
	}
}

// saveOrg keeps a changed organization, with its event.
func (s *modelState) saveOrg(org tenancy.Organization, kind tenancy.EventType) tenancy.Organization {
	org.NameKey = strings.ToLower(org.DisplayName)
	old := changed(s.orgs[org.ID], org)
	if old == nil {
		return s.orgs[org.ID]
	}
	org.Version++
	org.UpdatedAt = s.now
	s.orgs[org.ID] = org
	s.emit(kind, org.ID, tenancy.UserID{}, org.ID, org).previous = old
	return org
}

// taken says whether another organization has a key.
func (s *modelState) takenByOrg(self tenancy.OrganizationID, slug, externalID string) bool {
	for id, org := range s.orgs {
		if id != self && (slug != "" && org.Slug == slug || externalID != "" && org.ExternalID == externalID) {
			return true
		}
	}
	former, is := s.slugs[slug]
	return is && former.org != self && s.now.Before(former.ends)
}

// moveSlug is O5: what an organization gives up is reserved for it for 90 days, three at most.
func (s *modelState) moveSlug(id tenancy.OrganizationID, from, to string) {
	if from == to {
		return
	}
	delete(s.slugs, to)
	if from == "" {
		return
	}
	s.slugged++
	s.slugs[from] = modelSlug{id, s.now.Add(90 * servicetest.Day), s.slugged}
	oldest, of := s.slugged, 0
	for _, former := range s.slugs {
		if former.org == id {
			oldest, of = min(oldest, former.nth), of+1
		}
	}
	if of > 3 {
		maps.DeleteFunc(s.slugs, func(_ string, former modelSlug) bool { return former.nth == oldest })
	}
}

func (m *machine) createOrg() {
	var in tenancy.NewOrganization
	var ok [6]bool
	in.DisplayName, ok[0] = m.name("name")
	in.Slug, ok[1] = m.slug()
	in.ExternalID, ok[2] = m.externalID()
	patch, isPatch := m.patch("metadata")
	in.Metadata, ok[3] = whole(patch), isPatch
	if !isPatch {
		in.Metadata = map[string]string{strings.Repeat("k", 41): ""}
	}
	attributes, isAttributes := m.patch("attributes")
	in.Attributes, ok[5] = whole(attributes), isAttributes
	in.Settings, ok[4] = m.settings()
	if len(m.s.users) > 0 && draw(m, "owned", true, true, false) {
		in.Owner = m.anyUser()
	}
	in.ID = m.chosen(func() [16]byte { return m.anyOrg() })
	var why reasons
	_, exists := m.s.orgs[in.ID]
	why.when(ok != [6]bool{true, true, true, true, true, true}, tenancy.ErrInvalid)
	why.when(exists || m.s.takenByOrg(in.ID, in.Slug, in.ExternalID), tenancy.ErrAlreadyExists)
	owner := m.s.users[in.Owner]
	if !in.Owner.IsZero() {
		why = append(why, m.s.person(in.Owner)...)
		why = append(why, m.s.admit(tenancy.Organization{DisplayName: in.DisplayName}, owner, 0)...)
	}
	if len(why) == 0 && !in.Owner.IsZero() {
		m.s.joins = []tenancy.Join{{
			User: owner, Roles: []string{cmp.Or(in.Settings.CreatorRole, rbac.Owner)},
		}}
	}
	got, err := m.svc.Organizations.Create(m.ctx, in)
	if m.s.joins != nil {
		m.s.joins[0].Organization = got
	}
	if m.refused(err, why...) {
		return
	}
	want := tenancy.Organization{
		ID: cmp.Or(in.ID, got.ID), Version: 1, DisplayName: in.DisplayName, Slug: in.Slug, ExternalID: in.ExternalID,
		Metadata: in.Metadata, Attributes: in.Attributes, Settings: in.Settings, CreatedAt: m.s.now, UpdatedAt: m.s.now, NameKey: strings.ToLower(in.DisplayName),
	}
	require.Equal(m.rt, want, got)
	m.s.orgs[want.ID] = want
	m.s.moveSlug(want.ID, "", want.Slug)
	m.s.emit(tenancy.EventOrganizationCreated, want.ID, tenancy.UserID{}, want.ID, want)
	if !in.Owner.IsZero() {
		member, err := m.svc.Memberships.Get(m.ctx, want.ID, in.Owner)
		require.NoError(m.rt, err)
		m.s.enter(tenancy.NewMembership{
			ID: member.ID, OrganizationID: want.ID, UserID: in.Owner, JoinedVia: tenancy.JoinedCreated,
		}, m.s.joins[0].Roles)
	}
}

// settings draws what an organization decides for itself (O3); nobody who gets a role
// without being chosen may manage (R3).
func (m *machine) settings() (tenancy.Settings, bool) {
	if m.rarely("bad settings", 25) {
		return draw(m, "settings", tenancy.Settings{SeatLimit: -1}, tenancy.Settings{DefaultRole: rbac.Admin}), false
	}
	return tenancy.Settings{
		SeatLimit:   draw(m, "seats", 0, 0, 0, 1, 2, 3),
		DefaultRole: draw(m, "default role", "", "", rbac.Guest),
		CreatorRole: draw(m, "creator role", "", "", rbac.Admin),
		Features:    draw(m, "features", nil, map[string]bool{"beta": true}, map[string]bool{"beta": false, "old": true}),
	}, true
}

// releaseSlug is O5: the host lets go of a slug that is reserved.
func (m *machine) releaseSlug() {
	slug := draw(m, "former slug", "acme", "beta", "a-1", "a-2", "a-3")
	former, is := m.s.slugs[slug]
	var why reasons
	why.when(!is || !m.s.now.Before(former.ends), tenancy.ErrNotFound)
	if m.refused(m.svc.Organizations.ReleaseSlug(m.ctx, slug), why...) {
		return
	}
	delete(m.s.slugs, slug)
	m.s.emit(tenancy.EventOrganizationSlugReleased, former.org, tenancy.UserID{}, former.org, map[string]string{"slug": slug})
}

func (m *machine) updateOrg() {
	id := m.anyOrg()
	org, found := m.s.orgs[id]
	var why reasons
	why.when(!found, tenancy.ErrNotFound)
	var in tenancy.OrganizationUpdate
	stale := false
	in.Version, stale = m.version(org.Version)
	why.when(stale, tenancy.ErrConflict)
	name, isName := m.name("name")
	slug, isSlug := m.slug()
	ext, isExt := m.externalID()
	in.DisplayName, in.Slug, in.ExternalID = optional(m, "name", name), optional(m, "slug", slug), optional(m, "external id", ext)
	why.when(in.DisplayName != nil && !isName || in.Slug != nil && !isSlug || in.ExternalID != nil && !isExt, tenancy.ErrInvalid)
	patch, isPatch := m.patch("metadata")
	attributes, isAttributes := m.patch("attributes")
	in.Metadata, in.Attributes = patch, attributes
	why.when(!isPatch || !isAttributes, tenancy.ErrInvalid)
	in.SeatLimit = optional(m, "seats", draw(m, "seats", 0, 1, 2, 3))
	in.DefaultRole = optional(m, "default role", draw(m, "default role", "", rbac.Guest))
	if rapid.Bool().Draw(m.rt, "flag") {
		in.Features = map[string]*bool{"beta": draw(m, "beta", nil, servicetest.Ptr(true), servicetest.Ptr(false))}
	}
	org = applyOrg(org, in)
	why.when(found && m.s.takenByOrg(id, org.Slug, org.ExternalID), tenancy.ErrAlreadyExists)
	got, err := m.svc.Organizations.Update(m.ctx, id, in)
	if m.refused(err, why...) {
		return
	}
	m.s.moveSlug(id, m.s.orgs[id].Slug, org.Slug)
	require.Equal(m.rt, m.s.saveOrg(org, tenancy.EventOrganizationUpdated), got)
}

func applyOrg(org tenancy.Organization, in tenancy.OrganizationUpdate) tenancy.Organization {
	set(&org.DisplayName, in.DisplayName)
	set(&org.Slug, in.Slug)
	set(&org.ExternalID, in.ExternalID)
	set(&org.Settings.SeatLimit, in.SeatLimit)
	set(&org.Settings.DefaultRole, in.DefaultRole)
	org.Metadata, org.Attributes = patched(org.Metadata, in.Metadata), patched(org.Attributes, in.Attributes)
	if flag, named := in.Features["beta"]; named {
		flags := map[string]bool{}
		for key, value := range org.Settings.Features {
			if key != "beta" {
				flags[key] = value
			}
		}
		if flag != nil {
			flags["beta"] = *flag
		}
		if len(flags) == 0 {
			flags = nil
		}
		org.Settings.Features = flags
	}
	return org
}

func set[T any](at, to *T) {
	if to != nil {
		*at = *to
	}
}

func (m *machine) suspendOrg() {
	id := m.anyOrg()
	org, found := m.s.orgs[id]
	var why reasons
	why.when(!found, tenancy.ErrNotFound)
	do, kind := m.svc.Organizations.Suspend, tenancy.EventOrganizationSuspended
	if rapid.Bool().Draw(m.rt, "resume") {
		do, kind = m.svc.Organizations.Resume, tenancy.EventOrganizationResumed
		org.SuspendedAt = time.Time{}
	} else if org.SuspendedAt.IsZero() {
		org.SuspendedAt, org.SessionsEndedAt = m.s.now, sessionsEnd(org, m.s.now)
	}
	got, err := do(m.ctx, id)
	if !m.refused(err, why...) {
		require.Equal(m.rt, m.s.saveOrg(org, kind), got)
	}
}

func (m *machine) archiveOrg() {
	id := m.anyOrg()
	org, found := m.s.orgs[id]
	var why reasons
	why.when(!found, tenancy.ErrNotFound)
	if org.ArchivedAt.IsZero() {
		org.ArchivedAt, org.SessionsEndedAt = m.s.now, sessionsEnd(org, m.s.now)
	}
	got, err := m.svc.Organizations.Archive(m.ctx, id)
	if !m.refused(err, why...) {
		require.Equal(m.rt, m.s.saveOrg(org, tenancy.EventOrganizationArchived), got)
	}
}

// sessionsEnd is when the sessions in an organization end that is shut now (O2): later than
// any that have ended before.
func sessionsEnd(org tenancy.Organization, now time.Time) time.Time {
	if now.After(org.SessionsEndedAt) {
		return now
	}
	return org.SessionsEndedAt.Add(time.Microsecond)
}
