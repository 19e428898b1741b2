package rules

import (
	"slices"
)

// accessRules are the chapters on roles, permissions and the actor.
func accessRules() []rule {
	return slices.Concat(declareRules(), schemaRules(), holderRules(), roleRules(), checkRules(), actorRules(), accessRaceRules(), ceilingRules(), denialRules(), leakRules(), declaredRules(), sessionPrincipalRules())
}
