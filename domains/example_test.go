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
