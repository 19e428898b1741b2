package tenancy

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/freehold-dev/freehold/rbac"
)

// What save compares is what a store keeps, whether or not events show it.
func TestUnchanged(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	org := Organization{DisplayName: "Acme", NameKey: "acme", Metadata: map[string]string{"a": "1"}, CreatedAt: now}

	for name, change := range map[string]func(*Organization){
		"a field":            func(o *Organization) { o.DisplayName = "ACME" },
		"a nested field":     func(o *Organization) { o.Settings.SeatLimit = 1 },
		"a field of no JSON": func(o *Organization) { o.NameKey = "other" },
		"an instant":         func(o *Organization) { o.SuspendedAt = now },
		"a key of a map":     func(o *Organization) { o.Metadata = map[string]string{"b": "1"} },
		"a value of a map":   func(o *Organization) { o.Metadata = map[string]string{"a": "2"} },
		"one key more":       func(o *Organization) { o.Metadata = map[string]string{"a": "1", "b": "1"} },
		"a list":             func(o *Organization) { o.Settings.AllowedDomains = []string{"acme.example"} },
		"an id":              func(o *Organization) { o.ID[0] = 1 },
	} {
		after := org
		change(&after)
		assert.False(t, unchanged(org, after), name)
		assert.False(t, unchanged(after, org), name)
	}
	for name, change := range map[string]func(*Organization){
		"nothing":                 func(*Organization) {},
		"a copy of a map":         func(o *Organization) { o.Metadata = map[string]string{"a": "1"} },
		"an empty list for none":  func(o *Organization) { o.Settings.AllowedDomains = []string{} },
		"an empty map for none":   func(o *Organization) { o.Settings.Features = map[string]bool{} },
		"an instant in its place": func(o *Organization) { o.CreatedAt = now.In(time.FixedZone("", 3600)) },
	} {
		after := org
		change(&after)
		assert.True(t, unchanged(org, after), name)
	}
	role := Role{Grants: []rbac.Grant{"a:read", "b:read"}}
	assert.True(t, unchanged(role, Role{Grants: []rbac.Grant{"a:read", "b:read"}}))
	assert.False(t, unchanged(role, Role{Grants: []rbac.Grant{"b:read", "a:read"}}), "the order of a list")
}
