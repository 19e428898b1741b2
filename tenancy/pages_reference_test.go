package tenancy

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// tableRows are the rows of the tables of a page that begin with a name in backquotes and have a
// number of cells.
func tableRows(t *testing.T, page string, cells int) (all [][]string) {
	t.Helper()
	text, err := os.ReadFile("../docs/" + page)
	require.NoError(t, err)
	for line := range strings.Lines(string(text)) {
		parts := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(parts) != cells || !strings.HasPrefix(line, "| `") {
			continue
		}
		for i := range parts {
			parts[i] = strings.TrimSpace(parts[i])
		}
		parts[0] = strings.Trim(parts[0], "`")
		all = append(all, parts)
	}
	return all
}

// typedConstant is a constant of a type, with its comment.
type typedConstant struct{ value, comment string }

// constantsOf are the constants of a type in a file, in its order.
func constantsOf(t *testing.T, file, kind string) (all []typedConstant) {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
	require.NoError(t, err)
	ast.Inspect(parsed, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if named, ok := spec.Type.(*ast.Ident); !ok || named.Name != kind {
			return true
		}
		value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		require.NoError(t, err)
		all = append(all, typedConstant{value, spec.Doc.Text() + spec.Comment.Text()})
		return true
	})
	require.NotEmpty(t, all)
	return all
}

// The page on decisions has every kind, and says which have a Pending token (P5).
func TestDecisionsPage(t *testing.T) {
	constants, rows := constantsOf(t, "signin.go", "DecisionKind"), tableRows(t, "decisions-of-signin.md", 5)
	require.Len(t, rows, len(constants))
	for i, constant := range constants {
		kind, shown := rows[i][0], rows[i][3]
		require.Equal(t, constant.value, kind)
		n := signIn{decision: Decision{Kind: DecisionKind(kind)}, shown: shownSoFar{proved: true}}
		assert.Equal(t, n.pends(), shown != "no", kind)
		assert.Contains(t, []string{"yes", "no", "if proved"}, shown, kind)
	}
}

var docLink = regexp.MustCompile(`\[([A-Z]\w+)\]`)

// The page on events has every type, the Data that its comment names, and whether checks may answer
// differently after it, as the cache has it (E1, R8).
func TestEventsPage(t *testing.T) {
	constants, rows := constantsOf(t, "event.go", "EventType"), tableRows(t, "events.md", 5)
	require.Len(t, rows, len(constants))
	require.Len(t, eventTypes, len(constants))
	for i, constant := range constants {
		kind, data, changes := EventType(rows[i][0]), rows[i][3], rows[i][4]
		require.Equal(t, constant.value, string(kind))
		for _, named := range docLink.FindAllStringSubmatch(constant.comment, -1) {
			assert.Contains(t, data, "`"+named[1]+"`", kind)
		}
		_, alters := keyOf(kind, OrganizationID{1}, UserID{1})
		gives := kind == EventMembershipCreated // from no access, which is not kept
		assert.Equal(t, alters || gives, changes == "yes", kind)
		assert.Contains(t, []string{"yes", "no"}, changes, kind)
	}
}

// The page on configuration has every field, in the order of the structs, with its default.
func TestConfigPage(t *testing.T) {
	rows := tableRows(t, "config.md", 3)
	config := Config{}.withDefaults()
	for prefix, v := range map[string]reflect.Value{
		"": reflect.ValueOf(config), "Limits.": reflect.ValueOf(config.Limits), "Settings.": reflect.ValueOf(Settings{}),
	} {
		var fields, told []string
		for _, row := range rows {
			first, rest, dotted := strings.Cut(row[0], ".")
			if dotted && first+"." != prefix || !dotted && prefix != "" {
				continue
			}
			name := first
			if dotted {
				name = rest
			}
			told = append(told, name)
			if field := v.FieldByName(name); field.IsValid() && prefix != "Settings." {
				assert.True(t, isDefault(field, row[1]), "%s: %s, but it is %v", row[0], row[1], field)
			}
		}
		for i := range v.NumField() {
			fields = append(fields, v.Type().Field(i).Name)
		}
		require.Equal(t, fields, told)
	}
}

var quantity = regexp.MustCompile(`^([0-9,]+) ?(ms|s|minute|hours|days|KiB|)$`)

// isDefault reports whether a cell of the page says the default of a field; only numbers, times,
// words and what is off can be compared.
func isDefault(field reflect.Value, cell string) bool {
	unit := map[string]time.Duration{
		"": 1, "KiB": 1 << 10, "ms": time.Millisecond, "s": time.Second, "minute": time.Minute, "hours": time.Hour, "days": 24 * time.Hour,
	}
	switch field.Kind() {
	case reflect.Int, reflect.Int64:
		found := quantity.FindStringSubmatch(cell)
		if found == nil {
			return field.IsZero()
		}
		n, err := strconv.Atoi(strings.ReplaceAll(found[1], ",", ""))
		return err == nil && field.Int() == int64(n)*int64(unit[found[2]])
	case reflect.Bool:
		return cell == fmt.Sprint(field.Bool())
	case reflect.String:
		return cell == "`"+field.String()+"`"
	}
	return true
}
