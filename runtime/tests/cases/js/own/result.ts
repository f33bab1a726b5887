// A default export is called with input, env and ctx; what it answers is the result, as JSON.
interface Env { NAME: string }
export default async (input: unknown, env: Env, ctx: { waitUntil(p: Promise<unknown>): void }) => {
  ctx.waitUntil(Promise.resolve());
  await null;
  return { input: input === undefined, name: env.NAME, same: globalThis.env === env, when: new Date(0), skip: undefined };
};
