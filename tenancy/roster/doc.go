// Package roster imports people from a CSV file: an export of Slack, Google Workspace, Clerk, Entra,
// WorkOS or Atlassian, or a table of your own.
//
// It takes three steps. [Read] turns the file into rows with line numbers. [NewPlan] compares them
// with what a [tenancy.Service] holds, and says row by row what would be created, changed, left
// unchanged and refused, with the reason. [Plan.Apply] does it:
//
//	sheet, err := roster.Read(file, roster.Slack())
//	plan, err := roster.NewPlan(ctx, svc, sheet, roster.Options{Organization: acme.ID})
//	fmt.Println(plan)                  // 3 created, 1 changed, 40 unchanged, 2 refused
//	applied, err := plan.Apply(ctx)
//
// A run that was interrupted is finished by running again, and a file that comes again with changes
// brings these changes. A blank cell changes nothing, and nobody is removed because the file does
// not name them.
//
// A [Format] is data: which columns fill which fields, and what their cells mean. Alter
// what one of the functions gives, or write your own. The package holds no goroutine and no state, and is linked only by programs
// that import it.
//
// Numbers in brackets, such as (rule M6), are rules. They are defined in
// https://github.com/freehold-dev/freehold/blob/main/docs/rules.md.
package roster
