package model

import (
	"slices"
	"time"

	"github.com/freehold-dev/freehold/tenancy"
)

// sentMails are the mails that users had sent to addresses.
type sentMails []sentMail

type sentMail struct {
	user    tenancy.UserID
	address string
	at      time.Time
	maybe   bool // or it is forgotten, with a person who was erased and once had proved the address
}

// tooMany is I12: whether a user may not have one more mail sent to an address, of which
// own are those that they may have sent in 30 days, and all what the address gets in a day.
func (s sentMails) tooMany(user tenancy.UserID, address string, now time.Time, own, all int) bool {
	half, today := max(1, all/2), 0
	for _, m := range s {
		if m.address != address {
			continue
		}
		ago := now.Sub(m.at)
		if m.user == user && ago < time.Minute {
			return true
		}
		if m.user == user && ago < 30*24*time.Hour {
			own--
		}
		if ago < 24*time.Hour {
			all, half = all-1, half-1
			if m.user == user {
				today++
			}
		}
	}
	return own <= 0 || all <= 0 || today >= 3 && half <= 0 // the second half is for others
}

// certain are those that are surely counted.
func (s sentMails) certain() sentMails {
	return slices.DeleteFunc(slices.Clone(s), func(m sentMail) bool { return m.maybe })
}

// perhaps are the same after somebody was erased.
func (s sentMails) perhaps() sentMails {
	s = slices.Clone(s)
	for i := range s {
		s[i].maybe = true
	}
	return s
}

func (s sentMails) with(m sentMail) sentMails { return append(slices.Clip(s), m) }
