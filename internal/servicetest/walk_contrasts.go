package servicetest

// The people who see a contrast.
const (
	seenByAll      = "everybody"
	seenByUsers    = "all, bound by user"
	seenBySessions = "all, bound by session"
	seenByManagers = "admin and owner"
	seenByOthers   = "stranger and member"
)

// answersDiffer lists the different answers that a rule asks for, with the rule. Their costs
// are not compared.
var answersDiffer = map[contrast]string{
	{call: "Domains.Claim", given: "name", said: "success, otherwise"}:                                   "D3: a claim reads as failed where another organization holds the name",
	{call: "Events.Denials: of a user", given: "user", said: "success, otherwise"}:                       "A5: a denial names the actor who was refused here",
	{call: "Identities.Link", given: "subject", said: "already_exists for success"}:                      "U4: an identity belongs to one user",
	{call: "JoinRequests.Create", given: "organization", said: "invalid for not_found"}:                  "I7: any user may ask to join",
	{call: "JoinRequests.Create", given: "organization", said: "email_domain_not_allowed for not_found"}: "I7, M14",
	{call: "Organizations.Create", given: "slug", said: "already_exists for success"}:                    "G5: a slug belongs to one organization",
	{call: "Organizations.Update: slug", given: "slug", said: "already_exists for success"}:              "G5",
}

// contrasts lists the known differences that no rule asks for. The list shrinks: the walk
// fails for a line that does not occur any more, so the change that mends it deletes the
// line. The numbers are those of a run over SQLite; a failing run there prints new lines.
var contrasts = []contrast{
	// The call locks the other organization and reads its rows before it authorizes the
	// actor. A stranger who knows an id makes that organization's writers wait.
	{"Connections.Delete", "organization, connection", "+6 locks, +6 rows read", seenByAll, ""},
	{"Connections.Delete", "connection", "+6 locks, +6 rows read", seenByOthers, ""},
	{"Connections.Delete", "connection", "+6 locks, +7 rows read", seenByManagers, ""},
	{"Invitations.Resend", "invitation", "+2 statements, +2 locks, +2 rows read", seenByUsers, ""},
	{"Invitations.Resend", "invitation", "+1 statements, +2 locks, +1 rows read", seenBySessions, ""},
	{"Invitations.Revoke", "invitation", "+1 statements, +1 locks, +2 rows read", seenByUsers, ""},
	{"Invitations.Revoke", "invitation", "+1 locks, +1 rows read", seenBySessions, ""},
	{"JoinCodes.Revoke", "join code", "+1 locks, +2 rows read", seenByUsers, ""},
	{"JoinCodes.Revoke", "join code", "-1 statements, +1 locks, +1 rows read", seenBySessions, ""},
	{"JoinRequests.Approve", "join request, role", "+2 locks, +2 rows read", seenByUsers, ""},
	{"JoinRequests.Approve", "join request", "+2 locks, +2 rows read", seenByUsers, ""},
	{"JoinRequests.Approve", "join request, role", "-1 statements, +2 locks, +1 rows read", seenBySessions, ""},
	{"JoinRequests.Approve", "join request", "-1 statements, +2 locks, +1 rows read", seenBySessions, ""},
	{"JoinRequests.Cancel", "join request", "+2 locks, +2 rows read", seenByAll, ""},
	{"JoinRequests.Decline", "join request", "+2 locks, +2 rows read", seenByUsers, ""},
	{"JoinRequests.Decline", "join request", "-1 statements, +2 locks, +1 rows read", seenBySessions, ""},
	{"Sessions.Revoke", "session", "+1 statements, +2 locks, +2 rows read", seenByUsers, ""},
	{"Sessions.Revoke", "session", "+2 locks, +1 rows read", seenBySessions, ""},

	// The call reads and locks the user of the address before it authorizes the actor, and
	// writes a pending membership for a verified one. So its cost tells who is registered (M2).
	{"Invitations.Send", "organization, email, role", "+1 statements, +1 locks, +2 rows read", seenByAll, ""},
	{"Invitations.Send", "email", "+1 statements, +1 locks, +2 rows read", seenByOthers, ""},
	{"Invitations.Send", "email", "+5 statements, +1 locks, +2 rows read, +2 rows written", seenByManagers, ""},

	// For a missing id, work.absent reads grants to cost as much as a refusal. A session that
	// is in another organization is refused without that read.
	{"Invitations.Get", "invitation", "-1 statements", seenBySessions, ""},
	{"JoinCodes.Get", "join code", "-1 statements", seenBySessions, ""},
	{"JoinRequests.Get", "join request", "-1 statements", seenBySessions, ""},
	{"Organizations.GetByExternalID", "external id", "-1 statements", seenBySessions, ""},
	{"Organizations.GetBySlug", "slug", "-1 statements", seenBySessions, ""},
	{"Sessions.Get", "session", "-1 statements", seenBySessions, ""},

	// work.entrance reads the membership only after it has found the organization.
	{"Sessions.Switch", "organization", "+1 statements, +1 rows read", seenByAll, ""},

	// The call reads the thing by its id alone, and then compares its organization.
	{"Connections.Get", "connection", "+1 rows read", seenByManagers, ""},
	{"Connections.Update", "connection", "+1 rows read", seenByManagers, ""},
	{"Domains.Challenge", "domain", "+1 rows read", seenByManagers, ""},
	{"Domains.Get", "domain", "+1 rows read", seenByManagers, ""},
	{"Domains.Release", "domain", "+1 rows read", seenByManagers, ""},
	{"Domains.Update", "domain", "+1 rows read", seenByManagers, ""},
	{"Domains.Verify", "domain", "+1 rows read", seenByManagers, ""},
	{"Domains.VerifySubdomains", "domain", "+1 rows read", seenByManagers, ""},
	{"Identities.Unlink", "identity", "+1 rows read", seenByAll, ""},
	{"Invitations.Get", "invitation", "+1 rows read", seenByUsers, ""},
	{"JoinCodes.Get", "join code", "+1 rows read", seenByUsers, ""},
	{"JoinRequests.Get", "join request", "+1 rows read", seenByUsers, ""},
	{"Organizations.GetByExternalID", "external id", "+1 rows read", seenByUsers, ""},
	{"Organizations.GetBySlug", "slug", "+1 rows read", seenByUsers, ""},
	{"Policies.Set", "connection", "+1 rows read", seenByManagers, ""},
	{"Policies.Set: of the organization", "connection", "+1 rows read", seenByManagers, ""},
	{"Sessions.Claims", "session", "+1 rows read", seenByAll, ""},
	{"Sessions.Get", "session", "+1 rows read", seenByUsers, ""},
}
