package history

import (
	"fmt"
	"math/rand/v2"

	"github.com/anishathalye/porcupine"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

// standing is what somebody is to an organization. Roles other than owner are all
// one here. Of one who was a member it is remembered that they went (M6), which no list of
// members shows.
type standing struct {
	member, active, owner, went bool
}

func standingOf(m tenancy.Member) standing {
	return standing{member: true, active: m.Status == tenancy.MembershipActive, owner: m.Roles[0] == rbac.Owner}
}

// historyState is an organization in the model: who is what, by number.
type historyState [historyPeople]standing

// shown is the state as a list of members shows it.
func (s historyState) shown() historyState {
	for i := range s {
		s[i].went = false
	}
	return s
}

func (s historyState) count(is func(standing) bool) (n int) {
	for _, p := range s {
		if is(p) {
			n++
		}
	}
	return n
}

func (p standing) owns() bool { return p.active && p.owner }

func (p standing) seated() bool { return p.active }

type historyOp int

const (
	historyRead historyOp = iota
	historyAdd
	historyAddOwner
	historyMakeOwner
	historyMakeMember
	historyDeactivate
	historyReactivate
	historyRemove
	historyLeave
	historyTransfer
)

// historyInput is an operation on a person in an organization, by their numbers.
type historyInput struct {
	op           historyOp
	org, who, to int
}

// historyOutput is what the operation was told: a code, and for a read who is what.
type historyOutput struct {
	code   tenancy.Code
	people historyState
}

// historyKind is a mix of operations.
type historyKind struct {
	ops   []historyOp
	seats int // 0: no limit
}

var (
	ownerHistory = historyKind{ops: []historyOp{
		historyRead, historyAddOwner, historyMakeOwner, historyMakeMember, historyDeactivate,
		historyReactivate, historyRemove, historyLeave, historyTransfer,
	}}
	seatHistory = historyKind{seats: historySeats, ops: []historyOp{
		historyRead, historyAdd, historyAdd, historyDeactivate, historyReactivate, historyReactivate, historyRemove,
	}}
)

func (k historyKind) draw(random *rand.Rand) historyInput {
	return historyInput{op: k.ops[random.IntN(len(k.ops))], who: random.IntN(historyPeople), to: random.IntN(historyPeople)}
}

// model is the rules, one operation after the other, an organization at a time.
func (k historyKind) model() porcupine.Model {
	return porcupine.Model{
		Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
			parts := make([][]porcupine.Operation, historyOrgs)
			for _, op := range history {
				at := op.Input.(historyInput).org
				parts[at] = append(parts[at], op)
			}
			return parts
		},
		Init: func() any { return historyState{{member: true, active: true, owner: true}} },
		Step: func(state, input, output any) (bool, any) {
			in, out := input.(historyInput), output.(historyOutput)
			if in.op == historyRead {
				return out.code == "" && out.people == state.(historyState).shown(), state
			}
			code, next := k.step(state.(historyState), in)
			return code == out.code, next
		},
		DescribeOperation: func(input, output any) string { return fmt.Sprintf("%+v: %+v", input, output) },
	}
}

// step gives the answer to an operation and the state after it; s is a copy.
func (k historyKind) step(s historyState, in historyInput) (tenancy.Code, historyState) {
	next := s
	p := &next[in.who]
	code := tenancy.Code("")
	switch in.op {
	case historyAdd, historyAddOwner:
		code = k.add(p, in.op == historyAddOwner)
	case historyMakeOwner:
		p.owner = true
	case historyMakeMember:
		p.owner = false
	case historyDeactivate:
		p.active = false
	case historyReactivate:
		p.active = p.member
	case historyRemove, historyLeave:
		*p = standing{went: true}
	case historyTransfer:
		code = next.transfer(in)
	}
	switch {
	case code != "":
	case in.op == historyRemove && !s[in.who].member && s[in.who].went: // once more
	case !s[in.who].member && in.op != historyAdd && in.op != historyAddOwner:
		code = tenancy.ErrNotFound
	case s.count(standing.owns) > 0 && next.count(standing.owns) == 0:
		code = tenancy.ErrLastOwner // M7
	case k.seats > 0 && next.count(standing.seated) > max(k.seats, s.count(standing.seated)):
		code = tenancy.ErrSeatLimit // M9
	}
	if code != "" {
		return code, s
	}
	return "", next
}

// add is M3: over inactive with the roles given, or those they had.
func (k historyKind) add(p *standing, owner bool) tenancy.Code {
	if p.active {
		return tenancy.ErrAlreadyMember
	}
	if !p.member || owner {
		p.owner = owner
	}
	p.member, p.active, p.went = true, true, false
	return ""
}

// transfer is M8; the first of several reasons to refuse is not laid down, so they
// are in the order of the Service.
func (s *historyState) transfer(in historyInput) tenancy.Code {
	from, to := &s[in.who], &s[in.to]
	switch {
	case in.who == in.to:
		return tenancy.ErrInvalid
	case !to.member:
		return tenancy.ErrNotFound
	case !to.active:
		return tenancy.ErrMembershipInactive
	case !from.member:
		return tenancy.ErrNotFound
	case !from.owns():
		return tenancy.ErrInvalid
	}
	from.owner, to.owner = false, true
	return ""
}

// change makes an operation on the Service.
func (h *histories) change(org tenancy.OrganizationID, in historyInput) (err error) {
	members, who := h.svc.Memberships, h.people[in.who].ID
	switch in.op {
	case historyAdd:
		_, err = members.Add(h.ctx, tenancy.NewMembership{OrganizationID: org, UserID: who})
	case historyAddOwner:
		_, err = members.Add(h.ctx, tenancy.NewMembership{OrganizationID: org, UserID: who, Roles: []string{rbac.Owner}})
	case historyMakeOwner:
		_, err = members.SetRoles(h.ctx, org, who, rbac.Owner)
	case historyMakeMember:
		_, err = members.SetRoles(h.ctx, org, who, rbac.Member)
	case historyDeactivate:
		_, err = members.Deactivate(h.ctx, org, who)
	case historyReactivate:
		_, err = members.Reactivate(h.ctx, org, who)
	case historyRemove:
		err = members.Remove(h.ctx, org, who)
	case historyLeave:
		err = members.Leave(h.ctx, org, who)
	case historyTransfer:
		err = members.TransferOwnership(h.ctx, org, who, h.people[in.to].ID, "")
	}
	return err
}
