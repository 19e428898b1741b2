package tenancy

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A5: answers that something is not there, which anybody can get by the thousands, leave room in memory
// for what the people of organizations are forbidden.
func TestHiddenRefusalsLeaveRoom(t *testing.T) {
	d, now := denialCounter{}, time.Unix(1e9, 0)
	for i := range denialsCounted + 1 {
		organization := OrganizationID{byte(i), byte(i >> 8)}
		d.count(now, refusal{actor: Actor{Kind: ActorUser, ID: fmt.Sprint(i)}, method: "Roles.List", organization: organization, hidden: true})
	}
	require.LessOrEqual(t, len(d.counts), denialsCounted-denialsOfShown+1)
	shown := refusal{actor: Actor{Kind: ActorUser, ID: "usr"}, method: "Roles.List", organization: OrganizationID{15: 1}}
	d.count(now, shown)
	require.Contains(t, d.counts, shown)
}
