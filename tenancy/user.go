package tenancy

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode"

	"github.com/freehold-dev/freehold/store/typed"
)

// User is a person, once in the whole application (rule U1). A user can have any number of memberships (rule
// U3).
type User struct {
	ID      UserID `json:"id"`      // never changes
	Version int64  `json:"version"` // counts changes from 1 (rule G11)
	// Email is the address as it was given; "" only with Config.EmailOptional (rule U13).
	Email           string    `json:"email,omitempty"`
	EmailVerifiedAt time.Time `json:"email_verified_at,omitzero"` // when the address was proved; zero: not proved
	// EmailProvedBy says how the address was last proved: [EmailProvedByMail], [EmailProvedByHost], a
	// provider's name or a connection's id (rule U10).
	EmailProvedBy string `json:"email_proved_by,omitempty"`
	// PendingEmail is a new address that waits for its proof (rule U5).
	PendingEmail string            `json:"pending_email,omitempty"`
	GivenName    string            `json:"given_name,omitempty"`   // a name; "" = not known
	FamilyName   string            `json:"family_name,omitempty"`  // likewise
	DisplayName  string            `json:"display_name,omitempty"` // likewise
	Picture      string            `json:"picture,omitempty"`      // an https URL
	Phone        string            `json:"phone,omitempty"`        // only its characters are checked
	Locale       string            `json:"locale,omitempty"`       // a BCP 47 tag
	Attributes   map[string]string `json:"attributes,omitempty"`   // further parts of the profile
	Metadata     map[string]string `json:"metadata,omitempty"`     // the host's own data
	ExternalID   string            `json:"external_id,omitempty"`  // the host's own key, unique; "" = none
	// SuspendedAt is when the host suspended the user; zero: not suspended (rule U8).
	SuspendedAt time.Time `json:"suspended_at,omitzero"`
	// MergedInto is the user that this one was merged into; zero: not merged. A merged user keeps only ids and
	// LastSignInAt (rule U6).
	MergedInto UserID `json:"merged_into,omitzero"`
	// LastSignInAt is the last sign-in; it is not part of the versioned row (rule G12).
	LastSignInAt time.Time `json:"-"`
	CreatedAt    time.Time `json:"created_at,omitzero"` // when the user was created
	UpdatedAt    time.Time `json:"updated_at,omitzero"` // when it last changed, with Version
	// EmailKey is the canonical Email: unique, for search; "" without an address.
	EmailKey string `json:"-"`
	NameKey  string `json:"-"` // the folded Name, for sorting and search
}

// UserID is the id of a user, usr_...
type UserID = ID[User]

func (User) idPrefix() string { return "usr" }

func (u User) rowID() [16]byte { return u.ID }

func (u *User) stamps() (*int64, *time.Time) { return &u.Version, &u.UpdatedAt }

func (u *User) event(kind EventType) newEvent {
	return newEvent{kind: kind, user: u.ID, subject: u.ID.String(), data: *u, person: u.person()}
}

// Name returns a name to show for the user: the display name, else the given and the family name.
func (u User) Name() string {
	switch {
	case u.DisplayName != "":
		return u.DisplayName
	case u.GivenName == "":
		return u.FamilyName
	case u.FamilyName == "":
		return u.GivenName
	default:
		return u.GivenName + " " + u.FamilyName
	}
}

// Users is the group of methods on users.
type Users struct{ s *Service }

// NewUser is the input of [Users.Create]. Email is required, unless Config.EmailOptional is set; the other
// fields may be empty.
type NewUser struct {
	ID UserID // for imports; zero = a new one
	// Email is the user's address. No two users have the same one (rule U1). "" = none, only with
	// Config.EmailOptional (rule U13).
	Email         string
	EmailVerified bool              `json:"-"` // the host vouches for the mailbox (rule U4); decoding cannot set it
	GivenName     string            // a name: 1 to 200 characters (rule G5)
	FamilyName    string            // likewise
	DisplayName   string            // likewise
	Picture       string            // an https URL of at most 2048 bytes
	Phone         string            // at most 50 printable characters
	Locale        string            // a BCP 47 tag of at most 35 characters
	Attributes    map[string]string // further parts of the profile, with the limits of metadata (rule G3)
	Metadata      map[string]string // the host's own data, with the same limits
	ExternalID    string            // 1 to 255 printable characters, unique (rule G4)
	// History is for [Service.Import] only.
	History UserHistory `json:"-"`
	// Memberships are added together with the user, all or none, as Memberships.Add would add them. Leave their
	// UserID zero. At most 100.
	Memberships []NewMembership
}

// UserUpdate is a change to a user. A nil field stays as it is. A pointer to the empty string clears the field.
// To change or add an address, use ChangeEmail.
type UserUpdate struct {
	Version int64 // the Version that the change is based on; 0 = any (rule G11)
	// EmailVerified says that the host vouches for the mailbox; false takes that back. Decoding cannot set it.
	EmailVerified *bool   `json:"-"`
	GivenName     *string // as in [NewUser]
	FamilyName    *string // as in [NewUser]
	DisplayName   *string // as in [NewUser]
	Picture       *string // as in [NewUser]
	Phone         *string // as in [NewUser]
	Locale        *string // as in [NewUser]
	Attributes    Patch   // as in [NewUser]
	Metadata      Patch   // as in [NewUser]
	ExternalID    *string // as in [NewUser]
	// LastSignInAt is for [Service.Import] only: when the user last signed in to the program that they are
	// imported from. A time that is not later than the known one changes nothing. It writes no event and does
	// not change Version (rule G12).
	LastSignInAt time.Time `json:"-"`
}

// UserQuery selects users for [Users.List]. It leaves out users who were merged into others.
type UserQuery struct {
	IDs         []UserID // nil = all
	NamePrefix  string   // the beginning of the name, in any case (rule G12)
	EmailPrefix string   // the beginning of the canonical address
	Suspended   *bool    // nil = either
	// Order is [ByID], or by a prefix where there is one; [ByName]; or [ByEmail], which leaves out users
	// without an address.
	Order      Order
	Descending bool   // in reverse order
	Limit      int    // default 50, at most 1000
	Cursor     string // Next of the previous page
}

// Create makes a user. No two users have the same address: an address that another user has, in any case of
// letters, is [ErrAlreadyExists] with the field "email" (rules U1, U2). With [Config].EmailOptional, any number
// of users may have no address (rule U13). With Memberships, the user becomes a member of those organizations
// in the same transaction (rule M18).
//
// Errors: [ErrInvalid], [ErrAlreadyExists] (field "id", "email" or "external_id"); for Memberships [ErrInvalid]
// with the field "memberships", and the errors of Memberships.Add.
func (g Users) Create(ctx context.Context, in NewUser) (User, error) {
	return write(ctx, g.s, usersCreate, "", func(ctx context.Context, c *call) (User, error) {
		if err := c.access().authorize(ctx, scope{}); err != nil {
			return User{}, err
		}
		return c.users().createMember(ctx, in)
	})
}

// applyUser writes an update's fields into user, each in its stored form.
func (us userRules) applyUser(user *User, in UserUpdate) (err error) {
	limits := &us.c.instance.config.Limits
	for _, part := range []struct {
		field string
		in    *string
		at    *string
		check func(field, s string) (string, error)
	}{
		{"given_name", in.GivenName, &user.GivenName, optionalName},
		{"family_name", in.FamilyName, &user.FamilyName, optionalName},
		{"display_name", in.DisplayName, &user.DisplayName, optionalName},
		{"picture", in.Picture, &user.Picture, picture},
		{"phone", in.Phone, &user.Phone, phone},
		{"locale", in.Locale, &user.Locale, locale},
		{"external_id", in.ExternalID, &user.ExternalID, func(field, s string) (string, error) { return s, optionalExact(field, s) }},
	} {
		if part.in == nil {
			continue
		}
		if *part.at, err = part.check(part.field, *part.in); err != nil {
			return err
		}
	}
	if user.Attributes, err = limits.patch("attributes", user.Attributes, in.Attributes); err != nil {
		return err
	}
	if user.Metadata, err = limits.patch("metadata", user.Metadata, in.Metadata); err != nil {
		return err
	}
	if in.EmailVerified != nil {
		if *in.EmailVerified && user.EmailKey == "" {
			return invalid("email", "is empty and yet verified")
		}
		if *in.EmailVerified == user.EmailVerifiedAt.IsZero() { // the host's word overrides an earlier proof
			user.EmailProvedBy = EmailProvedByHost
		}
		user.EmailVerifiedAt = us.verified(user.EmailVerifiedAt, *in.EmailVerified)
	}
	user.NameKey = fold(user.Name())
	return nil
}

// verified returns when an address was proved: since if it is still proved, or the present time if it is newly
// proved.
func (us userRules) verified(since time.Time, now bool) time.Time {
	if !now {
		return time.Time{}
	}
	return cmp.Or(since, us.c.now)
}

func picture(field, s string) (string, error) {
	if s == "" {
		return "", nil
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || len(s) > maxPicture || !printable(s) {
		return "", invalid(field, fmt.Sprintf("is not an https URL of at most %d bytes", maxPicture))
	}
	return s, nil
}

func phone(field, s string) (string, error) {
	if len(s) > maxPhone || !printable(s) {
		return "", invalid(field, fmt.Sprintf("has more than %d printable characters", maxPhone))
	}
	return strings.TrimFunc(s, unicode.IsSpace), nil
}

var localeForm = regexp.MustCompile(`^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$`)

func locale(field, s string) (string, error) {
	if s != "" && (len(s) > maxLocale || !localeForm.MatchString(s)) {
		return "", invalid(field, "is not a BCP 47 tag")
	}
	return s, nil
}

// Get returns a user.
//
// Errors: [ErrMerged] for a user who was merged into another one, with that one's id in IDs (rule U6);
// [ErrNotFound].
func (g Users) Get(ctx context.Context, id UserID) (User, error) {
	user, err := read(ctx, g.s, usersGet, id.String(), func(ctx context.Context, c *call) (User, error) {
		if err := c.access().authorize(ctx, scope{user: id}); err != nil {
			return User{}, err
		}
		return c.users().get(ctx, id)
	})
	if err != nil {
		return User{}, err
	}
	return g.s.redact(user), nil
}

// redact returns a user as the caller of s may see them: only the host may know when they last signed in (rule
// U2).
func (s *Service) redact(user User) User {
	if s.principal != nil {
		user.LastSignInAt = time.Time{}
	}
	return user
}

// get reads a user who has not been merged into another.
func (us userRules) get(ctx context.Context, id UserID) (User, error) {
	user, err := us.c.tx.Users().Get(ctx, id)
	if err == nil && !user.MergedInto.IsZero() {
		err = &Error{Code: ErrMerged, Kind: "user", Key: id.String(), IDs: []string{user.MergedInto.String()}}
	}
	return user, err
}

// GetByEmail returns the user with an address. It compares addresses in their canonical form (rule U1).
//
// Errors: [ErrNotFound]; [ErrInvalid] for a text that is not an address.
func (g Users) GetByEmail(ctx context.Context, address string) (User, error) {
	canonical, err := CanonicalEmail(address)
	if err != nil {
		return User{}, explain(err, usersGetByEmail.op, "")
	}
	return g.getBy(ctx, usersGetByEmail, canonical, userFilter{EmailKey: typed.Of(canonical)})
}

// GetByExternalID returns the user with an external id.
//
// Errors: [ErrNotFound]; [ErrInvalid] for a text that cannot be an external id.
func (g Users) GetByExternalID(ctx context.Context, externalID string) (User, error) {
	if err := exact("external_id", externalID); err != nil {
		return User{}, explain(err, usersGetByExternalID.op, "")
	}
	return g.getBy(ctx, usersGetByExternalID, externalID, userFilter{ExternalID: typed.Of(externalID)})
}

func (g Users) getBy(ctx context.Context, method *Method, key string, filter userFilter) (User, error) {
	return read(ctx, g.s, method, key, func(ctx context.Context, c *call) (User, error) {
		if err := c.access().authorize(ctx, scope{}); err != nil {
			return User{}, err
		}
		found, err := c.tx.Users().List(ctx, filter, listSpan{Limit: 1})
		if err != nil {
			return User{}, err
		}
		if len(found) == 0 {
			return User{}, &Error{Code: ErrNotFound, Kind: "user", Key: key}
		}
		return found[0], nil
	})
}

// Update changes a user. If the name changes, the sort and search keys of the user's memberships change in the
// same transaction (rule G12). A change that alters nothing writes nothing (rule G8).
//
// Errors: [ErrInvalid], [ErrNotFound], [ErrMerged], [ErrConflict], [ErrAlreadyExists] (field "external_id").
func (g Users) Update(ctx context.Context, id UserID, in UserUpdate) (User, error) {
	return g.change(ctx, usersUpdate, id, func(ctx context.Context, c *call, user *User) (EventType, error) {
		if in.Version != 0 && in.Version != user.Version {
			return "", stale(id)
		}
		err := c.access().hostOnly(
			input{"email_verified", in.EmailVerified != nil}, input{"external_id", in.ExternalID != nil}, input{"metadata", len(in.Metadata) > 0}, input{"last_sign_in_at", !in.LastSignInAt.IsZero()},
		)
		if err != nil {
			return "", err
		}
		if err := c.users().signedInElsewhere(ctx, user, in.LastSignInAt); err != nil {
			return "", err
		}
		return EventUserUpdated, c.users().applyUser(user, in)
	})
}

// Suspend takes away a user's access in all organizations, and ends their sessions (rules U8, S2). The user
// stays an owner where they are one, even the last one (rule M7). On a suspended user it changes nothing.
//
// Errors: [ErrNotFound], [ErrMerged].
func (g Users) Suspend(ctx context.Context, id UserID) (User, error) {
	return g.change(ctx, usersSuspend, id, func(ctx context.Context, c *call, user *User) (EventType, error) {
		user.SuspendedAt = cmp.Or(user.SuspendedAt, c.now)
		if err := c.pendings().void(ctx, user.ID); err != nil {
			return "", err
		}
		return EventUserSuspended, c.sessions().endSessions(ctx, sessionFilter{UserID: typed.Of(user.ID)}, EndedUser)
	})
}

// Unsuspend ends a suspension (rule U8). On a user who is not suspended it changes nothing.
//
// Errors: [ErrNotFound], [ErrMerged].
func (g Users) Unsuspend(ctx context.Context, id UserID) (User, error) {
	return g.change(ctx, usersUnsuspend, id, func(_ context.Context, _ *call, user *User) (EventType, error) {
		user.SuspendedAt = time.Time{}
		return EventUserUnsuspended, nil
	})
}

// change reads a user under their lock and lets edit change them. If anything is different, it saves the user
// and writes the event that edit returns.
func (g Users) change(ctx context.Context, method *Method, id UserID,
	edit func(ctx context.Context, c *call, user *User) (EventType, error),
) (User, error) {
	user, err := write(ctx, g.s, method, id.String(), func(ctx context.Context, c *call) (User, error) {
		if err := c.access().mayLock(ctx, scope{user: id}); err != nil {
			return User{}, err
		}
		if err := c.lock(ctx, lockUser(id)); err != nil {
			return User{}, err
		}
		if err := c.access().authorize(ctx, scope{user: id}); err != nil {
			return User{}, err
		}
		user, err := c.users().get(ctx, id)
		if err != nil {
			return User{}, err
		}
		before := user
		kind, err := edit(ctx, c, &user)
		if err != nil {
			return User{}, err
		}
		before.LastSignInAt = user.LastSignInAt // not part of the versioned row
		if err := c.users().saveUser(ctx, before, &user, kind); err != nil {
			return User{}, err
		}
		return user, nil
	})
	if err != nil {
		return User{}, err
	}
	return g.s.redact(user), nil
}

// saveUser saves a user who differs from before, and the copies of their fields in memberships. The caller
// holds the user's lock.
func (us userRules) saveUser(ctx context.Context, before User, user *User, kind EventType) error {
	if err := save(ctx, us.c, us.c.tx.Users().Update, before, user, kind); err != nil {
		return err
	}
	if err := us.c.invitations().emailMoved(ctx, before, *user); err != nil {
		return err
	}
	return us.follow(ctx, before, *user)
}

// List returns a page of users (rule G6).
//
// Errors: [ErrInvalid], [ErrInvalidCursor].
func (g Users) List(ctx context.Context, q UserQuery) (Page[User], error) {
	return read(ctx, g.s, usersList, "", func(ctx context.Context, c *call) (Page[User], error) {
		if err := c.access().authorize(ctx, scope{}); err != nil {
			return Page[User]{}, err
		}
		var err error
		filter := userFilter{Merged: typed.Of(false)}
		if filter.NamePrefix, err = searchPrefix("name_prefix", q.NamePrefix); err != nil {
			return Page[User]{}, err
		}
		if filter.EmailPrefix, err = searchPrefix("email_prefix", q.EmailPrefix); err != nil {
			return Page[User]{}, err
		}
		if filter.ID, err = someOf("ids", q.IDs); err != nil {
			return Page[User]{}, err
		}
		if q.Suspended != nil {
			filter.Suspended = typed.Of(*q.Suspended)
		}
		return listPage(ctx, c.tx.Users(), filter, paging{along(q.Order, q.NamePrefix, q.EmailPrefix), q.Descending, q.Limit, q.Cursor},
			userKey, "users", q.IDs, q.NamePrefix, q.EmailPrefix, filter.Suspended)
	})
}

// All walks the users that List returns, page by page.
func (g Users) All(ctx context.Context, q UserQuery) iter.Seq2[User, error] {
	return pages(func(cursor string) (Page[User], error) {
		q := q
		q.Cursor = cursor
		return g.List(ctx, q)
	}, q.Cursor)
}

func userKey(user *User, order Order) typed.Place {
	key := typed.Place{ID: user.ID}
	switch order {
	case ByName:
		key.Text = user.NameKey
	case ByEmail:
		key.Text = user.EmailKey
	}
	return key
}

// RecordSignIn records that a user has just signed in, to an organization if at names one. It writes no event
// and does not change Version (rule G12).
//
// Errors: [ErrNotFound], [ErrMerged].
func (g Users) RecordSignIn(ctx context.Context, id UserID, at OrganizationID) error {
	return exec(ctx, g.s, usersRecordSignIn, id.String(), func(ctx context.Context, c *call) error {
		if err := c.lock(ctx, lockUser(id)); err != nil {
			return err
		}
		if err := c.access().authorize(ctx, scope{}); err != nil {
			return err
		}
		if _, err := c.users().get(ctx, id); err != nil {
			return err
		}
		if !at.IsZero() {
			m, err := c.members().get(ctx, at, id)
			if err != nil {
				return err
			}
			if err := c.tx.Memberships().Touch(ctx, m.ID, c.now); err != nil {
				return err
			}
		}
		return c.tx.Users().Touch(ctx, id, c.now)
	})
}
