// Package roster imports people from a CSV file: an export of Slack, Google Workspace, Clerk, Entra,
// WorkOS or Atlassian, or a table of your own.
//
// It takes three steps. [Read] turns the file into rows with line numbers. [NewPlan] compares them with what a
// [tenancy.Service] has. For each row it says what would be created, changed, left unchanged or refused, with
// the reason. [Plan.Apply] makes the changes:
//
//	sheet, err := roster.Read(file, roster.Slack())
//	plan, err := roster.NewPlan(ctx, svc, sheet, roster.Options{Organization: acme.ID})
//	fmt.Println(plan)                  // 3 created, 1 changed, 40 unchanged, 2 refused
//	applied, err := plan.Apply(ctx)
//
// To finish a run that was interrupted, run it again. To apply changes in a file, import the file again. A
// blank cell changes nothing, and an import removes nobody: a person whom the file does not name stays.
//
// A [Format] is data: which columns fill which fields, and what their cells mean. Change a format that one of
// the functions returns, or write your own. The package has no goroutines and no state. Only programs that
// import it link it.
//
// Numbers in brackets, such as (rule M6), are rules. They are defined in
// https://github.com/freehold-dev/freehold/blob/main/docs/rules.md.
package roster
