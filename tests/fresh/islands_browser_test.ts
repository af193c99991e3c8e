/** Islands as they wake in a real browser. */
import { strict as assert } from "node:assert";
import type { Page } from "playwright";
import { csp, staticFiles } from "fresh";
import { openBrowser } from "../support/browser.ts";
import { builtApp, makeTree, serving } from "./tree.ts";

/** Opens a page of an app with these files, and closes everything after. */
async function withPage(
  files: Record<string, string>,
  look: (page: Page, complaints: readonly string[]) => Promise<void>,
  expects: RegExp[] = [],
): Promise<void> {
  await using tree = await makeTree({ "static/favicon.ico": "", ...files });
  const ask = await builtApp(tree, {
    prepare: (app) => app.use(csp({ useNonce: true })).use(staticFiles()).fsRoutes(),
  });
  await using server = serving(ask);
  await using browser = await openBrowser();
  await using visit = await browser.visit({ expects });
  await visit.page.goto(server.url);
  await look(visit.page, visit.complaints);
}

/** An island that says what it was given, and whether it is awake. */
const SPY = `
  import { useEffect, useState } from "preact/hooks";
  import { describe } from "../describe.ts";
  export default function Spy(props) {
    const [awake, setAwake] = useState(false);
    useEffect(() => setAwake(true), []);
    return <pre id={props.id} data-awake={String(awake)}>{describe(props)}</pre>;
  }`;

const DESCRIBE = `
  export function describe(value) {
    if (value === null || value === undefined) return String(value);
    if (Array.isArray(value)) {
      const items = [];
      for (let at = 0; at < value.length; at++) items.push(at in value ? describe(value[at]) : "hole");
      return "[" + items.join(", ") + "]";
    }
    if (Object.is(value, -0)) return "-0";
    switch (typeof value) {
      case "bigint": return value + "n";
      case "object": break;
      default: return typeof value + " " + value;
    }
    if (value instanceof Date) return "Date " + value.getTime();
    if (value instanceof URL || value instanceof RegExp) return value.constructor.name + " " + value;
    if (value instanceof Uint8Array) return "bytes " + value.join(" ");
    if (value instanceof Set) return "Set " + describe([...value]);
    if (value instanceof Map) return "Map " + describe([...value]);
    if (typeof value.peek === "function") {
      return (Object.getPrototypeOf(value).constructor?.name && "signal ") + describe(value.peek());
    }
    return "{" + Object.entries(value).map(([k, v]) => k + ": " + describe(v)).join(", ") + "}";
  }`;

const BUTTONS = `
  import { useSignal } from "@preact/signals";
  export function Add({ to, id }) {
    return <button id={id} type="button" onClick={() => to.value++}>add to {to}</button>;
  }
  export function Toggle({ children, more, id }) {
    const open = useSignal(false);
    return <section id={id}>
      <button type="button" onClick={() => open.value = !open.value}>toggle</button>
      {children}
      {open.value && more}
    </section>;
  }`;

Deno.test("every kind of prop arrives as it was given", () =>
  withPage({
    "describe.ts": DESCRIBE,
    "islands/Spy.tsx": SPY,
    "routes/index.tsx": `
      import Spy from "../islands/Spy.tsx";
      import { signal, computed } from "@preact/signals";
      const holes = [1, , 3];
      export default () => {
        const count = signal(1);
        return <Spy id="spy" string={"a'\\"</script><!--\\u2028ü"} empty="" number={1.5} nan={NaN}
          inf={[Infinity, -Infinity, -0, 0]} yes={true} no={false} nil={null} undef={undefined}
          big={123456789012345678901234567890n} object={{ a: { b: [1, "2"] } }} holes={holes}
          date={new Date(1e12)} never={new Date(NaN)} url={new URL("http://a.test/?b#c")}
          regexp={/a\\/b</giu} map={new Map([["a", 1], [{ k: 1 }, [2]]])} set={new Set([1, "a"])}
          bytes={new Uint8Array([0, 127, 255])} signal={count} computed={computed(() => count.value + 1)}
          nested={{ signal: signal({ deep: [signal("x")] }) }} />;
      };`,
  }, async (page) => {
    const served = await (await fetch(page.url())).text();
    const expected = /<pre[^>]*>(.*?)<\/pre>/s.exec(served)![1];
    await page.locator("#spy[data-awake=true]").waitFor();
    const shown = (await page.locator("#spy").innerHTML()).replaceAll('"', "&quot;");
    assert.equal(shown.replaceAll("&gt;", ">"), expected.replaceAll("&gt;", ">"));
    assert.match(shown, /undef: undefined/);
    assert.match(shown, /holes: \[number 1, hole, number 3\]/);
    assert.match(shown, /date: Date 1000000000000, never: Date NaN/);
    assert.match(shown, /bytes: bytes 0 127 255/);
  }));

Deno.test("what two islands share is one thing in the browser, and may be circular", () =>
  withPage({
    "islands/Buttons.tsx": BUTTONS,
    "islands/Same.tsx": `
      globalThis.seen = [];
      export default function Same({ object }) {
        globalThis.seen.push(object);
        return <i class="same">{String(object.self === object)}</i>;
      }`,
    "routes/index.tsx": `
      import { Add } from "../islands/Buttons.tsx";
      import Same from "../islands/Same.tsx";
      import { useSignal } from "@preact/signals";
      export default () => {
        const count = useSignal(3);
        const object = { a: 1 };
        object.self = object;
        return <main><Add id="a" to={count} /><Add id="b" to={count} />
          <Same object={object} /><Same object={object} /></main>;
      };`,
  }, async (page) => {
    await page.locator("#a").click();
    await page.locator("#b").click();
    await page.locator("#a", { hasText: "add to 5" }).waitFor();
    assert.equal(await page.locator("#b").textContent(), "add to 5");
    assert.deepEqual(await page.locator(".same").allTextContents(), ["true", "true"]);
    const isOne = await page.evaluate(() => {
      const { seen } = globalThis as unknown as { seen: unknown[] };
      return seen.length === 2 && seen[0] === seen[1];
    });
    assert.equal(isOne, true);
  }));

Deno.test("server JSX in an island stays, and what was not shown can be shown later", () =>
  withPage({
    "islands/Buttons.tsx": BUTTONS,
    "routes/index.tsx": `
      import { Add, Toggle } from "../islands/Buttons.tsx";
      import { signal } from "@preact/signals";
      export default () => {
        const count = signal(0);
        return <main>
          <Toggle id="outer" more={<p class="more">more <Add id="hidden" to={count} /></p>}>
            <i class="kid" title={'"quoted"'}>kid</i> text
            <input id="typed" value="served" disabled={false} /><input id="off" disabled />
            <Toggle id="inner" more="plain text"><Add id="nested" to={count} /></Toggle>
          </Toggle>
        </main>;
      };`,
  }, async (page) => {
    const toggle = page.locator("#outer > button");
    const nested = page.locator("#nested");
    await nested.click();
    await page.locator("#nested", { hasText: "add to 1" }).waitFor();
    assert.equal(await page.locator(".kid").getAttribute("title"), '"quoted"');
    assert.equal(await page.locator("#typed").inputValue(), "served");
    assert.equal(await page.locator("#off").isDisabled(), true);

    await page.locator("#typed").fill("by Olive");
    assert.equal(await page.locator(".more").count(), 0);
    await toggle.click();
    await page.locator("#hidden").click();
    await page.locator("#nested", { hasText: "add to 2" }).waitFor();
    await toggle.click();
    await page.locator(".more").waitFor({ state: "detached" });
    await toggle.click();
    await page.locator("#hidden", { hasText: "add to 2" }).waitFor();
    assert.equal(await page.locator("#typed").inputValue(), "by Olive");

    await page.locator("#inner > button:not(#nested)").click();
    await page.locator("#inner", { hasText: "plain text" }).waitFor();
  }));

Deno.test("islands wake in place: elements, what was typed, and what follows stay", () =>
  withPage({
    "islands/Form.tsx": `
      import { useEffect, useState } from "preact/hooks";
      export default function Form() {
        const [names, setNames] = useState(["served"]);
        useEffect(() => globalThis.wake = () => setNames(["new", ...names, "last"]), []);
        return <>{names.map((name) => <p key={name}>{name}</p>)}<input id="field" /></>;
      }`,
    "routes/index.tsx": `
      import Form from "../islands/Form.tsx";
      export default () => <main><b>before</b><Form key="k:1" /><b>after</b></main>;`,
  }, async (page) => {
    await page.waitForFunction(() => "wake" in globalThis);
    await page.locator("#field").fill("kept");
    await page.evaluate(() => (globalThis as unknown as { wake(): void }).wake());
    await page.locator("p", { hasText: "last" }).waitFor();
    assert.equal(
      await page.locator("main").innerText().then((t) => t.replace(/\s+/g, " ")),
      "before new served last after",
    );
    assert.equal(await page.locator("#field").inputValue(), "kept");
  }));

Deno.test("an island does not flash: the server's elements are taken over", () =>
  withPage({
    "islands/Spy.tsx": SPY,
    "describe.ts": DESCRIBE,
    "routes/index.tsx": `
      import Spy from "../islands/Spy.tsx";
      export default () => <main>
        <Spy id="spy" />
        <script>{"globalThis.served = document.getElementById('spy')"}</script>
      </main>;`,
  }, async (page) => {
    await page.locator("#spy[data-awake=true]").waitFor();
    assert.equal(
      await page.evaluate(() =>
        (globalThis as unknown as { served: Element }).served === document.getElementById("spy")
      ),
      true,
    );
  }));

Deno.test("an island where HTML does not allow it is reported, and the others wake", () =>
  withPage(
    {
      "islands/Block.tsx": `export default function Block() { return <div>block</div>; }`,
      "islands/Spy.tsx": SPY,
      "describe.ts": DESCRIBE,
      "routes/index.tsx": `
        import Block from "../islands/Block.tsx";
        import Spy from "../islands/Spy.tsx";
        export default () => <main><p><Block /></p><Spy id="spy" /></main>;`,
    },
    async (page) => {
      const said = page.waitForEvent("console", (message) =>
        message.text().includes("An island stands"));
      await page.reload();
      await said;
      await page.locator("#spy[data-awake=true]").waitFor();
    },
    [/An island stands where HTML does not allow/, /improper nesting/i],
  ));

Deno.test("forms in server JSX keep what is checked, chosen and required", () =>
  withPage({
    "islands/Buttons.tsx": BUTTONS,
    "routes/index.tsx": `
      import { Toggle } from "../islands/Buttons.tsx";
      export default () => <Toggle id="outer" more="awake">
        <input name="check" type="checkbox" checked /><input name="must" required />
        <input name="one" type="radio" value="1" /><input name="one" type="radio" value="2" checked />
        <select><option value="foo">foo</option><option value="bar" selected>bar</option></select>
      </Toggle>;`,
  }, async (page) => {
    await page.locator("#outer > button").click();
    await page.getByText("awake").waitFor();
    assert.equal(await page.locator("[name=check]").isChecked(), true);
    assert.equal(
      await page.locator("[name=must]").evaluate((e: HTMLInputElement) => e.required),
      true,
    );
    assert.equal(await page.locator("[type=radio][value='1']").isChecked(), false);
    assert.equal(await page.locator("[type=radio][value='2']").isChecked(), true);
    assert.equal(await page.locator("select").inputValue(), "bar");
  }));

Deno.test("public environment variables are there, and no others", async () => {
  Deno.env.set("FRESH_PUBLIC_TEST", "shown");
  Deno.env.set("FRESH_SECRET_TEST", "hidden");
  await withPage({
    "islands/Env.tsx": `
      import { useEffect, useState } from "preact/hooks";
      import { IS_BROWSER } from "fresh/runtime";
      export default function Env() {
        const [awake, setAwake] = useState(false);
        useEffect(() => setAwake(true), []);
        const secret = IS_BROWSER && typeof Deno === "undefined" ? "none" : Deno.env.get("FRESH_SECRET_TEST");
        return <p data-awake={String(awake)}>
          {Deno.env.get("FRESH_PUBLIC_TEST")} {process.env.FRESH_PUBLIC_TEST} {process.env.NODE_ENV} {secret}
        </p>;
      }`,
    "routes/index.tsx": `import Env from "../islands/Env.tsx"; export default () => <Env />;`,
  }, async (page) => {
    assert.equal(
      await page.locator("p[data-awake=true]").textContent(),
      "shown shown production none",
    );
  });
});

Deno.test("asset() and images say the same in the browser as on the server", () =>
  withPage({
    "static/a.svg": `<svg xmlns="http://www.w3.org/2000/svg"/>`,
    "islands/Picture.tsx": `
      import { useEffect, useState } from "preact/hooks";
      import { asset, IS_BROWSER } from "fresh/runtime";
      export default function Picture() {
        const [awake, setAwake] = useState(false);
        useEffect(() => setAwake(true), []);
        return <p data-awake={String(awake)}><img alt="" src="/a.svg" /><a href={asset("/a.svg")}>{String(IS_BROWSER)}</a></p>;
      }`,
    "routes/index.tsx":
      `import Picture from "../islands/Picture.tsx"; export default () => <Picture />;`,
  }, async (page) => {
    const served = await (await fetch(page.url())).text();
    const src = /src="([^"]+)"/.exec(served)![1];
    assert.match(src, /__frsh_c/);
    await page.locator("p[data-awake=true]").waitFor();
    assert.equal(await page.locator("img").getAttribute("src"), src);
    assert.equal(await page.locator("a").getAttribute("href"), src);
    assert.equal(await page.locator("a").textContent(), "true");
  }));
