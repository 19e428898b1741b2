package tenancy

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/memory"
	"github.com/freehold-dev/freehold/store/typed"
)

// A call asks the store once for a row that it reads several times, and asks again for
// whatever may have become another: behind a lock, unless one transaction writes at a time,
// and where a part of the call was undone.
func TestWhatIsRememberedIsWhatTheStoreHolds(t *testing.T) {
	ctx := t.Context()
	err := memory.New().Update(ctx, func(raw store.Rows) error {
		rows := &counted{Rows: raw}
		tx := txn{border: border{remember(rows, false)}}
		past := newTxn(raw) // writes what tx does not hear of
		org := Organization{ID: OrganizationID{1}, Version: 1, DisplayName: "one", Slug: "a"}
		require.NoError(t, past.Organizations().Insert(ctx, org))
		rename := func(name string) {
			org.DisplayName, org.Version = name, org.Version+1
			require.NoError(t, past.Organizations().Update(ctx, org))
		}
		reads := func(name string, asked int) {
			t.Helper()
			rows.asked = 0
			got, err := tx.Organizations().Get(ctx, org.ID)
			require.NoError(t, err)
			require.Equal(t, name, got.DisplayName)
			require.Equal(t, asked, rows.asked)
		}
		reads("one", 1)
		reads("one", 1) // no lock yet
		require.NoError(t, tx.Lock(ctx, lockOrganization(org.ID)))
		reads("one", 1)
		reads("one", 0)
		rename("two")
		require.NoError(t, tx.Lock(ctx, lockUser(UserID{1})))
		reads("two", 1)

		own := org
		own.DisplayName, own.Version = "three", org.Version+1
		require.NoError(t, tx.Organizations().Update(ctx, own))
		reads("three", 0)
		org = own

		undone := errors.New("undone")
		fails := func() error {
			own.DisplayName, own.Version = "four", org.Version+1
			require.NoError(t, tx.Organizations().Update(ctx, own))
			reads("four", 0)
			return undone
		}
		require.ErrorIs(t, tx.Savepoint(ctx, fails), undone)
		reads("three", 1)
		require.Panics(t, func() { _ = tx.Savepoint(ctx, func() error { panic(fails()) }) })
		reads("three", 1)

		require.NoError(t, tx.Organizations().Delete(ctx, org.ID))
		_, err := tx.Organizations().Get(ctx, org.ID)
		require.Equal(t, ErrNotFound, CodeOf(err))
		return nil
	})
	require.NoError(t, err)
}

// Where one transaction writes at a time a call remembers from its beginning on, and nothing changes at a lock.
func TestWhatIsRememberedLasts(t *testing.T) {
	ctx := t.Context()
	err := memory.New().Update(ctx, func(raw store.Rows) error {
		rows := &counted{Rows: raw}
		tx := txn{border: border{remember(rows, true)}}
		bob := User{ID: UserID{1}, Version: 1, Email: "bob@acme.example", EmailKey: "bob@acme.example"}
		require.NoError(t, newTxn(raw).Users().Insert(ctx, bob))
		reads := func(asked int) User {
			t.Helper()
			rows.asked = 0
			got, err := tx.Users().Get(ctx, bob.ID)
			require.NoError(t, err)
			require.Equal(t, asked, rows.asked)
			return got
		}
		reads(1)
		require.NoError(t, tx.Lock(ctx, lockUser(bob.ID)))
		reads(0)
		seen := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
		require.NoError(t, tx.Users().Touch(ctx, bob.ID, seen))
		require.Equal(t, seen, reads(1).LastSignInAt)
		bob.Version, bob.DisplayName = 2, "Bob"
		require.NoError(t, tx.Users().Update(ctx, bob)) // leaves what was touched
		require.Equal(t, seen, reads(0).LastSignInAt)
		return nil
	})
	require.NoError(t, err)
}

// A unique key is asked for once, and again after whatever may have given it to another row.
func TestUniqueKeysAreRemembered(t *testing.T) {
	ctx := t.Context()
	err := memory.New().Update(ctx, func(raw store.Rows) error {
		rows := &counted{Rows: raw}
		tx := txn{border: border{remember(rows, true)}}
		user := func(n byte, key string) User { return User{ID: UserID{n}, Version: 1, Email: key, EmailKey: key} }
		holds := func(asked int, want ...UserID) {
			t.Helper()
			rows.asked = 0
			found, err := tx.Users().List(ctx, userFilter{EmailKey: typed.Of("a", "b")}, listSpan{Limit: 2})
			require.NoError(t, err)
			require.Equal(t, asked, rows.asked)
			var got []UserID
			for _, u := range found {
				got = append(got, u.ID)
			}
			require.Equal(t, want, got)
		}
		holds(1)
		holds(0)
		ann, bob := user(1, "b"), user(2, "a")
		require.NoError(t, tx.Users().Insert(ctx, bob))
		holds(1, bob.ID)
		require.NoError(t, tx.Users().Insert(ctx, ann))
		holds(1, ann.ID, bob.ID)
		holds(0, ann.ID, bob.ID) // in the order of their ids
		ann.EmailKey, ann.Version = "c", 2
		require.NoError(t, tx.Users().Update(ctx, ann))
		holds(1, bob.ID)
		require.NoError(t, tx.Users().Delete(ctx, bob.ID))
		holds(1)
		rows.asked = 0
		for _, f := range []userFilter{{EmailKey: typed.Of("a", "b"), Suspended: typed.Of(false)}, {ExternalID: typed.Of("a")}, {EmailKey: typed.Of("a", "c")}} {
			_, err := tx.Users().List(ctx, f, listSpan{Limit: 2})
			require.NoError(t, err)
		}
		require.Equal(t, 3, rows.asked)
		_, err := tx.Users().List(ctx, userFilter{EmailKey: typed.Of("a", "b")}, listSpan{Limit: 1})
		require.NoError(t, err)
		require.Equal(t, 4, rows.asked) // less than there may be
		return nil
	})
	require.NoError(t, err)
}

// No row refers to one that this transaction has inserted, except what it has inserted or
// updated itself, and none does once that is undone.
func TestNothingRefersToWhatIsNew(t *testing.T) {
	ctx := t.Context()
	err := memory.New().Update(ctx, func(raw store.Rows) error {
		rows := &counted{Rows: raw}
		tx := txn{border: border{remember(rows, false)}}
		org, ann, bob := OrganizationID{1}, UserID{1}, UserID{2}
		require.NoError(t, newTxn(raw).Organizations().Insert(ctx, Organization{ID: org, Version: 1}))
		require.NoError(t, newTxn(raw).Users().Insert(ctx, User{ID: bob, Version: 1, EmailKey: "b"}))
		is := func(user UserID, asked, want int) {
			t.Helper()
			rows.asked = 0
			found, err := tx.Memberships().List(ctx, membershipFilter{UserID: typed.Of(user)}, listSpan{Limit: 9})
			require.NoError(t, err)
			require.Len(t, found, want)
			n, err := tx.Memberships().Count(ctx, membershipFilter{UserID: typed.Of(user)})
			require.NoError(t, err)
			require.Equal(t, want, n)
			require.Equal(t, asked, rows.asked)
		}
		undone := errors.New("undone")
		require.ErrorIs(t, tx.Savepoint(ctx, func() error {
			require.NoError(t, tx.Users().Insert(ctx, User{ID: ann, Version: 1}))
			is(ann, 0, 0)
			return undone
		}), undone)
		is(ann, 2, 0)
		require.NoError(t, tx.Users().Insert(ctx, User{ID: ann, Version: 1}))
		is(ann, 0, 0)
		require.NoError(t, tx.Lock(ctx, lockUser(ann)))
		is(ann, 0, 0)
		is(bob, 2, 0)
		m := Membership{ID: MembershipID{1}, Version: 1, OrganizationID: org, UserID: bob, Status: MembershipActive}
		require.NoError(t, tx.Memberships().Insert(ctx, m))
		is(ann, 0, 0)
		m.UserID, m.Version = ann, 2
		require.NoError(t, tx.Memberships().Update(ctx, m))
		is(ann, 2, 1)
		rows.asked = 0
		_, err := tx.Removals().List(ctx, removalFilter{UserID: typed.Of(ann)}, listSpan{Limit: 1}) // outlive their users
		require.NoError(t, err)
		_, err = tx.Sessions().List(ctx, sessionFilter{UserID: typed.Of(ann, bob)}, listSpan{Limit: 1})
		require.NoError(t, err)
		require.Equal(t, 2, rows.asked)
		return nil
	})
	require.NoError(t, err)
}

// An import reads again behind a lock, too, where others may have written before it.
func TestImportReadsAgainBehindALock(t *testing.T) {
	for _, singleWriter := range []bool{true, false} {
		err := memory.New().Update(t.Context(), func(raw store.Rows) error {
			ctx, id := t.Context(), OrganizationID{1}
			tx := txn{border: border{rememberAll(raw, singleWriter)}}
			named := func() string {
				require.NoError(t, tx.Lock(ctx, lockOrganization(id)))
				org, err := tx.Organizations().Get(ctx, id)
				require.NoError(t, err)
				return org.DisplayName
			}
			require.NoError(t, newTxn(raw).Organizations().Insert(ctx, Organization{ID: id, Version: 1, DisplayName: "before"}))
			require.Equal(t, "before", named())
			require.NoError(t, newTxn(raw).Organizations().Update(ctx, Organization{ID: id, Version: 2, DisplayName: "after"}))
			require.Equal(t, map[bool]string{true: "before", false: "after"}[singleWriter], named())
			return nil
		})
		require.NoError(t, err)
	}
}

// What needs no statement ends with its context, as a statement does.
func TestWhatIsRememberedIsCanceled(t *testing.T) {
	err := memory.New().Update(t.Context(), func(raw store.Rows) error {
		ctx, cancel := context.WithCancel(t.Context())
		tx := txn{border: border{rememberAll(raw, true)}}
		require.NoError(t, tx.Users().Insert(ctx, User{ID: UserID{1}, Version: 1}))
		cancel()
		_, err := tx.Users().Get(ctx, UserID{1})
		require.Equal(t, ErrCanceled, CodeOf(err))
		_, err = tx.Memberships().List(ctx, membershipFilter{UserID: typed.Of(UserID{1})}, listSpan{Limit: 1})
		require.Equal(t, ErrCanceled, CodeOf(err))
		return nil
	})
	require.NoError(t, err)
}

// counted counts what is asked for.
type counted struct {
	store.Rows
	asked int
}

func (c *counted) Get(ctx context.Context, t *store.Table, id [16]byte, row store.Row) error {
	c.asked++
	return c.Rows.Get(ctx, t, id, row)
}

func (c *counted) List(ctx context.Context, t *store.Table, where []store.Cond, span store.Range, yield func(store.Row) error) error {
	c.asked++
	return c.Rows.List(ctx, t, where, span, yield)
}

func (c *counted) Count(ctx context.Context, t *store.Table, where []store.Cond) (int, error) {
	c.asked++
	return c.Rows.Count(ctx, t, where)
}
