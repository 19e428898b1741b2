package tenancy

// ConnectionView is the part of a connection that people may see before they have signed in. It is enough for a
// sign-in button, and reveals nothing that the organization keeps private (rule P11).
type ConnectionView struct {
	ID       ConnectionID `json:"id"`                 // for [RouteHints]
	Name     string       `json:"name"`               // the text on the button
	Protocol Protocol     `json:"protocol"`           // how to send the person to the provider
	Provider string       `json:"provider,omitempty"` // the provider: "okta", "entra"
}

// OrganizationView is the part of an organization that people outside of it may see (rule P11).
type OrganizationView struct {
	ID          OrganizationID `json:"id"`           // never changes
	DisplayName string         `json:"display_name"` // its name for people
}

func (c Connection) view() ConnectionView {
	return ConnectionView{c.ID, c.Name, c.Protocol, c.Provider}
}

func (org Organization) view() OrganizationView { return OrganizationView{org.ID, org.DisplayName} }

func viewsOf(connections []Connection) []ConnectionView {
	if len(connections) == 0 {
		return nil
	}
	views := make([]ConnectionView, len(connections))
	for i, c := range connections {
		views[i] = c.view()
	}
	return views
}
