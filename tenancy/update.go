package tenancy

// Set returns a pointer to v, for a field of an update such as [UserUpdate] or [OrganizationUpdate]: the update
// sets the field to v. An update leaves a nil field as it is, and Set("") clears a text.
//
//	svc.Organizations.Update(ctx, id, tenancy.OrganizationUpdate{
//		DisplayName: tenancy.Set("Acme Inc."),
//		ExternalID:  tenancy.Set(""),
//		Metadata:    tenancy.SetKeys(map[string]string{"plan": "pro"}, "trial"),
//	})
func Set[T any](v T) *T { return &v }

// SetKeys makes a [Patch] of metadata or attributes. It sets each key in values to its value, and deletes the
// keys in remove, even if values has them. All other keys stay. An empty value is a value: only remove deletes
// a key. A nil map sets nothing.
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
