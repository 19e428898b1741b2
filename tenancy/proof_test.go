package tenancy_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/internal/servicetest/faults"
	"github.com/freehold-dev/freehold/internal/servicetest/history"
	"github.com/freehold-dev/freehold/internal/servicetest/model"
	"github.com/freehold-dev/freehold/internal/servicetest/races"
	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/memory"
	"github.com/freehold-dev/freehold/store/storetest"
)

func openMemory(t *testing.T) store.Store {
	st := memory.New()
	t.Cleanup(func() { _ = st.Close() })
	return st
}

func openWeak(*testing.T) store.Store { return storetest.NewWeak() }

var (
	onMemory = servicetest.Backend{Open: openMemory, Kind: servicetest.Memory, Copy: servicetest.Cloned[*memory.Store]}
	onWeak   = servicetest.Backend{Open: openWeak, Kind: servicetest.Weak, Copy: servicetest.Cloned[*storetest.Weak]}
)

// openLockless gives a store on which Lock does nothing: the guards of the Service
// rest on it, so that their tests have to fail here.
func openLockless(*testing.T) store.Store {
	weak := storetest.NewWeak()
	weak.NoLocks = true
	return weak
}

func TestFaultsOnMemory(t *testing.T) { faults.Run(t, onMemory) }

func TestFaultsOnWeak(t *testing.T) { faults.Run(t, onWeak) }

func TestRacesOnMemory(t *testing.T) { races.Run(t, openMemory, servicetest.Soak(1000, 48)) }

func TestRacesOnWeak(t *testing.T) { races.Run(t, openWeak, servicetest.Soak(1000, 48)) }

// The race must be one: without Lock an organization loses both owners (M7).
func TestRacesNeedLock(t *testing.T) {
	rounds := servicetest.Soak(1000, 64)
	lost := races.OwnersLost(t, openLockless, rounds)
	t.Logf("figures: races without Lock: %d of %d rounds wrong", lost, rounds)
	require.Positive(t, lost)
}

func TestHistoriesOnMemory(t *testing.T) {
	history.Run(t, openMemory, servicetest.Soak(200, 8), 200)
}

func TestDomainHistoriesOnMemory(t *testing.T) {
	history.Domains(t, openMemory, servicetest.Soak(200, 8), 200)
}

func TestDomainHistoriesOnWeak(t *testing.T) {
	history.Domains(t, openWeak, servicetest.Soak(200, 8), 200)
}

// Without Lock, organizations that are archived hold domains (O2).
func TestDomainHistoriesNeedLock(t *testing.T) {
	n := servicetest.Soak(200, 16)
	illegal := history.IllegalDomains(t, openLockless, n, 200)
	t.Logf("figures: histories of a domain without Lock: %d of %d illegal", illegal, n)
	require.Positive(t, illegal)
}

func TestInvitationHistoriesOnMemory(t *testing.T) {
	history.Invitations(t, openMemory, servicetest.Soak(200, 8), 200)
}

func TestInvitationHistoriesOnWeak(t *testing.T) {
	history.Invitations(t, openWeak, servicetest.Soak(200, 8), 200)
}

// Without Lock an invitation is accepted and revoked (I4).
func TestInvitationHistoriesNeedLock(t *testing.T) {
	n := servicetest.Soak(200, 16)
	illegal := history.IllegalInvitations(t, openLockless, n, 200)
	t.Logf("figures: histories of an invited person without Lock: %d of %d illegal", illegal, n)
	require.Positive(t, illegal)
}

func TestHistoriesOnWeak(t *testing.T) {
	history.Run(t, openWeak, servicetest.Soak(200, 8), 200)
}

// The histories must tell: without Lock some are illegal (M7, M9).
func TestHistoriesNeedLock(t *testing.T) {
	n := servicetest.Soak(200, 8)
	illegal := history.Illegal(t, openLockless, n, 200)
	t.Logf("figures: histories without Lock: %d of %d illegal", illegal, 2*n)
	require.Positive(t, illegal)
}

func TestModelOnMemory(t *testing.T) {
	model.Run(t, openMemory, servicetest.Soak(100_000, 12_000))
}

func TestModelOnWeak(t *testing.T) { model.Run(t, openWeak, servicetest.Soak(100_000, 12_000)) }
