// Package tenancysmtp sends Freehold's mails: invitations, and proofs of an address or a mailbox.
//
// For most uses, make one [Mailer] at start-up and give it to [tenancy.Config]:
//
//	mailer, err := tenancysmtp.New(tenancysmtp.Config{
//		Addr: "smtp.example.com:587", Username: "app", Password: secret,
//		From: "App <no-reply@example.com>",
//		Link: func(m tenancy.Message) string { return "https://app.example.com/" + string(m.Kind) + "?token=" + m.Token.Reveal() },
//	})
//	svc, err := tenancy.New(tenancy.Config{Store: st, Mailer: mailer})
//
// From then on only the person who reads the mailbox sees a token. So a token that comes back proves the mailbox
// (rule I4). In development, [NewLog] writes the mails to a place where a person can read them.
//
// A mail is plain text in short sentences; Config.Compose replaces it.
//
// Numbers in brackets, such as (rule I4), are rules. They are defined in
// https://github.com/freehold-dev/freehold/blob/main/docs/rules.md.
package tenancysmtp
