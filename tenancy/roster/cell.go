package roster

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/freehold-dev/freehold/tenancy"
)

// fill reads the cells of a row into its fields.
func (h *header) fill(row *Row, cells []string) {
	for i, cell := range cells[:len(h.names)] {
		switch {
		case len(cell) > h.format.Limits.Cell:
			row.problem(tooLarge(row.Line, h.names[i], "has more than %d bytes", h.format.Limits.Cell))
		case strings.ContainsRune(cell, utf8.RuneError):
			row.problem(invalid(row.Line, h.names[i], "has lost a character (U+FFFD) before it came here"))
		}
	}
	if len(row.Problems) > 0 {
		return
	}
	var verified []string
	for _, s := range h.columns {
		if s.Field == FieldVerifiedEmails {
			_, text := s.first(cells)
			verified = list(text)
			continue
		}
		h.read(row, s, cells)
	}
	row.EmailVerified = row.EmailVerified || slices.ContainsFunc(verified, func(address string) bool { return sameAddress(address, row.Email) })
}

// first returns the first of a source's cells that is not blank, and its column.
func (s source) first(cells []string) (at int, text string) {
	for _, at := range s.at {
		if cells[at] != "" && (s.Except == "" || !strings.Contains(strings.ToLower(cells[at]), strings.ToLower(s.Except))) {
			return at, cells[at]
		}
	}
	return -1, ""
}

// read fills one field.
func (h *header) read(row *Row, s source, cells []string) {
	at, text := s.first(cells)
	if at < 0 {
		return
	}
	name := h.names[at]
	switch s.Field {
	case FieldStatus:
		m, known := s.Values[strings.ToLower(text)]
		if !known {
			row.problem(invalid(row.Line, name, "is %s, which is no status of the format %q", short(text), h.format.Name))
		}
		row.mean(m)
	case FieldRoles:
		for _, word := range list(text) {
			word = strings.ToLower(word)
			m, known := s.Values[word]
			switch {
			case s.Values == nil:
				m = Meaning{Role: word}
			case !known:
				row.problem(invalid(row.Line, name, "is %s, which is no role of the format %q", short(word), h.format.Name))
			}
			row.mean(m)
		}
	case FieldEmailVerified:
		yes, known := truth(text)
		if !known {
			row.problem(invalid(row.Line, name, "is %s, and neither true nor false", short(text)))
		}
		row.EmailVerified = yes
	case FieldMetadata:
		var ok bool
		if row.Metadata, ok = object(text); !ok {
			row.problem(invalid(row.Line, name, "is no JSON object"))
		}
	case FieldPasswordDigest:
		row.PasswordDigest = Secret{&text}
	case FieldCreatedAt, FieldJoinedAt, FieldLastSignInAt, FieldDeactivatedAt, FieldExpiresAt:
		h.readTimes(row, s, cells)
	default:
		*row.text(s.Field) = text
	}
}

// text returns where the text of a field is stored.
func (r *Row) text(field Field) *string {
	switch field {
	case FieldID:
		return &r.ID
	case FieldEmail:
		return &r.Email
	case FieldUsername:
		return &r.Username
	case FieldGivenName:
		return &r.GivenName
	case FieldFamilyName:
		return &r.FamilyName
	case FieldDisplayName:
		return &r.DisplayName
	case FieldPhone:
		return &r.Phone
	case FieldPicture:
		return &r.Picture
	case FieldLocale:
		return &r.Locale
	case FieldOrganizationID:
		return &r.OrganizationID
	case FieldOrganizationName:
		return &r.OrganizationName
	case FieldUnit:
		return &r.Unit
	case FieldPasswordHasher:
		return &r.PasswordHasher
	}
	return new(string) // this version does not know the field
}

// mean applies what a cell means to the row. If several cells give a status, inactive wins.
func (r *Row) mean(m Meaning) {
	if m.Status != "" && r.Status != tenancy.MembershipInactive {
		r.Status = m.Status
	}
	if m.Role != "" && !slices.Contains(r.Roles, m.Role) {
		r.Roles = append(r.Roles, m.Role)
	}
	if r.Skip == "" {
		r.Skip = m.Skip
	}
}

// readTimes reads a time from all cells of a source, and keeps the latest.
func (h *header) readTimes(row *Row, s source, cells []string) {
	to := map[Field]*time.Time{
		FieldCreatedAt: &row.CreatedAt, FieldJoinedAt: &row.JoinedAt, FieldLastSignInAt: &row.LastSignInAt,
		FieldDeactivatedAt: &row.DeactivatedAt, FieldExpiresAt: &row.ExpiresAt,
	}[s.Field]
	for _, at := range s.at {
		t, ok := h.format.time(cells[at])
		if !ok {
			row.problem(invalid(row.Line, h.names[at], "is %s, and no time in the form of the format %q", short(cells[at]), h.format.Name))
		}
		if t.After(*to) {
			*to = t
		}
		if !s.Begins && !to.IsZero() {
			return
		}
	}
}

// plainLayouts are the layouts for a format that names none.
func plainLayouts() []string {
	return []string{time.RFC3339Nano, "2006-01-02 15:04:05Z07:00", "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02 15:04", time.DateOnly}
}

// time reads a time. It returns the zero time for a cell that means "never".
func (f Format) time(text string) (t time.Time, ok bool) {
	if text == "" || slices.ContainsFunc(f.Never, func(never string) bool { return strings.EqualFold(never, text) }) {
		return time.Time{}, true
	}
	layouts := f.Layouts
	if layouts == nil {
		layouts = plainLayouts()
	}
	for _, layout := range layouts {
		if layout == Unix {
			if t, ok := unix(text); ok {
				return t, true
			}
			continue
		}
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC().Truncate(time.Microsecond), true
		}
	}
	return time.Time{}, false
}

// unix reads a number of seconds or milliseconds since 1970. A number that would be a second after the year
// 5137 is taken for milliseconds.
func unix(text string) (t time.Time, ok bool) {
	n, err := strconv.ParseInt(text, 10, 64)
	switch {
	case err != nil || n < 0 || n >= 1e15:
		return time.Time{}, false
	case n == 0:
		return time.Time{}, true
	case n >= 1e11:
		return time.UnixMilli(n).UTC(), true
	}
	return time.Unix(n, 0).UTC(), true
}

// list returns the parts of a cell that contains several.
func list(text string) []string {
	var parts []string
	for _, part := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(",;|\r\n", r) }) {
		if part = strings.TrimSpace(part); part != "" {
			parts = append(parts, part)
		}
	}
	return parts
}

func truth(text string) (yes, known bool) {
	switch strings.ToLower(text) {
	case "true", "yes", "1":
		return true, true
	case "false", "no", "0":
		return false, true
	}
	return false, false
}

// object reads a JSON object as a map of texts. Values that are not texts stay JSON, and null is left out.
func object(text string) (map[string]string, bool) {
	var raw map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &raw); err != nil {
		return nil, false
	}
	var m map[string]string
	for key, value := range raw {
		var s string
		switch {
		case string(value) == "null":
			continue
		case json.Unmarshal(value, &s) != nil:
			s = string(value)
		}
		if m == nil {
			m = make(map[string]string, len(raw))
		}
		m[key] = s
	}
	return m, true
}

// sameAddress compares two addresses in the way in which users' addresses are compared (rule U1).
func sameAddress(a, b string) bool {
	one, err := tenancy.CanonicalEmail(a)
	if err != nil {
		return false
	}
	other, err := tenancy.CanonicalEmail(b)
	return err == nil && one == other
}

// short shortens a text for a message.
func short(text string) string {
	const most = 40
	if utf8.RuneCountInString(text) > most {
		text = string([]rune(text)[:most]) + "..."
	}
	return strconv.Quote(text)
}
