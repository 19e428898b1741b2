package tenancy

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/freehold-dev/freehold/store/typed"
)

// Events is the group of methods on the event log, which is the audit log too.
type Events struct{ s *Service }

// EventQuery selects events (rule E1). Empty fields do not constrain, and those
// that are set must all hold; of a list one must match.
type EventQuery struct {
	// After is the Next of the page before; 0 = from the oldest, or from the newest if
	// Descending. It is the host's alone, because positions count the events of all
	// organizations (rule G14).
	After Position
	// AfterEvent is the NextEvent of the page before, or the id of another event that the
	// query could give. Zero = as After says. A query has one of the two.
	AfterEvent     EventID
	Types          []EventType    // any of these; none = all
	Except         []EventType    // types that are left out, also of those in Types
	OrganizationID OrganizationID // where it happened
	UserID         UserID         // the person concerned
	Subject        string         // TypeID of the thing that changed
	Actor          Actor          // the author of the change
	// Since and Until bound Event.Time: from Since on, before Until. Both are found by a search,
	// so that a page costs the same wherever it lies in the log. Events outside are not looked
	// at, and Next stays before them.
	Since, Until time.Time
	Descending   bool // newest first
	Limit        int  // default 50, at most 1000
	// NameActors fills [Event.ActorPerson], so that an audit page needs no other call (rule G12). In an
	// organization a member is called by the name there. Of those who are members no more it gives
	// what they were called in the last event about them there: a statement for each of them, of at most
	// 50 on a page. Without OrganizationID it is the user's own name. The rest costs two statements a page.
	NameActors bool
}

// EventPage is a part of the log. Done says that the log had no more. A page that is not
// Done may hold fewer events than asked for, even none: a read examines a bounded number
// of rows.
type EventPage struct {
	Items []Event `json:"items"` // in the order of the log, or newest first
	// Next is where the host goes on, by After. It is 0 for an actor.
	Next Position `json:"next,omitzero"`
	// NextEvent is where an actor goes on, by AfterEvent: the last event of the organization
	// that was read, whether or not it is among Items (rule G14). It is zero for the host, and
	// where there was none.
	NextEvent EventID `json:"next_event,omitzero"`
	Done      bool    `json:"done"` // the log had no more
}

// List reads a part of the log in the order of commits (rule E1). To follow the log, ask
// again with After = Next and AfterEvent = NextEvent: no event is skipped, however late it
// commits. Inside a transaction only what was committed before it began to write is seen.
//
// An actor sees no [Position], not in events either (rule G14): between two of them others'
// events would show.
//
// Errors: [ErrInvalid], also with "types" and "except" for a type that there is not; [ErrInvalidCursor] for a negative After; [ErrForbidden] with "after"
// for an actor's After; [ErrEventsPruned] for an After below what Prune left, and for an
// AfterEvent that is not there, or not any more.
func (g Events) List(ctx context.Context, q EventQuery) (EventPage, error) {
	return read(ctx, g.s, eventsList, "", func(ctx context.Context, c *call) (EventPage, error) {
		if err := c.access().authorize(ctx, scope{organization: q.OrganizationID}); err != nil {
			return EventPage{}, err
		}
		if err := c.access().hostOnly(input{"after", q.After != 0}); err != nil {
			return EventPage{}, err
		}
		return c.events(ctx, q)
	})
}

func (c *call) events(ctx context.Context, q EventQuery) (EventPage, error) {
	filter, span, err := q.parts()
	if err != nil {
		return EventPage{}, err
	}
	if !q.AfterEvent.IsZero() {
		if span.After, err = c.positionOf(ctx, q.AfterEvent, filter); err != nil {
			return EventPage{}, err
		}
	}
	var page EventPage
	if c.service.principal != nil {
		page, err = c.eventsWithoutPositions(ctx, filter, span, q.AfterEvent)
	} else {
		page.Items, page.Next, page.Done, err = c.tx.Events().Read(ctx, filter, span)
	}
	if err == nil && q.NameActors {
		err = c.nameActors(ctx, page.Items, q.OrganizationID)
	}
	if err != nil {
		return EventPage{}, err
	}
	return page, nil
}

// parts checks a query and takes it apart.
func (q EventQuery) parts() (filter eventFilter, span logSpan, err error) {
	span = logSpan{After: q.After, Desc: q.Descending, Limit: q.Limit}
	switch {
	case q.After < 0:
		return filter, span, &Error{Code: ErrInvalidCursor, Field: "after", Reason: "is negative"}
	case q.After > 0 && !q.AfterEvent.IsZero():
		return filter, span, invalid("after_event", "and after are two places to go on from")
	case q.Limit < 0 || q.Limit > MaxLimit:
		return filter, span, invalid("limit", fmt.Sprintf("is %d, want 1 to %d", q.Limit, MaxLimit))
	case q.Limit == 0:
		span.Limit = DefaultLimit
	}
	filter = eventFilter{Since: q.Since, Until: q.Until}
	if err := knownTypes("types", q.Types); err != nil {
		return filter, span, err
	}
	if err := knownTypes("except", q.Except); err != nil {
		return filter, span, err
	}
	filter.NotType = q.Except
	if len(q.Types) > 0 {
		filter.Type = typed.Of(slices.Clone(q.Types)...)
	}
	if !q.OrganizationID.IsZero() {
		filter.OrganizationID = typed.Of(q.OrganizationID)
	}
	if !q.UserID.IsZero() {
		filter.UserID = typed.Of(q.UserID)
	}
	if q.Subject != "" {
		filter.Subject = typed.Of(q.Subject)
	}
	if q.Actor != (Actor{}) {
		filter.Actor = typed.Of(q.Actor)
	}
	return filter, span, nil
}

// positionOf finds an event of the filter's organization. One of another organization, one
// that was pruned and one that never was are answered alike.
func (c *call) positionOf(ctx context.Context, id EventID, filter eventFilter) (Position, error) {
	found, _, _, err := c.tx.Events().Read(ctx, eventFilter{ID: typed.Of(id), OrganizationID: filter.OrganizationID}, logSpan{Limit: 1})
	if err != nil {
		return 0, err
	}
	if len(found) == 0 {
		return 0, &Error{Code: ErrEventsPruned, Kind: "event", Key: id.String(), Field: "after_event"}
	}
	return found[0].Position, nil
}

// eventsWithoutPositions reads a page as an actor sees it. It ends at an event of the
// organization, and goes on from one that is not, so that each page is a step.
func (c *call) eventsWithoutPositions(ctx context.Context, filter eventFilter, span logSpan, after EventID) (EventPage, error) {
	page := EventPage{NextEvent: after}
	for {
		items, next, done, err := c.tx.Events().Read(ctx, filter, span)
		if err != nil {
			return EventPage{}, err
		}
		page.Items, page.Done = items, done
		switch last, err := c.lastRead(ctx, filter, items, next, span); {
		case err != nil:
			return EventPage{}, err
		case !last.IsZero():
			page.NextEvent = last
		}
		if len(items) > 0 || done || page.NextEvent != after {
			break
		}
		span.After = next
	}
	for i := range page.Items {
		page.Items[i].Position = 0
	}
	return page, nil
}

// lastRead is the event of the organization that a read came to, which is at next or before
// it. Zero: none.
func (c *call) lastRead(ctx context.Context, filter eventFilter, items []Event, next Position, span logSpan) (EventID, error) {
	if n := len(items); n > 0 && items[n-1].Position == next {
		return items[n-1].ID, nil
	}
	if next == span.After {
		return EventID{}, nil
	}
	back := logSpan{After: next + 1, Limit: 1, Desc: !span.Desc}
	if span.Desc {
		back.After = next - 1
	}
	found, _, _, err := c.tx.Events().Read(ctx, eventFilter{OrganizationID: filter.OrganizationID}, back)
	if err != nil || len(found) == 0 {
		return EventID{}, err
	}
	return found[0].ID, nil
}

// All walks the log from q.After or q.AfterEvent to its end as it is when reached; q.Limit
// is how many are read at a time. An error ends the walk.
func (g Events) All(ctx context.Context, q EventQuery) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		q := q
		for {
			page, err := g.List(ctx, q)
			if err != nil {
				yield(Event{}, err)
				return
			}
			for _, e := range page.Items {
				if !yield(e, nil) {
					return
				}
			}
			if page.Done {
				return
			}
			q.After, q.AfterEvent = page.Next, page.NextEvent
		}
	}
}

// Last is the position of the newest event, 0 before the first. It never moves
// back, so it is a cheap sign that something changed.
func (g Events) Last(ctx context.Context) (Position, error) {
	return read(ctx, g.s, eventsLast, "", func(ctx context.Context, c *call) (Position, error) {
		if err := c.access().authorize(ctx, scope{}); err != nil {
			return 0, err
		}
		return c.tx.Events().Last(ctx)
	})
}

// pruneLimit is how many events, and how many denials, one transaction of Prune removes.
const pruneLimit = 100

// pruneRest is how long Prune rests between two transactions: others write meanwhile.
const pruneRest = 10 * time.Millisecond

// pruned is what one transaction of Prune removed.
type pruned struct{ events, denials int }

// Prune removes the events from before an instant (rule E3), oldest first, in
// transactions of bounded size, and says how many went. The denials from before it go,
// too (rule A5). What is gone before an error stays gone.
func (g Events) Prune(ctx context.Context, before time.Time) (int, error) {
	return g.prune(ctx, before, true)
}

// forgetOld is Prune by Config.KeepEvents; denials are kept for as long as they are by themselves.
func (g Events) forgetOld(ctx context.Context) (int, error) {
	config := &g.s.instance.config
	if config.KeepEvents == 0 {
		return 0, nil
	}
	return g.prune(ctx, config.Now().Add(-config.KeepEvents), false)
}

func (g Events) prune(ctx context.Context, before time.Time, denials bool) (int, error) {
	total := 0
	for {
		gone, err := write(ctx, g.s, eventsPrune, "", func(ctx context.Context, c *call) (pruned, error) {
			if err := c.access().authorize(ctx, scope{}); err != nil {
				return pruned{}, err
			}
			n, err := c.tx.Events().Prune(ctx, before, pruneLimit)
			if err != nil || !denials {
				return pruned{events: n}, err
			}
			denials, err := c.pruneDenials(ctx, before)
			return pruned{n, denials}, err
		})
		if err != nil {
			return total, err
		}
		total += gone.events
		if gone.events < pruneLimit && gone.denials < pruneLimit {
			return total, nil
		}
		if g.s.txn == nil {
			if err := rest(ctx, pruneRest); err != nil {
				return total, explain(err, eventsPrune.op, "")
			}
		}
	}
}
