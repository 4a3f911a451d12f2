// The other evaluator: answers each case (one line of JSON) with {"id", "decision"} or {"id", "error"}.
// Run as a process of its own, in tests only. Where it was installed is the first argument.
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'

const { runSimulation } = await import(pathToFileURL(process.argv[2]).href)

const decisions = { Allowed: 'Allow', ExplicitlyDenied: 'ExplicitDeny', ImplicitlyDenied: 'ImplicitDeny' }
const named = (documents, prefix) => (documents ?? []).map((policy, index) => ({ name: prefix + index, policy }))
const levels = (all, prefix) =>
  (all ?? []).map((documents, level) => ({ orgIdentifier: `o${level}`, policies: named(documents, `${prefix}${level}.`) }))

async function answer(test) {
  const { id, request } = test
  const result = await runSimulation(
    {
      request: {
        principal: request.principal,
        action: request.action,
        resource: { resource: request.resource, accountId: request.resourceAccount },
        contextVariables: request.context,
      },
      identityPolicies: named(test.identity, 'i'),
      resourcePolicy: test.resourcePolicy,
      sessionPolicy: test.session,
      permissionBoundaryPolicies: test.boundary && named(test.boundary, 'b'),
      serviceControlPolicies: levels(test.scp, 's'),
      resourceControlPolicies: levels(test.rcp, 'r'),
    },
    {}
  )
  if (result.resultType === 'error') return { id, error: result.errors }
  // It leaves keys out that an action does not have; then it would have answered another question.
  const ignored = result.result?.ignoredContextKeys ?? []
  return ignored.length > 0 ? { id, error: { ignored } } : { id, decision: decisions[result.overallResult] }
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(JSON.stringify(await answer(JSON.parse(line))) + '\n')
}
