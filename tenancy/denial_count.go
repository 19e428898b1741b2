package tenancy

import (
	"sync"
	"time"
)

// refusal is one refusal of an actor, to be counted in the denials.
type refusal struct {
	actor        Actor
	method       string
	organization OrganizationID
	hidden       bool // the answer was that the thing does not exist
}

// dueDenial is a count to be added to one row of denials.
type dueDenial struct {
	key    refusal
	minute time.Time
	n      int
}

// The budgets of denials (rule A5).
const (
	denialsOfActor = 60      // rows an hour of one actor in one organization
	denialsOfPool  = 600     // rows an hour of all actors of a pool
	denialsAtOnce  = 200     // rows that one transaction writes
	denialsOfShown = 2_000   // counts in memory that strangers' refusals cannot take
	denialsCounted = 10_000  // counts in memory; more are counted for their organization only
	denialsBudget  = 100_000 // rows an hour in all pools; then the budgets start again
)

// denialPool shares a budget. It has the refusals of one organization's people, or those of strangers to
// it, or those that name no organization. So no organization uses up the budget of another, and no stranger
// uses up that of the people, while memory has room for the counts.
type denialPool struct {
	organization OrganizationID
	hidden       bool
}

// denialBudget is how much of its hour's budget a pool has used.
type denialBudget struct {
	rows   int
	actors map[Actor]int
}

// denialCounter counts refusals, and decides when a count is stored (rule A5).
//
// The first [ErrForbidden] of an actor in a minute is stored at once, with at most one transaction a
// second; the rest is stored when the minute is over. An [ErrNotFound] is always stored after the minute.
// Otherwise the time of the answer would show whether the organization exists, because all organizations
// that do not exist share one row.
type denialCounter struct {
	mu      sync.Mutex
	minute  time.Time       // the minute of counts
	counts  map[refusal]int // refusals of this minute
	first   []refusal       // those of counts to store before the minute is over, in order
	due     []dueDenial     // of past minutes, and what could not be stored
	written time.Time       // the second of the last write
	hour    time.Time       // the hour of the budgets
	pools   map[denialPool]*denialBudget
	rows    int // in all pools, this hour
}

// count counts refusals and returns what to store now, at most once a second.
func (d *denialCounter) count(now time.Time, list ...refusal) []dueDenial {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.turn(now)
	for _, key := range list {
		if _, counted := d.counts[key]; !counted {
			key = d.charge(key)
		}
		if _, counted := d.counts[key]; !counted && !key.hidden {
			d.first = append(d.first, key)
		}
		d.counts[key]++
	}
	second := now.Truncate(time.Second)
	if second.Equal(d.written) {
		return nil
	}
	due := d.take()
	if len(due) > 0 {
		d.written = second
	}
	return due
}

// charge takes a row out of the budgets and returns its key. Beyond the budgets, all refusals in an
// organization share one row. If memory has no room for more rows, all organizations without such a row
// share a single one.
func (d *denialCounter) charge(key refusal) refusal {
	pool := denialPool{key.organization, key.hidden}
	budget := d.pools[pool]
	if budget == nil {
		budget = &denialBudget{actors: map[Actor]int{}}
		d.pools[pool] = budget
	}
	most := denialsCounted
	if key.hidden { // these wait until the minute is over
		most -= denialsOfShown
	}
	full := len(d.counts)+len(d.due) >= most
	if full || budget.rows >= denialsOfPool || budget.actors[key.actor] >= denialsOfActor {
		beyond := refusal{organization: key.organization, hidden: key.hidden}
		if _, counted := d.counts[beyond]; full && !counted {
			beyond.organization = OrganizationID{}
		}
		return beyond
	}
	budget.rows++
	budget.actors[key.actor]++
	d.rows++
	return key
}

// turn begins a new minute or hour, if it is time. The counts of the old minute are then due.
func (d *denialCounter) turn(now time.Time) {
	minute, hour := now.Truncate(time.Minute), now.Truncate(time.Hour)
	if d.pools == nil || !hour.Equal(d.hour) || d.rows >= denialsBudget {
		d.hour, d.pools, d.rows = hour, map[denialPool]*denialBudget{}, 0
	}
	if d.counts != nil && minute.Equal(d.minute) {
		return
	}
	for key, n := range d.counts {
		if n > 0 {
			d.due = append(d.due, dueDenial{key, d.minute, n})
		}
	}
	d.minute, d.counts, d.first = minute, map[refusal]int{}, nil
}

// take returns what is due and what should not wait until the minute is over. It returns as much as one
// transaction writes, so that no other writer waits long.
func (d *denialCounter) take() []dueDenial {
	n := min(len(d.first), denialsAtOnce)
	due := make([]dueDenial, 0, denialsAtOnce)
	for _, key := range d.first[:n] {
		due = append(due, dueDenial{key, d.minute, d.counts[key]})
		d.counts[key] = 0
	}
	d.first = d.first[n:]
	n = min(len(d.due), denialsAtOnce-n)
	due = append(due, d.due[:n]...)
	if d.due = d.due[n:]; len(d.due) == 0 {
		d.due = nil
	}
	return due
}

// all is take for Run, without the limit of once a second. It returns nothing if nothing is due.
func (d *denialCounter) all(now time.Time) []dueDenial {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.turn(now)
	return d.take()
}

// back takes back counts that could not be stored, for the next try. It returns those for which there is no
// room.
func (d *denialCounter) back(failed []dueDenial) (lost []dueDenial) {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := max(0, min(len(failed), denialsCounted-len(d.counts)-len(d.due)))
	d.due = append(d.due, failed[:n]...)
	return failed[n:]
}
