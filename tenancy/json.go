package tenancy

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"time"
)

// The JSON of results follows one convention (rule G15): an empty list is [], never null; a duration is a
// number of seconds; a time that is not set is left out. Other fields are left out, too, if their zero value
// means that they are not set.
//
// A type that other types embed must not have a MarshalJSON method: the outer type would get that method, and
// lose its own fields.

// listed makes a nil list an empty one, so that JSON shows it as [].
func listed[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// MarshalJSON shows Items as [] where there are none.
func (p Page[T]) MarshalJSON() ([]byte, error) {
	type plain Page[T]
	p.Items = listed(p.Items)
	return json.Marshal(plain(p))
}

// MarshalJSON shows Items as [] where there are none.
func (p EventPage) MarshalJSON() ([]byte, error) {
	type plain EventPage
	p.Items = listed(p.Items)
	return json.Marshal(plain(p))
}

// roleShown is the JSON of a member's role.
type roleShown struct {
	Slug    string        `json:"slug"`
	Name    string        `json:"name"`
	Sources []sourceShown `json:"sources"`
}

// sourceShown is the JSON of a source from which a member has a role (rule M10).
type sourceShown struct {
	Source RoleSource `json:"source"`
	ID     string     `json:"source_id,omitempty"`
}

// MarshalJSON shows each role with its name and its sources.
func (m Member) MarshalJSON() ([]byte, error) {
	type plain Member
	roles := make([]roleShown, len(m.Roles))
	for i, slug := range m.Roles {
		roles[i] = roleShown{slug, slug, []sourceShown{}}
		if i < len(m.RoleNames) {
			roles[i].Name = cmp.Or(m.RoleNames[i], slug)
		}
		for _, a := range m.Assignments {
			if a.Role == slug {
				roles[i].Sources = append(roles[i].Sources, sourceShown{a.Source, a.SourceID})
			}
		}
	}
	return json.Marshal(struct {
		plain
		Roles []roleShown `json:"roles"`
	}{plain(m), roles})
}

// plainRole is a Role without its MarshalJSON, to be embedded.
type plainRole Role

func (r Role) plain() plainRole {
	r.Grants = listed(r.Grants)
	return plainRole(r)
}

// MarshalJSON shows Grants as [] where there are none.
func (r Role) MarshalJSON() ([]byte, error) { return json.Marshal(r.plain()) }

// MarshalJSON shows the lists as [] where they are empty.
func (r EffectiveRole) MarshalJSON() ([]byte, error) {
	type plain EffectiveRole
	r.Parents, r.Grants, r.Permissions = listed(r.Parents), listed(r.Grants), listed(r.Permissions)
	return json.Marshal(plain(r))
}

// MarshalJSON shows Items as [] where there are none.
func (p HolderPage) MarshalJSON() ([]byte, error) {
	type plain HolderPage
	p.Items = listed(p.Items)
	return json.Marshal(plain(p))
}

// MarshalJSON shows Methods and Connections as [] where there are none.
func (r Route) MarshalJSON() ([]byte, error) {
	type plain Route
	r.Methods, r.Connections = listed(r.Methods), listed(r.Connections)
	return json.Marshal(plain(r))
}

// plainDecision is a Decision without its MarshalJSON, to be embedded.
type plainDecision Decision

// MarshalJSON shows the lists as [] where they are empty. In place of the token of a pending sign-in, which
// scripts should not see, it shows "pending": true.
func (d Decision) MarshalJSON() ([]byte, error) {
	d.Choices, d.Suggested, d.Connections, d.Methods = listed(d.Choices), listed(d.Suggested), listed(d.Connections), listed(d.Methods)
	return json.Marshal(struct {
		plainDecision
		Pending bool `json:"pending,omitempty"`
	}{plainDecision(d), !d.Pending.IsZero()})
}

// MarshalJSON shows the lists as [] where they are empty.
func (r Restored) MarshalJSON() ([]byte, error) {
	type plain Restored
	r.Deactivated, r.TakenDomains = listed(r.Deactivated), listed(r.TakenDomains)
	return json.Marshal(plain(r))
}

// MarshalJSON shows Roles and Parents as [] where there are none.
func (e Explanation) MarshalJSON() ([]byte, error) {
	type plain Explanation
	e.Roles, e.Parents = listed(e.Roles), listed(e.Parents)
	return json.Marshal(plain(e))
}

type plainSettings Settings

// settingsInJSON are Settings with durations in seconds.
type settingsInJSON struct {
	plainSettings
	SessionIdle int64 `json:"session_idle,omitempty"`
	SessionFor  int64 `json:"session_for,omitempty"`
}

func (s Settings) inJSON() settingsInJSON {
	return settingsInJSON{plainSettings(s), int64(s.SessionIdle / time.Second), int64(s.SessionFor / time.Second)}
}

// MarshalJSON writes SessionIdle and SessionFor in seconds.
func (s Settings) MarshalJSON() ([]byte, error) { return json.Marshal(s.inJSON()) }

// UnmarshalJSON reads the JSON that MarshalJSON writes. It leaves fields alone that the text does not name.
func (s *Settings) UnmarshalJSON(text []byte) error {
	in := s.inJSON()
	if err := json.Unmarshal(text, &in); err != nil {
		return err
	}
	const most = int64(math.MaxInt64 / time.Second)
	for field, n := range map[string]int64{"session_idle": in.SessionIdle, "session_for": in.SessionFor} {
		if n < -most || n > most {
			return invalid(field, fmt.Sprintf("is %d seconds, at most %d", n, most))
		}
	}
	*s = Settings(in.plainSettings)
	s.SessionIdle, s.SessionFor = time.Duration(in.SessionIdle)*time.Second, time.Duration(in.SessionFor)*time.Second
	return nil
}
