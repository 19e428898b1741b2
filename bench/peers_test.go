package bench

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/casbin/casbin/v2"
	"github.com/casbin/casbin/v2/model"
	"github.com/mikespook/gorbac"
)

const domains = `
[request_definition]
r = sub, dom, obj, act
[policy_definition]
p = sub, dom, obj, act
[role_definition]
g = _, _, _
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = g(r.sub, p.sub, r.dom) && (r.dom == p.dom || p.dom == "*") && r.obj == p.obj && r.act == p.act
`

// loadCasbin puts the same world into casbin's model with domains. Without custom
// roles the rules hold in every domain.
func loadCasbin(tb testing.TB, e interface {
	AddPolicies([][]string) (bool, error)
	AddNamedGroupingPolicies(string, [][]string) (bool, error)
}, w *people, custom bool,
) {
	var rules, groups [][]string
	rules = append(rules, []string{"member", "*", "documents", "read"})
	for _, r := range []string{"owner", "admin"} {
		for _, p := range []string{"documents", "billing", "projects", "reports"} {
			for _, act := range []string{"read", "write"} {
				rules = append(rules, []string{r, "*", p, act})
			}
		}
	}
	for i, u := range w.users {
		r := role(i % 10)
		if r == "org-editor" && !custom {
			r = "member"
		}
		groups = append(groups, []string{u.String(), r, w.org(i).String()})
	}
	if custom {
		for _, o := range w.orgs {
			for _, act := range []string{"read", "write"} {
				rules = append(rules, []string{"org-editor", o.String(), "documents", act})
			}
		}
	}
	_, err := e.AddPolicies(rules)
	must(tb, err)
	_, err = e.AddNamedGroupingPolicies("g", groups)
	must(tb, err)
}

// BenchmarkCheckPeers asks each side for the same people in the same order: for a hundred again and again, as those who are
// at work, and for everybody.
func BenchmarkCheckPeers(b *testing.B) {
	orgs := 10_000
	if testing.Short() {
		orgs = 200
	}
	w := newPeople(b, orgs, 10)
	p, ctx := newPeers(b, w), context.Background()
	all := order(len(w.users))
	for _, crowd := range []struct {
		name string
		walk []int
	}{{"hundred", all[:100]}, {"all", all}} {
		run := func(name string, can func(k int) bool) {
			b.Run(name+"/crowd="+crowd.name, func(b *testing.B) {
				i := 0
				for b.Loop() {
					k := crowd.walk[i%len(crowd.walk)]
					i++
					if !can(k) {
						b.Fatal("no")
					}
				}
			})
		}
		run("freehold", func(k int) bool {
			ok, err := w.svc.Can(ctx, w.users[k], w.org(k), "documents:read")
			return ok && err == nil
		})
		f := newFloor(w)
		run("floor", func(k int) bool { return f.can(w.org(k), w.users[k], "documents:read") })
		run("sql", p.sql(b))
		for _, custom := range []bool{false, true} {
			run(fmt.Sprintf("casbin/custom=%t", custom), p.enforced(newCasbin(b, w, custom)))
		}
		cached := p.cached(b)
		for _, k := range crowd.walk { // what it was not asked for costs what plain casbin does
			cached(k)
		}
		run("casbin-cached", cached)
		run("gorbac", p.gorbac(b))
	}
}

// peers knows the people of a world as texts.
type peers struct {
	w         *people
	ids, orgs []string
}

func newPeers(b *testing.B, w *people) *peers {
	p := &peers{w: w, ids: make([]string, len(w.users)), orgs: make([]string, len(w.users))}
	for i, u := range w.users {
		p.ids[i], p.orgs[i] = u.String(), w.org(i).String()
	}
	return p
}

func newCasbin(b *testing.B, w *people, custom bool) *casbin.Enforcer {
	b.Helper()
	m, err := model.NewModelFromString(domains)
	must(b, err)
	plain, err := casbin.NewEnforcer(m)
	must(b, err)
	loadCasbin(b, plain, w, custom)
	return plain
}

func (p *peers) enforced(e interface {
	Enforce(...any) (bool, error)
},
) func(k int) bool {
	return func(k int) bool {
		ok, err := e.Enforce(p.ids[k], p.orgs[k], "documents", "read")
		return ok && err == nil
	}
}

func (p *peers) cached(b *testing.B) func(k int) bool {
	b.Helper()
	m, err := model.NewModelFromString(domains)
	must(b, err)
	cached, err := casbin.NewCachedEnforcer(m)
	must(b, err)
	loadCasbin(b, cached, p.w, false)
	return p.enforced(cached)
}

// gorbac has a role for each person, and knows no organizations.
func (p *peers) gorbac(b *testing.B) func(k int) bool {
	b.Helper()
	r := gorbac.New()
	read := gorbac.NewStdPermission("documents:read")
	member := gorbac.NewStdRole("member")
	must(b, member.Assign(read))
	must(b, r.Add(member))
	for _, id := range p.ids {
		must(b, r.Add(gorbac.NewStdRole(id)))
		must(b, r.SetParent(id, "member"))
	}
	return func(k int) bool { return r.IsGranted(p.ids[k], read, nil) }
}

// sql asks a file by one prepared statement: who has which role where, and what roles give.
func (p *peers) sql(b *testing.B) func(k int) bool {
	b.Helper()
	db := raw(b, filepath.Join(b.TempDir(), "raw.db"))
	for _, text := range []string{
		`CREATE TABLE members (org TEXT, user TEXT, role TEXT, PRIMARY KEY (org, user)) WITHOUT ROWID`,
		`CREATE TABLE grants (role TEXT, permission TEXT, PRIMARY KEY (role, permission)) WITHOUT ROWID`,
	} {
		_, err := db.Exec(text)
		must(b, err)
	}
	tx, err := db.Begin()
	must(b, err)
	for i := range p.ids {
		_, err := tx.Exec(`INSERT INTO members VALUES (?, ?, ?)`, p.orgs[i], p.ids[i], role(i%10))
		must(b, err)
	}
	for _, r := range []string{"owner", "admin", "org-editor", "member"} {
		for _, permission := range permissions {
			_, err := tx.Exec(`INSERT INTO grants VALUES (?, ?)`, r, string(permission))
			must(b, err)
		}
	}
	must(b, tx.Commit())
	stmt := prepare(b, db, `SELECT 1 FROM members JOIN grants USING (role) WHERE org = ? AND user = ? AND permission = ?`)
	return func(k int) bool {
		var one int
		err := stmt.QueryRow(p.orgs[k], p.ids[k], "documents:read").Scan(&one)
		return err == nil && one == 1
	}
}
