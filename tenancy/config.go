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

// Config is what [New] needs. Only Store must be set; every other zero field has
// the default that its line names.
type Config struct {
	// Store keeps the rows: memory.New() or sqlite.Open.
	Store store.Store

	// Now is the clock; default time.Now. What a transaction does is at one reading of it, cut
	// to microseconds UTC (rule G2). HeavyWrite reads it besides.
	Now func() time.Time
	// Rand is where tokens come from; default crypto/rand.Reader.
	Rand io.Reader
	// NewID makes ids; default version 7 UUIDs. It must not repeat itself.
	NewID func() [16]byte
	// Logger hears what no caller can be told; default: nobody does.
	Logger *slog.Logger

	// Label is what the application calls an organization; default "organization".
	Label Label
	// DefaultRole is for members added without one, where the organization names
	// none either; default "member".
	DefaultRole string
	// CreatorRole is for whom an organization is created for; default "owner".
	CreatorRole string
	// ReservedSlugs are refused besides those that always are.
	ReservedSlugs []string
	// SingleOrganization refuses a second active membership (rule M13).
	SingleOrganization bool
	// OnJoin may veto any way into an organization (rule M11). It runs inside the
	// transaction, at most once for a membership that becomes active; tx works in
	// that transaction and ctx is its context. Its error is wrapped in
	// [ErrJoinRefused], and the whole call is undone. What it sends is mailed after the
	// commit, and if that fails the Logger hears, not the caller.
	OnJoin func(ctx context.Context, tx *Service, join Join) error
	// Mailer sends what goes to a mailbox: invitations, proofs of an address, and of a mailbox.
	// Then nobody but the mailbox sees their tokens and codes (rule I2). Default: none, and the methods
	// return the tokens for the host to send.
	Mailer Mailer
	// MailOnly says that the host, without a Mailer, mails the token of every invitation
	// and shows it to nobody, so that it proves the mailbox (rule I4).
	MailOnly bool
	// MailEvery is how long an organization waits between two mails to one address, and a
	// user between two proofs of one address; default 1 minute, negative: not at all (rule
	// I12). See Limits.Mails and Limits.AddressMails for more.
	MailEvery time.Duration
	// MayMail may refuse an invitation, a proof of an address or one of a mailbox that the limits on
	// mails let through, for hosts that count more than those do (rules I12, U12). It runs
	// inside the transaction, with the message without its token and code, perhaps more than once
	// for one call; it must not call the Service. Its error is wrapped in [ErrRateLimited],
	// and nothing is kept. Default: nil, and nothing more is counted.
	MayMail func(ctx context.Context, m Message) error
	// InvitationFor is how long an invitation stands; default 7 days, 1 to 30.
	InvitationFor time.Duration
	// EmailProofFor is how long an email proof holds; default 24 hours.
	EmailProofFor time.Duration

	// EmailOptional lets Users.Create make users without an email, such as bots, and people whom the host knows by
	// their phone (rule U13). Identities.Link gives them a way to sign in. No invitation, domain, domain policy or
	// takeover concerns such a user, and no mail goes to them. Memberships.Add lets them into an organization; join
	// codes and requests want a verified address. They add an address with Users.ChangeEmail, and then keep one.
	// SignIn makes no user without an address: it asks a new person to verify one. Default: false. Without it the users
	// that have no email stay as they are.
	EmailOptional bool

	// SelfServe lets a person create organizations for themselves (rule A2).
	SelfServe bool
	// Staleness is how long a check may go on answering from before a change that
	// another process, or another Service made by New, has committed (rule R8);
	// default 1 s, negative: not at all, at the price of a look at the store for each
	// check. This Service's own changes are seen at once.
	Staleness time.Duration
	// CacheSize is how many memberships' compiled access is kept, about 100 bytes
	// each; default 100,000, negative: none.
	CacheSize int

	// WriteWait is how long a write waits for its turn at the database before it answers
	// [ErrBusy]; default 10 s, negative: as long as its context lets it. It catches a call
	// that waits for a transaction of the caller's own, and so for itself (rule G13).
	WriteWait time.Duration

	// HeavyWrite is how long a write of an actor's may always take on a store where one transaction
	// writes at a time. After a longer one, which also took over three times as long as those of others
	// usually do, they rest: while others write, their next waits four times as long as that one took longer
	// than usual, at most a second for each (rule G9), and one at a time; before that they have two under way.
	// Actors that are bound to one organization, by their session or as a service account, count as one;
	// others by themselves. A call that found no turn within WriteWait is [ErrBusy]. Default 1 ms, negative:
	// none rests. What the host does by itself is not held up.
	HeavyWrite time.Duration

	// SessionIdle ends a session that is unused for that long, and SessionFor one that
	// is that old (rule S1); default 14 and 30 days. An organization may be stricter.
	SessionIdle time.Duration
	SessionFor  time.Duration

	// KeepEvents is how long Run keeps events (rule E3); 0 = until [Events].Prune. What is gone can be read
	// by nobody, and shows no former address when its person is erased.
	KeepEvents time.Duration

	// KeepDenials is how long Run keeps what actors were refused (rule A5); default 90 days.
	KeepDenials time.Duration

	// Registration says who may become a user by signing in; default
	// [RegistrationOpen].
	Registration Registration
	// SignInMethods are the ways of signing in that the application offers, besides
	// single sign-on: 1 to 64 of a-z, 0-9, _ and - each; default [MethodPassword] and
	// [MethodMagicLink]. All others are refused, by SignIn and by policies. Single sign-on is never
	// named here, and an empty list is the default: an application with single sign-on alone sets it by policy.
	SignInMethods []SignInMethod

	// Prover looks for the proofs of domains (rule D4); default: none, and proofs are
	// refused. Package domains/prove has one.
	Prover Prover
	// VerifyEvery is how long a claim waits between two calls of Domains.Verify, and between
	// two of Domains.VerifySubdomains; default 1 minute, negative: not at all (rule D3).
	VerifyEvery time.Duration
	// RootFileProof takes the file that proves a domain at the root of its website, too, and
	// not under /.well-known/ alone (rule D4). Whoever can put a file there, as the users of
	// many websites can, then holds the domain. Default: false.
	RootFileProof bool
	// AllowTestDomains lets special-use names be claimed, such as acme.test and corp.local
	// (rule D4, [domains.SpecialUse]): for tests and examples. Nobody owns such a name, so in
	// production whoever answers for it on the program's network would. Default: false.
	AllowTestDomains bool
	// App names this application in what is published as proof, as in
	// _app-challenge.example.com: see [domains.CheckApp]; default "freehold". Another
	// name makes every proof out there worthless.
	App string
	// PublicEmail are domains that nobody may claim (rule D2); default
	// [domains.DefaultPublicEmail], whose With makes a longer list.
	PublicEmail *domains.PublicEmail

	// DeleteLimit is how many rows of one kind (memberships, invitations, join codes, join requests,
	// sessions and so on) one transaction of the host's may delete or change in a single call; default 10,000,
	// for they hold the one writer meanwhile (rule O2). Outside of one, what is large goes in steps (rule G18).
	DeleteLimit int
	// Limits bound what callers may store.
	Limits Limits
}

// Label is a word in both numbers (rule O4). It is shown, and changes nothing else.
type Label struct {
	Singular string // such as "workspace"; default "organization"
	Plural   string // such as "workspaces"
}

// Limits bound inputs; a zero field has the default that its line names.
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
	Mails          int // most invitations of an organization to one address in 30 days, and proofs that one user asks of one address; default 10 (rule I12)
	// AddressMails is the most invitations, and the most proofs, to one address in 24 hours,
	// whoever sends them; default 20. Half of them are for who has sent fewer than three.
	AddressMails int
	Invitations  int // most invitations of an organization that stand at once; default 1000 (rule G9)
	JoinCodes    int // most join codes of an organization that stand at once; default 100
	JoinRequests int // most join requests of an organization that wait at once, and as many again by people on its domains; default 1000
	DomainClaims int // most domains that an organization claims; default 100
	NewClaims    int // most new claims of an organization in an hour, and of one user in all organizations together; default 10 (rule D3)
	Connections  int // most connections of an organization; default 50
	Settings     int // most bytes of the settings of a connection together, and of its groups with their roles; default 64 KiB
	// UserOrganizations is the most organizations that a person founded for themselves
	// (Config.SelfServe) and that still exist, and the most that they found in 24 hours, those
	// included that were deleted since; default 20 (rule O6).
	UserOrganizations int
	UserSessions      int // most live sessions of a user; default 100, and one more ends the oldest
}

// Join is what [Config].OnJoin decides on.
type Join struct {
	Organization Organization // where they join
	User         User         // the person who joins
	Via          JoinedVia    // their way in
	Roles        []string     // slugs of what they will hold
	Reactivated  bool         // an inactive membership that becomes active again
}

// check refuses what no default can mend.
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
