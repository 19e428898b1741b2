package roster

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/tenancy"
)

func day(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, time.UTC) }

// said is a row without its line and its cells, to compare with.
func said(r Row) Row {
	r.Line, r.cell, r.column = 0, nil, nil
	return r
}

func requireRows(t *testing.T, s *Sheet, want ...Row) {
	t.Helper()
	require.Len(t, s.Rows, len(want))
	for i, row := range s.Rows {
		assert.Equal(t, want[i], said(row), "line %d", row.Line)
	}
}

const (
	in  = tenancy.MembershipActive
	out = tenancy.MembershipInactive
)

func TestSlack(t *testing.T) {
	requireRows(t, read(t, Slack(), `username,email,status,billing-active,has-2fa,has-sso,userid,fullname,displayname,expiration-timestamp
ada,ada@acme.example,Primary Owner,1,1,0,U01,Ada Lovelace,ada,
grace,grace@acme.example,Admin,1,0,0,U02,Grace Hopper,,
bob,bob@acme.example,Member,1,0,0,U03,,bobby,
vera,vera@studio.example,Multi-Channel Guest,1,0,0,U04,Vera,,1924991999
old,old@acme.example,Deactivated,0,0,0,U05,Old Hand,,
slackbot,,Bot,0,0,0,USLACKBOT,Slackbot,,
new,new@acme.example,Invited Member,0,0,0,U07,,,
`),
		Row{ID: "U01", Username: "ada", Email: "ada@acme.example", DisplayName: "Ada Lovelace", Status: in, Roles: []string{"owner"}},
		Row{ID: "U02", Username: "grace", Email: "grace@acme.example", DisplayName: "Grace Hopper", Status: in, Roles: []string{"admin"}},
		Row{ID: "U03", Username: "bob", Email: "bob@acme.example", DisplayName: "bobby", Status: in, Roles: []string{"member"}},
		Row{
			ID: "U04", Username: "vera", Email: "vera@studio.example", DisplayName: "Vera", Status: in, Roles: []string{"guest"},
			ExpiresAt: time.Date(2030, 12, 31, 23, 59, 59, 0, time.UTC),
		},
		Row{ID: "U05", Username: "old", Email: "old@acme.example", DisplayName: "Old Hand", Status: out},
		Row{ID: "USLACKBOT", Username: "slackbot", DisplayName: "Slackbot", Skip: "is a bot"},
		Row{ID: "U07", Username: "new", Email: "new@acme.example", Skip: "is invited, and no member yet"},
	)
}

func TestGoogleWorkspace(t *testing.T) {
	requireRows(t, read(t, GoogleWorkspace(), `First Name [Required],Last Name [Required],Email Address [Required],Password [Required],Password Hash Function [UPLOAD ONLY],Org Unit Path [Required],New Primary Email [UPLOAD ONLY],Status [READ ONLY],Last Sign In [READ ONLY],Recovery Email,Home Secondary Email,Work Secondary Email,Recovery Phone [MUST BE IN THE E.164 FORMAT],Work Phone,Home Phone,Mobile Phone,Work Address,Home Address,Employee ID,Employee Type,Employee Title,Manager Email,Department,Cost Center,2sv Enrolled [READ ONLY],2sv Enforced [READ ONLY]
Ada,Lovelace,ada@acme.example,****,,/Engineering/Engines,,Active,2024/01/03 14:22:05,,,,,+44 20 1,,,,,17,,,,,,True,False
Bob,Noyce,bob@acme.example,****,,/,,Suspended,Never logged in,,,,,,,+1 650 2,,,,,,,,,False,False
`),
		Row{
			ID: "17", Email: "ada@acme.example", GivenName: "Ada", FamilyName: "Lovelace", Phone: "+44 20 1", Unit: "/Engineering/Engines",
			Status: in, LastSignInAt: time.Date(2024, 1, 3, 14, 22, 5, 0, time.UTC),
		},
		Row{Email: "bob@acme.example", GivenName: "Bob", FamilyName: "Noyce", Phone: "+1 650 2", Unit: "/", Status: out},
	)
}

func TestClerk(t *testing.T) {
	text := `id,first_name,last_name,username,primary_email_address,primary_phone_number,verified_email_addresses,unverified_email_addresses,verified_phone_numbers,unverified_phone_numbers,totp_secret,password_digest,password_hasher
user_1,Ada,Lovelace,ada,Ada@acme.example,,"ada@home.example,ada@ACME.example",,,,,$2a$10$abc,bcrypt
user_2,Bob,,,bob@acme.example,+16502,,bob@acme.example,,,,,
user_3,Eve,,,eve@acme.example,,eve@acme.example.evil.example,,,,,,
`
	digest := "$2a$10$abc"
	requireRows(t, read(t, Clerk(), text),
		Row{
			ID: "user_1", Email: "Ada@acme.example", EmailVerified: true, Username: "ada", GivenName: "Ada", FamilyName: "Lovelace",
			PasswordDigest: Secret{&digest}, PasswordHasher: "bcrypt",
		},
		Row{ID: "user_2", Email: "bob@acme.example", GivenName: "Bob", Phone: "+16502"},
		Row{ID: "user_3", Email: "eve@acme.example", GivenName: "Eve"},
	)
}

func TestEntra(t *testing.T) {
	text := "\ufeffuserPrincipalName,displayName,surname,mail,givenName,objectId,userType,jobTitle,department,accountEnabled\r\n" +
		"ada@acme.example,Ada Lovelace,Lovelace,Ada.Lovelace@acme.example,Ada,o1,Member,,Engines,True\r\n" +
		"bob@acme.example,Bob,,,,o2,Member,,,False\r\n" +
		"vera_studio.example#EXT#@acme.onmicrosoft.com,Vera,,vera@studio.example,,o3,Guest,,,True\r\n" +
		"max_partner.example#ext#@acme.onmicrosoft.com,Max,,,,o4,Guest,,,True\r\n"
	requireRows(t, read(t, Entra(), text),
		Row{
			ID: "o1", Username: "ada@acme.example", Email: "Ada.Lovelace@acme.example", DisplayName: "Ada Lovelace", GivenName: "Ada",
			FamilyName: "Lovelace", Unit: "Engines", Status: in,
		},
		Row{ID: "o2", Username: "bob@acme.example", Email: "bob@acme.example", DisplayName: "Bob", Status: out},
		Row{
			ID: "o3", Username: "vera_studio.example#EXT#@acme.onmicrosoft.com", Email: "vera@studio.example", DisplayName: "Vera",
			Roles: []string{"guest"}, Status: in,
		},
		Row{ID: "o4", Username: "max_partner.example#ext#@acme.onmicrosoft.com", DisplayName: "Max", Roles: []string{"guest"}, Status: in},
	)
}

func TestWorkOS(t *testing.T) {
	sheet := read(t, WorkOS(), `email,first_name,last_name,email_verified,external_id,password_hash,password_hash_type,metadata,org_external_id,org_name
ada@acme.example,Ada,Lovelace,true,u1,,,"{""plan"":""pro""}",crm-1,Acme
ada@acme.example,Ada,Lovelace,true,u1,,,"{""plan"":""pro""}",crm-2,Globex
bob@acme.example,Bob,,false,u2,,,,crm-1,Acme
`)
	sheet.AddRoles(read(t, WorkOSRoles(), "external_id,role_slug\nu1,Admin\nu1,billing\nu1,admin\nu9,admin\n"))
	sheet.AddRoles(read(t, WorkOSRoles(), "external_id,role_slug,org_external_id\nu1,owner,crm-2\nu2,guest,crm-2\n"))
	plan := map[string]string{"plan": "pro"}
	rows := sheet.Rows
	sheet.Rows = rows[:3]
	requireRows(t, sheet,
		Row{
			ID: "u1", Email: "ada@acme.example", EmailVerified: true, GivenName: "Ada", FamilyName: "Lovelace", Metadata: plan,
			OrganizationID: "crm-1", OrganizationName: "Acme", Roles: []string{"admin", "billing"},
		},
		Row{
			ID: "u1", Email: "ada@acme.example", EmailVerified: true, GivenName: "Ada", FamilyName: "Lovelace", Metadata: plan,
			OrganizationID: "crm-2", OrganizationName: "Globex", Roles: []string{"admin", "billing", "owner"},
		},
		Row{ID: "u2", Email: "bob@acme.example", GivenName: "Bob", OrganizationID: "crm-1", OrganizationName: "Acme"},
	)
	require.Len(t, rows, 5)
	require.Equal(t, `line 5: of the file "WorkOS roles": names somebody who is not among the people`, rows[3].Problems[0].Error())
	require.Equal(t, 3, rows[4].Line)
}

func TestAtlassian(t *testing.T) {
	requireRows(t, read(t, Atlassian(), `User id,User name,email,User status,Added to org,Org role,Last seen in Jira - acme,Last seen in Confluence - acme,Last seen in Jira - acme-labs
a1,Ada Lovelace,ada@acme.example,Active,3 Jan 2024,Organization admin,5 Feb 2025,14 Nov 2025,Never accessed
b1,Bob,bob@acme.example,Suspended,12 December 2023,User,Never accessed,,
`),
		Row{
			ID: "a1", Email: "ada@acme.example", DisplayName: "Ada Lovelace", Status: in, Roles: []string{"admin"},
			JoinedAt: day(2024, 1, 3), LastSignInAt: day(2025, 11, 14),
		},
		Row{ID: "b1", Email: "bob@acme.example", DisplayName: "Bob", Status: out, Roles: []string{"member"}, JoinedAt: day(2023, 12, 12)},
	)
}

// A format is a value of its own: to alter one alters no other.
func TestFormatsAreData(t *testing.T) {
	own := Slack()
	own.Columns[1].Values["contractor"] = Meaning{Status: in, Role: "guest"}
	text := "email,status\nada@acme.example,Contractor\n"
	require.Empty(t, read(t, own, text).Rows[0].Problems)
	require.Len(t, read(t, Slack(), text).Rows[0].Problems, 1)
}

func TestTimes(t *testing.T) {
	f := Format{Layouts: []string{Unix}}
	for text, want := range map[string]time.Time{
		"": {}, "0": {}, "1704240000": day(2024, 1, 3), "1704240000123": day(2024, 1, 3).Add(123 * time.Millisecond),
	} {
		got, ok := f.time(text)
		require.True(t, ok, text)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{"-1", "soon", "1e9", "1704240000123456789", "2024-01-03"} {
		_, ok := f.time(text)
		require.False(t, ok, text)
	}
}
