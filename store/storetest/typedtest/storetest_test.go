package typedtest

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/freehold-dev/freehold/tenancy"
)

// Each entity of the catalogue is a subject, so that a new one cannot be forgotten.
func TestEveryEntityIsASubject(t *testing.T) {
	var described []any
	for _, s := range subjects() {
		described = append(described, s.describes())
	}
	catalogue := reflect.ValueOf(tenancy.Describe()).Elem()
	for i := range catalogue.NumField() {
		name, entity := catalogue.Type().Field(i).Name, catalogue.Field(i).Interface()
		if name != "Events" && !slices.Contains(described, entity) {
			t.Errorf("the catalogue's %s are no subject: see subjects", name)
		}
	}
	if got, want := len(described), len(tenancy.Tables()); got != want {
		t.Errorf("%d subjects for %d tables", got, want)
	}
}

// Each field of a filter is under test, so that a new one cannot be forgotten.
func TestEveryFilterFieldIsTried(t *testing.T) {
	tried := map[string][]string{}
	for _, s := range subjects() {
		tried[s.kind()] = s.fieldNames()
	}
	for _, f := range eventFields() {
		tried["event"] = append(tried["event"], f.name)
	}
	catalogue := reflect.ValueOf(tenancy.Describe()).Elem()
	for i := range catalogue.NumField() {
		kind := catalogue.Field(i).Elem().FieldByName("Table").Elem().FieldByName("Kind").String()
		where, _ := catalogue.Field(i).Type().MethodByName("Conds")
		filter := where.Type.In(1)
		var fields []string
		for j := range filter.NumField() {
			fields = append(fields, filter.Field(j).Name)
		}
		slices.Sort(fields)
		slices.Sort(tried[kind])
		if !slices.Equal(tried[kind], fields) {
			t.Errorf("%s: tried are %v, the filter has %v", kind, tried[kind], fields)
		}
	}
}

// The samples reach every column: full rows set all, bare ones no more than they
// must, and no field is lost between a value and a row.
func TestSamplesReachEveryColumn(t *testing.T) {
	samplesReach(t, organizations())
	samplesReach(t, users())
	samplesReach(t, identities())
	samplesReach(t, memberships())
	samplesReach(t, roleAssignments())
	samplesReach(t, roles())
	samplesReach(t, permissions())
	samplesReach(t, secrets())
	samplesReach(t, denials())
	samplesReach(t, invitations())
	samplesReach(t, joinCodes())
	samplesReach(t, joinRequests())
	samplesReach(t, domains())
	samplesReach(t, connections())
	samplesReach(t, policies())
	samplesReach(t, sessions())
}

func samplesReach[V tenancy.Entity, F any](t *testing.T, s *subject[V, F]) {
	t.Helper()
	seen := map[string]bool{}
	for n := range 100 {
		full, bare := s.row(s.full(n)), s.row(s.bare(n))
		for i, column := range s.entity.Table.Columns {
			if full[i].Null {
				t.Errorf("%s %d: full has no %s", s.kind(), n, column.Name)
			}
			if column.Null != bare[i].Null {
				t.Errorf("%s %d: bare has %s = %v", s.kind(), n, column.Name, bare[i])
			}
		}
		if n > 0 {
			zeroFields(reflect.ValueOf(s.full(n)), func(name string) { t.Errorf("%s %d: full leaves %s zero", s.kind(), n, name) })
		}
		for _, v := range []V{s.full(n), s.bare(n)} {
			if got := s.entity.Read(s.row(v)); !reflect.DeepEqual(got, v) {
				t.Errorf("%s %d: read back as %+v, want %+v", s.kind(), n, got, v)
			}
		}
		for _, key := range s.entity.Table.Unique {
			at := key.Field
			for _, i := range key.Columns {
				at += fmt.Sprintf(" %v", full[i])
			}
			if seen[at] {
				t.Errorf("%s %d: shares the key %s", s.kind(), n, at)
			}
			seen[at] = true
		}
	}
}

// zeroFields names the fields of a struct, and of those within, that are zero.
func zeroFields(v reflect.Value, found func(name string)) {
	for i := range v.NumField() {
		f := v.Field(i)
		if f.IsZero() {
			found(v.Type().Field(i).Name)
		} else if f.Kind() == reflect.Struct && f.Type() != reflect.TypeFor[time.Time]() {
			zeroFields(f, found)
		}
	}
}

// The suite is as large as it says, each rule has a name of its own and says what
// it is about.
func TestRulesAreNamedAndExplained(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range rules() {
		if seen[r.name] || strings.ContainsAny(r.name, " #") {
			t.Errorf("the name %q is taken, or would be changed", r.name)
		}
		if !strings.HasSuffix(r.why, ".") {
			t.Errorf("%s: no explanation: %q", r.name, r.why)
		}
		seen[r.name] = true
	}
	if len(seen) < 150 {
		t.Errorf("%d rules, want at least 150", len(seen))
	}
	t.Logf("%d rules", len(seen))
}
