package history

import (
	"fmt"
	"strings"

	"github.com/anishathalye/porcupine"

	"github.com/freehold-dev/freehold/tenancy"
)

// sessionFacts is the person, the connection and the membership, and which tokens are
// good.
type sessionFacts struct {
	on       bool
	epoch    int64
	linked   int    // the identity at the connection; 0: none
	of       int64  // the epoch that it is of
	inactive bool   // the membership
	tokens   string // those that are good, with their entries
}

// goodToken is a token that is good, as a part of sessionFacts.tokens.
type goodToken struct {
	n       int
	org     byte         // its entry into the organization: 'm' by mail, 't' through the connection, '-' none
	beta    byte         // that into the other one; 'b' by mail, before the first was lost with the membership
	first   bool         // the entry that the sign-in made, into the organization, is still there
	current sessionPlace // nowhere also where the current entry is no more
}

// tokenWidth is how many bytes a token takes up.
const tokenWidth = 8

func (t goodToken) String() string {
	first := map[bool]byte{true: '1', false: '0'}[t.first]
	return fmt.Sprintf("%04d%c%c%c%d", t.n, t.org, t.beta, first, t.current)
}

// entry is how an entry was come by; '-' where there is none.
func (t goodToken) entry(place sessionPlace) byte {
	return [...]byte{nowhere: '-', atOrg: t.org, atBeta: t.beta}[place]
}

// lose takes the entry into the organization away.
func (t *goodToken) lose() {
	t.org, t.first = '-', false
	if t.current == atOrg {
		t.current = nowhere
	}
}

// token finds a token that is good.
func (f sessionFacts) token(n int) (t goodToken, good bool) {
	f.each(func(other goodToken) {
		if other.n == n {
			t, good = other, true
		}
	})
	return t, good
}

func (f sessionFacts) each(fn func(goodToken)) {
	for text := f.tokens; text != ""; text = text[tokenWidth:] {
		t := goodToken{org: text[4], beta: text[5], first: text[6] == '1', current: sessionPlace(text[7] - '0')}
		for _, digit := range text[:4] {
			t.n = t.n*10 + int(digit-'0')
		}
		fn(t)
	}
}

// change changes all tokens; one without an entry is good no more.
func (f *sessionFacts) change(fn func(*goodToken)) {
	var left strings.Builder
	f.each(func(t goodToken) {
		if fn(&t); t.org != '-' || t.beta != '-' {
			left.WriteString(t.String())
		}
	})
	f.tokens = left.String()
}

// keep leaves the tokens that pass.
func (f *sessionFacts) keep(pass func(goodToken) bool) {
	var left strings.Builder
	f.each(func(t goodToken) {
		if pass(t) {
			left.WriteString(t.String())
		}
	})
	f.tokens = left.String()
}

// add puts a token among those that are good, in order, so that equal facts look equal.
func (f *sessionFacts) add(t goodToken) {
	var before, behind strings.Builder
	f.each(func(other goodToken) {
		if other.n < t.n {
			before.WriteString(other.String())
		} else {
			behind.WriteString(other.String())
		}
	})
	f.tokens = before.String() + t.String() + behind.String()
}

// sessionModel is the rules on the sessions of one person, as one thing after the other.
func sessionModel() porcupine.Model {
	return porcupine.Model{
		Init: func() any { return sessionFacts{on: true, epoch: 1} },
		Step: func(state, input, output any) (bool, any) {
			return state.(sessionFacts).step(input.(sessionStep), output.(sessionAnswer))
		},
		DescribeOperation: func(input, output any) string { return fmt.Sprintf("%+v: %+v", input, output) },
	}
}

func (f sessionFacts) step(in sessionStep, out sessionAnswer) (bool, any) {
	switch in.op {
	case stepThrough, stepMail, stepAdd:
		return f.signIn(in, out)
	case stepEnter, stepSwitch, stepAuthenticate, stepBound, stepSignOut:
		return f.present(in, out)
	case stepUnlink:
		if in.identity != f.linked {
			return out.code == tenancy.ErrNotFound, f
		}
		f.linked = 0
		f.change(loseThrough)
	case stepOff, stepRepoint:
		if in.op == stepOff {
			f.on = false
		} else {
			f.epoch++
		}
		f.change(loseThrough)
	case stepOn:
		f.on = true
	case stepDeactivate:
		f.inactive = true
		f.change(func(t *goodToken) {
			if t.org != '-' && t.beta == 'm' {
				t.beta = 'b'
			}
			t.lose()
		})
	case stepReactivate:
		f.inactive = false
	case stepRevokeAll:
		f.tokens = ""
	}
	return out.code == "" && (out.epoch == 0 || out.epoch == f.epoch), f
}

func loseThrough(t *goodToken) {
	if t.org == 't' {
		t.lose()
	}
}

// signIn: the connection must be in use, and what the program had read of it still hold.
// A subject that is not linked, or was before the connection was pointed elsewhere, is
// linked by its address. It is undone where the person is not let in.
func (f sessionFacts) signIn(in sessionStep, out sessionAnswer) (bool, any) {
	if in.op == stepThrough {
		switch {
		case !f.on:
			return out.code == tenancy.ErrNotFound, f
		case in.epoch != f.epoch:
			return out.code == tenancy.ErrConflict, f
		}
	}
	if f.inactive {
		return out.code == "" && out.kind == tenancy.DecisionNotMember, f
	}
	if out.code != "" || out.kind != tenancy.DecisionSignedIn || out.place != atOrg {
		return false, f
	}
	t := goodToken{n: out.token, org: 'm', beta: '-', first: true, current: atOrg}
	if in.op == stepThrough {
		t.org = 't'
	}
	if in.op == stepAdd {
		old, good := f.token(in.token)
		if good == out.fresh {
			return false, f
		}
		if good { // the new token opens all that the old one did
			t.beta = old.beta
			f.keep(func(other goodToken) bool { return other.n != old.n })
		}
	}
	f.add(t)
	if in.op != stepThrough {
		return out.identity == 0, f
	}
	if f.linked != 0 && f.of == f.epoch {
		return out.identity == f.linked, f
	}
	ok := out.identity != f.linked
	f.linked, f.of = out.identity, f.epoch
	return ok, f
}

// present is a call by a token. SignOut looks at no more than the session's own rows.
func (f sessionFacts) present(in sessionStep, out sessionAnswer) (bool, any) {
	t, good := f.token(in.token)
	switch {
	case !good:
		return out.code == tenancy.ErrSessionEnded || in.op == stepSignOut && out.code == "", f
	case in.op == stepAuthenticate:
		return out.code == "" && out.place == t.current, f
	case in.op == stepBound && t.first:
		return out.code == "", f
	case in.op == stepBound:
		return out.code == tenancy.ErrSessionEnded, f
	case in.op == stepSignOut:
		f.keep(func(other goodToken) bool { return other.n != t.n })
		return out.code == "", f
	}
	return f.enter(t, in, out)
}

// enter is Enter and Switch: an entry is made of evidence that counts there. That of the connection
// counts in its own organization alone, and none where an entry was lost with the membership since.
func (f sessionFacts) enter(t goodToken, in sessionStep, out sessionAnswer) (bool, any) {
	if in.place == atOrg && f.inactive {
		return out.code == tenancy.ErrNotFound, f
	}
	if in.place != nowhere && t.entry(in.place) == '-' {
		if from := t.entry(atOrg + atBeta - in.place); from != 'm' {
			return out.code == "" && out.kind == tenancy.DecisionSignInAgain, f
		}
	}
	f.change(func(other *goodToken) {
		if other.n != t.n {
			return
		}
		switch {
		case in.place == atOrg && other.org == '-':
			other.org = 'm'
		case in.place == atBeta && other.beta == '-':
			other.beta = 'm'
		}
		if in.op == stepSwitch {
			other.current = in.place
		}
	})
	return out.code == "" && out.kind == tenancy.DecisionSignedIn && out.place == in.place, f
}
