package tenancy_test

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/freehold-dev/freehold/tenancy"
)

// passwords has the data that the program stores. A real program has two tables: one with the hash of each
// password, by credential, and one with the hashes that wait for a proof of the mailbox, by the hash of the
// handle. A handle is the secret that Proofs.Start returns for one browser.
type passwords struct {
	svc     *tenancy.Service
	hashes  map[string]string         // credential: hash
	of      map[tenancy.UserID]string // user: credential
	waiting map[string]string         // handle: hash of the password that was typed in that browser
	wrong   map[tenancy.UserID]int    // wrong passwords since the last right one, or proof
}

var errPassword = errors.New("wrong password, or none yet")

// digest takes the place of argon2id with a salt.
func digest(password string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(password))) }

// ask begins a sign-up or a reset, which work in the same way. The mailbox gets a code and a link, and the
// browser gets the handle, in a cookie. The next page is the same for known and unknown addresses.
func (p *passwords) ask(ctx context.Context, email, password, client string) (handle string, err error) {
	started, err := p.svc.Proofs.Start(ctx, tenancy.NewProof{Email: email, Client: client})
	if err != nil {
		return "", err
	}
	p.waiting[started.Handle.Reveal()] = digest(password)
	return started.Handle.Reveal(), nil
}

// prove signs in a person who proved a mailbox. The waiting password belongs to this person only if it was
// typed in this browser. A stranger may have typed it in another browser.
func (p *passwords) prove(ctx context.Context, proved tenancy.ProvedMailbox, handle string) (tenancy.Decision, error) {
	typed, found := p.waiting[handle]
	if !proved.Here || !found {
		return p.svc.SignIn(ctx, tenancy.Attempt{Evidence: proved.Evidence})
	}
	credential := rand.Text()
	user, err := p.svc.Users.GetByEmail(ctx, proved.Email)
	if known := p.of[user.ID]; err == nil && known != "" && !user.EmailVerifiedAt.IsZero() {
		credential = known // a reset; without a proved address the credential may belong to a stranger
	}
	d, err := p.svc.SignIn(ctx, tenancy.Attempt{
		Evidence: tenancy.PasswordEvidence(credential, proved.Email).WithMailbox(proved.Email),
	})
	if err != nil || d.Kind != tenancy.DecisionSignedIn {
		return d, err
	}
	delete(p.waiting, handle)
	return d, p.keep(ctx, d.Session, credential, typed)
}

// keep stores the hash of a credential, and ends the other sessions of its user.
func (p *passwords) keep(ctx context.Context, s tenancy.Session, credential, hash string) error {
	p.hashes[credential], p.of[s.UserID], p.wrong[s.UserID] = hash, credential, 0
	return p.svc.Sessions.RevokeAll(ctx, s.UserID, s.ID)
}

// signIn signs in with a password. After ten wrong passwords in a row the person must prove the mailbox.
func (p *passwords) signIn(ctx context.Context, email, password string) (tenancy.Decision, error) {
	user, err := p.svc.Users.GetByEmail(ctx, email)
	credential, typed := p.of[user.ID], digest(password) // always hash, so that an unknown address takes as long
	if err != nil || credential == "" || p.wrong[user.ID] >= 10 {
		return tenancy.Decision{}, errPassword
	}
	if p.hashes[credential] != typed {
		p.wrong[user.ID]++
		return tenancy.Decision{}, errPassword
	}
	p.wrong[user.ID] = 0
	return p.svc.SignIn(ctx, tenancy.Attempt{Evidence: tenancy.PasswordEvidence(credential, email)})
}

// change sets the password of a person who has just signed in, with the old password or with a proof.
func (p *passwords) change(ctx context.Context, d tenancy.Decision, password string) error {
	credential := p.of[d.User.ID]
	if credential == "" { // their first password: the account gets one more identity
		credential = rand.Text()
		linked, err := p.svc.SignIn(ctx, tenancy.Attempt{
			Evidence: tenancy.PasswordEvidence(credential, d.User.Email), LinkTo: d.Token.Reveal(),
		})
		if err != nil || linked.Kind != tenancy.DecisionLinked {
			return errors.Join(err, errPassword)
		}
	}
	return p.keep(ctx, d.Session, credential, digest(password))
}

func Example_passwords() {
	ctx, sent := context.Background(), outbox{}
	svc := service(tenancy.Config{Mailer: &sent})
	p := &passwords{svc, map[string]string{}, map[tenancy.UserID]string{}, map[string]string{}, map[tenancy.UserID]int{}}

	// Ada signs up on her laptop, and types the code on the laptop: the password is hers.
	handle := must(p.ask(ctx, "ada@acme.example", "correct horse", "laptop"))
	proved := must(svc.Proofs.Finish(ctx, handle, sent[0].Code.Reveal()))
	ada := must(p.prove(ctx, proved, handle))
	fmt.Println(ada.User.Email, ada.Created, proved.Here, ada.Session.Method)
	fmt.Println(must(p.signIn(ctx, "ada@acme.example", "correct horse")).Kind)

	// Bob signs up on a laptop too, but opens the link on his phone. A stranger could have typed
	// that password, so it is not used. The phone is signed in, and Bob sets a password on the phone.
	handle = must(p.ask(ctx, "bob@acme.example", "typed elsewhere", "laptop"))
	link := sent[1].Token.Reveal()
	fmt.Println("the page asks: go on here?", !must(svc.Proofs.Preview(ctx, link, "")).Here)
	bob := must(p.prove(ctx, must(svc.Proofs.Open(ctx, link, "")), ""))
	_, err := p.signIn(ctx, "bob@acme.example", "typed elsewhere")
	fmt.Println(bob.User.Email, bob.Kind, bob.Session.Method, err)
	_, err = svc.Proofs.Finish(ctx, handle, sent[1].Code.Reveal())
	fmt.Println("the laptop:", tenancy.CodeOf(err))
	done(p.change(ctx, bob, "battery staple"))
	fmt.Println(must(p.signIn(ctx, "bob@acme.example", "battery staple")).Kind)

	// Ada forgot her password. A reset works like a sign-up, and ends her other sessions.
	handle = must(p.ask(ctx, "Ada@acme.example", "forgotten no more", "laptop"))
	again := must(p.prove(ctx, must(svc.Proofs.Finish(ctx, handle, sent[len(sent)-1].Code.Reveal())), handle))
	_, err = svc.Sessions.Authenticate(ctx, ada.Token.Reveal(), tenancy.OrganizationID{})
	fmt.Println(again.User.ID == ada.User.ID, again.Created, tenancy.CodeOf(err))
	// Output:
	// ada@acme.example true true password
	// signed_in
	// the page asks: go on here? true
	// bob@acme.example signed_in magic_link wrong password, or none yet
	// the laptop: token_used
	// signed_in
	// true false session_ended
}
