package hygiene

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// where says what runs a command of a document: the file has this text. A command that no
// machine can run has a reason in its place.
type where struct{ file, text, reason string }

// commands are those that documents show in blocks, with what runs each.
var commands = map[string]where{
	"go test ./...":                  {file: ".ci/run", text: "go test -json ./..."},
	"bash .ci/run":                   {file: ".github/workflows/ci.yml", text: "run: bash .ci/run"},
	"go run ./examples/quickstart":   {file: ".ci/run", text: `go run ./examples/quickstart -db "$db"`},
	"go run ./examples/webapp -demo": {file: ".ci/run", text: "serves webapp . ./examples/webapp -demo"},

	"go get github.com/freehold-dev/freehold": {file: ".ci/run", text: "go get github.com/freehold-dev/freehold"},

	"go mod init todo.example/todo": {file: ".ci/run", text: "go mod init todo.example/todo"},
	"go mod tidy":                   {file: ".ci/run", text: "run start-tidy go mod tidy"},
	"go run .":                      {file: ".ci/run", text: `serves start "$start" .`},

	"go test ./tenancy -run 'TestService$/M10_one_role'": {file: "internal/servicetest/rules/access_roles.go", text: `"M10 one role`},

	"bench/renew":                                        {reason: "a quarter of an hour on a machine that does nothing else; .ci/run runs its tests and benchmarks briefly, and bench/figures tests the page"},
	"bench/renew --quick":                                {reason: "it misses bars of time on a machine that is shared; .ci/run runs the same tests and benchmarks with more time"},
	"bench/compare before after":                         {file: ".ci/run", text: `bench/compare "$log/bench" ci`},
	"bench/compare --record before":                      {file: ".ci/run", text: "bench/compare --record ci"},
	"bench/compare --record check -bench Check -count 6": {file: ".ci/run", text: "bench/compare --record ci -bench Check"},
}

var (
	shellFence  = regexp.MustCompile("(?s)^ *```(sh|bash|shell|console)?[ \t]*\n(.*)\n *```")
	indented    = regexp.MustCompile(`(?m)^    (\S.*)$`)
	beginsShell = regexp.MustCompile(`^(go|bash|sh|git|cd|curl|sqlite3|docker|npm|make|govulncheck|benchstat|bench/[a-z]+|\./[a-z/.-]+|\.ci/[a-z]+)( |$)`)
	shellRemark = regexp.MustCompile(`\s+# .*$`)
)

// shell gives the commands in the blocks of a document: lines of a block marked as shell, and
// of one with no mark those that begin with a program.
func (d document) shell() (all []string) {
	add := func(line string, any bool) {
		line = strings.TrimSpace(shellRemark.ReplaceAllString(strings.TrimPrefix(strings.TrimSpace(line), "$ "), ""))
		if line != "" && !strings.HasPrefix(line, "#") && (any || beginsShell.MatchString(line)) {
			all = append(all, line)
		}
	}
	for _, block := range fence.FindAllString(d.whole, -1) {
		if found := shellFence.FindStringSubmatch(block); found != nil {
			for line := range strings.Lines(found[2]) {
				add(line, found[1] != "" && found[1] != "console")
			}
		}
	}
	for _, line := range indented.FindAllStringSubmatch(d.text, -1) {
		add(line[1], false)
	}
	return all
}

// Every command that a document shows is run, so that it works for who pastes it.
func TestCommandsAreRun(t *testing.T) {
	shown := map[string]bool{}
	for _, d := range documents(t) {
		for _, command := range d.shell() {
			shown[command] = true
			_, known := commands[command]
			assert.True(t, known, "%s shows the command %q. Have .ci/run or a test run it, and say where in internal/hygiene/commands_test.go", d.path, command)
		}
	}
	for command, by := range commands {
		assert.True(t, shown[command], "no document shows %q", command)
		if by.reason == "" {
			text, err := os.ReadFile(filepath.Join(root, by.file))
			assert.NoError(t, err, command)
			assert.Contains(t, string(text), by.text, fmt.Sprintf("%s does not run %q", by.file, command))
		}
	}
}

func TestCommandsAreFound(t *testing.T) {
	text := "# A\n\n```go\ngo func() {}()\n```\n\n    bash x    # remark\n    some prose\n\n```\ngo run .\nprinted\n```\n\n```sh\n# remark\nexport A=b\n```\n"
	d := document{"a.md", fence.ReplaceAllString(text, ""), text}
	require.Equal(t, []string{"go run .", "export A=b", "bash x"}, d.shell())
}

var (
	action    = regexp.MustCompile(`(?m)^ *- uses: (\S+)$`)
	pinned    = regexp.MustCompile(`^actions/[a-z-]+@v\d+(\.\d+\.\d+)?$`)
	job       = regexp.MustCompile(`(?m)^  [a-z]+:\n    runs-on:`)
	granting  = regexp.MustCompile(`(?m)^ *[a-z-]+: (write|write-all)$`)
	onMachine = regexp.MustCompile(`/(work|root|home|tmp|Users)/`)
)

// The workflow does what anybody can do with .ci/run: it may read the repository, uses the
// actions of GitHub alone, and names the path of no machine.
func TestWorkflow(t *testing.T) {
	text := paper(t, ".github/workflows/ci.yml")
	uses := action.FindAllStringSubmatch(text, -1)
	require.NotEmpty(t, uses)
	for _, found := range uses {
		assert.Regexp(t, pinned, found[1])
	}
	assert.Equal(t, strings.Count(text, "uses:"), len(uses))
	assert.Contains(t, text, "\npermissions:\n  contents: read\n")
	assert.NotRegexp(t, granting, text)
	assert.Len(t, job.FindAllString(text, -1), 2)
	assert.Contains(t, text, "go-version-file: go.mod")
	assert.NoError(t, filepath.WalkDir(filepath.Join(root, ".github"), func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		assert.NotRegexp(t, onMachine, string(text), path)
		return err
	}))
}
