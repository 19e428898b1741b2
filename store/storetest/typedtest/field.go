package typedtest

import (
	"slices"
	"strings"
	"time"

	"github.com/freehold-dev/freehold/tenancy"
)

// field is one field of a filter under test.
type field[V, F any] struct {
	name string // in F
	// probes gives constraints to try on a table that holds these rows; the others
	// are rows that are in no table.
	probes func(rows, others []V) []probe[V, F]
	// start, for a prefix, sets the field; text is what it is a prefix of.
	start func(f *F, prefix string)
	text  func(v *V) *string
}

// probe is one constraint, and which rows pass it.
type probe[V, F any] struct {
	name  string
	apply func(f *F)
	match func(v V) bool
}

// in is a set of values of a field that is never null.
func in[V, F any, T comparable](name string, at func(*F) *tenancy.In[T], value func(V) T) field[V, F] {
	return setField(name, at, value, func(V) bool { return false })
}

// inNull is a set of values of a field whose zero value is kept as null, which
// equals nothing.
func inNull[V, F any, T comparable](name string, at func(*F) *tenancy.In[T], value func(V) T) field[V, F] {
	var zero T
	return setField(name, at, value, func(v V) bool { return value(v) == zero })
}

func setField[V, F any, T comparable](name string, at func(*F) *tenancy.In[T], value func(V) T, null func(V) bool) field[V, F] {
	of := func(what string, values ...T) probe[V, F] {
		return probe[V, F]{
			name:  name + " " + what,
			apply: func(f *F) { *at(f) = tenancy.Of(values...) },
			match: func(v V) bool { return !null(v) && slices.Contains(values, value(v)) },
		}
	}
	return field[V, F]{name: name, probes: func(rows, others []V) []probe[V, F] {
		known, unknown := distinct(rows, value, null), distinct(others, value, null)
		x, y := known[len(known)/2], known[len(known)-1]
		many := slices.Concat(known, unknown)
		for len(many) < 1000 {
			many = append(many, many[len(many)-len(unknown)])
		}
		var zero T
		return []probe[V, F]{
			of("none"), of("one", x), of("two", x, y), of("twice the same", y, y), of("not there", unknown[len(unknown)-1]),
			of("zero value", zero), of("all", known...), of("thousand", many[:1000]...),
		}
	}}
}

// distinct lists the values of rows that are not null, each once.
func distinct[V any, T comparable](rows []V, value func(V) T, null func(V) bool) []T {
	var list []T
	seen := map[T]bool{}
	for _, v := range rows {
		if x := value(v); !null(v) && !seen[x] {
			seen[x] = true
			list = append(list, x)
		}
	}
	return list
}

// prefix is the beginning of a text.
func prefix[V, F any](name string, at func(*F) *string, text func(*V) *string) field[V, F] {
	start := func(f *F, prefix string) { *at(f) = prefix }
	of := func(what, prefix string) probe[V, F] {
		return probe[V, F]{
			name:  name + " " + what,
			apply: func(f *F) { start(f, prefix) },
			match: func(v V) bool { return strings.HasPrefix(*text(&v), prefix) },
		}
	}
	return field[V, F]{name: name, start: start, text: text, probes: func(rows, _ []V) []probe[V, F] {
		whole := *text(&rows[len(rows)-1])
		return []probe[V, F]{of("letter", "a"), of("whole", whole), of("longer", whole+"\x01"), of("not there", "no such")}
	}}
}

// before is an upper bound of an instant, itself not allowed; one that is not set has
// none.
func before[V, F any](name string, at func(*F) *time.Time, value func(V) time.Time) field[V, F] {
	return bound(name, at, func(v V, t time.Time) bool { return !value(v).IsZero() && value(v).Before(t) }, value)
}

// after is a lower bound of an instant, itself not allowed.
func after[V, F any](name string, at func(*F) *time.Time, value func(V) time.Time) field[V, F] {
	return bound(name, at, func(v V, t time.Time) bool { return value(v).After(t) }, value)
}

// since is a lower bound of an instant, itself allowed.
func since[V, F any](name string, at func(*F) *time.Time, value func(V) time.Time) field[V, F] {
	return bound(name, at, func(v V, t time.Time) bool { return !value(v).Before(t) }, value)
}

func bound[V, F any](name string, at func(*F) *time.Time, match func(V, time.Time) bool, value func(V) time.Time) field[V, F] {
	of := func(what string, t time.Time) probe[V, F] {
		return probe[V, F]{
			name:  name + " " + what,
			apply: func(f *F) { *at(f) = t },
			match: func(v V) bool { return match(v, t) },
		}
	}
	return field[V, F]{name: name, probes: func(rows, _ []V) []probe[V, F] {
		set := slices.DeleteFunc(slices.Clone(rows), func(v V) bool { return value(v).IsZero() })
		x := value(set[len(set)/2])
		return []probe[V, F]{
			of("exactly", x), of("a microsecond later", x.Add(time.Microsecond)), of("a microsecond earlier", x.Add(-time.Microsecond)),
			of("elsewhere in the world", x.In(time.FixedZone("", 3*60*60))), of("long ago", time.Unix(-1, 0)), of("in ages", clock(1_000_000)),
		}
	}}
}
