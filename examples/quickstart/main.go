// Command quickstart imports a roster, in the form of a CRM's export, as organizations, users and memberships
// into an SQLite file, and prints the members. Run it twice: the second run finds everything imported, and
// changes nothing.
//
//	go run ./examples/quickstart [-db app.db] [-roster roster.csv]
//
// If a row of the roster cannot be imported, the program reports its line and the reason, and imports the
// others.
package main

import (
	"context"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/freehold-dev/freehold/store/sqlite"
	"github.com/freehold-dev/freehold/tenancy"
	"github.com/freehold-dev/freehold/tenancy/roster"
)

//go:embed roster.csv
var sample string

func main() {
	log.SetFlags(0)
	path := flag.String("db", "app.db", "the SQLite file; made if it is not there")
	file := flag.String("roster", "", "a CSV file; default: the sample")
	flag.Parse()
	if err := run(context.Background(), os.Stdout, *path, *file); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, out io.Writer, path, file string) error {
	st, err := sqlite.Open(ctx, path)
	if err != nil {
		return err
	}
	defer st.Close()
	svc, err := tenancy.New(tenancy.Config{Store: st})
	if err != nil {
		return err
	}
	var in io.Reader = strings.NewReader(sample)
	if file != "" {
		f, err := os.Open(file)
		if err != nil {
			return err
		}
		defer f.Close()
		in = f
	}
	before, err := svc.Events.Last(ctx)
	if err != nil {
		return err
	}
	applied, err := load(ctx, out, svc, in)
	if err != nil {
		return err
	}
	if err := show(ctx, out, svc); err != nil {
		return err
	}
	if err := share(ctx, out, st, svc); err != nil {
		return err
	}
	after, err := svc.Events.Last(ctx)
	if err != nil {
		return err
	}
	switch {
	case before == after && applied.NothingChanged():
		fmt.Fprintf(out, "\nEverything was in %s already: nothing changed.\n", path)
	case before == after:
		fmt.Fprintf(out, "\nWhat could go in was in %s already, and %d rows are left out: mend them and run again.\n", path, len(applied.Refused))
	default:
		fmt.Fprintf(out, "\n%s now holds it all, and %d events that say how it came about.\n", path, after)
	}
	return nil
}

// load imports the roster into the database, and reports the rows that it refuses.
func load(ctx context.Context, out io.Writer, svc *tenancy.Service, in io.Reader) (roster.Applied, error) {
	sheet, err := roster.Read(in, roster.People())
	if err != nil {
		return roster.Applied{}, fmt.Errorf("roster: %w", err)
	}
	plan, err := roster.NewPlan(ctx, svc, sheet, roster.Options{NewOrganization: organization})
	if err != nil {
		return roster.Applied{}, err
	}
	fmt.Fprintf(out, "The plan: %v.\n", plan)
	applied, err := plan.Apply(ctx)
	for _, refused := range applied.Refused {
		fmt.Fprintln(out, "left out:", refused.Problem)
	}
	return applied, err
}

// organization is the customer that a row of the roster describes, with a column that only this program knows.
func organization(row roster.Row) tenancy.NewOrganization {
	in := roster.NewOrganization(row)
	in.Metadata = map[string]string{"domains": row.Cell("domains")}
	return in
}

// show prints every organization with its members, and one person's organizations.
func show(ctx context.Context, out io.Writer, svc *tenancy.Service) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "\nORGANIZATION\tNAME\tEMAIL\tROLES\tSINCE")
	for org, err := range svc.Organizations.All(ctx, tenancy.OrganizationQuery{Order: tenancy.ByName}) {
		if err != nil {
			return err
		}
		for m, err := range svc.Memberships.All(ctx, org.ID, tenancy.MemberQuery{Order: tenancy.ByName}) {
			if err != nil {
				return err
			}
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", org.DisplayName, m.Name, m.Email, strings.Join(m.Roles, ", "), m.JoinedAt.Format("2006-01-02"))
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	ada, err := svc.Users.GetByEmail(ctx, "ada@acme.example")
	if errors.Is(err, tenancy.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "\n%s is in:\n", ada.Name())
	for m, err := range svc.Memberships.AllByUser(ctx, ada.ID, tenancy.MemberQuery{}) {
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "  %s as %s\n", m.OrganizationName, strings.Join(m.Roles, ", "))
	}
	return nil
}

var errChangedMyMind = errors.New("changed my mind")

// share writes a row of this program's own and a membership in one transaction: once it commits both, once it
// rolls both back.
func share(ctx context.Context, out io.Writer, st *sqlite.Store, svc *tenancy.Service) error {
	if _, err := st.DB().ExecContext(ctx, `CREATE TABLE IF NOT EXISTS desks (
		membership TEXT PRIMARY KEY REFERENCES tenancy_memberships (id), number INTEGER NOT NULL) STRICT`); err != nil {
		return err
	}
	fmt.Fprintln(out, "\nA desk of ours and a membership, in one transaction of ours:")
	for _, try := range []struct {
		email string
		end   error
	}{{"rosalind@initech.example", nil}, {"barbara@initech.example", errChangedMyMind}} {
		err := seat(ctx, st, svc, try.email, try.end)
		switch {
		case err == nil:
			fmt.Fprintf(out, "  %s: committed, both are there\n", try.email)
		case errors.Is(err, errChangedMyMind):
			fmt.Fprintf(out, "  %s: rolled back, neither is there\n", try.email)
		case errors.Is(err, tenancy.ErrAlreadyExists):
			fmt.Fprintf(out, "  %s: there since the first run\n", try.email)
		case errors.Is(err, tenancy.ErrNotFound):
			fmt.Fprintln(out, "  left out: this roster has no crm-1003")
			return nil
		default:
			return err
		}
	}
	return nil
}

// seat adds a member and a desk in one transaction, and ends it as end says.
func seat(ctx context.Context, st *sqlite.Store, svc *tenancy.Service, email string, end error) error {
	tx, err := st.DB().BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // does nothing after the commit
	ctx, in, err := svc.Join(ctx, st.InTx(tx))
	if err != nil {
		return err
	}
	org, err := in.Organizations.GetByExternalID(ctx, "crm-1003")
	if err != nil {
		return err
	}
	user, err := in.Users.Create(ctx, tenancy.NewUser{Email: email})
	if err != nil {
		return err
	}
	m, err := in.Memberships.Add(ctx, tenancy.NewMembership{OrganizationID: org.ID, UserID: user.ID})
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO desks (membership, number) VALUES (?, 12)`, m.ID); err != nil {
		return err
	}
	if end != nil {
		return end
	}
	return tx.Commit()
}
