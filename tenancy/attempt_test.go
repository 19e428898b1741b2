package tenancy_test

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/store/memory"
	"github.com/freehold-dev/freehold/tenancy"
)

// safe is an organization with a verified domain, a connection, and an owner whom an
// attacker would like to be.
type safe struct {
	*testing.T
	svc   *tenancy.Service
	owner tenancy.User
	acme  tenancy.Organization
	okta  tenancy.Connection
	live  tenancy.Session // of the owner
	own   string          // the token of an invitation that was mailed to the attacker, new@acme.example
}

func newSafe(t *testing.T) safe {
	t.Helper()
	ctx := t.Context()
	svc, err := tenancy.New(tenancy.Config{
		Store: memory.New(), MailOnly: true, AllowTestDomains: true,
		SignInMethods: []tenancy.SignInMethod{tenancy.MethodPassword, tenancy.MethodMagicLink, "google"},
	})
	require.NoError(t, err)
	s := safe{T: t, svc: svc}
	s.owner, err = svc.Users.Create(ctx, tenancy.NewUser{Email: "owner@acme.example", EmailVerified: true})
	require.NoError(t, err)
	s.acme, err = svc.Organizations.Create(ctx, tenancy.NewOrganization{
		DisplayName: "Acme", Owner: s.owner.ID, Settings: tenancy.Settings{SingleSignOnJoins: true},
		Domains: []tenancy.NewDomain{{Name: "acme.example", Verified: true, Joining: tenancy.JoiningAuto, Role: rbac.Member}},
	})
	require.NoError(t, err)
	s.okta, err = svc.Connections.Create(ctx, tenancy.NewConnection{
		OrganizationID: s.acme.ID, Protocol: tenancy.ProtocolOIDC, Name: "Okta", State: tenancy.ConnectionActive, Groups: map[string]string{"admins": rbac.Admin},
	})
	require.NoError(t, err)
	for _, provider := range []string{"password", "google", s.okta.ID.String()} {
		_, err := svc.Identities.Link(ctx, s.owner.ID, tenancy.NewIdentity{Provider: provider, Subject: "owner"})
		require.NoError(t, err)
	}
	started, err := svc.Sessions.Start(ctx, tenancy.NewSession{UserID: s.owner.ID, OrganizationID: s.acme.ID, Method: tenancy.MethodPassword})
	require.NoError(t, err)
	s.live = started.Session
	sent, err := svc.Invitations.Send(ctx, tenancy.NewInvitation{OrganizationID: s.acme.ID, Email: "new@acme.example"})
	require.NoError(t, err)
	s.own = sent.Token.Reveal()
	return s
}

// hostile are values that an attacker who knows everything but secrets gives a field of
// an attempt. A field that is not here fails the test.
func (s safe) hostile() map[string][]any {
	texts := []any{"", "true", "owner", "owner@acme.example", s.owner.ID.String(), s.live.ID.String(), s.okta.ID.String(), "session_x", "invitation_x"}
	return map[string][]any{
		"Invitation":  texts,
		"LinkTo":      texts,
		"Note":        texts,
		"ChooseLater": {false, true},
		"Found": {
			(*tenancy.NewOrganization)(nil), &tenancy.NewOrganization{DisplayName: "Evil"}, &tenancy.NewOrganization{ID: s.acme.ID, DisplayName: "Acme", Owner: s.owner.ID},
		},
		"Session":        texts,
		"OrganizationID": {tenancy.OrganizationID{}, s.acme.ID, tenancy.OrganizationID(s.owner.ID)},
		"Profile": {
			tenancy.Profile{},
			tenancy.Profile{GivenName: "owner@acme.example", FamilyName: "owner", DisplayName: "admins", Picture: "https://owner@acme.example/", Locale: "en"},
		},
	}
}

// worthless is evidence that proves nothing: none at all, and a password of somebody whom
// the Service does not know yet, who says that they are the owner.
func (s safe) worthless() map[string]tenancy.Evidence {
	return map[string]tenancy.Evidence{
		"none": {}, "an unknown credential": tenancy.PasswordEvidence("unknown", "owner@acme.example"),
		"an unknown credential of somebody new": tenancy.PasswordEvidence("unknown", "new@acme.example"),
		"an unknown credential of nobody":       tenancy.PasswordEvidence("unknown", ""),
	}
}

// last is the store's newest event: what does anything moves it.
func (s safe) last() tenancy.Position {
	last, err := s.svc.Events.Last(context.Background())
	require.NoError(s, err)
	return last
}

// opensNothing checks that an attempt comes to nothing.
func (s safe) opensNothing(in tenancy.Attempt) {
	s.Helper()
	before := s.last()
	got, err := s.svc.SignIn(s.Context(), in)
	if err == nil {
		require.NotEqual(s, tenancy.DecisionSignedIn, got.Kind, "%+v", in)
		require.NotEqual(s, tenancy.DecisionLinked, got.Kind, "%+v", in)
		require.Zero(s, got.User, "%+v", in)
	}
	require.True(s, got.Token.IsZero())
	require.Equal(s, before, s.last(), "%+v", in)
}

// P5 attack: no exported field of an attempt proves anything, and none of evidence is
// exported.
func TestNoFieldOfAnAttemptProves(t *testing.T) {
	s := newSafe(t)
	hostile := s.hostile()
	kind := reflect.TypeFor[tenancy.Attempt]()
	for i := range kind.NumField() {
		field := kind.Field(i)
		require.True(t, field.IsExported(), field.Name)
		if field.Name == "Evidence" {
			require.Equal(t, `json:"-"`, string(field.Tag))
			continue
		}
		require.Contains(t, hostile, field.Name, "a field without hostile values")
	}
	require.Len(t, hostile, kind.NumField()-1)
	evidence := reflect.TypeFor[tenancy.Evidence]()
	for i := range evidence.NumField() {
		require.False(t, evidence.Field(i).IsExported(), "Evidence.%s can be set", evidence.Field(i).Name)
		require.False(t, evidence.Field(i).Anonymous, "Evidence.%s gives its fields away", evidence.Field(i).Name)
	}

	for _, worthless := range s.worthless() {
		for name, values := range hostile { // each by itself
			for _, value := range values {
				in := tenancy.Attempt{Evidence: worthless}
				reflect.ValueOf(&in).Elem().FieldByName(name).Set(reflect.ValueOf(value))
				s.opensNothing(in)
			}
		}
		for i := range 9 { // and all of them together
			in := tenancy.Attempt{Evidence: worthless}
			for name, values := range hostile {
				reflect.ValueOf(&in).Elem().FieldByName(name).Set(reflect.ValueOf(values[i%len(values)]))
			}
			s.opensNothing(in)
		}
	}
}

// P5 attack: a secret of the attacker's own, beside everything else, opens nobody else's
// account.
func TestOwnSecretsOpenNobodyElse(t *testing.T) {
	for name := range newSafe(t).hostile() {
		for i := range newSafe(t).hostile()[name] {
			for proof, worthless := range newSafe(t).worthless() {
				s := newSafe(t)
				in := tenancy.Attempt{Evidence: worthless}
				reflect.ValueOf(&in).Elem().FieldByName(name).Set(reflect.ValueOf(s.hostile()[name][i]))
				in.Invitation = s.own
				got, err := s.svc.SignIn(t.Context(), in)
				if err != nil || got.Kind != tenancy.DecisionSignedIn {
					require.Zero(t, got.User, "%s, %s", name, proof)
					continue
				}
				require.Equal(t, "new@acme.example", got.User.Email, "%s, %s", name, proof)
				require.True(t, got.Created)
				require.Equal(t, []string{rbac.Member}, got.Member.Roles)
				require.False(t, got.Session.SecondFactor)

				// And their session adds ways of signing in to their own account alone.
				for subject, foreign := range map[string]tenancy.Evidence{
					"owner":   tenancy.PasswordEvidence("owner", "new@acme.example"),
					"another": tenancy.PasswordEvidence("another", "owner@acme.example"),
				} {
					linked, err := s.svc.SignIn(t.Context(), tenancy.Attempt{Evidence: foreign, LinkTo: got.Token.Reveal(), OrganizationID: s.acme.ID})
					require.NoError(t, err)
					if subject == "owner" {
						require.Equal(t, tenancy.DecisionIdentityConflict, linked.Kind)
					} else {
						require.Equal(t, got.User.ID, linked.User.ID)
					}
				}
			}
		}
	}
}

// P5 attack: a request's body is decoded into an attempt.
func TestNoDecoderMakesEvidence(t *testing.T) {
	s := newSafe(t)
	// All names that evidence and its raw material go by, and went by once.
	said := map[string]any{
		"method": "magic_link", "email": "owner@acme.example", "email_verified": true, "emailVerified": true, "mailproved": true, "mail_proved": true,
		"mailbox": "owner@acme.example", "verified": true, "vouched": true, "subject": "owner", "sub": "owner", "provider": "google",
		"credential": true, "credential_id": "owner", "connection": s.okta.ID, "connection_id": s.okta.ID, "epoch": 1, "groups": []string{"admins"},
		"second_factor": true, "secondFactor": true, "link_to": s.live.ID.String(), "linkTo": s.live.ID.String(), "Session": s.live.ID.String(), "LinkTo": s.live.ID.String(),
		"linkto": "x", "-": s.live.ID.String(), "user_id": s.owner.ID, "session": s.live, "organization_id": s.acme.ID, "note": "let me in",
	}
	bodies := []map[string]any{said}
	for _, name := range []string{"evidence", "Evidence", "EVIDENCE", "-", "attempt", "Attempt"} {
		nested := map[string]any{name: said}
		for key, value := range said {
			if _, taken := nested[key]; !taken {
				nested[key] = value
			}
		}
		bodies = append(bodies, nested)
	}
	for i, body := range bodies {
		text, err := json.Marshal(body)
		require.NoError(t, err)
		in := decoded(t, string(text))
		require.Equal(t, s.acme.ID, in.OrganizationID) // what is a wish, a form may say
		require.Equal(t, "let me in", in.Note)
		s.opensNothing(in)
		in.Invitation = "invitation_x"
		s.opensNothing(in)
		for name, worthless := range s.worthless() {
			in.Evidence = worthless
			again, err := json.Marshal(in)
			require.NoError(t, err)
			require.NotContains(t, string(again), "unknown", "%s, body %d", name, i) // nor does it come out again
			s.opensNothing(in)
		}
	}
	for _, text := range []string{`{}`, `null`, `{"evidence":null}`, `{"Evidence":"google"}`, `{"evidence":[true]}`, `{"evidence":1}`} {
		s.opensNothing(decoded(t, text))
	}
	var in tenancy.Attempt
	require.NoError(t, xml.NewDecoder(strings.NewReader(
		`<Attempt><Evidence><method>magic_link</method><mailbox>owner@acme.example</mailbox></Evidence></Attempt>`)).Decode(&in))
	require.Equal(t, tenancy.Attempt{}, in)
	var bare tenancy.Evidence
	decodes(t, fmt.Sprintf(`{"method":"magic_link","mailbox":%q}`, s.owner.Email), &bare)
	require.Equal(t, tenancy.Evidence{}, bare)
}

// decoded is an attempt from a text, which can set none of the three.
func decoded(t *testing.T, text string) tenancy.Attempt {
	t.Helper()
	var in tenancy.Attempt
	decodes(t, text, &in)
	require.Equal(t, tenancy.Evidence{}, in.Evidence, text)
	require.Empty(t, in.LinkTo, text)
	require.Empty(t, in.Session, text)
	return in
}

func decodes(t *testing.T, text string, into any) {
	t.Helper()
	require.NoError(t, json.Unmarshal([]byte(text), into), text)
}
