// Server errors: when, for whom, and what the same user did just before.
const matches = await state.searchText({ path: "/data/access.ndjson", query: '"user":"' });
const known = matches.map(({ lineText }) => JSON.parse(lineText));
return known
  .map((request, i) => ({ request, before: known.slice(0, i).findLast(({ user }) => user === request.user) }))
  .filter(({ request }) => request.status === 500)
  .map(({ request: { at, user, path }, before }) => ({ at, user, path, before: before?.path ?? null }));
