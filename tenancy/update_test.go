package tenancy_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/store/memory"
	"github.com/freehold-dev/freehold/tenancy"
)

func TestSetKeys(t *testing.T) {
	ctx := t.Context()
	svc, err := tenancy.New(tenancy.Config{Store: memory.New()})
	require.NoError(t, err)
	org, err := svc.Organizations.Create(ctx, tenancy.NewOrganization{DisplayName: "Acme", ExternalID: "crm-1", Metadata: map[string]string{"trial": "yes", "plan": "free"}})
	require.NoError(t, err)
	org, err = svc.Organizations.Update(ctx, org.ID, tenancy.OrganizationUpdate{
		DisplayName: tenancy.Set("Acme Inc."), ExternalID: tenancy.Set(""),
		Metadata: tenancy.SetKeys(map[string]string{"plan": "pro", "note": "", "gone": "x"}, "trial", "gone", "never"),
	})
	require.NoError(t, err)
	require.Equal(t, "Acme Inc.", org.DisplayName)
	require.Empty(t, org.ExternalID)
	require.Equal(t, map[string]string{"plan": "pro", "note": ""}, org.Metadata, "an empty value is a value")
	org, err = svc.Organizations.Update(ctx, org.ID, tenancy.OrganizationUpdate{Metadata: tenancy.SetKeys(nil, "note")})
	require.NoError(t, err)
	require.Equal(t, map[string]string{"plan": "pro"}, org.Metadata)
	require.Empty(t, tenancy.SetKeys(nil))
}

// Every type of event is one that a query may name.
func TestEventTypes(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "event.go", nil, 0)
	require.NoError(t, err)
	svc, err := tenancy.New(tenancy.Config{Store: memory.New()})
	require.NoError(t, err)
	n := 0
	ast.Inspect(file, func(node ast.Node) bool {
		spec, ok := node.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if kind, ok := spec.Type.(*ast.Ident); !ok || kind.Name != "EventType" {
			return true
		}
		for _, value := range spec.Values {
			text, err := strconv.Unquote(value.(*ast.BasicLit).Value)
			require.NoError(t, err)
			_, err = svc.Events.List(t.Context(), tenancy.EventQuery{Types: []tenancy.EventType{tenancy.EventType(text)}})
			require.NoError(t, err, "%s is missing in event_types.go", text)
			n++
		}
		return true
	})
	require.Greater(t, n, 60)
}
