package main

import (
	"context"
	"sync"

	"github.com/freehold-dev/freehold/domains"
)

// toyDNS replaces the DNS with -demo: everybody may publish the proof of a domain in it, and the program looks
// for domains only there. A real program uses prove.New.
type toyDNS struct {
	mu      sync.Mutex
	records map[string]string // name to the one TXT record
}

func newToyDNS() *toyDNS { return &toyDNS{records: map[string]string{}} }

func (d *toyDNS) publish(name, value string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.records[name] = value
}

// Prove looks for a challenge here, as prove.New does in the real DNS.
func (d *toyDNS) Prove(_ context.Context, c domains.Challenge, _ domains.Method) (domains.Finding, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch value, found := d.records[c.TXTName()]; {
	case !found:
		return domains.Finding{Outcome: domains.Refuted, Reason: domains.ReasonNoRecord}, nil
	case value != c.TXTValue():
		return domains.Finding{Outcome: domains.Refuted, Reason: domains.ReasonOtherValue}, nil
	}
	return domains.Finding{Outcome: domains.Proved, Reason: domains.ReasonFound}, nil
}
