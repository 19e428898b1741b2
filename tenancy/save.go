package tenancy

import (
	"context"
	"reflect"
	"time"
)

// versioned is a pointer to an entity with a version. stamps returns where its version is, and where the time
// of its last change is; nil for an entity without that time.
type versioned[T any] interface {
	*T
	stamps() (version *int64, updated *time.Time)
}

// recorded is a pointer to an entity whose changes are events. event makes the event for its present state.
type recorded[T any] interface {
	versioned[T]
	event(kind EventType) newEvent
}

// put increments v's version, sets its time of change, and stores v with keep, such as the Update of v's table.
func put[T any, P versioned[T]](ctx context.Context, c *call, keep func(context.Context, T) error, v P) error {
	version, updated := v.stamps()
	*version++
	if updated != nil {
		*updated = c.now
	}
	return keep(ctx, *v)
}

// save stores an entity that differs from before, with its event. It writes nothing for an entity that does not
// differ (rule G8).
func save[T any, P recorded[T]](ctx context.Context, c *call, keep func(context.Context, T) error, before T, after P, kind EventType) error {
	return saveAs(ctx, c, keep, before, after, func() newEvent { return after.event(kind) })
}

// saveAs does save with an event that says more than the entity alone.
func saveAs[T any, P versioned[T]](ctx context.Context, c *call, keep func(context.Context, T) error, before T, after P, event func() newEvent) error {
	if unchanged(before, *after) {
		return nil
	}
	old, err := previous(before, *after)
	if err != nil {
		return err
	}
	if err := put(ctx, c, keep, after); err != nil {
		return err
	}
	n := event()
	n.previous = old
	return c.record(ctx, n)
}

// unchanged reports whether two states of an entity are the same for the store. It compares every field, also
// those that no event shows. An empty list or map equals nil, and times are compared as instants.
func unchanged[T any](before, after T) bool {
	return alike(reflect.ValueOf(before), reflect.ValueOf(after))
}

var timeType = reflect.TypeFor[time.Time]()

func alike(a, b reflect.Value) bool {
	switch {
	case a.Type() == timeType:
		return a.Interface().(time.Time).Equal(b.Interface().(time.Time))
	case a.Kind() == reflect.Struct:
		for i := range a.NumField() {
			if !alike(a.Field(i), b.Field(i)) {
				return false
			}
		}
		return true
	case a.Kind() == reflect.Slice:
		if a.Len() != b.Len() {
			return false
		}
		for i := range a.Len() {
			if !alike(a.Index(i), b.Index(i)) {
				return false
			}
		}
		return true
	case a.Kind() == reflect.Map:
		if a.Len() != b.Len() {
			return false
		}
		for _, key := range a.MapKeys() {
			if value := b.MapIndex(key); !value.IsValid() || !alike(a.MapIndex(key), value) {
				return false
			}
		}
		return true
	}
	return a.Equal(b)
}
