package tenancy

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/freehold-dev/freehold/store/typed"
)

// addressesOf returns the canonical addresses of people who are erased: emailKey, if it is not empty, and the
// addresses that events show as proved by them. It leaves out addresses that were only claimed, because they
// may belong to anybody, and addresses that another user has by now. It does not read again what known has
// about the same people.
func (us userRules) addressesOf(ctx context.Context, known siege, emailKey string, people ...UserID) ([]string, error) {
	var found []string
	add := func(key string) error {
		if key == "" || slices.Contains(found, key) {
			return nil
		}
		mine, err := us.mine(ctx, key, people...)
		if mine {
			found = append(found, key)
		}
		return err
	}
	if emailKey != "" {
		found = append(found, emailKey)
	}
	span := logSpan{Limit: walkLimit}
	if slices.Equal(known.people, people) {
		span.After = known.at
		for _, key := range known.addresses {
			if err := add(key); err != nil {
				return nil, err
			}
		}
	}
	filter := eventFilter{UserID: typed.Of(people...), Type: typed.Of(
		EventUserCreated, EventUserUpdated, EventUserEmailChanged, EventUserEmailVerified, EventUserDeleted)}
	for {
		events, next, done, err := us.c.tx.Events().Read(ctx, filter, span)
		if err != nil {
			return nil, err
		}
		for _, e := range events {
			if err := add(e.provedAddress()); err != nil {
				return nil, err
			}
		}
		if done {
			return found, nil
		}
		span.After = next
	}
}

// provedAddress returns the canonical address that the user of an event had proved at that time; "" if none, or
// if the event was emptied.
func (e Event) provedAddress() string {
	var user struct {
		Email           string    `json:"email"`
		EmailVerifiedAt time.Time `json:"email_verified_at,omitzero"`
	}
	if json.Unmarshal(e.Data, &user) != nil || user.EmailVerifiedAt.IsZero() {
		return ""
	}
	key, err := CanonicalEmail(user.Email)
	if err != nil {
		return ""
	}
	return key
}

// follow updates what depends on a user's name and address after a change of them: the copies in memberships,
// invitations to an address that is the user's now, and the addresses in records of removals.
func (us userRules) follow(ctx context.Context, before, after User) error {
	if err := us.rekey(ctx, before, after); err != nil {
		return err
	}
	if err := us.c.invitations().becameOwn(ctx, before, after); err != nil {
		return err
	}
	return us.c.removals().addressMoved(ctx, before, after)
}
