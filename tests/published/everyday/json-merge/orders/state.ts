// What each user ordered; orders of users that are in no list are under the name null.
const users = [...(await state.readJson({ path: "/data/users-b.json" })), ...(await state.readJson({ path: "/data/users-a.json" }))];
const names = Object.fromEntries(users.map(({ id, name }) => [id, name]));
const found = new Map<string | null, { name: string | null; orders: number; total: number }>();
const count = (await state.readJson({ path: "/data/orders.json" })).length;
for (let i = 0; i < count; i++) {
  const { user, total } = await state.queryJson({ path: "/data/orders.json", query: `[${i}]` });
  const name = names[user] ?? null;
  const sum = found.get(name) ?? { name, orders: 0, total: 0 };
  found.set(name, { name, orders: sum.orders + 1, total: sum.total + total });
}
return [...found.values()].sort((a, b) => b.total - a.total);
