package tenancy

import (
	"sync"
	"time"
)

// refusal is one refusal of an actor, on its way to the denials.
type refusal struct {
	actor        Actor
	method       string
	organization OrganizationID
	hidden       bool // the answer was that the thing is not there
}

// dueDenial is what one row of denials is to count in addition.
type dueDenial struct {
	key    refusal
	minute time.Time
	n      int
}

// The budgets of denials (rule A5).
const (
	denialsOfActor = 60      // rows an hour that one actor makes in one organization
	denialsOfPool  = 600     // rows an hour that all actors of a pool make
	denialsAtOnce  = 200     // rows that one transaction writes
	denialsOfShown = 2_000   // of the counts in memory, those that strangers' refusals leave to others
	denialsCounted = 10_000  // counts in memory; what else there is counts for its organization
	denialsBudget  = 100_000 // rows an hour in all pools, after which the budgets begin again
)

// denialPool is what shares a budget: the refusals of one organization's people, those of
// strangers to it, or those that name no organization. So no organization uses up the
// budget of another, and no stranger that of the people, as long as memory holds the counts.
type denialPool struct {
	organization OrganizationID
	hidden       bool
}

// denialBudget is what a pool has used up of its hour.
type denialBudget struct {
	rows   int
	actors map[Actor]int
}

// denialCounter counts refusals (rule A5) and says when a count is to be written.
//
// What an actor is forbidden is written at once the first time in a minute, at most one
// transaction a second; the rest of the minute is written when it is over. An answer that
// something is not there is written only then: whether the organization exists would
// otherwise show in how long the answer takes, because all that do not exist share a row.
type denialCounter struct {
	mu      sync.Mutex
	minute  time.Time       // that the counts are of
	counts  map[refusal]int // of refusals that are not due
	first   []refusal       // of the counts, those to write before the minute is over, in order
	due     []dueDenial     // of minutes that are over, and what could not be written
	written time.Time       // the second of the last write
	hour    time.Time       // that the budgets are of
	pools   map[denialPool]*denialBudget
	rows    int // in all pools
}

// count counts refusals and returns what is to be written now, once a second.
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

// charge takes a row out of the budgets. What they do not pay for has the same row as all
// else of the organization that is beyond them; where memory holds no more rows, all
// organizations that have none have one together.
func (d *denialCounter) charge(key refusal) refusal {
	pool := denialPool{key.organization, key.hidden}
	budget := d.pools[pool]
	if budget == nil {
		budget = &denialBudget{actors: map[Actor]int{}}
		d.pools[pool] = budget
	}
	most := denialsCounted
	if key.hidden { // which wait until the minute is over
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

// turn begins a minute, and an hour. What was counted in the minute before is due.
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

// take returns what is due, and what is not to wait until the minute is over: as much as one
// transaction writes, so that however much there is no other writer waits long.
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

// all is take for Run, whenever the last write was. None: there is nothing.
func (d *denialCounter) all(now time.Time) []dueDenial {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.turn(now)
	return d.take()
}

// back takes what could not be written, for the next to try. It returns what there is no room
// for.
func (d *denialCounter) back(failed []dueDenial) (lost []dueDenial) {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := max(0, min(len(failed), denialsCounted-len(d.counts)-len(d.due)))
	d.due = append(d.due, failed[:n]...)
	return failed[n:]
}
