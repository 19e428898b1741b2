// Command quickstart reads a roster, as a CRM exports it, into organizations, users
// and memberships in an SQLite file, and prints who is where. Run it twice: the
// second run finds everything there and changes nothing.
//
//	go run ./examples/quickstart [-db app.db] [-roster roster.csv]
//
// A row of the roster that cannot go in is reported with its line and the reason,
// and the others go in: each row is a part of the one transaction that can fail
// alone.
package main

import (
	"context"
	_ "embed"
	"encoding/csv"
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
)

//go:embed roster.csv
var sample string

func main() {
	log.SetFlags(0)
	path := flag.String("db", "app.db", "the SQLite file; made if it is not there")
	roster := flag.String("roster", "", "a CSV file; default: the sample")
	flag.Parse()
	if err := run(context.Background(), os.Stdout, *path, *roster); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, out io.Writer, path, roster string) error {
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
	if roster != "" {
		f, err := os.Open(roster)
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
	if err := load(ctx, out, svc, in); err != nil {
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
	if before == after {
		fmt.Fprintf(out, "\nEverything was in %s already: nothing changed.\n", path)
	} else {
		fmt.Fprintf(out, "\n%s now holds it all, and %d events that say how it came about.\n", path, after)
	}
	return nil
}

// row is a line of the roster, or what is wrong with it.
type row struct {
	line   int
	fields []string
	err    error
}

// parse reads the roster whole: a transaction may have to run again, and a reader
// cannot be read twice.
func parse(in io.Reader) ([]row, error) {
	lines := csv.NewReader(in)
	lines.FieldsPerRecord = 7
	if _, err := lines.Read(); err != nil {
		return nil, fmt.Errorf("roster: %w", err)
	}
	var rows []row
	for {
		fields, err := lines.Read()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil && !errors.Is(err, csv.ErrFieldCount) {
			return nil, fmt.Errorf("roster: %w", err)
		}
		line, _ := lines.FieldPos(0)
		rows = append(rows, row{line, fields, err})
	}
}

// load puts the roster into the database in one transaction.
func load(ctx context.Context, out io.Writer, svc *tenancy.Service, in io.Reader) error {
	rows, err := parse(in)
	if err != nil {
		return err
	}
	var reports []string
	err = svc.Transact(ctx, func(ctx context.Context, tx *tenancy.Service) error {
		reports = nil // of an attempt before this one
		for _, r := range rows {
			err := r.err
			if err == nil {
				err = tx.Transact(ctx, func(ctx context.Context, tx *tenancy.Service) error { return put(ctx, tx, r.fields) })
			}
			if err != nil {
				reports = append(reports, fmt.Sprintf("line %d is left out: %v", r.line, err))
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, report := range reports {
		fmt.Fprintln(out, report)
	}
	return nil
}

// put makes sure that one row's organization, user and membership are there.
func put(ctx context.Context, tx *tenancy.Service, row []string) error {
	externalID, name, domains, email, given, family, role := row[0], row[1], row[2], row[3], row[4], row[5], row[6]
	org, err := tx.Organizations.GetByExternalID(ctx, externalID)
	if errors.Is(err, tenancy.ErrNotFound) {
		org, err = tx.Organizations.Create(ctx, tenancy.NewOrganization{
			DisplayName: name, ExternalID: externalID, Metadata: map[string]string{"domains": domains},
		})
	}
	if err != nil {
		return err
	}
	user, err := tx.Users.GetByEmail(ctx, email)
	if errors.Is(err, tenancy.ErrNotFound) {
		user, err = tx.Users.Create(ctx, tenancy.NewUser{Email: email, GivenName: given, FamilyName: family})
	}
	if err != nil {
		return err
	}
	var roles []string
	if role != "" {
		roles = []string{role}
	}
	_, err = tx.Memberships.Add(ctx, tenancy.NewMembership{OrganizationID: org.ID, UserID: user.ID, Roles: roles})
	if errors.Is(err, tenancy.ErrAlreadyMember) {
		return nil
	}
	return err
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

// share puts a row of this program's own and a membership into one transaction of
// its own: once to keep both, once to undo both.
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

// seat adds a member and a desk in one transaction, and ends it as told.
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
