package domains_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/domains"
)

func TestSpecialUse(t *testing.T) { // D4
	for _, name := range []string{
		"corp.local", "printer.corp.local", "db.internal", "abc.onion", "1.0.0.10.in-addr.arpa", "router.home.arpa",
		"acme.test", "app.localhost", "acme.invalid", "acme.example", "local", "localhost",
	} {
		require.True(t, domains.SpecialUse(name), name)
	}
	for _, name := range []string{
		"example.com", "local.com", "acme.com", "test.co.uk", "internal.acme.com", "notlocal", "acme.locals", "acme.mylocal", "",
	} {
		require.False(t, domains.SpecialUse(name), name)
	}
}
