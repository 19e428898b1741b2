package model

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/tenancy"
)

// modelEvent is an event that the log must hold; position and id come from reading it.
type modelEvent struct {
	kind     tenancy.EventType
	org      tenancy.OrganizationID
	user     tenancy.UserID
	subject  string
	time     time.Time
	data     map[string]json.RawMessage // at least this
	previous map[string]json.RawMessage // exactly this
	people   []tenancy.UserID
	redacted bool
	actor    tenancy.Actor // the zero one: the host
	got      tenancy.Event // as it was read
}

func (e modelEvent) key() string { return fmt.Sprint(e.kind, e.org, e.user, e.subject) }

// emit notes an event that is due.
func (s *modelState) emit(kind tenancy.EventType, org tenancy.OrganizationID, user tenancy.UserID, subject fmt.Stringer, data any) *modelEvent {
	s.log = append(s.log, modelEvent{kind: kind, org: org, user: user, subject: subject.String(), time: s.now, data: jsonFields(data)})
	return &s.log[len(s.log)-1]
}

func (s *modelState) emitMember(kind tenancy.EventType, m modelMember) *modelEvent {
	return s.emit(kind, m.OrganizationID, m.UserID, m.ID, m)
}

func jsonFields(v any) map[string]json.RawMessage {
	if v == nil {
		return nil
	}
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(text, &fields); err != nil {
		panic(err)
	}
	return fields
}

// changed gives the old values of what differs (E1); nil where nothing does (G8).
func changed(before, after any) map[string]json.RawMessage {
	old, now := jsonFields(before), jsonFields(after)
	diff := map[string]json.RawMessage{}
	for name, value := range old {
		if !bytes.Equal(value, now[name]) {
			diff[name] = value
		}
	}
	for name := range now {
		if _, ok := old[name]; !ok {
			diff[name] = json.RawMessage("null")
		}
	}
	delete(diff, "version")
	delete(diff, "updated_at")
	if len(diff) == 0 {
		return nil
	}
	return diff
}

// checkEvents reads what was added to the log and compares it with what is due.
func (m *machine) checkEvents() {
	page, err := m.svc.Events.List(m.ctx, tenancy.EventQuery{After: m.last, Limit: tenancy.MaxLimit})
	require.NoError(m.rt, err)
	due := m.s.log[m.known:]
	require.True(m.rt, page.Done)
	slices.SortStableFunc(due, func(a, b modelEvent) int { return strings.Compare(a.key(), b.key()) })
	got := slices.Clone(page.Items)
	slices.SortStableFunc(got, func(a, b tenancy.Event) int { return strings.Compare(eventKey(a), eventKey(b)) })
	require.Equal(m.rt, eventKeys(due, modelEvent.key), eventKeys(got, eventKey))
	for i, e := range got {
		m.checkEvent(&due[i], e)
	}
	slices.SortFunc(due, func(a, b modelEvent) int { return int(a.got.Position - b.got.Position) })
	m.known = len(m.s.log)
	if len(page.Items) > 0 {
		m.last = page.Next
	}
	last, err := m.svc.Events.Last(m.ctx)
	require.NoError(m.rt, err)
	require.Equal(m.rt, m.last, last)
}

func eventKey(e tenancy.Event) string {
	return fmt.Sprint(e.Type, e.OrganizationID, e.UserID, e.Subject)
}

func eventKeys[E any](events []E, key func(E) string) []string {
	keys := make([]string, len(events))
	for i, e := range events {
		keys[i] = key(e)
	}
	return keys
}

// checkEvent compares an event with the change that it tells of.
func (m *machine) checkEvent(want *modelEvent, got tenancy.Event) {
	require.Equal(m.rt, cmp.Or(want.actor, tenancy.Actor{Kind: tenancy.ActorHost}), got.Actor)
	require.Equal(m.rt, want.time, got.Time)
	require.Greater(m.rt, got.Position, m.last)
	want.got = got
	require.Equal(m.rt, want.redacted, got.Redacted)
	if want.redacted {
		require.Empty(m.rt, string(got.Data)+string(got.Previous)+got.Person.Name+got.Person.Email)
		return
	}
	var data, previous map[string]json.RawMessage
	require.NoError(m.rt, json.Unmarshal(got.Data, &data), "data of %s", got.Type)
	for name, value := range want.data {
		require.JSONEq(m.rt, string(value), string(data[name]), "%s in the data of %s", name, got.Type)
	}
	if len(got.Previous) > 0 {
		require.NoError(m.rt, json.Unmarshal(got.Previous, &previous))
	}
	require.Equal(m.rt, texts(want.previous), texts(previous), "previous of %s", got.Type)
}

func texts(fields map[string]json.RawMessage) map[string]string {
	list := map[string]string{}
	for name, value := range fields {
		list[name] = string(value)
	}
	return list
}

// checkLog reads the whole log again: it changes only by Erase and Prune (E3).
func (m *machine) checkLog() {
	want := m.s.log[:m.known]
	q := tenancy.EventQuery{Descending: true, Limit: tenancy.MaxLimit}
	for at := len(want); ; {
		page, err := m.svc.Events.List(m.ctx, q)
		require.NoError(m.rt, err)
		for _, e := range page.Items {
			at--
			require.GreaterOrEqual(m.rt, at, 0, "more in the log than was ever written")
			require.Equal(m.rt, want[at].got, e)
		}
		if page.Done {
			require.Zero(m.rt, at, "events are missing")
			return
		}
		q.After = page.Next
	}
}

// prune is Events.Prune.
func (m *machine) prune() {
	before := m.s.now.Add(-2 * time.Hour)
	n, err := m.svc.Events.Prune(m.ctx, before)
	m.refused(err)
	gone := 0
	for gone < len(m.s.log) && m.s.log[gone].time.Before(before) {
		gone++
	}
	require.Equal(m.rt, gone, n)
	if gone == 0 {
		return
	}
	m.s.floor = m.s.log[gone-1].got.Position
	m.s.log = slices.Clone(m.s.log[gone:])
	m.known -= gone
	if m.s.floor > 1 {
		_, err = m.svc.Events.List(m.ctx, tenancy.EventQuery{After: m.s.floor - 1})
		require.ErrorIs(m.rt, err, tenancy.ErrEventsPruned) // E1
	}
}
