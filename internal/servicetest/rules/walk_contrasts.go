package rules

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
	{call: "Domains.Claim", given: "name", said: "success, otherwise"}:                                    "D3: a claim reads as failed where another organization holds the name",
	{call: "Events.Denials: of a user", given: "user", said: "success, otherwise"}:                        "A5: a denial names the actor who was refused here",
	{call: "JoinRequests.Create", given: "organization", said: "invalid for not_found"}:                   "I7: any user may ask to join",
	{call: "JoinRequests.Create", given: "organization", said: "email_domain_not_allowed for not_found"}:  "I7, M14",
	{call: "Organizations.Create", given: "slug", said: "already_exists for success"}:                     "G5: a slug belongs to one organization",
	{call: "Organizations.Update: slug", given: "slug", said: "already_exists for success"}:               "G5",
	{call: "Organizations.Update: former slug", given: "former slug", said: "already_exists for success"}: "O5: a slug that was given up stays reserved",
}

// contrasts lists the known differences that no rule asks for. The list shrinks: the walk
// fails for a line that does not occur any more, so the change that mends it deletes the
// line. The numbers are those of a run over SQLite; a failing run there prints new lines.
var contrasts = []contrast{
	// A verified user who is invited has a pending membership. So the cost of an invitation
	// tells those who may invite who is registered. It ends with pending memberships.
	{"Invitations.Send", "email", "+4 statements, +1 locks, +2 rows read, +2 rows written", seenByManagers, ""},
	{"Invitations.SendMany", "email", "+4 statements, +2 locks, +3 rows read, +2 rows written", seenByManagers, ""},
}
