package tenancy

import (
	"cmp"
	"context"
	"crypto/rand"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/freehold-dev/freehold/domains"
	"github.com/freehold-dev/freehold/store"
)

// Config is what [New] needs. Set Store; every other field may stay zero, and then has the default that its
// comment names.
type Config struct {
	// Store keeps the rows: memory.New() or sqlite.Open.
	Store store.Store

	// Now is the clock; default time.Now. A transaction reads it once and uses that time for all that it
	// does, cut to microseconds in UTC (rule G2). HeavyWrite reads the clock on its own.
	Now func() time.Time
	// Rand is the source of random bytes for tokens; default crypto/rand.Reader.
	Rand io.Reader
	// NewID makes ids; default version 7 UUIDs. It must never return the same id twice.
	NewID func() [16]byte
	// Logger gets the failures that no caller can be given; by default they are discarded.
	Logger *slog.Logger

	// Label is what the application calls an organization; default "organization".
	Label Label
	// DefaultRole is the role of members who are added without one, where the organization has no default
	// role of its own; default "member".
	DefaultRole string
	// CreatorRole is the role of the user for whom an organization is created; default "owner".
	CreatorRole string
	// ReservedSlugs are slugs that no organization may take, besides the built-in ones.
	ReservedSlugs []string
	// SingleOrganization refuses a second active membership (rule M13).
	SingleOrganization bool
	// OnJoin may refuse any way into an organization (rule M11). It runs inside the transaction, at most
	// once for a membership that becomes active. tx works in that transaction, and ctx is the context of
	// it. If OnJoin returns an error, the call returns it wrapped in [ErrJoinRefused], and the whole call
	// is undone. What OnJoin sends through tx is mailed after the commit; if the mail fails, the Logger
	// gets the error and the caller does not.
	OnJoin func(ctx context.Context, tx *Service, join Join) error
	// Mailer sends the mails: invitations, proofs of an address, and proofs of a mailbox. With a Mailer,
	// only the mailbox sees their tokens and codes (rule I2). Default: none, and the methods return the
	// tokens for the host to send.
	Mailer Mailer
	// MailOnly is the promise of a host without a Mailer that it mails the token of every invitation and
	// shows it to nobody else. Then the token proves the mailbox (rule I4).
	MailOnly bool
	// MailEvery is how long an organization waits between two mails to one address, and a user between two
	// proofs of one address; default 1 minute, negative: no wait (rule I12). Limits.Mails and
	// Limits.AddressMails limit mails over longer times.
	MailEvery time.Duration
	// MayMail may refuse a mail that the limits on mails allow: an invitation, a proof of an address or a
	// proof of a mailbox. It is for hosts that count more than those limits do (rules I12, U12). It runs
	// inside the transaction, perhaps more than once in one call, and gets the message without its token
	// and code. It must not call the Service. If it returns an error, the call returns that wrapped in
	// [ErrRateLimited], and nothing is kept. Default: nil, and only the limits count.
	MayMail func(ctx context.Context, m Message) error
	// InvitationFor is how long an invitation is valid; default 7 days, 1 to 30 days.
	InvitationFor time.Duration
	// EmailProofFor is how long the proof of an address is valid; default 24 hours.
	EmailProofFor time.Duration

	// EmailOptional lets Users.Create make users without an email address, such as bots, and people whom
	// the host knows by their phone (rule U13). Identities.Link gives such a user a way to sign in.
	// Memberships.Add lets them into an organization; join codes and join requests need a verified address.
	// Invitations, domains, domain policies and takeovers do not concern such a user, and they get no mail.
	// They add an address with Users.ChangeEmail, and cannot give it up afterwards. SignIn makes no user
	// without an address: it asks a new person to verify one. Default: false; users who have no email
	// address already stay as they are.
	EmailOptional bool

	// SelfServe lets a person create organizations for themselves (rule A2).
	SelfServe bool
	// Staleness is how long a check may still answer as before a change by another process, or by another
	// Service made by New (rule R8). It counts from the commit of that change. Default 1 s; negative: zero,
	// and then each check looks at the store. A check sees changes by this Service at once.
	Staleness time.Duration
	// CacheSize is the number of memberships whose compiled access stays in memory, about 100 bytes each;
	// default 100,000, negative: none.
	CacheSize int

	// WriteWait is how long a write waits for its turn at the database before it returns [ErrBusy]; default
	// 10 s, negative: as long as its context allows. The limit also ends a call that waits for a
	// transaction of its own caller, and would wait forever (rule G13).
	WriteWait time.Duration

	// HeavyWrite limits how much of the writer one actor can use, on a store where one transaction writes
	// at a time (rule G9). It is how long a write by an actor may take without any consequence; default 1
	// ms, negative: no limit.
	//
	// A write is heavy if it takes longer than HeavyWrite and over three times as long as the writes of
	// others usually do. After a heavy write, the actor rests: while others write, the actor's next write
	// waits four times as long as the heavy one took longer than usual, at most one second for each. A
	// resting actor has one write at a time under way, and otherwise two. A call that found no turn within
	// WriteWait returns [ErrBusy].
	//
	// All actors that are bound to one organization, by their session or as a service account, count as one
	// actor. Each other actor counts alone. The host's own writes never wait for this.
	HeavyWrite time.Duration

	// SessionIdle ends a session that was unused for that long. SessionFor ends a session that is that old
	// (rule S1). Defaults: 14 and 30 days. An organization may set shorter times.
	SessionIdle time.Duration
	SessionFor  time.Duration

	// KeepEvents is how long Run keeps events (rule E3); 0: until the host calls [Events].Prune. Nobody can
	// read an event that is gone, and Erase finds no former addresses of a person in it.
	KeepEvents time.Duration

	// KeepDenials is how long Run keeps the counts of refused calls (rule A5); default 90 days.
	KeepDenials time.Duration

	// Registration says who may become a user by signing in; default [RegistrationOpen].
	Registration Registration
	// SignInMethods are the ways of signing in that the application offers, besides single sign-on. SignIn
	// and policies refuse all others. Each is 1 to 64 of a-z, 0-9, _ and -; default [MethodPassword] and
	// [MethodMagicLink]. Do not name single sign-on here. An empty list means the default: an application
	// with single sign-on alone sets that by policy.
	SignInMethods []SignInMethod

	// Prover looks for the proofs of domains (rule D4). Package domains/prove has one. Default: none, and
	// then a domain cannot be proved.
	Prover Prover
	// VerifyEvery is how long a claim waits between two calls of Domains.Verify, and between two calls of
	// Domains.VerifySubdomains; default 1 minute, negative: no wait (rule D3).
	VerifyEvery time.Duration
	// RootFileProof accepts the file that proves a domain at the root of its website, too, and not only
	// under /.well-known/ (rule D4). The users of many websites can put a file at the root; with this
	// setting each of them can take the domain. Default: false.
	RootFileProof bool
	// AllowTestDomains lets organizations claim special-use names, such as acme.test and corp.local (rule
	// D4, [domains.SpecialUse]). It is for tests and examples. Nobody owns such a name: in production, any
	// machine that answers for it on the program's network could prove it. Default: false.
	AllowTestDomains bool
	// App is the application's name in the proofs that organizations publish, as in
	// _app-challenge.example.com: see [domains.CheckApp]. Default "freehold". After a change of App, proofs
	// that were published under the old name are worthless.
	App string
	// PublicEmail lists the domains that nobody may claim (rule D2); default [domains.DefaultPublicEmail],
	// whose With makes a longer list.
	PublicEmail *domains.PublicEmail

	// DeleteLimit is how many rows of one kind (memberships, invitations, join codes, join requests,
	// sessions and so on) a single call may delete or change inside a transaction of the host's; default
	// 10,000 (rule O2). There is a limit because no other transaction can write meanwhile. Outside of such
	// a transaction, large deletions go in steps (rule G18).
	DeleteLimit int
	// Limits bounds what callers may store.
	Limits Limits
}

// Label is the singular and plural of a word (rule O4). It is for display only.
type Label struct {
	Singular string // such as "workspace"; default "organization"
	Plural   string // such as "workspaces"
}

// Limits bounds inputs. A zero field has the default that its comment names.
type Limits struct {
	MetadataKeys   int // most keys of one metadata map; default 50 (rule G3)
	MetadataKey    int // most characters of a key; default 40
	MetadataValue  int // most characters of a value; default 600
	MetadataSize   int // most bytes of the keys and values of one map together; default 16 KiB (rule G9)
	MemberRoles    int // most roles of a membership; default 20 (rule G9)
	RoleGrants     int // most grants of a role; default 500
	Roles          int // most roles of an organization, and declared ones; default 500
	RoleText       int // most bytes of the texts and grants of an organization's own roles together; default 256 KiB
	FeatureFlags   int // most feature flags of an organization; default 100
	UserIdentities int // most identities of a user; default 20
	// Mails is the most invitations of an organization to one address in 30 days, and the most proofs of
	// one address that one user asks for in 30 days; default 10 (rule I12).
	Mails int
	// AddressMails is the most invitations, and the most proofs, to one address in 24 hours, from all
	// senders together; default 20. Half of them are reserved for senders who have sent fewer than three.
	AddressMails int
	Invitations  int // most pending invitations of an organization; default 1000 (rule G9)
	JoinCodes    int // most usable join codes of an organization; default 100
	// JoinRequests is the most waiting join requests of an organization; default 1000. People with an
	// address on one of its domains have as many places again.
	JoinRequests int
	DomainClaims int // most domains that an organization claims; default 100
	// NewClaims is the most new claims to domains of an organization in an hour, and the most of one user
	// in an hour in all organizations together; default 10 (rule D3).
	NewClaims   int
	Connections int // most connections of an organization; default 50
	// Settings is the most bytes of all settings of a connection together, and the most of its groups with
	// their roles; default 64 KiB.
	Settings int
	// UserOrganizations is the most organizations that a person has founded for themselves
	// (Config.SelfServe) and that still exist. It is also the most that they found in 24 hours, with those
	// that were deleted since; default 20 (rule O6).
	UserOrganizations int
	UserSessions      int // most live sessions of a user; default 100, and one more ends the oldest
}

// Join is a person who is about to join an organization; [Config].OnJoin decides on it.
type Join struct {
	Organization Organization // where they join
	User         User         // the person who joins
	Via          JoinedVia    // their way in
	Roles        []string     // slugs of the roles that they will have
	Reactivated  bool         // an inactive membership that becomes active again
}

// check refuses values that no default can replace.
func (c Config) check() error {
	if c.Store == nil {
		return invalid("store", "is nil")
	}
	if c.App != "" && domains.CheckApp(c.App) != nil {
		return invalid("app", "is not fit for a DNS label")
	}
	if err := c.checkSignIn(); err != nil {
		return err
	}
	for field, d := range map[string]time.Duration{
		"session_idle": c.SessionIdle, "session_for": c.SessionFor, "email_proof_for": c.EmailProofFor, "keep_denials": c.KeepDenials, "keep_events": c.KeepEvents,
	} {
		if d < 0 {
			return invalid(field, "is negative")
		}
	}
	for field, n := range map[string]int{
		"domain_claims": c.Limits.DomainClaims, "new_claims": c.Limits.NewClaims, "connections": c.Limits.Connections, "user_sessions": c.Limits.UserSessions, "user_organizations": c.Limits.UserOrganizations, "delete_limit": c.DeleteLimit,
		"metadata_size": c.Limits.MetadataSize, "role_text": c.Limits.RoleText, "settings": c.Limits.Settings,
		"metadata_keys": c.Limits.MetadataKeys, "metadata_key": c.Limits.MetadataKey, "metadata_value": c.Limits.MetadataValue,
		"member_roles": c.Limits.MemberRoles, "role_grants": c.Limits.RoleGrants, "roles": c.Limits.Roles, "feature_flags": c.Limits.FeatureFlags, "user_identities": c.Limits.UserIdentities,
		"mails": c.Limits.Mails, "address_mails": c.Limits.AddressMails, "invitations": c.Limits.Invitations, "join_codes": c.Limits.JoinCodes, "join_requests": c.Limits.JoinRequests,
	} {
		if n < 0 {
			return invalid(field, "is negative")
		}
	}
	if c.InvitationFor != 0 {
		return invitationLasts("invitation_for", c.InvitationFor)
	}
	return nil
}

// publicEmail is the built-in list, which takes a while to make and never changes.
var publicEmail = sync.OnceValue(func() *domains.PublicEmail {
	list := domains.DefaultPublicEmail()
	return &list
})

func (c Config) withDefaults() Config {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Rand == nil {
		c.Rand = rand.Reader
	}
	if c.NewID == nil {
		c.NewID = func() [16]byte { return uuid.Must(uuid.NewV7()) }
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	c.Label.Singular = cmp.Or(c.Label.Singular, "organization")
	c.Label.Plural = cmp.Or(c.Label.Plural, c.Label.Singular+"s")
	c.DefaultRole = cmp.Or(c.DefaultRole, "member")
	c.CreatorRole = cmp.Or(c.CreatorRole, "owner")
	c.MailEvery = cmp.Or(c.MailEvery, time.Minute)
	c.InvitationFor = cmp.Or(c.InvitationFor, 7*24*time.Hour)
	c.EmailProofFor = cmp.Or(c.EmailProofFor, 24*time.Hour)
	c.SessionIdle = cmp.Or(c.SessionIdle, 14*24*time.Hour)
	c.SessionFor = cmp.Or(c.SessionFor, 30*24*time.Hour)
	c.KeepDenials = cmp.Or(c.KeepDenials, 90*24*time.Hour)
	c.Staleness = cmp.Or(c.Staleness, time.Second)
	c.CacheSize = cmp.Or(c.CacheSize, 100_000)
	c.WriteWait = cmp.Or(c.WriteWait, 10*time.Second)
	c.HeavyWrite = cmp.Or(c.HeavyWrite, time.Millisecond)
	c.Registration = cmp.Or(c.Registration, RegistrationOpen)
	if len(c.SignInMethods) == 0 {
		c.SignInMethods = []SignInMethod{MethodPassword, MethodMagicLink}
	}
	c.VerifyEvery = cmp.Or(c.VerifyEvery, time.Minute)
	c.App = cmp.Or(c.App, "freehold")
	if c.PublicEmail == nil {
		c.PublicEmail = publicEmail()
	}
	c.DeleteLimit = cmp.Or(c.DeleteLimit, 10_000)
	c.Limits.MetadataKeys = cmp.Or(c.Limits.MetadataKeys, 50)
	c.Limits.MetadataKey = cmp.Or(c.Limits.MetadataKey, 40)
	c.Limits.MetadataValue = cmp.Or(c.Limits.MetadataValue, 600)
	c.Limits.MetadataSize = cmp.Or(c.Limits.MetadataSize, 16<<10)
	c.Limits.RoleText = cmp.Or(c.Limits.RoleText, 256<<10)
	c.Limits.Settings = cmp.Or(c.Limits.Settings, 64<<10)
	c.Limits.MemberRoles = cmp.Or(c.Limits.MemberRoles, 20)
	c.Limits.RoleGrants = cmp.Or(c.Limits.RoleGrants, 500)
	c.Limits.Roles = cmp.Or(c.Limits.Roles, 500)
	c.Limits.FeatureFlags = cmp.Or(c.Limits.FeatureFlags, 100)
	c.Limits.UserIdentities = cmp.Or(c.Limits.UserIdentities, 20)
	c.Limits.Mails = cmp.Or(c.Limits.Mails, 10)
	c.Limits.AddressMails = cmp.Or(c.Limits.AddressMails, 20)
	c.Limits.Invitations = cmp.Or(c.Limits.Invitations, 1000)
	c.Limits.JoinCodes = cmp.Or(c.Limits.JoinCodes, 100)
	c.Limits.JoinRequests = cmp.Or(c.Limits.JoinRequests, 1000)
	c.Limits.DomainClaims = cmp.Or(c.Limits.DomainClaims, 100)
	c.Limits.NewClaims = cmp.Or(c.Limits.NewClaims, 10)
	c.Limits.Connections = cmp.Or(c.Limits.Connections, 50)
	c.Limits.UserOrganizations = cmp.Or(c.Limits.UserOrganizations, 20)
	c.Limits.UserSessions = cmp.Or(c.Limits.UserSessions, 100)
	return c
}
