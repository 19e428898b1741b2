package tenancytest_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/store/memory"
	"github.com/freehold-dev/freehold/tenancy"
	"github.com/freehold-dev/freehold/tenancyhttp"
	"github.com/freehold-dev/freehold/tenancytest"
)

// printer stands for the *testing.T of a test: what fails it is printed.
type printer struct{ testing.TB }

func (printer) Helper()                           {}
func (printer) Cleanup(func())                    {}
func (printer) Context() context.Context          { return context.Background() }
func (printer) Errorf(format string, args ...any) { fmt.Printf(format+"\n", args...) }
func (printer) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }

func ExampleNew() {
	t := printer{}
	w := tenancytest.New(t)
	acme := w.Organization("Acme", "ada")
	bob := w.Member(acme.ID, "bob", rbac.Admin)
	may, err := w.Service.Can(t.Context(), bob.UserID, acme.ID, rbac.WriteMembers)
	fmt.Println(may, err)
	w.Clock.Advance(time.Hour)
	fmt.Println(w.Clock.Now().Sub(tenancytest.Start))
	// Output:
	// true <nil>
	// 1h0m0s
}

func ExampleMailbox() {
	t := printer{}
	mailbox := tenancytest.NewMailbox()
	svc, err := tenancy.New(tenancy.Config{Store: memory.New(), Mailer: mailbox})
	if err != nil {
		panic(err)
	}
	_, err = svc.Invitations.Send(context.Background(), tenancy.NewInvitation{Email: "bob@mail.example"})
	fmt.Println(err)
	preview, err := svc.Invitations.Preview(context.Background(), mailbox.Token(t, "bob@mail.example"))
	fmt.Println(preview.Email, err)
	// Output:
	// <nil>
	// b***@mail.example <nil>
}

func ExampleWorld_Cookie() {
	t := printer{}
	w := tenancytest.New(t)
	acme := w.Organization("Acme", "ada")
	sessions, err := tenancyhttp.NewSessions(tenancyhttp.SessionsConfig{Service: w.Service, Now: w.Clock.Now})
	if err != nil {
		panic(err)
	}
	r := httptest.NewRequest(http.MethodGet, "https://app.example/", nil)
	r.AddCookie(w.Cookie(sessions, w.User("ada").ID, acme.ID))
	found, err := sessions.Authenticate(r)
	fmt.Println(found.User.Email, found.Organization.DisplayName, err)
	// Output: ada@mail.example Acme <nil>
}

func ExampleWorld_MemberIn() {
	t := printer{}
	w := tenancytest.New(t)
	for _, state := range tenancytest.States() {
		acme := w.Organization("Acme", "ada")
		eve := w.MemberIn(state, acme.ID, "eve-"+string(state)+"@mail.example")
		err := w.Service.Check(t.Context(), eve.ID, acme.ID, rbac.ReadOrganization)
		fmt.Println(state, tenancy.CodeOf(err))
	}
	// Output:
	// active forbidden
	// pending not_found
	// inactive not_found
	// user_suspended forbidden
	// organization_suspended forbidden
	// organization_archived not_found
	// left not_found
	// removed not_found
	// stranger not_found
}

func ExampleLeaks() {
	t := printer{}
	var titles []string // of all tenants: the query below forgets to say of which
	tenancytest.Leaks(tenancytest.New(t), func(tenant *tenancytest.Tenant) tenancytest.Queries {
		titles = append(titles, tenant.Mark)
		return tenancytest.Queries{
			"titles": func() (any, error) { return titles[:1], nil },
		}
	})
	// Output:
	// tenancytest: query "titles" of org_01pw000000e00800000000000h shows "mark-xyzzy-one" of the other tenant:
	// [mark-xyzzy-one]
	// ["mark-xyzzy-one"]
	// tenancytest: no query of org_01pw000000e00800000000000h shows its Mark, "mark-xyzzy-two": the queries prove nothing
}
