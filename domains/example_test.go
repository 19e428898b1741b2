package domains_test

import (
	"errors"
	"fmt"

	"github.com/freehold-dev/freehold/domains"
)

func ExampleNormalize() {
	for _, typed := range []string{"Example.COM", "bücher.example", "xn--bcher-kva.example"} {
		domain, err := domains.Normalize(typed)
		fmt.Println(domain, err)
	}
	// Output:
	// example.com <nil>
	// xn--bcher-kva.example <nil>
	// xn--bcher-kva.example <nil>
}

// Two names that look alike never compare equal.
func ExampleNormalize_confusable() {
	original, _ := domains.Normalize("apple.com")
	lookAlike, _ := domains.Normalize("аpple.com") // the first letter is Cyrillic
	fmt.Println(original, lookAlike, original == lookAlike)
	// Output: apple.com xn--pple-43d.com false
}

// A refusal carries its reason.
func ExampleError() {
	_, err := domains.Normalize("github.io")
	var refused *domains.Error
	if errors.As(err, &refused) {
		fmt.Println(refused.Reason == domains.ErrPublicSuffix)
	}
	fmt.Println(err)
	// Output:
	// true
	// domain: public_suffix
}

func ExamplePublicEmail() {
	list := domains.DefaultPublicEmail()
	fmt.Println(list.Contains("gmail.com"), list.Contains("example.com"))
	// Output: true false
}

// A university may not want its students' mail domain claimed.
func ExamplePublicEmail_With() {
	list, err := domains.DefaultPublicEmail().With("students.example.edu")
	fmt.Println(list.Contains("students.example.edu"), list.Contains("example.edu"), err)
	// Output: true false <nil>
}

// What an administrator is asked to publish, one of the three.
func ExampleChallenge() {
	c := domains.Challenge{App: "acme", Domain: "example.com", Token: "k3J9_x-Qm2Lr8TzV5bNw"}
	fmt.Println(c.TXTName(), "TXT", c.TXTValue())
	fmt.Println(c.MetaTag())
	fmt.Println(c.FileURLs()[0])
	// Output:
	// _acme-challenge.example.com TXT token=k3J9_x-Qm2Lr8TzV5bNw
	// <meta name="acme-domain-verification" content="k3J9_x-Qm2Lr8TzV5bNw">
	// https://example.com/.well-known/acme-challenge.txt
}

// The claims that may hold an address at a domain, the strongest first.
func ExampleParents() {
	fmt.Println(domains.Parents("mail.eu.example.co.uk"))
	// Output: [mail.eu.example.co.uk eu.example.co.uk example.co.uk]
}
