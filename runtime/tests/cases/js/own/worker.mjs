export default { fetch: () => "response" };
