package races

import (
	"fmt"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/tenancy"
)

// mailed starts a proof of a mailbox.
func (r *race) mailed(email, client string) tenancy.StartedProof {
	started, err := r.Svc.Proofs.Start(r.Ctx, tenancy.NewProof{Email: email, Client: client})
	r.NoError(err)
	return started
}

// wrongCodes: 64 wrong codes for one handle; five are counted, and then it is dead.
func wrongCodes(r *race, n int) bool {
	started := r.mailed(fmt.Sprintf("guessed%d@race.example", n), fmt.Sprint("guesser ", n))
	wrong := "000000"
	if started.Code.Reveal() == wrong {
		wrong = "000001"
	}
	codes := r.Together(servicetest.Repeat(64, func(int) error {
		_, err := r.Svc.Proofs.Finish(r.Ctx, started.Handle.Reveal(), wrong)
		return err
	})...)
	_, err := r.Svc.Proofs.Finish(r.Ctx, started.Handle.Reveal(), started.Code.Reveal())
	return servicetest.Count(codes, tenancy.ErrInvalidToken) == 5 && servicetest.Count(codes, tenancy.ErrTokenUsed) == 59 &&
		tenancy.CodeOf(err) == tenancy.ErrTokenUsed
}

// finishAndOpen: the code of a proof is typed 32 times and its link opened 32 times; one wins.
func finishAndOpen(r *race, n int) bool {
	started := r.mailed(fmt.Sprintf("raced%d@race.example", n), fmt.Sprint("racer ", n))
	codes := r.Together(servicetest.Repeat(64, func(i int) error {
		if i%2 == 0 {
			_, err := r.Svc.Proofs.Finish(r.Ctx, started.Handle.Reveal(), started.Code.Reveal())
			return err
		}
		_, err := r.Svc.Proofs.Open(r.Ctx, started.Link.Reveal(), "")
		return err
	})...)
	return servicetest.Count(codes, "") == 1 && servicetest.Count(codes, tenancy.ErrTokenUsed) == 63
}

// manyStarts: one client starts 24 proofs of as many addresses; 20 are started.
func manyStarts(r *race, n int) bool {
	codes := r.Together(servicetest.Repeat(24, func(i int) error {
		_, err := r.Svc.Proofs.Start(r.Ctx, tenancy.NewProof{Email: fmt.Sprintf("started%d-%d@race.example", n, i), Client: fmt.Sprint("starter ", n)})
		return err
	})...)
	return servicetest.Count(codes, "") == 20 && servicetest.Count(codes, tenancy.ErrRateLimited) == 4
}

// manyCodes: 16 clients start proofs of one address; ten have a code, and three can be presented.
func manyCodes(r *race, n int) bool {
	all := make([]tenancy.StartedProof, 16)
	r.Together(servicetest.Repeat(len(all), func(i int) (err error) {
		all[i], err = r.Svc.Proofs.Start(r.Ctx, tenancy.NewProof{Email: fmt.Sprintf("wanted%d@race.example", n), Client: fmt.Sprint("of ", n, " ", i)})
		return err
	})...)
	coded, live := 0, 0
	for _, started := range all {
		if started.HasCode {
			coded++
		}
		if _, err := r.Svc.Proofs.Preview(r.Ctx, started.Link.Reveal(), ""); err == nil {
			live++
		}
	}
	return coded == 10 && live == 3
}
