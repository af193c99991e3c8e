import { strict as assert } from "node:assert";
import { builtApp, makeTree, type Tree } from "./tree.ts";

const FILES = {
  "static/a.css": "body { background: url('/b.png'); }",
  "static/b.png": new Uint8Array([1, 2, 3]),
  "static/sub/größe #1.txt": "fits",
  "static/.secret": "hidden",
  "static/.git/config": "hidden",
  "static/.well-known/security.txt": "known",
  "routes/keys.ts": `import { asset } from "fresh/runtime";
    export const handler = (ctx) => ctx.text(asset(ctx.url.searchParams.get("of")));`,
};

async function keyOf(ask: Awaited<ReturnType<typeof builtApp>>, path: string): Promise<string> {
  return await (await ask(`/keys?of=${path}`)).text();
}

Deno.test("a static file is served with its type, size and tag", async () => {
  await using tree = await makeTree(FILES);
  const ask = await builtApp(tree);
  const response = await ask("/b.png");
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("content-type"), "image/png");
  assert.equal(response.headers.get("content-length"), "3");
  assert.equal(response.headers.get("vary"), "If-None-Match");
  assert.match(response.headers.get("etag")!, /^W\/"\w+"$/);
  assert.equal(
    response.headers.get("cache-control"),
    "no-cache, no-store, max-age=0, must-revalidate",
  );
  assert.deepEqual(await response.bytes(), new Uint8Array([1, 2, 3]));
});

Deno.test("names are decoded, and hidden files are not published", async () => {
  await using tree = await makeTree(FILES);
  const ask = await builtApp(tree);
  const name = encodeURIComponent("größe #1.txt");
  assert.equal(await (await ask(`/sub/${name}`)).text(), "fits");
  assert.equal(await (await ask("/.well-known/security.txt")).text(), "known");
  for (const path of ["/.secret", "/.git/config", "/sub", "/", "/%E0%A4%A"]) {
    assert.equal((await ask(path)).status, 404, path);
  }
});

Deno.test("what is outside of the folder cannot be reached", async () => {
  await using tree = await makeTree({ ...FILES, "outside.txt": "no" });
  const ask = await builtApp(tree);
  for (const path of ["/../outside.txt", "/%2e%2e/outside.txt", "/..%2foutside.txt"]) {
    assert.equal((await ask(path)).status, 404);
  }
});

Deno.test("a file with the key of its content may be kept for ever", async () => {
  await using tree = await makeTree(FILES);
  const ask = await builtApp(tree);
  const keyed = await keyOf(ask, "/a.css");
  assert.match(keyed, /^\/a\.css\?__frsh_c=\w+$/);
  const response = await ask(keyed);
  assert.equal(response.headers.get("cache-control"), "public, max-age=31536000, immutable");
  assert.match(await response.text(), /url\("\/b\.png\?__frsh_c=\w+"\)/);
});

Deno.test("a key changes with its file, and with no other", async () => {
  await using tree = await makeTree(FILES);
  const before = await builtApp(tree);
  await tree.write({ "static/b.png": new Uint8Array([1, 2, 4]) });
  const after = await builtApp(tree);
  // The route module is the same for both; the response of the file itself tells.
  const tag = async (ask: typeof before, path: string) => (await ask(path)).headers.get("etag");
  assert.notEqual(await tag(before, "/b.png"), await tag(after, "/b.png"));
  assert.notEqual(await tag(before, "/a.css"), await tag(after, "/a.css")); // it has b's key
  const name = `/sub/${encodeURIComponent("größe #1.txt")}`;
  assert.equal(await tag(before, name), await tag(after, name));
});

Deno.test("a key of an earlier build is redirected to the file without one", async () => {
  await using tree = await makeTree(FILES);
  const response = await (await builtApp(tree))("/a.css?x=1&__frsh_c=stale");
  assert.equal(response.status, 307);
  assert.equal(response.headers.get("location"), "/a.css?x=1");
});

Deno.test("who has the file already is told so", async () => {
  await using tree = await makeTree(FILES);
  const ask = await builtApp(tree);
  const etag = (await ask("/b.png")).headers.get("etag")!;
  for (const known of [etag, etag.slice(2), etag.slice(3, -1), `"x", ${etag}`]) {
    const response = await ask("/b.png", { headers: { "if-none-match": known } });
    assert.equal(response.status, 304);
    assert.equal(await response.text(), "");
  }
  const other = await ask("/b.png", { headers: { "if-none-match": '"other"' } });
  assert.equal(other.status, 200);
});

Deno.test("HEAD sends everything but the body, other methods are refused", async () => {
  await using tree = await makeTree(FILES);
  const ask = await builtApp(tree);
  const head = await ask("/b.png", { method: "HEAD" });
  assert.equal(head.headers.get("content-length"), "3");
  assert.equal(await head.text(), "");
  for (const method of ["POST", "PUT", "PATCH", "DELETE"]) {
    const response = await ask("/b.png", { method });
    assert.equal(response.status, 405);
    assert.equal(response.headers.get("allow"), "GET, HEAD");
  }
});

Deno.test("a missing favicon is an empty 404, without an error page", async () => {
  await using tree = await makeTree({ "routes/_error.tsx": "export default () => <p>lost</p>;" });
  const response = await (await builtApp(tree))("/favicon.ico");
  assert.equal(response.status, 404);
  assert.equal(await response.text(), "");
});

Deno.test("a static file goes before a route, and a missing one on to the routes", async () => {
  await using tree = await makeTree({
    ...FILES,
    "routes/[name].ts": `export const handler = (ctx) => ctx.text("route " + ctx.params.name);`,
  });
  const ask = await builtApp(tree);
  assert.match(await (await ask("/a.css")).text(), /body/);
  assert.equal(await (await ask("/c.css")).text(), "route c.css");
});

Deno.test("files are below the base path", async () => {
  await using tree = await makeTree(FILES);
  const ask = await builtApp(tree, { config: { basePath: "/shop" } });
  assert.equal((await ask("/shop/b.png")).status, 200);
  assert.equal((await ask("/b.png")).status, 404);
  assert.equal((await ask("/shopb.png")).status, 404);
});

Deno.test("of several static folders the first that has a file wins", async () => {
  await using tree = await makeTree({ "one/a.txt": "one", "two/a.txt": "two", "two/b.txt": "two" });
  const ask = await builtApp(tree as Tree, { options: { staticDir: ["one", "two"] } });
  assert.equal(await (await ask("/a.txt")).text(), "one");
  assert.equal(await (await ask("/b.txt")).text(), "two");
});
