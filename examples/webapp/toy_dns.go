package main

import (
	"context"
	"sync"

	"github.com/freehold-dev/freehold/domains"
)

// toyDNS stands for the DNS, with -demo alone: everybody may publish what proves a domain, and domains
// are looked for in it and nowhere else. A real program gives prove.New in its place.
type toyDNS struct {
	mu      sync.Mutex
	records map[string]string // name: the one TXT record
}

func newToyDNS() *toyDNS { return &toyDNS{records: map[string]string{}} }

func (d *toyDNS) publish(name, value string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.records[name] = value
}

// Prove looks for a challenge as prove.New does in the real DNS.
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
