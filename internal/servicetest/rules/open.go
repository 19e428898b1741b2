package rules

import (
	"context"
	"testing"
	"time"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/tenancy"
)

// OpenFaults plays faults that are known and not mended yet. Each fails here as soon as its
// rule holds: then it becomes a rule of the suite. The list only shrinks.
func OpenFaults(t *testing.T, open servicetest.Opener) {
	t.Helper()
	for _, f := range openFaults() {
		t.Run(f.name, func(t *testing.T) {
			check := func(d *door) {
				if held := f.holds(d); held {
					d.T.Errorf("mended: make it a rule. It said: %s", f.wrong)
				}
			}
			atDoorWith(f.config, check).run(t, servicetest.Backend{Open: open})
		})
	}
}

// openFault is a rule that does not hold.
type openFault struct {
	name, wrong string
	config      func(*tenancy.Config)
	holds       func(d *door) bool
}

func openFaults() []openFault {
	plain := func(*tenancy.Config) {}
	single := func(c *tenancy.Config) { c.SelfServe, c.SingleOrganization = true, true }
	return []openFault{
		{"U5 a squatter's organization keeps the victim out of their own, one call later", "M13 is not asked for it only in the call that takes the account over", single, squattedLater},
		{"G12 a filed request names a session that never starts", "Through is the id that the session would have had", plain, filedThrough},
		{"G13 a call waits for a lock of the caller's own transaction", "WriteWait ends with the beginning of the transaction", plain, waitsForLock},
	}
}

func squattedLater(d *door) bool {
	squat(d)
	d.True(d.enters(servicetest.ByMail("victim@mail.example")).TookOver)
	got := d.tries(bringing(d.invites(d.beta, "victim@mail.example"), servicetest.ByMail("victim@mail.example")))
	return got.Kind == tenancy.DecisionSignedIn && got.OrganizationID == d.beta.ID
}

func filedThrough(d *door) bool {
	d.joining(tenancy.JoiningRequest, "")
	last := d.last()
	d.Equal(tenancy.DecisionRequestFiled, d.tries(servicetest.To(d.acme, servicetest.ByMail("asks@acme.example"))).Kind)
	return d.since(last)[0].Through == ""
}

// waitsForLock: on a store where only locks exclude, the outer call begins, and waits.
func waitsForLock(d *door) (holds bool) {
	if one, ok := d.Store.(interface{ SingleWriter() bool }); ok && one.SingleWriter() {
		return false // there it waits for its beginning, and the suite has the rule
	}
	svc := d.Another(func(c *tenancy.Config) { c.WriteWait = 20 * time.Millisecond })
	ctx, cancel := context.WithTimeout(d.Ctx, time.Second)
	defer cancel()
	d.NoError(d.Store.Update(d.Ctx, func(rows store.Rows) error {
		_, in, err := svc.Join(ctx, servicetest.Joined{Rows: rows, Over: d.Store})
		d.NoError(err)
		_, err = in.Organizations.Suspend(d.Ctx, d.acme.ID)
		d.NoError(err)
		_, err = svc.Organizations.Suspend(ctx, d.acme.ID)
		holds = tenancy.CodeOf(err) == tenancy.ErrBusy
		return nil
	}))
	return holds
}
