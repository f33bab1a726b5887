// Two lists of users made one: of each id the record that was updated last, in order of ids.
const merged: Record<string, any> = {};
for (const path of await state.glob({ pattern: "/data/users-*.json" })) {
  for (const user of await state.readJson({ path })) {
    if (!(merged[user.id]?.updated >= user.updated)) merged[user.id] = user;
  }
}
await state.writeJson({ path: "/tmp/users.json", value: Object.values(merged) });
return await state.queryJson({ path: "/tmp/users.json", query: "." });
