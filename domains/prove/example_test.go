package prove_test

import (
	"context"
	"fmt"

	"github.com/freehold-dev/freehold/domains"
	"github.com/freehold-dev/freehold/domains/prove"
	"github.com/freehold-dev/freehold/internal/dnstest"
)

// A name server on loopback stands in for that of the domain; leave the Resolver out
// to ask the real one.
func ExampleProver_Prove() {
	server, err := dnstest.Listen()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = server.Close() }()
	prover := prove.New(prove.Options{Resolver: server.Resolver()})
	claim := domains.Challenge{App: "acme", Domain: "example.com", Token: "k3J9_x-Qm2Lr8TzV5bNw"}

	finding, err := prover.Prove(context.Background(), claim, domains.MethodDNS)
	fmt.Println(finding.Outcome, finding.Reason, err)

	server.Set(claim.TXTName(), dnstest.TXT(claim.TXTValue()))
	finding, err = prover.Prove(context.Background(), claim, domains.MethodDNS)
	fmt.Println(finding.Outcome, finding.Reason, err)
	// Output:
	// refuted no such record <nil>
	// proved found <nil>
}
