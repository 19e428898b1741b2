package roster

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding/charmap"
	xunicode "golang.org/x/text/encoding/unicode"

	"github.com/freehold-dev/freehold/tenancy"
)

// read reads a text as a file of a format.
func read(t *testing.T, f Format, text string) *Sheet {
	t.Helper()
	sheet, err := Read(strings.NewReader(text), f)
	require.NoError(t, err)
	return sheet
}

// refused is why a text is no file of a format.
func refused(t *testing.T, f Format, text string) *Problem {
	t.Helper()
	_, err := Read(strings.NewReader(text), f)
	var p *Problem
	require.ErrorAs(t, err, &p)
	require.ErrorIs(t, err, p.Code)
	require.Equal(t, p.Code, tenancy.CodeOf(err))
	return p
}

// plain is a row as a text of what matters in the tests of forms.
func plain(r Row) string {
	if len(r.Problems) > 0 {
		return fmt.Sprintf("%d: %v", r.Line, r.Problems[0])
	}
	return strings.TrimRight(fmt.Sprintf("%d: %s %s %s", r.Line, r.Email, r.Name(), strings.Join(r.Roles, "+")), " ")
}

func plainly(s *Sheet) []string {
	var lines []string
	for _, r := range s.Rows {
		lines = append(lines, plain(r))
	}
	return lines
}

const good = "email,first_name,last_name,role\nada@acme.example,Ada,Lovelace,owner\nzoe@acme.example,Zoë,Straße,member\n"

func goodRows() []string {
	return []string{"2: ada@acme.example Ada Lovelace owner", "3: zoe@acme.example Zoë Straße member"}
}

// Every form in which the same table comes is read as the same rows.
func TestFormsOfOneTable(t *testing.T) {
	utf16 := func(e xunicode.Endianness, bom xunicode.BOMPolicy) string {
		text, err := xunicode.UTF16(e, bom).NewEncoder().String(good)
		require.NoError(t, err)
		return text
	}
	cp1252, err := charmap.Windows1252.NewEncoder().String(good)
	require.NoError(t, err)
	western := People()
	western.Encoding = Windows1252
	for name, c := range map[string]struct {
		format Format
		text   string
	}{
		"as it is":             {People(), good},
		"a byte order mark":    {People(), "\ufeff" + good},
		"CRLF":                 {People(), strings.ReplaceAll(good, "\n", "\r\n")},
		"CR":                   {People(), strings.ReplaceAll(good, "\n", "\r")},
		"no line break at end": {People(), strings.TrimSuffix(good, "\n")},
		"semicolons":           {People(), strings.ReplaceAll(good, ",", ";")},
		"tabs":                 {People(), strings.ReplaceAll(good, ",", "\t")},
		"white space around":   {People(), strings.ReplaceAll(good, ",", " , \u00a0")},
		"every cell quoted":    {People(), strings.ReplaceAll(strings.ReplaceAll(`"`+strings.TrimSuffix(good, "\n")+`"`, ",", `","`), "\n", "\"\n\"")},
		"UTF-16, little":       {People(), utf16(xunicode.LittleEndian, xunicode.UseBOM)},
		"UTF-16, big":          {People(), utf16(xunicode.BigEndian, xunicode.UseBOM)},
		"UTF-16, little, bare": {People(), utf16(xunicode.LittleEndian, xunicode.IgnoreBOM)},
		"UTF-16, big, bare":    {People(), utf16(xunicode.BigEndian, xunicode.IgnoreBOM)},
		"UTF-16, semicolons": {People(), func() string {
			text, _ := xunicode.UTF16(xunicode.LittleEndian, xunicode.UseBOM).NewEncoder().String(strings.ReplaceAll(good, ",", ";"))
			return text
		}()},
		"Windows-1252, named":              {western, cp1252},
		"UTF-8 where Windows-1252 is said": {western, "\ufeff" + good},
		"columns renamed":                  {People(), strings.Replace(good, "email,first_name,last_name,role", "E-Mail,First Name,LAST-NAME,Roles", 1)},
		"columns that nobody knows":        {People(), strings.ReplaceAll(strings.ReplaceAll(good, "\n", ",x\n"), "role,x", "role,Shoe size")},
		"blank cells behind":               {People(), strings.ReplaceAll(good, "\nzoe", ",,\nzoe")},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, goodRows(), plainly(read(t, c.format, c.text))) })
	}
}

func TestOtherOrder(t *testing.T) {
	swapped := "role;last_name;first_name;email\nowner;Lovelace;Ada;ada@acme.example\nmember;Straße;Zoë;zoe@acme.example\n"
	require.Equal(t, goodRows(), plainly(read(t, People(), swapped)))
	excel := "sep=;\r\n" + strings.ReplaceAll(swapped, "\n", "\r\n")
	require.Equal(t, []string{"3: ada@acme.example Ada Lovelace owner", "4: zoe@acme.example Zoë Straße member"}, plainly(read(t, People(), excel)))
	require.Equal(t, goodRows()[0][1:], plainly(read(t, People(), "sep=\t\n"+strings.ReplaceAll(good, ",", "\t")))[0][1:])
}

// A file that is none is refused whole, with the line, and nothing is guessed.
func TestFilesThatAreRefused(t *testing.T) {
	cp1252, err := charmap.Windows1252.NewEncoder().String(good)
	require.NoError(t, err)
	small := func(l Limits) Format {
		f := People()
		f.Limits = l
		return f
	}
	other := People()
	other.Encoding = "ebcdic"
	for name, c := range map[string]struct {
		format Format
		text   string
		code   tenancy.Code
		says   string
	}{
		"empty":                   {People(), "", tenancy.ErrInvalid, "is empty"},
		"blank":                   {People(), "\ufeff \r\n\r\n", tenancy.ErrInvalid, "is empty"},
		"a header alone":          {People(), "email,name\n", tenancy.ErrInvalid, "no row"},
		"a header and blank rows": {People(), "email,name\n,\n , \n", tenancy.ErrInvalid, "no row"},
		"no header":               {People(), strings.SplitN(good, "\n", 2)[1], tenancy.ErrInvalid, "line 1: has no header"},
		"another format":          {Clerk(), good, tenancy.ErrInvalid, `"primary_email_address"`},
		"a column missing":        {People(), "name,role\nAda,owner\n", tenancy.ErrInvalid, `line 1, column "email"`},
		"a column twice":          {People(), "email,name,Email\na@acme.example,A,b@acme.example\n", tenancy.ErrInvalid, "twice"},
		"Windows-1252":            {People(), cp1252, tenancy.ErrInvalid, "line 3: is not UTF-8"},
		"half a UTF-16 character": {People(), "\xff\xfee\x00m", tenancy.ErrInvalid, "UTF-16"},
		"an unknown encoding":     {other, good, tenancy.ErrInvalid, "ebcdic"},
		"a header that is broken": {People(), "email,na\"me\nada@acme.example,Ada\n", tenancy.ErrInvalid, "not CSV"},
		"too many bytes":          {small(Limits{Bytes: 50}), good, tenancy.ErrTooLarge, "more than 50 bytes"},
		"too many rows":           {small(Limits{Rows: 1}), good, tenancy.ErrTooLarge, "line 3: has more than 1 rows"},
		"too many columns":        {small(Limits{Columns: 3}), good, tenancy.ErrTooLarge, "more than 3 columns"},
	} {
		t.Run(name, func(t *testing.T) {
			p := refused(t, c.format, c.text)
			require.Equal(t, c.code, p.Code)
			require.Contains(t, p.Error(), c.says)
		})
	}
	_, err = Read(iotest.ErrReader(errors.New("gone")), People())
	require.ErrorContains(t, err, "cannot be read")
	require.ErrorIs(t, err, tenancy.ErrInternal)
	require.Equal(t, "gone", errors.Unwrap(err).Error())
}

// A row that is wrong is refused by itself, with its line, and the others are read.
func TestRowsThatAreWrong(t *testing.T) {
	f := People()
	f.Limits.Cell = 40
	text := `email,name,role,created_at,status,email_verified,metadata
ada@acme.example,Ada,owner,,,,
mary@acme.example,Mary "the engineer" Jackson,member,,,,
short@acme.example,Short
long@acme.example,Long,member,,,,,more
,,,,,,
bob@acme.example,"Bob
""Bobby""
Noyce","admin; Billing|member",2024-01-03,Active,yes,"{""plan"":""pro"",""seats"":3,""old"":null}"
when@acme.example,When,member,3/4/2024,,,
what@acme.example,What,member,,asleep,,
sure@acme.example,Sure,member,,,perhaps,
json@acme.example,Json,member,,,,[1]
lost@acme.example,L` + "\ufffd" + `st,member,,,,
wide@acme.example,` + strings.Repeat("w", 41) + `,member,,,,
cut@acme.example,"Cut,member,,,,
one@acme.example,One,member,,,,
two@acme.example,"Two, Too",member,,,,
end@acme.example,End,member,2024-01-03T04:05:06+02:00,,,
`
	sheet := read(t, f, text)
	require.Equal(t, []string{
		"2: ada@acme.example Ada owner",
		`3: line 3: has a quote that stands bare: at byte 24 of line 3`,
		"4: line 4: has 2 cells, and the header has 7",
		"5: line 5: has 8 cells, and the header has 7: is a separator not quoted?",
		"7: bob@acme.example Bob\n\"Bobby\"\nNoyce admin+billing+member",
		`10: line 10, column "created_at": is "3/4/2024", and no time in the form of the format "people"`,
		`11: line 11, column "status": is "asleep", which is no status of the format "people"`,
		`12: line 12, column "email_verified": is "perhaps", and neither true nor false`,
		`13: line 13, column "metadata": is no JSON object`,
		`14: line 14, column "name": has lost a character (U+FFFD) before it came here`,
		`15: line 15, column "name": has more than 40 bytes`,
		"16: line 16: has a quote that does not close where it should: lines 16 to 18 are left out",
		"19: end@acme.example End member",
	}, plainly(sheet))
	bob := sheet.Rows[4]
	assert.Equal(t, time.Date(2024, 1, 3, 0, 0, 0, 0, time.UTC), bob.CreatedAt)
	assert.Equal(t, tenancy.MembershipActive, bob.Status)
	assert.True(t, bob.EmailVerified)
	assert.Equal(t, map[string]string{"plan": "pro", "seats": "3"}, bob.Metadata)
	assert.Equal(t, time.Date(2024, 1, 3, 2, 5, 6, 0, time.UTC), sheet.Rows[12].CreatedAt)
	assert.Equal(t, tenancy.ErrTooLarge, sheet.Rows[10].Problems[0].Code)

	// A quote that never closes takes the rest, and says so.
	rest := read(t, People(), "email,name\nada@acme.example,Ada\ncut@acme.example,\"Cut\none@acme.example,One\n")
	require.Equal(t, []string{"2: ada@acme.example Ada", "3: line 3: has a quote that does not close where it should: lines 3 to 4 are left out"}, plainly(rest))
}

// What the format does not read, a program reads by its name; what is secret does not print.
func TestCells(t *testing.T) {
	sheet := read(t, Clerk(), "id,primary_email_address,verified_email_addresses,password_digest,totp_secret\nu1,ada@acme.example,,$2a$10$hash,OTPSECRET\n")
	row := sheet.Rows[0]
	assert.Equal(t, []string{"totp_secret"}, sheet.Ignored)
	assert.Equal(t, "OTPSECRET", row.Cell("TOTP secret"))
	assert.Empty(t, row.Cell("none"))
	assert.Empty(t, Row{}.Cell("none"))
	assert.Equal(t, "$2a$10$hash", row.PasswordDigest.Reveal())
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d"} {
		text := fmt.Sprintf(verb, []any{row, &row, sheet, row.PasswordDigest, Entry{Row: row}})
		assert.NotContains(t, text, "hash", verb)
		assert.NotContains(t, text, "OTPSECRET", verb)
	}
	text, err := row.PasswordDigest.MarshalText()
	assert.NoError(t, err)
	assert.Equal(t, "[redacted]", string(text)+row.PasswordDigest.LogValue().String()[len("[redacted]"):])
	assert.True(t, Secret{}.IsZero())
	assert.Empty(t, Secret{}.Reveal())
}

// No file makes the reader panic, and each row has its line and is read or has a problem.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{good, "\ufeff" + good, "sep=;\nemail;name\na@b.example;\"x\ny\"\n", "email\n\"a\n", "e\x00m\x00a\x00i\x00l\x00\n\x00a\x00"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		format := People()
		format.Limits = Limits{Bytes: 1 << 16, Rows: 100, Columns: 50, Cell: 1000}
		sheet, err := Read(bytes.NewReader(file), format)
		var p *Problem
		if err != nil {
			require.ErrorAs(t, err, &p)
			return
		}
		last := 0
		for _, row := range sheet.Rows {
			require.Greater(t, row.Line, last)
			last = row.Line
		}
	})
}
