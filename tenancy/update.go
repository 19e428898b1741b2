package tenancy

// Set is the value of a field of an update, such as [UserUpdate] and [OrganizationUpdate]: the
// field is to become v. A field that is left nil stays as it is, and Set("") clears a text.
//
//	svc.Organizations.Update(ctx, id, tenancy.OrganizationUpdate{
//		DisplayName: tenancy.Set("Acme Inc."),
//		ExternalID:  tenancy.Set(""),
//		Metadata:    tenancy.SetKeys(map[string]string{"plan": "pro"}, "trial"),
//	})
func Set[T any](v T) *T { return &v }

// SetKeys makes a [Patch] of metadata or attributes: each key of values is to have its value, and
// the keys in remove are to go, also those that values has. All other keys stay. An empty value is a
// value; only remove takes a key away. A nil map sets nothing.
func SetKeys(values map[string]string, remove ...string) Patch {
	p := make(Patch, len(values)+len(remove))
	for key, value := range values {
		p[key] = &value
	}
	for _, key := range remove {
		p[key] = nil
	}
	return p
}
