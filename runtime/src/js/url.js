// `node:url`: the web's classes, conversions of file URLs, and the old `parse` on top of them.
(function () {
const { core } = __bootstrap;
const { invalidType, nodeError } = core.loadExtScript("ext:cowry/errors.js");
const path = core.loadExtScript("ext:cowry/path.js");
const querystring = core.loadExtScript("ext:cowry/querystring.js");
const { URL, URLSearchParams } = core.loadExtScript("ext:deno_web/00_url.js");
const { URLPattern } = core.loadExtScript("ext:deno_web/01_urlpattern.js");

function fileURLToPath(url) {
  if (typeof url === "string") url = new URL(url);
  else if (!(url instanceof URL)) throw invalidType("path", "of type string or an instance of URL", url);
  if (url.protocol !== "file:") {
    throw nodeError(TypeError, "ERR_INVALID_URL_SCHEME", "The URL must be of scheme file");
  }
  return decodeURIComponent(url.pathname);
}

function pathToFileURL(given) {
  const slash = given.endsWith("/") ? "/" : "";
  const whole = path.resolve(given);
  const escaped = (whole === "/" ? "/" : whole + slash)
    .replace(/[%\\\n\r\t?#]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`);
  return new URL(`file://${escaped}`);
}

function parse(text, parseQuery = false) {
  const split = /^(?:([a-z][a-z0-9+.-]*:)?(\/\/)?)?(?:([^@/?#]*)@)?([^/?#]*)?([^?#]*)?(\?[^#]*)?(#.*)?$/i;
  const blank = {
    protocol: null, slashes: null, auth: null, host: null, port: null, hostname: null, hash: null, search: null,
    query: null, pathname: null, path: null, href: "",
  };
  const [, protocol, slashes, auth, host, pathname, search, hash] = split.exec(text) ?? [];
  const relative = !slashes && !protocol;
  const result = Object.assign(blank, {
    protocol: protocol?.toLowerCase() ?? null,
    slashes: slashes ? true : null,
    auth: auth === undefined ? null : decodeURIComponent(auth),
    host: relative || !host ? null : host.toLowerCase(),
    pathname: (relative ? `${host ?? ""}${pathname ?? ""}` : pathname || (slashes ? "/" : null)) || null,
    search: search ?? null,
    hash: hash ?? null,
  });
  const port = /:(\d+)$/.exec(result.host ?? "");
  result.port = port?.[1] ?? null;
  result.hostname = result.host?.replace(/:\d+$/, "") ?? null;
  result.query = parseQuery ? querystring.parse(search?.slice(1) ?? "") : search?.slice(1) ?? null;
  result.path = result.pathname || result.search ? `${result.pathname ?? ""}${result.search ?? ""}` : null;
  result.href = format(result);
  return result;
}

function format(url) {
  if (typeof url === "string") return parse(url).href;
  if (url instanceof URL) return url.href;
  const { auth, hash = "", pathname = "", protocol, query } = url;
  let { host, search } = url;
  host ??= url.hostname ? `${url.hostname}${url.port ? `:${url.port}` : ""}` : "";
  search ??= query && typeof query === "object" ? querystring.stringify(query) : query ?? "";
  if (search && !search.startsWith("?")) search = `?${search}`;
  const scheme = protocol ? (protocol.endsWith(":") ? protocol : `${protocol}:`) : "";
  const slashes = url.slashes || (host && /^(https?|ftp|file|ws|wss):?$/.test(protocol ?? "")) ? "//" : "";
  const user = auth ? `${encodeURIComponent(auth).replace("%3A", ":")}@` : "";
  return `${scheme}${slashes}${user}${host}${pathname ?? ""}${search}${hash ?? ""}`;
}

function resolve(from, to) {
  const base = new URL(from, "resolve://");
  const resolved = new URL(to, base);
  if (resolved.protocol !== "resolve:") return resolved.href;
  return `${resolved.pathname}${resolved.search}${resolved.hash}`;
}

return {
  URL,
  URLPattern,
  URLSearchParams,
  domainToASCII: (domain) => new URL(`http://${domain}`).hostname,
  domainToUnicode: (domain) => domain,
  fileURLToPath,
  format,
  parse,
  pathToFileURL,
  resolve,
  urlToHttpOptions: (url) => ({ protocol: url.protocol, hostname: url.hostname, path: `${url.pathname}${url.search}`, href: url.href }),
};
})();
