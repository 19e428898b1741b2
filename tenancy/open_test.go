package tenancy_test

import (
	"testing"

	"github.com/freehold-dev/freehold/internal/servicetest"
)

func TestOpenFaultsOnMemory(t *testing.T) { servicetest.OpenFaults(t, openMemory) }

func TestOpenFaultsOnWeak(t *testing.T) { servicetest.OpenFaults(t, openWeak) }
