package typedtest

import (
	"fmt"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

func bareRole(n int) tenancy.Role {
	return tenancy.Role{
		ID: newID[tenancy.Role](n), Version: 1, Slug: fmt.Sprintf("role-%d", n), Name: name(n),
		CreatedAt: clock(n), UpdatedAt: clock(n + 1),
	}
}

func fullRole(n int) tenancy.Role {
	v := bareRole(n)
	v.OrganizationID = newID[tenancy.Organization](n % parentOrganizations)
	v.Description, v.Extends = "what "+name(n)+" may do", pick(n, "member", "guest", "Member")
	v.Grants = []rbac.Grant{"*", rbac.Grant(fmt.Sprintf("documents:%d", n)), `quo"te`}
	v.Priority, v.Revision = n-50, int64(n)
	if n == 50 {
		v.Priority = 1 << 40
	}
	return v
}

func barePermission(n int) tenancy.Permission {
	return tenancy.Permission{
		ID: newID[tenancy.Permission](n), Version: 1, Slug: rbac.Permission(fmt.Sprintf("documents:%d", n)),
		CreatedAt: clock(n), UpdatedAt: clock(n + 1),
	}
}

func fullPermission(n int) tenancy.Permission {
	v := barePermission(n)
	v.Description, v.Revision = "see "+name(n), int64(n)
	return v
}

func bareDenial(n int) tenancy.Denial {
	return tenancy.Denial{
		ID: newID[tenancy.Denial](n), Version: 1, Method: fmt.Sprintf("Users.Method%d", n), Minute: clock(n / 3), Count: n + 1,
		Actor: pick(n, tenancy.Actor{Kind: tenancy.ActorService, ID: "import: ünder%_"}, tenancy.Actor{Kind: tenancy.ActorUser, ID: newID[tenancy.User](n % 2).String()}),
	}
}

// fullDenial is of an organization that is not there: what was named need not be.
func fullDenial(n int) tenancy.Denial {
	v := bareDenial(n)
	v.OrganizationID = newID[tenancy.Organization](7000 + n%3)
	return v
}

// places inserts the organizations that rows refer to.
func places(c *check, tx tenancy.Tx) {
	for n := range parentOrganizations {
		c.ok(tx.Organizations().Insert(c.ctx, bareOrganization(n)), "Insert an organization")
	}
}
