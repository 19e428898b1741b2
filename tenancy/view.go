package tenancy

// ConnectionView is what people see of a connection before they are known: enough for a
// button, and nothing that its organization keeps to itself (rule P11).
type ConnectionView struct {
	ID       ConnectionID `json:"id"`                 // for [RouteHints]
	Name     string       `json:"name"`               // for the button
	Protocol Protocol     `json:"protocol"`           // how to send them there
	Provider string       `json:"provider,omitempty"` // whose it is: "okta", "entra"
}

// OrganizationView is what people see of an organization that they are not in (rule
// P11).
type OrganizationView struct {
	ID          OrganizationID `json:"id"`           // never changes
	DisplayName string         `json:"display_name"` // what people call it
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
