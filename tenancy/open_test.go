package tenancy_test

import (
	"testing"

	"github.com/freehold-dev/freehold/internal/servicetest/rules"
)

func TestOpenFaultsOnMemory(t *testing.T) { rules.OpenFaults(t, openMemory) }

func TestOpenFaultsOnWeak(t *testing.T) { rules.OpenFaults(t, openWeak) }
