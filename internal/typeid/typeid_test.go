package typeid_test

import (
	"encoding/json"
	"math/big"
	"os"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/freehold-dev/freehold/internal/typeid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// vector is one fact of the public specification's test data.
type vector struct {
	Name, TypeID, Prefix, UUID, Description string
}

func vectors(t *testing.T, file string) []vector {
	t.Helper()
	data, err := os.ReadFile("testdata/" + file)
	require.NoError(t, err)
	var all []vector
	require.NoError(t, json.Unmarshal(data, &all))
	require.NotEmpty(t, all)
	return all
}

func TestValidVectors(t *testing.T) { // G1
	for _, v := range vectors(t, "valid.json") {
		t.Run(v.Name, func(t *testing.T) {
			want := [16]byte(uuid.MustParse(v.UUID))
			prefix, id, err := typeid.Parse(v.TypeID)
			require.NoError(t, err)
			require.Equal(t, v.Prefix, prefix)
			require.Equal(t, want, id)
			require.Equal(t, v.TypeID, typeid.String(v.Prefix, want))
			require.Equal(t, v.TypeID, string(typeid.Append(nil, v.Prefix, want)))
		})
	}
}

func TestInvalidVectors(t *testing.T) { // G1
	for _, v := range vectors(t, "invalid.json") {
		t.Run(v.Name, func(t *testing.T) {
			prefix, id, err := typeid.Parse(v.TypeID)
			require.Error(t, err, v.Description)
			require.Empty(t, prefix)
			require.Zero(t, id)
		})
	}
}

func TestErrors(t *testing.T) { // G1
	const zero = "00000000000000000000000000"
	for name, c := range map[string]struct {
		text string
		want error
	}{
		"empty":              {"", typeid.ErrLength},
		"one short":          {zero[1:], typeid.ErrLength},
		"prefix of 64":       {strings.Repeat("a", 64) + "_" + zero, typeid.ErrLength},
		"no separator":       {"orgs" + zero, typeid.ErrPrefix},
		"separator alone":    {"_" + zero, typeid.ErrPrefix},
		"upper-case prefix":  {"Org_" + zero, typeid.ErrPrefix},
		"upper-case suffix":  {"org_0000000000000000000000000A", typeid.ErrSuffix},
		"last not a digit":   {"org_0000000000000000000000000u", typeid.ErrSuffix},
		"middle not a digit": {"org_0000000000000l000000000000", typeid.ErrSuffix},
		"129 bits":           {"org_80000000000000000000000000", typeid.ErrSuffix},
		"high byte":          {"org_0000000000000000000000000\xff", typeid.ErrSuffix},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := typeid.Parse(c.text)
			require.ErrorIs(t, err, c.want)
		})
	}
	_, err := typeid.ParseSuffix(zero + "0")
	require.ErrorIs(t, err, typeid.ErrLength)
	require.EqualError(t, err, "typeid: wrong length")
}

func TestValidPrefix(t *testing.T) { // G1
	for _, good := range []string{"", "a", "org", "pre_fix", "a__b", strings.Repeat("z", 63)} {
		require.True(t, typeid.ValidPrefix(good), good)
	}
	for _, bad := range []string{"_", "_a", "a_", "A", "a1", "a-b", "é", strings.Repeat("z", 64)} {
		require.False(t, typeid.ValidPrefix(bad), bad)
	}
}

// spell is the specification read literally, by arithmetic on one large
// number: an independent check on the shifting.
func spell(id [16]byte) string {
	n := new(big.Int).SetBytes(id[:])
	out := make([]byte, 26)
	for i := 25; i >= 0; i-- {
		digit := new(big.Int)
		n.DivMod(n, big.NewInt(32), digit)
		out[i] = "0123456789abcdefghjkmnpqrstvwxyz"[digit.Int64()]
	}
	return string(out)
}

func TestRoundTrip(t *testing.T) { // G1
	rapid.Check(t, func(t *rapid.T) {
		id := [16]byte(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id"))
		prefix := rapid.StringMatching(`([a-z]([a-z_]{0,61}[a-z])?)?`).Draw(t, "prefix")

		text := typeid.String(prefix, id)
		require.Equal(t, spell(id), text[len(text)-26:])
		require.Equal(t, "keep"+text, string(typeid.Append([]byte("keep"), prefix, id)))

		gotPrefix, gotID, err := typeid.Parse(text)
		require.NoError(t, err)
		require.Equal(t, prefix, gotPrefix)
		require.Equal(t, id, gotID)
	})
}

// Text order is value order, so that an index on the text walks ids by time.
func TestOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := [16]byte(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "a"))
		b := [16]byte(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "b"))
		require.Equal(t, strings.Compare(string(a[:]), string(b[:])),
			strings.Compare(typeid.String("org", a), typeid.String("org", b)))
	})
}

func TestAllocations(t *testing.T) {
	id := [16]byte{1, 2, 3}
	text := typeid.String("org", id)
	buf := make([]byte, 0, 64)
	require.LessOrEqual(t, testing.AllocsPerRun(100, func() { sink = typeid.String("org", id) }), 1.0)
	require.Zero(t, testing.AllocsPerRun(100, func() { buf = typeid.Append(buf[:0], "org", id) }))
	require.Zero(t, testing.AllocsPerRun(100, func() { _, _, _ = typeid.Parse(text) }))
	require.Equal(t, text, sink)
}

func FuzzParse(f *testing.F) {
	f.Fuzz(func(t *testing.T, text string) {
		prefix, id, err := typeid.Parse(text)
		if err != nil {
			require.Empty(t, prefix)
			require.Zero(t, id)
			return
		}
		require.True(t, typeid.ValidPrefix(prefix))
		require.Equal(t, text, typeid.String(prefix, id), "one value, one spelling")
	})
}

// sink lets a result escape, as it does in a host.
var sink string

func BenchmarkString(b *testing.B) {
	id := [16]byte(uuid.MustParse("01890a5d-ac96-774b-bcce-b302099a8057"))
	b.ReportAllocs()
	for b.Loop() {
		sink = typeid.String("org", id)
	}
}

func BenchmarkParse(b *testing.B) {
	text := "org_01h455vb4pex5vsknk084sn02q"
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := typeid.Parse(text); err != nil {
			b.Fatal(err)
		}
	}
}
