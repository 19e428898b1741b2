package model

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/freehold-dev/freehold/tenancy"
)

// errUndo is why a transaction of the model's is rolled back.
var errUndo = errors.New("undo it")

// transact makes a few operations one transaction that is committed, fails or
// panics; one inside another is undone alone.
func (m *machine) transact() {
	if m.depth == 2 {
		return
	}
	before, at := m.s.clone(), *m
	fate := rapid.SampledFrom([]string{"commit", "commit", "error", "panic"}).Draw(m.rt, "fate")
	met, err := caught(func() error {
		return at.svc.Transact(at.ctx, func(ctx context.Context, tx *tenancy.Service) error {
			m.svc, m.ctx, m.depth = tx, ctx, at.depth+1
			m.playInside()
			switch fate {
			case "error":
				return errUndo
			case "panic":
				panic(errUndo)
			}
			return nil
		})
	})
	m.svc, m.ctx, m.depth = at.svc, at.ctx, at.depth
	if fate != "commit" {
		m.s = before
	}
	switch fate {
	case "commit":
		require.NoError(m.rt, err)
	case "error":
		require.Equal(m.rt, errUndo, err)
	case "panic":
		require.Equal(m.rt, any(errUndo), met)
	}
	m.joins, m.s.joins = nil, nil
}

// playInside plays operations in the transaction that runs.
func (m *machine) playInside() {
	ops := m.operations()
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(ops)), func(name string) bool { return ops[name].alone })
	for range rapid.IntRange(1, 4).Draw(m.rt, "operations") {
		m.play(m.rt, ops[rapid.SampledFrom(names).Draw(m.rt, "inside")])
	}
	_, err := m.outer.Organizations.Create(m.ctx, tenancy.NewOrganization{DisplayName: "Outside"})
	require.ErrorIs(m.rt, err, tenancy.ErrInTransaction)
	last, err := m.svc.Events.Last(m.ctx)
	require.NoError(m.rt, err)
	require.Equal(m.rt, m.last, last) // E1: unseen until it is committed
	if rapid.IntRange(0, 3).Draw(m.rt, "look") == 0 {
		m.check(m.rt)
	}
}

// caught runs fn and catches the panic of a transaction that is to be undone; any
// other goes on.
func caught(fn func() error) (met any, err error) {
	defer func() {
		if met = recover(); met != nil && met != any(errUndo) {
			panic(met)
		}
	}()
	return nil, fn()
}
