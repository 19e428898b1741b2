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
	linked   int   // the identity at the connection; 0: none
	of       int64 // the epoch that it is of
	inactive bool  // the membership
	tokens   string
}

// goodToken is a token that is good, as a part of sessionFacts.tokens.
type goodToken struct {
	n       int
	through bool // the session came through the connection
	there   bool // it is at the organization
}

// tokenWidth is how many bytes a token takes up.
const tokenWidth = 6

func (t goodToken) String() string {
	flag := map[bool]byte{true: '1', false: '0'}
	return fmt.Sprintf("%04d%c%c", t.n, flag[t.through], flag[t.there])
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
		var t goodToken
		for _, digit := range text[:4] {
			t.n = t.n*10 + int(digit-'0')
		}
		t.through, t.there = text[4] == '1', text[5] == '1'
		fn(t)
	}
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
	case stepThrough, stepMail:
		return f.signIn(in, out)
	case stepSwitch, stepAuthenticate, stepBound, stepSignOut:
		return f.present(in, out)
	case stepUnlink:
		if in.identity != f.linked {
			return out.code == tenancy.ErrNotFound, f
		}
		f.linked = 0
		f.keep(func(t goodToken) bool { return !t.through })
	case stepOff, stepRepoint:
		if in.op == stepOff {
			f.on = false
		} else {
			f.epoch++
		}
		f.keep(func(t goodToken) bool { return !t.through })
	case stepOn:
		f.on = true
	case stepDeactivate:
		f.inactive = true
		f.keep(func(t goodToken) bool { return !t.there })
	case stepReactivate:
		f.inactive = false
	case stepRevokeAll:
		f.tokens = ""
	}
	return out.code == "" && (out.epoch == 0 || out.epoch == f.epoch), f
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
	if out.code != "" || out.kind != tenancy.DecisionSignedIn || !out.there {
		return false, f
	}
	f.add(goodToken{n: out.token, through: in.op == stepThrough, there: true})
	if in.op == stepMail {
		return out.identity == 0, f
	}
	if f.linked != 0 && f.of == f.epoch {
		return out.identity == f.linked, f
	}
	ok := out.identity != f.linked
	f.linked, f.of = out.identity, f.epoch
	return ok, f
}

// present is a call by a token. One that is good opens the same place until it is
// replaced; SignOut does not look further than at the session's own row.
func (f sessionFacts) present(in sessionStep, out sessionAnswer) (bool, any) {
	t, good := f.token(in.token)
	switch {
	case !good:
		return out.code == tenancy.ErrSessionEnded || in.op == stepSignOut && out.code == "", f
	case in.op == stepAuthenticate:
		return out.code == "" && out.there == t.there, f
	case in.op == stepBound:
		return out.code == "", f
	case in.op == stepSwitch && in.there && f.inactive:
		return out.code == tenancy.ErrNotFound, f
	}
	f.keep(func(other goodToken) bool { return other.n != t.n })
	if in.op == stepSwitch {
		f.add(goodToken{out.token, t.through, in.there})
		return out.code == "" && out.there == in.there, f
	}
	return out.code == "", f
}
