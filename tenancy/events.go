package tenancy

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/freehold-dev/freehold/store/typed"
)

// Events is the group of methods on the event log, which is also the audit log.
type Events struct{ s *Service }

// EventQuery selects events (rule E1). An event must match every field that is set; it matches a list if it
// matches one element. Empty fields do not matter.
type EventQuery struct {
	// After is the Next of the previous page; 0 = from the oldest event, or from the newest if Descending.
	// Only the host may set it, because positions count the events of all organizations (rule G14).
	After Position
	// AfterEvent is the NextEvent of the previous page, or the id of another event that the query could
	// return. Zero: see After. Set at most one of the two.
	AfterEvent     EventID
	Types          []EventType    // any of these types; empty = all
	Except         []EventType    // leaves out these types, even if Types has them
	OrganizationID OrganizationID // where it happened
	UserID         UserID         // the person concerned
	Subject        string         // TypeID of the thing that changed
	Actor          Actor          // the author of the change
	// Since and Until select by Event.Time: from Since on, and before Until. Both are found by a search, so
	// a page costs the same wherever it lies in the log. Events outside are not read, and Next stays before
	// them.
	Since, Until time.Time
	Descending   bool // newest first
	Limit        int  // default 50, at most 1000
	// NameActors fills in [Event.ActorPerson], so that an audit page needs no other call (rule G12). With
	// an OrganizationID, a member has their name in that organization. A person who is no longer a member
	// has the name from the last event about them there. Without OrganizationID, everybody has their own
	// name. It costs two statements for each page, and one more for each former member, of whom it names at
	// most 50 on a page.
	NameActors bool
}

// EventPage is a part of the log. A page that is not Done may have fewer events than asked for, even none,
// because one read examines a bounded number of rows.
type EventPage struct {
	Items []Event `json:"items"` // in the order of the log, or newest first
	// Next is the After with which the host reads on. It is 0 for an actor.
	Next Position `json:"next,omitzero"`
	// NextEvent is the AfterEvent with which an actor reads on: the last event of the organization that was
	// read, whether or not it is in Items (rule G14). It is zero for the host, and if no event was read.
	NextEvent EventID `json:"next_event,omitzero"`
	Done      bool    `json:"done"` // there are no more events in the log
}

// List reads a part of the log in the order of commits (rule E1). To follow the log, call it again with
// After = Next and AfterEvent = NextEvent: it never skips an event, however late that commits. Inside a
// transaction, List sees only what was committed before the transaction began to write.
//
// An actor sees no [Position], also not in events (rule G14): two positions would show how many events of
// others lie between them.
//
// Errors: [ErrInvalid], with "types" and "except" for an unknown type; [ErrInvalidCursor] for a negative
// After; [ErrForbidden] with "after" for an actor's After; [ErrEventsPruned] for an After below what Prune
// left, and for an AfterEvent that does not exist, or no longer exists.
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

// parts checks a query and splits it into a filter and a span.
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

// positionOf finds an event of the filter's organization. An event of another organization, one that was
// pruned and one that never existed give the same error.
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

// eventsWithoutPositions reads a page for an actor. It reads on until it has passed at least one event of
// the organization, because only such an event can be the NextEvent. So each page makes progress.
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

// lastRead returns the last event of the organization that a read has passed, at next or before it. Zero:
// none.
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

// All iterates over the log from q.After or q.AfterEvent to its end, with the events that are added
// meanwhile. q.Limit is how many it reads at a time. An error ends the iteration.
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

// Last returns the position of the newest event, 0 before the first. It never decreases, so it is a cheap
// way to see that something has changed.
func (g Events) Last(ctx context.Context) (Position, error) {
	return read(ctx, g.s, eventsLast, "", func(ctx context.Context, c *call) (Position, error) {
		if err := c.access().authorize(ctx, scope{}); err != nil {
			return 0, err
		}
		return c.tx.Events().Last(ctx)
	})
}

// pruneLimit is how many events, and how many denials, one transaction of Prune deletes.
const pruneLimit = 100

// pruneRest is the pause between two transactions of Prune, in which others can write.
const pruneRest = 10 * time.Millisecond

// pruned counts what one transaction of Prune deleted.
type pruned struct{ events, denials int }

// Prune deletes the events from before a time, oldest first (rule E3), and returns how many it deleted. It
// also deletes the denials from before that time (rule A5). It works in transactions of bounded size; what
// it deleted before an error stays deleted.
func (g Events) Prune(ctx context.Context, before time.Time) (int, error) {
	return g.prune(ctx, before, true)
}

// forgetOld prunes by Config.KeepEvents. It leaves the denials, which have a time limit of their own.
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
