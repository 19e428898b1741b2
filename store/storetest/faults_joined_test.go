package storetest

import (
	"context"
	"errors"
	"testing"

	"github.com/freehold-dev/freehold/store"
)

// linearJoined is a linear store in a transaction of a host's, with the faults that are
// set.
type linearJoined struct {
	root  store.Store
	tx    *linearTx
	ended bool

	keeps, twice, open, early, deaf, always bool
}

// joinLinear begins a transaction; fault sets what is wrong with it.
func joinLinear(l *linear, fault func(j *linearJoined)) Host {
	l.writer <- struct{}{}
	base := l.kept.Load()
	j := &linearJoined{root: l, tx: &linearTx{base: base, own: base.copy()}}
	fault(j)
	return Host{Joined: j, End: func(commit bool) error {
		if j.ended {
			return errors.New("ended twice")
		}
		j.ended = true
		if commit || j.always {
			l.kept.Store(j.tx.own)
		}
		<-l.writer
		return nil
	}}
}

func (j *linearJoined) Root() store.Store { return j.root }

func (j *linearJoined) begin(ctx context.Context) error {
	if j.ended && !j.open {
		return &store.Error{Code: store.ErrClosed}
	}
	if ctx.Err() != nil && !j.deaf {
		return ended(ctx)
	}
	return nil
}

func (j *linearJoined) View(ctx context.Context, fn func(store.Rows) error) error {
	if err := j.begin(ctx); err != nil {
		return err
	}
	return new(store.Guard).Run(j.tx, true, fn)
}

func (j *linearJoined) Update(ctx context.Context, fn func(store.Rows) error) error {
	if err := j.begin(ctx); err != nil {
		return err
	}
	run := func() error { return new(store.Guard).Run(j.tx, false, fn) }
	if j.twice {
		if err := run(); store.CodeOf(err) != store.ErrBusy {
			return err
		}
	}
	if j.early {
		defer func() { j.root.(*linear).kept.Store(j.tx.own.copy()) }()
	}
	if j.keeps {
		return run()
	}
	return j.tx.Savepoint(ctx, run)
}

func TestJoinedKeepsTheContract(t *testing.T) {
	open := func(*testing.T) store.Store { return newLinear() }
	RunJoined(t, open, func(_ *testing.T, root store.Store) Host {
		return joinLinear(root.(*linear), func(*linearJoined) {})
	}, notesSchema())
}

// Faults of joined stores are found.
func TestSuiteFindsFaultsOfJoinedStores(t *testing.T) {
	s := suiteOf(t, notesSchema())
	rules := map[string]rule{}
	for _, r := range s.joinedRules() {
		rules[r.name] = r
	}
	for _, f := range []struct {
		breaks string
		fault  func(j *linearJoined)
	}{
		{"is_joined", func(j *linearJoined) { j.root = newLinear() }},
		{"undoes_itself_alone", func(j *linearJoined) { j.keeps = true }},
		{"events", func(j *linearJoined) { j.keeps = true }},
		{"canceled", func(j *linearJoined) { j.keeps = true }},
		{"canceled", func(j *linearJoined) { j.deaf = true }},
		{"runs_once", func(j *linearJoined) { j.twice = true }},
		{"closed", func(j *linearJoined) { j.open = true }},
		{"again", func(j *linearJoined) { j.open = true }},
		{"commits", func(j *linearJoined) { j.early = true }},
		{"rolls_back", func(j *linearJoined) { j.early = true }},
		{"rolls_back", func(j *linearJoined) { j.always = true }},
		{"readers", func(j *linearJoined) { j.early = true }},
		{"again", func(j *linearJoined) { j.always = true }},
	} {
		l := newLinear()
		r := rules["joined/"+f.breaks].with(func() Host { return joinLinear(l, f.fault) })
		if err := r.check(l); err == nil {
			t.Errorf("joined/%s passes on a store that breaks it", f.breaks)
		}
	}
	// A store that lets a writer in beside the host's transaction, though it says that it
	// has one writer.
	l := newLinear()
	r := rules["joined/single_writer"].with(func() Host {
		h := joinLinear(l, func(*linearJoined) {})
		<-l.writer
		return Host{Joined: h.Joined, End: func(bool) error { return nil }}
	})
	if err := r.check(l); err == nil {
		t.Error("joined/single_writer passes on a store with two writers")
	}
}
