package tenancy

import (
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The groups of a Service work through it, and not through the one that it comes from.
func TestDerivedServicesWorkThroughThemselves(t *testing.T) {
	from := rooted(&Service{instance: &instance{config: Config{Now: time.Now}}})
	for name, derived := range map[string]*Service{
		"itself": from, "As": from.As(Principal{}), "Named": from.Named("job"), "trusted": from.trusted(), "inside": from.inside(nil, &changes{}),
	} {
		groups := 0
		v := reflect.ValueOf(derived).Elem()
		for i := range v.NumField() {
			if back := v.Field(i); back.Kind() == reflect.Struct && back.FieldByName("s").IsValid() {
				groups++
				assert.Equal(t, v.Addr().Pointer(), back.FieldByName("s").Pointer(), "%s: %s", name, v.Type().Field(i).Name)
			}
		}
		require.Positive(t, groups)
		assert.Same(t, from.instance, derived.instance, name)
	}
}
